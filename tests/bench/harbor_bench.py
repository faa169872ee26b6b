# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `plan` of two equal Harbors costs, beside what the lists that it asks
for cost by themselves: doubles of Harbor in processes of their own, asked by
the program, then by curl for the same addresses.

HARBOR_BENCH_SCALE divides the number of robots (5,000), groups (2,000) and
projects (500).
"""
import multiprocessing
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["HR_SRCDIR"], "tests", "e2e"))

# Behind the line that makes them found.
from harness import (PROGRAM, configuration, endpoint, need,  # noqa: E402
                     path)
from measure import compared, limited, measure  # noqa: E402

SCALE = int(os.environ.get("HARBOR_BENCH_SCALE", "1"))
ROBOTS, GROUPS, PROJECTS = 5000 // SCALE, 2000 // SCALE, 500 // SCALE
IN_FLIGHT = 8


def fill(api):
    projects = [f"team-{number:03d}" for number in range(PROJECTS)]
    for name in projects:
        api.create("/projects", {"project_name": name,
                                 "metadata": {"public": "false"}})
    for number in range(GROUPS):
        api.create("/usergroups", {"group_name": f"group-{number:04d}",
                                   "group_type": 3})
        api.create(f"/projects/{projects[number % PROJECTS]}/members", {
            "role_id": number % 5 + 1, "member_group": {
                "group_name": f"group-{number:04d}", "group_type": 3}})
    for number in range(ROBOTS):
        project = projects[number % PROJECTS]
        system = number % 5 == 0
        api.create("/robots", {
            "name": f"ci-{number:04d}", "duration": -1,
            "level": "system" if system else "project",
            "description": f"builds number {number}",
            "permissions": [{"kind": "project", "namespace": project,
                             "access": [{"resource": "repository",
                                         "action": "pull"},
                                        {"resource": "repository",
                                         "action": "push"}]}]})


def serve(pipe, prefix):
    """A double; sends its port, then what it was asked since last time."""
    from harbor import Harbor
    from harbor_estate import Api
    with Harbor(robot_prefix=prefix, version="2.9.0") as harbor:
        fill(Api(harbor))
        harbor.forget()
        pipe.send(harbor.port)
        while pipe.recv():
            pipe.send([(entry.method, entry.target)
                       for entry in harbor.requests()])
            harbor.forget()


class Double:
    def __init__(self, prefix):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=serve, args=(other, prefix), daemon=True)
        self.process.start()

    def wait(self):
        self.port = self.pipe.recv()

    def asked(self):
        self.pipe.send(True)
        return self.pipe.recv()

    def end(self):
        self.pipe.send(False)
        self.process.join()


def curl(double, name):
    """Asks for the same once more, as many at a time as the program does."""
    lines = [f"url = \"http://127.0.0.1:{double.port}{target}\"\n"
             "output = \"/dev/null\"\n"
             for method, target in double.asked() if method == "GET"]
    place = path(name)
    with open(place, "w") as file:
        file.write("user = \"admin:Harbor12345\"\nsilent\nno-progress-meter\nparallel\n"
                   f"parallel-max = {IN_FLIGHT}\n"
                   "header = \"X-Is-Resource-Name: true\"\n")
        file.writelines(lines)
    return ["curl", "-K", place], len(lines)


def main():
    need("curl")
    doubles = [Double("robot$"), Double("bot-")]
    for double in doubles:
        double.wait()
    config = path("bench.cfg")
    with open(config, "w") as file:
        file.write(configuration(
            [endpoint(name, "harbor", username="admin",
                      url=f"http://127.0.0.1:{double.port}",
                      password="env:HARBOR_BENCH_PASSWORD")
             for name, double in zip(("one", "two"), doubles)],
            [{"name": "all", "source": "one", "target": "two"}]))
    os.environ["HARBOR_BENCH_PASSWORD"] = "Harbor12345"
    ours = measure([PROGRAM, "-q", "-c", config, "plan"])
    commands = [curl(double, f"curl-{number}")
                for number, double in enumerate(doubles)]
    start = time.monotonic()
    for process in [subprocess.Popen(command) for command, _ in commands]:
        process.wait()
    lists = time.monotonic() - start
    print(f"{ROBOTS} robots, {GROUPS} groups, {PROJECTS} projects; "
          f"{sum(count for _, count in commands)} requests")
    compared("plan of two equal Harbors, wall", "s", ours.wall, lists,
             "the lists alone", 1.5)
    limited("plan of two equal Harbors, memory", ours.peak_kib, 48)
    for double in doubles:
        double.end()


if __name__ == "__main__":
    main()
