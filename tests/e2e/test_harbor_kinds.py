# SPDX-License-Identifier: LGPL-2.1-or-later
"""Groups, members, robots and labels of one Harbor, brought to another."""
import json
import os
import random
import subprocess

from harbor_api import (Harbor, api, make_groups, make_projects, make_robot,
                        make_user, open_harbor, permission)
from harness import (PATIENCE, PROGRAM, configuration, endpoint, has, holds,
                     path, run, run_program, same)

KINDS = ["project", "usergroup", "member", "label", "robot"]
OIDC = 3
MASTER = "a master key of more than thirty-two characters"
PROJECTS = ["team", "other", "12345"]


def fill(harbor):
    """In an order of its own, so that numbers tell nothing."""
    names = PROJECTS[:]
    random.shuffle(names)
    make_projects(harbor, *names)
    make_groups(harbor, OIDC, *[f"/Team {n}/ops:α" for n in range(1, 6)])
    make_groups(harbor, 2, "web")
    for number in range(1, 6):
        api(harbor, "POST", "/projects/team/members",
            {"role_id": number, "member_group": {
                "group_name": f"/Team {number}/ops:α", "group_type": OIDC}})
    api(harbor, "POST", "/projects/other/members",
        {"role_id": 4, "member_group": {"group_name": "web",
                                        "group_type": 2}})
    project = harbor.table("project").find(name="team")["id"]
    for where in ({"scope": "g"}, {"scope": "p", "project_id": project}):
        api(harbor, "POST", "/labels", {"name": "good / bad",
                                        "color": "#00FF00", **where})
    fill_robots(harbor)


def fill_robots(harbor):
    make_robot(harbor, "sync", permission("team", "repository:pull"),
               permission("other", "tag:list", "repository:push"),
               duration=30, description="first")
    make_robot(harbor, "all", permission("*", "repository:pull"))
    for project in PROJECTS:
        made = make_robot(harbor, "ci", permission(
            project, "repository:push", "repository:pull"), level="project")
    row = harbor.table("robot").get(made["id"])
    api(harbor, "PUT", f"/robots/{made['id']}",
        {"name": made["name"], "level": "project", "duration": -1,
         "disable": True, "permissions": row["permissions"]})


def config(source, target, names=("both",), **more):
    keys = {"kinds": KINDS, "robot_secrets": {"from": "derive",
                                              "key": "env:MASTER"}, **more}
    syncs = [{"name": name, "source": "source", "target": "target",
              **{key: value for key, value in keys.items()
                 if value is not None}} for name in names]
    return configuration(
        [endpoint(name, "harbor", url=harbor.url, username="admin",
                  password="env:HARBOR_PASSWORD")
         for name, harbor in (("source", source), ("target", target))],
        syncs)


def go(source, target, *arguments, code=0, **more):
    return run_program(*arguments, config=config(source, target, **more),
                       env={"MASTER": MASTER,
                            "HARBOR_PASSWORD": source.admin_password},
                       code=code)


def texts(harbor):
    with open_harbor(harbor) as here:
        return {kind: {key: one["text"]
                       for key, one in here.list(kind).items()}
                for kind in KINDS}


def case_an_empty_harbor_becomes_equal_and_stays_so():
    with Harbor(version="2.9.0") as source, \
            Harbor(version="2.16.0", robot_prefix="bot-") as target:
        fill(source)
        go(source, target, "once")
        same(texts(target), texts(source), "documents")
        # Nor has any robot been in the way of another.
        same([entry for entry in target.requests() if entry.status == 500],
             [], "failures of the server")
        source.forget()
        target.forget()
        go(source, target, "once")
        same(source.writes() + target.writes(), [], "writes")
        for harbor in (source, target):
            # Who we are, and two for each list.
            holds(harbor.count() <= 7 + 2 * 4 * (len(PROJECTS) + 2),
                  f"{harbor.count()} requests")


def case_robots_log_in_with_the_same_secret_on_both():
    with Harbor(version="2.9.0", login_pause_s=0.1) as source, \
            Harbor(version="2.12.0", robot_prefix="bot-",
                   login_pause_s=0.1) as target:
        fill(source)
        go(source, target, "once")
        for harbor in (source, target):
            row = harbor.table("robot").find(name="other+ci")
            harbor.secret = row["secret"]
            holds(len(harbor.secret) == 32, harbor.secret)
        # Of the one that is disabled nobody can tell.
        result = go(source, target, "robots", "adopt", code=1)
        same(source.table("robot").find(name="other+ci")["secret"],
             target.table("robot").find(name="other+ci")["secret"], "secrets")
        same(target.table("robot").find(name="other+ci")["secret"],
             target.secret, "what was derived")
        holds(target.secret not in result.out + result.err, "the secret")
        go(source, target, "verify")


