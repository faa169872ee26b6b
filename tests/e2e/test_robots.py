# SPDX-License-Identifier: LGPL-2.1-or-later
"""robots: the secrets of robot accounts are checked, adopted and rotated."""
import os
import random
import subprocess
import time

from harbor_api import Harbor, make_projects, make_robot, permission
from harbor_filling import check_login
from harness import (PROGRAM, configuration, endpoint, has, holds, path, run,
                     run_program, same)
from safes import KEY, PLUGINS, Safe, at_version, derived

ROBOTS = ("ci", "library/ci", "library/deploy")


def config(source, targets, version=1, **more):
    secrets = {"from": "derive", "key": "env:MASTER", "version": version,
               **more}
    return configuration(
        [safe.endpoint() for safe in (source, *targets)],
        [{"name": "to-" + target.name, "source": source.name,
          "target": target.name, "robot_secrets": secrets}
         for target in targets])


def robots(*arguments, **more):
    return program("robots", *arguments, **more)


def program(*arguments, text, code, env=None):
    result = run_program(*arguments, config=text, code=code,
                         env={**PLUGINS, **(env or {})})
    for version in (1, 2, 3):
        for robot in ROBOTS:
            secret = derived(version, robot)
            holds(secret not in result.out + result.err,
                  f"the secret of {robot} was told")
    holds(KEY not in result.out + result.err, "the master key was told")
    return result


def case_check_tells_who_has_another_secret():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", {**at_version(1, *ROBOTS), "library/ci": "Other1234"})
    result = robots("check", text=config(paris, [rome]), code=5)
    has(result.out, "same      ci", "different library/ci",
        "another secret at rome",
        "paris -> rome: robots 3, same 2, different 1")
    same(rome.writes() + paris.writes(), [], "writes")


def case_check_is_content_with_equal_ones():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", at_version(1, *ROBOTS))
    result = robots("check", "-o", "json", text=config(paris, [rome]), code=0)
    group = result.json()["sources"][0]
    same(group["source"], "paris")
    same(group["targets"], ["rome"])
    same(group["counts"]["same"], 3)
    same([robot["key"] for robot in group["robots"]], sorted(ROBOTS))
    same(group["robots"][0]["places"],
         [{"endpoint": "rome", "secret": "right"},
          {"endpoint": "paris", "secret": "right"}])
    same(paris.log().count("check ci"), 1, "checks at paris")


def case_check_tells_what_cannot_be_told():
    paris = Safe("paris", {**at_version(1, "ci"), "library/ci": "-"})
    rome = Safe("rome", at_version(1, "ci", "library/ci"))
    result = robots("check", text=config(paris, [rome]), code=1)
    has(result.out, "unknown   library/ci",
        "library/ci is disabled: its secret cannot be tried")


def case_check_goes_on_after_a_failure():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", at_version(1, *ROBOTS))
    rome.fail("check ci")
    result = robots("check", text=config(paris, [rome]), code=1)
    has(result.out, "failed    ci", "the server has a bad day",
        "robots 3, same 2, failed 1")


def case_adopt_sets_the_target_before_the_source():
    paris = Safe("paris", {**at_version(1, "ci"), "library/ci": "Paris1234",
                           "library/deploy": "Paris1234"})
    rome = Safe("rome", {**at_version(1, "ci"), "library/ci": "Rome12345"})
    text = config(paris, [rome])
    planned = robots("adopt", "--dry-run", text=text, code=0)
    has(planned.out, "planned   library/ci")
    same(rome.writes() + paris.writes(), [], "writes of a dry run")
    result = robots("adopt", text=text, code=0)
    has(result.out, "done      library/ci", "set at rome, paris",
        "skipped   library/deploy", "a pass creates it first")
    same(rome.secrets(), at_version(1, "ci", "library/ci"))
    same(paris.secrets(), {**at_version(1, "ci", "library/ci"),
                           "library/deploy": "Paris1234"})
    again = robots("adopt", text=text, code=0)
    has(again.out, "same 2, skipped 1")


def case_adopt_may_be_about_one_robot():
    paris = Safe("paris", {robot: "Paris1234" for robot in ROBOTS})
    rome = Safe("rome", {robot: "Rome12345" for robot in ROBOTS})
    text = config(paris, [rome])
    robots("adopt", "--robot", "library/ci", text=text, code=0)
    same(paris.writes() + rome.writes(), ["library/ci", "library/ci"])
    result = robots("adopt", "--robot", "library/none", text=text, code=2)
    has(result.err, "paris: there is no robot library/none")


