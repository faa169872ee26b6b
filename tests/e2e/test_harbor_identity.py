# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who we are to a Harbor comes before anything else that is asked of it."""
import content
from harbor import Harbor
from harbor_api import make_user
from harbor_filling import Client, fill
from harness import (configuration, endpoint, has, holds, path, run,
                     run_program, same)


def plan(harbor, code=2, given=None, **keys):
    """A pass from it to a directory that only looks."""
    login = {"username": "admin", "password": "env:PASSWORD", **keys}
    config = configuration(
        [endpoint("paris", "harbor", url=harbor.url,
                  **{k: v for k, v in login.items() if v is not None}),
         endpoint("vault", "layout", path=path("vault"))],
        [{"name": "backup", "source": "paris", "target": "vault"}])
    return run_program(
        "plan", config=config, code=code,
        env={"PASSWORD": given or harbor.admin_password})


def asked(harbor):
    return [entry.path for entry in harbor.requests()]


def case_a_wrong_password_is_refused_before_anything_is_listed():
    with Harbor(login_pause_s=0.1) as harbor:
        result = plan(harbor, code=4, given="wrong")
        has(result.err, "paris", "are not taken", "as a stranger")
        same(asked(harbor), ["/api/v2.0/users/current"])


def case_a_stranger_is_refused_without_being_asked():
    with Harbor() as harbor:
        result = plan(harbor, code=4, username=None, password=None)
        has(result.err, "paris", "set username and password")
        same(asked(harbor), [])


def case_what_is_too_old_or_no_harbor_is_told():
    with Harbor(release="v2.8.4-1234") as harbor:
        has(plan(harbor).err, "it is Harbor 2.8.4: the oldest that is known")
    with Harbor(release="Nexus 3") as harbor:
        has(plan(harbor).err, "which version of Harbor it is: check the url")


def case_a_clock_that_is_wrong_is_told():
    with Harbor() as harbor:
        holds("clock" not in plan(harbor, code=None).err, "it is right")
        harbor.clock_offset_ms = 3600 * 1000
        has(plan(harbor, code=None).err, "warning",
            "the clock of paris is ", " s ahead of ours")


def case_each_request_shows_who_asks_and_brings_no_cookie():
    with Harbor() as harbor:
        plan(harbor, code=None)
        for entry in harbor.requests():
            same(entry.sent_cookie, False)
            same(entry.caller, "admin")
            same(entry.headers.get("x-is-resource-name"), "true")
            holds(entry.headers.get("x-request-id"), "a request id")


def robot(harbor, name, *accesses, level="system"):
    """A robot of the system; its full name and secret."""
    kinds = {}
    for kind, namespace, resource, action in accesses:
        kinds.setdefault((kind, namespace), []).append(
            {"resource": resource, "action": action})
    status, made = Client(harbor).api("POST", "/robots", {
        "name": name, "level": level, "duration": -1,
        "permissions": [{"kind": kind, "namespace": namespace, "access": some}
                        for (kind, namespace), some in kinds.items()]})
    same(status, 201)
    return made["name"], made["secret"]


SEES_ITSELF = (("system", "/", "robot", "list"),
               ("system", "/", "robot", "read"))
SEES_IMAGES = (("project", "*", "repository", "list"),
               ("project", "*", "repository", "read"),
               ("project", "*", "repository", "pull"),
               ("project", "*", "artifact", "list"),
               ("project", "*", "artifact", "read"))


def case_a_robot_is_told_what_it_may_not():
    with Harbor(version="2.12", robot_prefix="bot-") as harbor:
        fill(harbor, "team/app", "v1", content.image("a"))
        name, secret = robot(harbor, "carrier", *SEES_ITSELF, *SEES_IMAGES,
                             ("system", "/", "quota", "list"))
        result = plan(harbor, code=0, username=name, given=secret)
        has(result.err, f"asked by robot account {name}", "not synchronised:",
            f"member (paris: the robot account {name} lacks the right to "
            "list member")
        has(result.out, "create  quota team", "create  team/app:v1")


def case_a_robot_that_may_not_see_itself_tries():
    with Harbor(version="2.12") as harbor:
        fill(harbor, "team/app", "v1", content.image("a"))
        name, secret = robot(harbor, "blind", *SEES_IMAGES,
                             ("system", "/", "quota", "list"))
        result = plan(harbor, code=0, username=name, given=secret)
        # One reason is said once.
        has(result.err, "not synchronised:", "webhook, ",
            f" (paris: the robot account {name} may not read them)")
        same(result.err.count("may not read them"), 1, "times")
        has(result.out, "create  quota team", "create  team/app:v1")


def case_a_robot_that_may_read_no_retention_is_told_that():
    with Harbor(version="2.12") as harbor:
        fill(harbor, "team/app", "v1", content.image("a"))
        project = harbor.table("project").find(name="team")["id"]
        same(Client(harbor).api("POST", "/retentions", {
            "algorithm": "or", "rules": [],
            "trigger": {"kind": "Schedule",
                        "settings": {"cron": "0 0 4 * * *"}},
            "scope": {"level": "project", "ref": project}})[0], 201)
        for rights, told in ((SEES_IMAGES, True), ((
                *SEES_IMAGES, ("project", "*", "tag-retention", "list"),
                ("project", "*", "tag-retention", "read")), False)):
            name, secret = robot(harbor, f"r{len(rights)}", *rights)
            result = plan(harbor, code=0, username=name, given=secret)
            same("retention" in result.err, told, "told")
            same("create  retention team" in result.out, not told, "planned")