def case_two_passes_never_try_one_secret_at_once():
    pause_s = 0.5
    with Harbor(login_pause_s=0.1) as source, \
            Harbor(login_pause_s=0.1) as target:
        make_projects(source, "team")
        make_robot(source, "sync", permission("team", "repository:pull"))
        go(source, target, "once")
        target.forget()
        target.rule("GET", "/users/current", pause_s=pause_s)
        go(source, target, "once", "--complete", names=("one", "two"))
        tries = sorted(entry.at for entry
                       in target.requests("GET", "/users/current")
                       if entry.caller == "robot$sync")
        same(len(tries), 2, "tries")
        holds(tries[1] - tries[0] >= pause_s, f"tried at {tries}")


def case_one_role_that_changes_is_one_put():
    with Harbor() as source, Harbor(robot_prefix="bot-") as target:
        fill(source)
        go(source, target, "once")
        row = [one for one in api(source, "GET",
                                  "/projects/team/members?page_size=0")
               if one["entity_name"] == "/Team 1/ops:α"][0]
        api(source, "PUT", f"/projects/team/members/{row['id']}",
            {"role_id": 3})
        target.forget()
        go(source, target, "once")
        same([entry.method for entry in target.writes()], ["PUT"], "writes")
        same(texts(target), texts(source), "documents")


def case_one_right_that_changes_is_one_put():
    with Harbor(version="2.12.0") as source, \
            Harbor(version="2.14.0", robot_prefix="bot-") as target:
        fill(source)
        go(source, target, "once")
        row = source.table("robot").find(name="sync")
        api(source, "PUT", f"/robots/{row['id']}",
            {"name": "robot$sync", "level": "system", "duration": 30,
             "description": "first",
             "permissions": [permission("team", "tag:list")]})
        target.forget()
        go(source, target, "once")
        same([entry.method for entry in target.writes()], ["PUT"], "writes")
        same(json.loads(target.writes()[0].body)["permissions"],
             [permission("team", "tag:list")], "rights")
        same(texts(target), texts(source), "documents")


def case_whatever_breaks_off_is_completed_by_the_next_pass():
    for rule in (("POST", "/robots"), ("PATCH", "/robots"),
                 ("PUT", "/robots"), ("POST", "/usergroups"),
                 ("POST", "/members"), ("POST", "/labels"),
                 ("POST", "/projects")):
        with Harbor() as source, \
                Harbor(version="2.12.0", robot_prefix="bot-") as target:
            fill(source)
            target.rule(*rule, after=1, status=500)
            go(source, target, "once", code=1)
            target.forget()
            go(source, target, "once")
            same(texts(target), texts(source), f"documents after {rule}")
            robots = list(target.table("robot"))
            same(len(robots), 5, f"robots after {rule}")
            # Each has got the secret that is derived for it.
            target.login_pause_s = 0.1
            target.forget()
            go(source, target, "once", "--complete")
            same(target.writes(), [], f"writes after {rule}")


def fill_little(harbor):
    """One of each, and a robot that is disabled."""
    make_projects(harbor, "team")
    make_groups(harbor, OIDC, "devs")
    api(harbor, "POST", "/projects/team/members",
        {"role_id": 2, "member_group": {"group_name": "devs",
                                        "group_type": OIDC}})
    api(harbor, "POST", "/labels", {"name": "good", "scope": "g"})
    make_robot(harbor, "on", permission("team", "repository:pull"))
    off = make_robot(harbor, "off", permission("team", "repository:pull"))
    api(harbor, "PUT", f"/robots/{off['id']}",
        {"name": off["name"], "level": "system", "duration": -1,
         "disable": True, "permissions": [permission("team",
                                                     "repository:pull")]})