def case_what_is_protected_is_not_touched():
    paris = Safe("paris", {"ci": "Paris1234"})
    rome = Safe("rome", {"ci": "!"})
    result = robots("adopt", text=config(paris, [rome]), code=0)
    has(result.out, "skipped   ci", "rome: it is the system's")
    same(paris.writes() + rome.writes(), [], "writes")


def case_rotate_goes_through_all_targets_and_then_the_source():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", at_version(1, *ROBOTS))
    oslo = Safe("oslo", at_version(1, "ci"))
    text = config(paris, [rome, oslo])
    dry = robots("rotate", "--to", "2", "--dry-run", text=text, code=0)
    has(dry.out, "planned   ci", "planned 3")
    same(paris.writes() + rome.writes() + oslo.writes(), [], "writes")
    result = robots("rotate", "--to", "2", text=text, code=0)
    has(result.out, "done      ci", "set at rome, oslo, paris",
        "paris -> rome, oslo: robots 3, done 3")
    has(result.err, "test.cfg:2: set robot_secrets.version = 2")
    for safe in (paris, rome):
        same(safe.secrets(), at_version(2, *ROBOTS), safe.name)
    same(oslo.secrets(), at_version(2, "ci"), "oslo")
    again = robots("rotate", "--to", "2", "-o", "json", text=text, code=0)
    group = again.json()["sources"][0]
    same(group["counts"]["same"], 3)
    has(group["next"], "set robot_secrets.version = 2")
    robots("check", text=config(paris, [rome, oslo], version=2), code=0)
    # From the new configuration it is the same.
    robots("rotate", "--to", "2", text=config(paris, [rome], 2), code=0)


def case_rotate_stops_at_a_failure_and_goes_on_later():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", at_version(1, *ROBOTS))
    text = config(paris, [rome])
    paris.fail("write library/ci")
    result = robots("rotate", "--to", "2", text=text, code=1)
    has(result.out, "done      ci", "failed    library/ci",
        "paris: the server has a bad day; set already at rome")
    holds("library/deploy" not in result.out, "it went on")
    has(result.err, "robot library/ci: paris: the server has a bad day",
        "nothing was undone", "run the same command again")
    same(rome.secrets(), {**at_version(2, "ci", "library/ci"),
                          **at_version(1, "library/deploy")})
    same(paris.secrets(), {**at_version(2, "ci"),
                           **at_version(1, "library/ci", "library/deploy")})
    paris.mend()
    written = len(rome.writes())
    result = robots("rotate", "--to", "2", text=text, code=0)
    has(result.out, "same 1, done 2")
    same(rome.writes()[written:], ["library/deploy"], "written once more")
    same(paris.secrets(), at_version(2, *ROBOTS))


def case_a_rotation_that_is_killed_goes_on_later():
    there = [f"library/robot-{number:02}" for number in range(40)]
    paris = Safe("paris", at_version(1, *there))
    rome = Safe("rome", at_version(1, *there))
    text = config(paris, [rome])
    name = path("killed.cfg")
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    for _ in range(60):
        process = subprocess.Popen(
            [PROGRAM, "-c", name, "robots", "rotate", "--to", "2"],
            env={**os.environ, **PLUGINS}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 0.06))
        process.kill()
        process.wait()
        for robot in there:
            versions = [safe.secrets()[robot] for safe in (rome, paris)]
            holds(versions in ([derived(1, robot)] * 2,
                               [derived(2, robot), derived(1, robot)],
                               [derived(2, robot)] * 2), f"{robot} is lost")
    robots("rotate", "--to", "2", text=text, code=0)
    for safe in (paris, rome):
        same(safe.secrets(), at_version(2, *there), safe.name)
    # None was set twice but one that was not known to be set.
    holds(len(rome.writes()) <= len(there) + 60, "it began anew each time")


def case_rotate_leaves_secrets_that_nobody_knows():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", {**at_version(1, *ROBOTS), "ci": "Other1234"})
    result = robots("rotate", "--to", "2", text=config(paris, [rome]), code=1)
    has(result.out, "failed    ci", "neither version 1 nor 2 at rome",
        "robots adopt --robot ci", "done 2")
    same(paris.secrets(), {**at_version(1, "ci"),
                           **at_version(2, "library/ci", "library/deploy")})
    same(rome.secrets()["ci"], "Other1234")