def case_rights_in_projects_that_2_9_does_not_heed_are_told_before():
    with Harbor() as harbor:
        fill(harbor, "team/app", "v1", content.image("a"))
        name, secret = robot(harbor, "both", *SEES_ITSELF, *SEES_IMAGES,
                             ("system", "/", "quota", "list"),
                             ("system", "/", "project", "list"),
                             ("project", "*", "member", "list"),
                             ("project", "*", "notification-policy", "list"))
        result = plan(harbor, code=None, username=name, given=secret)
        has(result.err, f"member (paris: the robot account {name} lacks the "
            "right to list member (project))")
        same([word for word in ("member", "webhook")
              if f"failed  {word}" in result.out], [], "failures")


def case_a_robot_with_all_rights_brings_a_project_and_what_is_in_it():
    with Harbor() as source, \
            Harbor(version="2.16", robot_prefix="bot-") as target:
        fill(source, "team/app", "v1", content.image("a"))
        known = Client(target).api("GET", "/permissions")[1]
        name, secret = robot(target, "all", *(
            (kind, {"system": "/", "project": "*"}[kind], one["resource"],
             one["action"]) for kind in known for one in known[kind]))
        config = configuration(
            [endpoint("one", "harbor", url=source.url, username="admin",
                      password="env:PASSWORD"),
             endpoint("other", "harbor", url=target.url, username=name,
                      password="env:SECRET")],
            [{"name": "both", "source": "one", "target": "other"}])
        for verb in ("once", "once", "verify"):
            target.forget()
            result = run_program(verb, config=config, code=0, env={
                "PASSWORD": "Harbor12345", "SECRET": secret})
        same(target.writes(), [], "writes")
        has(result.err, "not synchronised: configuration (other: ")
        same(target.table("project").find(name="team") is None, False)


def case_another_user_sees_images_and_no_documents():
    with Harbor() as harbor:
        fill(harbor, "team/app", "v1", content.image("a"))
        same(Client(harbor).api("PUT", "/projects/team", {
            "metadata": {"public": "true"}})[0], 200)
        same(Client(harbor).api("POST", "/users", {
            "username": "joe", "email": "joe@example.com", "realname": "Joe",
            "password": "Abcdef12345"})[0], 201)
        result = plan(harbor, code=0, username="joe", given="Abcdef12345")
        has(result.err, "the user joe is no administrator, and sees a part")
        has(result.out, "create  team/app:v1")
        same("project team" in result.out, False)


def case_a_target_that_takes_no_writes_is_told_at_once():
    with Harbor() as source, Harbor(read_only=True) as target:
        fill(source, "team/app", "v1", content.image("a"))
        config = configuration(
            [endpoint(name, "harbor", url=harbor.url, username="admin",
                      password="env:PASSWORD")
             for name, harbor in (("one", source), ("other", target))],
            [{"name": "both", "source": "one", "target": "other"}])
        result = run_program("once", config=config,
                             env={"PASSWORD": "Harbor12345"})
        holds(result.code != 0, "it fails")
        has(result.err, "other", "read-only")
        same(target.writes(), [])


def case_a_plan_is_for_the_account_that_made_it():
    with Harbor() as source, Harbor() as target:
        fill(source, "team/app", "v1", content.image("a"))
        make_user(target, "boss")
        boss = target.table("user").find(username="boss")["id"]
        same(Client(target).api("PUT", f"/users/{boss}/sysadmin", {
            "sysadmin_flag": True})[0], 200)
        saved = path("boss.json")

        def run_as(user, password, *arguments, code):
            config = configuration(
                [endpoint("one", "harbor", url=source.url, username="admin",
                          password="env:PASSWORD"),
                 endpoint("other", "harbor", url=target.url, username=user,
                          password="env:OTHER")],
                [{"name": "both", "source": "one", "target": "other"}])
            return run_program(*arguments, config=config, code=code,
                               env={"PASSWORD": "Harbor12345",
                                    "OTHER": password})
        run_as("admin", "Harbor12345", "plan", "--out", saved, code=0)
        target.forget()
        result = run_as("boss", "Abcdef12345", "apply", saved, code=6)
        has(result.err, "made with another account at other", "plan again")
        same(target.writes(), [], "writes")
        run_as("admin", "Harbor12345", "apply", saved, code=0)
        same(target.table("project").find(name="team") is None, False)


def case_what_it_is_can_be_asked():
    with Harbor(version="2.14") as harbor:
        fill(harbor, "team/app", "v1", content.image("a"))
        config = configuration(
            [endpoint("paris", "harbor", url=harbor.url, username="admin",
                      password="env:PASSWORD")], [])
        found = {one["name"]: one for one in run_program(
            "endpoint", "probe", "paris", "-o", "json", config=config, code=0,
            env={"PASSWORD": "Harbor12345"}).json()["abilities"]}
        same(found["documents"]["state"], "yes")
        has(found["documents"]["detail"], "Harbor 2.14.0",
            "user admin, administrator")
        same(found["writable"]["state"], "yes")
        same(found["referrers"]["state"], "yes")


if __name__ == "__main__":
    run(globals())