def kill_at(source, target, number):
    """A pass that is killed when the target gets that many writes, the last
    of which it carries out.  False if there are not as many."""
    with open(path("kill.cfg"), "w") as file:
        file.write(config(source, target))
    process = subprocess.Popen(
        [PROGRAM, "-q", "-c", path("kill.cfg"), "once"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        env=dict(os.environ, MASTER=MASTER,
                 HARBOR_PASSWORD=source.admin_password))
    seen = []

    def hit():
        seen.append(1)
        if len(seen) == number:
            process.kill()
            process.wait()

    for method in ("POST", "PUT", "PATCH"):
        target.rule(method, "/api/v2.0/", before=hit)
    process.wait(PATIENCE)
    return len(seen) >= number


def secrets_of(harbor):
    return {row["name"]: row["secret"] for row in harbor.table("robot")}


def case_a_pass_that_is_killed_at_any_write_is_completed_by_the_next():
    with Harbor() as source:
        fill_little(source)
        with Harbor(robot_prefix="bot-") as target:
            go(source, target, "once")
            derived = secrets_of(target)
        wanted = texts(source)
        number = 1
        going = True
        while going:
            with Harbor(version="2.12.0", robot_prefix="bot-") as target:
                going = kill_at(source, target, number)
                off = target.table("robot").find(name="off")
                holds(off is None or off["disable"] or
                      off["secret"] != derived["off"],
                      f"a way in after {number} writes")
                target.forget()
                go(source, target, "once")
                same(texts(target), wanted, f"documents after {number}")
                same(secrets_of(target), derived, f"secrets after {number}")
                same(len(list(target.table("usergroup"))), 1, "groups")
            number += 1
        # The project and what it has, and the steps of two robots.
        holds(number > 10, f"{number} writes")


def case_answers_that_are_lost_lead_to_the_same():
    with Harbor() as source, \
            Harbor(version="2.16.0", robot_prefix="bot-") as target:
        fill(source)
        for method in ("POST", "PUT", "PATCH"):
            target.rule(method, "/api/v2.0/", times=3, after=1, lose=True)
        go(source, target, "once")
        same(texts(target), texts(source), "documents")
        same(len(list(target.table("robot"))), 5, "robots")
        same(len(list(target.table("usergroup"))), 6, "groups")


def case_a_name_clash_is_told_in_the_plan_and_never_written():
    with Harbor() as source, Harbor() as target:
        make_projects(source, "team")
        make_groups(source, OIDC, "devs")
        make_groups(target, 2, "devs")
        result = go(source, target, "once")
        has(result.out + result.err, "cannot be held", "http/devs")
        same(target.count("POST", "/usergroups"), 1, "groups made")


def case_accounts_are_kept_up_only_where_they_are_asked_for():
    with Harbor() as source, Harbor(version="2.16.0") as target:
        for harbor in (source, target):
            make_user(harbor, "alice", comment=harbor.release[:9])
        make_user(source, "bob")
        go(source, target, "once", kinds=None)
        same(target.writes("/users/"), [], "writes")
        result = go(source, target, "once", kinds=["user"])
        has(result.out + result.err, "bob", "no registry tells a password")
        same(target.table("user").find(username="alice")["comment"],
             source.release[:9], "comment")
        same(target.table("user").find(username="bob"), None, "bob")
        target.forget()
        go(source, target, "once", kinds=["user"])
        same(target.writes(), [], "writes of the second pass")


def case_robots_of_harbor_1_are_left_alone():
    with Harbor() as source, Harbor() as target:
        for harbor, action in ((source, "pull"), (target, "push")):
            make_projects(harbor, "team")
            make_robot(harbor, "old", permission("team",
                                                 f"repository:{action}"),
                       level="project")
            row = harbor.table("robot").find(name="team+old")
            harbor.table("robot").update(row, secret=None)
        target.forget()
        result = go(source, target, "plan")
        has(result.out, "keep", "team/old", "of Harbor 1.x")
        go(source, target, "once")
        same(target.writes("/robots"), [], "writes")


def case_users_who_have_not_logged_in_fail_alone():
    with Harbor() as source, Harbor() as target:
        fill(source)
        make_user(source, "alice")
        api(source, "POST", "/projects/team/members",
            {"role_id": 2, "member_user": {"username": "alice"}})
        result = go(source, target, "once", code=1)
        has(result.out + result.err, "alice", "create the account")
        there = texts(target)
        wanted = texts(source)
        same(wanted["member"].pop("team/user/alice"), '{"role":"developer"}',
             "alice")
        same(there, wanted, "the rest")


if __name__ == "__main__":
    run(globals())