def case_rotate_stops_before_an_endpoint_that_is_away():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", at_version(1, *ROBOTS))
    rome.fail("all")
    result = robots("rotate", "--to", "2", text=config(paris, [rome]), code=2)
    has(result.err, "rome: the server has a bad day")
    same(paris.secrets(), at_version(1, *ROBOTS))
    same(paris.writes() + rome.writes(), [])


def case_a_layout_has_no_part_in_it():
    paris = Safe("paris", {"ci": "Paris1234"})
    text = configuration(
        [paris.endpoint(), endpoint("vault", "layout", path=path("vault"))],
        [{"name": "backup", "source": "paris", "target": "vault",
          "robot_secrets": {"from": "derive", "key": "env:MASTER"}}])
    result = robots("check", text=text, code=5)
    has(result.out, "another secret at paris")
    has(result.err, "vault has no secrets of robots: it is left out")
    robots("rotate", "--to", "2", text=text, code=1)


def case_only_selected_robots_are_meant():
    paris = Safe("paris", at_version(1, *ROBOTS, "other/ci"))
    rome = Safe("rome", at_version(2, *ROBOTS, "other/ci"))
    oslo = Safe("oslo", at_version(2, *ROBOTS, "other/ci"))
    secrets = {"from": "derive", "key": "env:MASTER", "version": 2}
    text = configuration(
        [safe.endpoint() for safe in (paris, rome, oslo)],
        [{"name": "rome", "source": "paris", "target": "rome",
          "select": {"projects": {"allow": ["library"]}},
          "robot_secrets": secrets},
         {"name": "oslo", "source": "paris", "target": "oslo",
          "kinds": ["tag"], "robot_secrets": secrets}])
    result = robots("adopt", text=text, code=0)
    has(result.out, "done      ci", "done      library/ci",
        "paris -> rome: robots 3, done 3")
    same(paris.secrets(), {**at_version(2, *ROBOTS),
                           **at_version(1, "other/ci")})
    same(oslo.log(), [], "what oslo was asked")
    has(robots("check", "oslo", text=text, code=3).err, "no sync has robots")


def case_what_may_not_be_seen_keeps_its_secrets():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", at_version(1, *ROBOTS))
    text = config(paris, [rome])
    rome.put(".gap", "library")
    result = robots("rotate", "--to", "2", text=text, code=1)
    has(result.out, "done      ci", "unknown   library/ci",
        "rome: it may not be seen", "done 1, unknown 2")
    for safe in (paris, rome):
        same(safe.secrets(),
             {**at_version(2, "ci"), **at_version(1, *ROBOTS[1:])})
    os.unlink(os.path.join(rome.path, ".gap"))
    paris.put(".gap", "library")
    result = robots("check", text=config(paris, [rome], 2), code=1)
    has(result.out, "same      ci", "unknown   library ",
        "paris: it may not be seen")


def case_two_syncs_may_share_both_ends():
    paris = Safe("paris", at_version(1, "library/ci", "other/ci"))
    rome = Safe("rome", at_version(1, "library/ci", "other/ci"))
    text = configuration(
        [paris.endpoint(), rome.endpoint()],
        [{"name": project, "source": "paris", "target": "rome",
          "select": {"projects": {"allow": [project]}},
          "robot_secrets": {"from": "derive", "key": "env:MASTER"}}
         for project in ("library", "other")])
    result = robots("rotate", "--to", "2", text=text, code=0)
    has(result.out, "paris -> rome: robots 2, done 2")
    for safe in (paris, rome):
        same(safe.secrets(), at_version(2, "library/ci", "other/ci"))


def case_secrets_come_from_files_too():
    paris = Safe("paris", {"ci": "Paris1234", "library/ci": "Paris1234"})
    rome = Safe("rome", {"ci": "Rome12345", "library/ci": "Rome12345"})
    os.makedirs(path("secrets", "library"), exist_ok=True)
    name = path("secrets", "library", "ci")
    with open(name, "w", encoding="utf-8") as file:
        file.write("Filed12345\n")
    os.chmod(name, 0o600)
    text = configuration(
        [paris.endpoint(), rome.endpoint()],
        [{"name": "s", "source": "paris", "target": "rome",
          "robot_secrets": {"from": "file", "path": path("secrets")}}])
    result = robots("adopt", text=text, code=1)
    has(result.out, "failed    ci", "robot ci: the secret file",
        "No such file", "done      library/ci")
    same(paris.secrets(), {"ci": "Paris1234", "library/ci": "Filed12345"})
    same(rome.secrets(), {"ci": "Rome12345", "library/ci": "Filed12345"})
    result = robots("rotate", "--to", "2", text=text, code=3)
    has(result.err, "only derived secrets have versions")


