# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said of content: labels on artifacts, descriptions of
repositories."""
import content
from harbor import Harbor
from harbor_estate import Api, Estate, describe_artifacts, twice
from harness import configuration, endpoint, holds, run, run_program, same

PASSWORD = "HR_TEST_HARBOR_PASSWORD"
ENVIRONMENT = {PASSWORD: "Harbor12345"}
LABEL = {"color": "#00AB9A", "description": ""}


class Pair:
    """Two Harbors with a project of images and labels, and a sync."""

    def __init__(self, **sync):
        self.source = Harbor(login_pause_s=0.05)
        self.target = Harbor(login_pause_s=0.05, robot_prefix="bot-")
        self.one, self.two = Api(self.source), Api(self.target)
        # Numbers of labels differ.
        self.two.create("/labels", dict(LABEL, name="other", scope="g"))
        self.two.do("DELETE", "/labels/1")
        self.config = configuration(
            [endpoint(name, "harbor", url=harbor.url, username="admin",
                      password="env:" + PASSWORD)
             for name, harbor in (("one", self.source),
                                  ("two", self.target))],
            [dict({"name": "s", "source": "one", "target": "two"}, **sync)])
        self.one.do("POST", "/projects", {"project_name": "team"})
        number = self.one.get("/projects/team")["project_id"]
        self.labels = {
            "g": self.one.create("/labels",
                                 dict(LABEL, name="release", scope="g")),
            "p": self.one.create("/labels", dict(
                LABEL, name="tested", scope="p", project_id=number))}
        estate = Estate.__new__(Estate)
        estate.api = self.one
        self.images = {}
        for tag in ("1.0", "2.0", "dev"):
            self.images[tag] = content.image(f"labelled {tag}")
            estate.push("team/a/b", tag, self.images[tag])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.stop()
        self.target.stop()

    def place(self, tag):
        return (f"/projects/team/repositories/{twice('a/b')}/artifacts/"
                f"{self.images[tag].digest}/labels")

    def put_on(self, tag, label):
        self.one.do("POST", self.place(tag), {"id": self.labels[label]})

    def take_off(self, tag, label):
        self.one.do("DELETE", f"{self.place(tag)}/{self.labels[label]}")

    def run(self, *arguments):
        for harbor in (self.source, self.target):
            harbor.forget()
        return run_program(*arguments, config=self.config, env=ENVIRONMENT,
                           code=0)

    def settle(self):
        self.run("once")
        self.run("once")
        same([f"{entry.method} {entry.target}"
              for entry in self.target.writes()], [], "writes")
        self.run("verify")
        for harbor in (self.source, self.target):
            holds(not harbor.crashes, "\n".join(harbor.crashes[:1]))


def case_labels_come_with_their_artifacts_and_go():
    with Pair() as pair:
        pair.put_on("1.0", "g")
        pair.put_on("1.0", "p")
        pair.put_on("dev", "p")
        pair.settle()
        same(describe_artifacts(pair.two, "team"),
             describe_artifacts(pair.one, "team"))
        pair.take_off("1.0", "p")
        pair.put_on("2.0", "g")
        pair.run("once")
        same(sorted(entry.method for entry in pair.target.writes()),
             ["DELETE", "POST"], "writes")
        pair.settle()
        same(describe_artifacts(pair.two, "team"),
             describe_artifacts(pair.one, "team"))


def case_labels_of_what_is_not_selected_are_nobodys_business():
    with Pair(select={"tags": {"allow": ["[0-9.]+"]}}) as pair:
        pair.put_on("1.0", "g")
        pair.put_on("dev", "p")
        pair.settle()
        found = describe_artifacts(pair.two, "team")
        same(sorted(tag for tags, _ in found.values() for tag in tags),
             ["1.0", "2.0"])
        same(sorted(labels for _, labels in found.values()),
             [[], [["g", "release"]]])


def case_labels_cost_no_list_of_their_own():
    with Pair() as pair:
        pair.put_on("1.0", "g")
        pair.settle()
        for harbor in (pair.source, pair.target):
            same(harbor.count("GET", "/artifacts\\?"), 1,
                 "lists of artifacts in a proof")
        pair.run("once")
        for harbor in (pair.source, pair.target):
            same(harbor.count("GET", "/artifacts\\?"), 1,
                 "lists of artifacts in a pass")


def case_a_repository_is_described_once_it_is_there():
    with Pair() as pair:
        place = f"/projects/team/repositories/{twice('a/b')}"
        pair.one.do("PUT", place, {"description": "what it is"})
        pair.settle()
        same(pair.two.get(place)["description"], "what it is")


if __name__ == "__main__":
    run(globals())