def case_what_makes_no_sense_is_refused():
    paris = Safe("paris", {})
    rome = Safe("rome", {})
    oslo = Safe("oslo", {})
    text = config(paris, [rome])
    for arguments, said in (
            ((), "give check, adopt or rotate"),
            (("mend",), "give check, adopt or rotate"),
            (("rotate",), "rotate needs --to VERSION"),
            (("rotate", "--to", "-1"), "rotate needs --to VERSION"),
            (("rotate", "--to", "1000001"), "versions end at 1000000"),
            (("rotate", "--to", "2", "--from", "2"), "--from is another"),
            (("check", "--to", "2"), "are for rotate only"),
            (("check", "--dry-run"), "check writes nothing"),
            (("check", "no-sync"), "no-sync")):
        has(robots(*arguments, text=text, code=3).err, said)
    keep = configuration(
        [paris.endpoint(), rome.endpoint()],
        [{"name": "s", "source": "paris", "target": "rome"}])
    has(robots("check", "s", text=keep, code=3).err,
        'robot_secrets.from is "keep"', "choose derive")
    has(robots("check", text=keep, code=3).err, "no sync has robots")
    two = configuration(
        [safe.endpoint() for safe in (paris, rome, oslo)],
        [{"name": name, "source": "paris", "target": name,
          "robot_secrets": {"from": "derive", "key": "env:MASTER",
                            "version": version}}
         for name, version in (("rome", 1), ("oslo", 2))])
    has(robots("check", text=two, code=3).err,
        "sync oslo: robot_secrets is another one than that of sync rome")
    has(robots("check", text=text, code=3, env={"MASTER": "short"}).err,
        "sync to-rome: robot_secrets.key: the master key at env:MASTER")


def case_a_pass_creates_robots_with_their_secrets():
    paris = Safe("paris", {**at_version(1, "ci"), "library/ci": "Paris1234"})
    rome = Safe("rome", {})
    text = config(paris, [rome])
    result = program("once", text=text, code=0)
    same(rome.secrets(), at_version(1, "ci", "library/ci"))
    has(result.out, "create  robot ci\n",
        "create  robot library/ci  (the source has another secret: "
        "`robots adopt --robot library/ci` makes them the same)")
    has(result.err, "robot library/ci: done: the source has another secret")
    same(paris.log().count("check library/ci"), 1, "checks at the source")
    again = program("once", text=text, code=0)
    has(again.out, "0 B in 0 writes")
    same(paris.log().count("check library/ci"), 1, "checks at the source")
    same(rome.log().count("check ci"), 1, "checks at the target")


def case_a_robot_without_a_secret_to_be_told_is_said():
    paris = Safe("paris", {"ci": "Paris1234", "library/ci": "Paris1234"})
    rome = Safe("rome", {"ci": "Rome12345"})
    for how, more in (("keep", ()), ("report", ("nobody knows whether",))):
        text = configuration(
            [paris.endpoint(), rome.endpoint()],
            [{"name": "s", "source": "paris", "target": "rome",
              "robot_secrets": {"from": how}}])
        result = program("plan", text=text, code=0)
        has(result.out, "note    robot library/ci  (gets a secret that the "
                        "target makes up and nobody sees", *more)
        holds(more or "nobody knows" not in result.out, "it was reported")


def case_a_robot_whose_secret_is_missing_fails_alone():
    paris = Safe("paris", {"ci": "Paris1234", "library/ci": "Paris1234"})
    rome = Safe("rome", {})
    text = configuration(
        [paris.endpoint(), rome.endpoint()],
        [{"name": "s", "source": "paris", "target": "rome",
          "robot_secrets": {"from": "env", "prefix": "ROBOT_"}}])
    result = program("once", text=text, code=1,
                     env={"ROBOT_LIBRARY_CI": "Environ123"})
    has(result.out, "failed  robot ci", "env:ROBOT_CI", "not set")
    has(program("plan", text=text, code=1).out, "failed  robot ci")
    same(rome.secrets(), {"library/ci": "Environ123"})
    holds("Environ123" not in result.out + result.err, "a secret was told")


def case_a_complete_pass_repairs_secrets():
    paris = Safe("paris", at_version(1, *ROBOTS))
    rome = Safe("rome", {**at_version(1, *ROBOTS), "ci": "Other1234",
                         "library/ci": "-"})
    text = config(paris, [rome])
    program("once", text=text, code=0)
    same([line for line in rome.log() if line.startswith("check")], [],
         "checks of an ordinary pass")
    planned = program("plan", text=config(paris, [rome], check="always"),
                      code=0)
    has(planned.out, "update  robot ci  (another secret than robot_secrets")
    program("once", "--complete", text=text, code=0)
    same(rome.secrets(), {**at_version(1, *ROBOTS), "library/ci": "-"})
    same(rome.writes(), ["ci"])
    program("once", text=config(paris, [rome], check="always"), code=0)
    same(rome.writes(), ["ci"])


def case_the_secret_of_what_is_protected_is_nobodys():
    for paris_has, rome_has in (("!", derived(1, "ci")), ("!", "!"),
                                (derived(1, "ci"), "!")):
        paris = Safe("paris", {"ci": paris_has})
        rome = Safe("rome", {"ci": rome_has})
        text = config(paris, [rome], check="always")
        program("once", "--complete", text=text, code=0)
        program("verify", text=text, code=0)
        same([line for line in paris.log() + rome.log()
              if line.startswith(("check", "write"))], [], "what was asked")


def case_a_secret_that_is_not_taken_fails():
    paris = Safe("paris", at_version(1, "ci"))
    rome = Safe("rome", {})
    rome.put(".deaf", "")
    result = program("once", text=config(paris, [rome]), code=1)
    has(result.out, "failed  robot ci", "was set, and is not taken")


def case_verify_tries_secrets_at_both_ends():
    paris = Safe("paris", {**at_version(1, *ROBOTS), "ci": "Paris1234"})
    rome = Safe("rome", {**at_version(1, *ROBOTS), "library/ci": "Rome12345"})
    text = config(paris, [rome])
    result = program("verify", text=text, code=5)
    has(result.out, "its secret on the source is not", "robot ci",
        "its secret on the target is not", "robot library/ci")
    robots("adopt", text=text, code=0)
    program("verify", text=text, code=0)


def harbor_config(paris, rome, version=1):
    return configuration(
        [endpoint(name, "harbor", url=harbor.url, username="admin",
                  password="env:ADMIN")
         for name, harbor in (("paris", paris), ("rome", rome))],
        [{"name": "live", "source": "paris", "target": "rome",
          "kinds": ["project", "robot"],
          "robot_secrets": {"from": "derive", "key": "env:MASTER",
                            "version": version}}])


def check_logins(harbor, prefix, versions):
    for robot, version in versions.items():
        check_login(harbor, prefix + robot.replace("/", "+"),
                    derived(version, robot))


def case_harbors_are_rotated_and_go_on_where_they_stopped():
    robots_there = ("ci", "team/a", "team/b", "team/c")
    with Harbor(version="2.9.0", login_pause_s=0.05) as paris, \
            Harbor(version="2.14.0", login_pause_s=0.05,
                   robot_prefix="bot-") as rome:
        make_projects(paris, "team")
        make_robot(paris, "ci", permission("team", "repository:pull"))
        for name in "abc":
            make_robot(paris, name, permission("team", "repository:pull"),
                       level="project")
        text = harbor_config(paris, rome)
        admin = {"ADMIN": paris.admin_password}
        result = program("once", text=text, code=0, env=admin)
        has(result.out, "the source has another secret")
        robots("adopt", text=text, code=0, env=admin)
        for harbor, prefix in ((paris, "robot$"), (rome, "bot-")):
            check_logins(harbor, prefix, dict.fromkeys(robots_there, 1))
            harbor.forget()
        paris.rule("PATCH", "/robots", after=2, status=500)
        result = robots("rotate", "--to", "2", text=text, code=1, env=admin)
        has(result.out, "done      team/a", "failed    team/b",
            "HTTP 500 after 3 attempts", "set already at rome")
        check_logins(rome, "bot-", {"ci": 2, "team/a": 2, "team/b": 2,
                                    "team/c": 1})
        check_logins(paris, "robot$", {"ci": 2, "team/a": 2, "team/b": 1,
                                       "team/c": 1})
        paris.forget()
        rome.forget()
        robots("rotate", "--to", "2", text=text, code=0, env=admin)
        same([len(harbor.writes()) for harbor in (paris, rome)], [2, 1],
             "writes of the rest")
        for harbor, prefix in ((paris, "robot$"), (rome, "bot-")):
            check_logins(harbor, prefix, dict.fromkeys(robots_there, 2))
            harbor.forget()
        program("verify", text=harbor_config(paris, rome, 2), code=0,
                env=admin)
        same(paris.writes() + rome.writes(), [], "writes of verify")


run(globals())
