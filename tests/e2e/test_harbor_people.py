# SPDX-License-Identifier: LGPL-2.1-or-later
"""Groups, members, labels and accounts of Harbor: documents, and how they are
written."""
import json

from documents import failure
from harbor_api import (Harbor, api, make_groups, make_projects, make_robot,
                        make_user, open_harbor, permission)
from harness import holds, run, same

LDAP, HTTP, OIDC = 1, 2, 3


def bodies(harbor, method, pattern):
    return [json.loads(entry.body)
            for entry in harbor.requests(method, pattern)]


def texts(listed):
    return {key: one["text"] for key, one in listed.items()}


def documents_of(listed):
    return {key: one["document"] for key, one in listed.items()}


# Groups.

def make_ldap_group(harbor, name, dn):
    """In oidc_auth nobody looks it up."""
    api(harbor, "POST", "/usergroups", {"group_name": name,
                                        "group_type": LDAP,
                                        "ldap_group_dn": dn}, status=201)


def case_groups_are_listed_in_one_piece():
    names = [f"team-{number:03}" for number in range(250)]
    odd = ["/Team A/ops:α", "with space", "o'brien", "100%_done", "a@b",
           'quote"back\\slash', " lead", "tab\tname"]
    with Harbor() as harbor:
        make_groups(harbor, OIDC, *names, *odd)
        make_groups(harbor, HTTP, "web")
        make_groups(harbor, 9, "nine")
        with open_harbor(harbor) as here:
            harbor.forget()
            listed = here.list("usergroup")
            same(harbor.count(), 1, "requests")
        # What cannot be shown has no key.
        same(sorted(listed), sorted(["oidc/" + name for name in names + odd
                                     if "\t" not in name] + ["http/web"]),
             "keys")
        holds(all(one["document"] == {} for one in listed.values()), listed)


def case_a_group_is_created_and_found_again():
    names = ["devs", "/Team A/ops:α", "100%_done", 'quote"back\\slash', "%"]
    with Harbor() as harbor:
        make_groups(harbor, OIDC, "devs2", "Devs")
        with open_harbor(harbor) as here:
            for name in names:
                for kind in ("oidc/", "http/other "):
                    same(failure(here.read, "usergroup", kind + name).kind,
                         "not-found", "before")
                    here.write("usergroup", kind + name, {})
                    same(here.read("usergroup", kind + name)["document"], {},
                         "after")
            same(failure(here.write, "usergroup", "oidc/devs", {}).kind,
                 "conflict", "again")


def case_a_name_of_another_type_is_found_before_it_is_written():
    with Harbor() as harbor:
        make_groups(harbor, HTTP, "devs")
        with open_harbor(harbor) as here:
            here.list("usergroup")
            harbor.forget()
            failed = failure(here.fit, "usergroup", "oidc/devs", {})
            same(failed.kind, "unsupported", "class")
            holds("http/devs" in failed.text, failed.text)
            same(harbor.count(), 0, "requests")


def case_a_name_that_was_taken_meanwhile_is_said():
    with Harbor() as harbor:
        with open_harbor(harbor) as here:
            here.list("usergroup")
            make_groups(harbor, HTTP, "devs")
            here.fit("usergroup", "oidc/devs", {})
            failed = failure(here.write, "usergroup", "oidc/devs", {})
            same(failed.kind, "unsupported", "class")
            holds("http/devs" in failed.text, failed.text)


def case_a_group_of_ldap_is_known_by_its_dn_and_renamed():
    with Harbor(auth_mode="oidc_auth") as harbor:
        make_ldap_group(harbor, "Ops", " CN=Ops,DC=Example ")
        make_groups(harbor, OIDC, "taken")
        key = "ldap/cn=ops,dc=example"
        with open_harbor(harbor) as here:
            same(documents_of(here.list("usergroup")),
                 {key: {"name": "Ops"}, "oidc/taken": {}}, "listed")
            fit = here.fit("usergroup", key, {"name": "taken"},
                           found={"name": "Ops"})
            same(fit["document"], {"name": "Ops"}, "fit")
            same(list(fit["lacks"]), ["/name"], "lacks")
            harbor.forget()
            here.write("usergroup", key, {"name": "Operations"},
                       found={"name": "Ops"})
            same(bodies(harbor, "PUT", "/usergroups"),
                 [{"group_name": "Operations"}], "bodies")
            same(here.read("usergroup", key)["document"],
                 {"name": "Operations"}, "read")
            here.write("usergroup", "ldap/cn=new", {"name": "New"})
            same(here.read("usergroup", "ldap/cn=new")["document"],
                 {"name": "New"}, "created")


def case_groups_of_ldap_whose_dns_differ_in_case_are_one():
    with Harbor(auth_mode="oidc_auth") as harbor:
        make_projects(harbor, "team")
        for name, dn in (("Ops", "cn=ops"), ("OPS", "CN=OPS")):
            make_ldap_group(harbor, name, dn)
            row = harbor.table("usergroup").find(name=name)
            add_member(harbor, "team", 2, member_group={"id": row["id"]})
        with open_harbor(harbor) as here:
            same(list(here.list("usergroup")), ["ldap/cn=ops"], "groups")
            same(list(here.list("member")), ["team/ldap/cn=ops"], "members")


def case_what_an_auth_mode_does_not_show_is_not_written():
    for mode, fits in (("db_auth", {"oidc", "http"}),
                       ("oidc_auth", {"oidc", "http", "ldap"}),
                       ("http_auth", {"http"}), ("ldap_auth", {"ldap"})):
        with Harbor(auth_mode=mode) as harbor:
            with open_harbor(harbor) as here:
                here.list("usergroup")
                for kind in ("oidc", "http", "ldap"):
                    document = {"name": "x"} if kind == "ldap" else {}
                    if kind in fits:
                        here.fit("usergroup", kind + "/x", document)
                    else:
                        same(failure(here.fit, "usergroup", kind + "/x",
                                     document).kind, "unsupported",
                             f"{kind} with {mode}")


# Members.

ROLES = {1: "project-admin", 2: "developer", 3: "guest", 4: "maintainer",
         5: "limited-guest"}


def add_member(harbor, project, role, **who):
    api(harbor, "POST", f"/projects/{project}/members",
        {"role_id": role, **who}, status=201)


def fill_members(harbor):
    make_projects(harbor, "team", "12345")
    make_groups(harbor, OIDC, *[f"g-{role}" for role in ROLES])
    make_groups(harbor, HTTP, "web")
    make_user(harbor, "alice")
    for role in ROLES:
        add_member(harbor, "team", role,
                   member_group={"group_name": f"g-{role}", "group_type": OIDC})
    add_member(harbor, "12345", 2, member_group={"group_name": "web",
                                                 "group_type": HTTP})
    add_member(harbor, "12345", 3, member_user={"username": "alice"})


def case_two_harbors_with_the_same_members_give_equal_documents():
    found = []
    for version in ("2.9.0", "2.16.0"):
        with Harbor(version=version) as harbor:
            for _ in range(int(version.split(".")[1])):
                make_groups(harbor, OIDC, "gone")
                row = harbor.table("usergroup").find(name="gone")
                api(harbor, "DELETE", f"/usergroups/{row['id']}")
            fill_members(harbor)
            with open_harbor(harbor) as here:
                found.append(texts(here.list("member")))
    same(found[1], found[0], "documents")
    same(found[0], {
        **{f"team/oidc/g-{role}": json.dumps({"role": name},
                                             separators=(",", ":"))
           for role, name in ROLES.items()},
        "12345/http/web": '{"role":"developer"}',
        "12345/user/alice": '{"role":"guest"}'}, "documents")


def case_the_list_of_groups_is_read_once_for_all_members():
    with Harbor() as harbor:
        fill_members(harbor)
        with open_harbor(harbor) as here:
            harbor.forget()
            here.list("member")
            same(harbor.count("GET", "/members"), 3, "lists of members")
            same(harbor.count("GET", "/usergroups"), 1, "lists of groups")
            same(harbor.count(), 4, "requests")


def case_groups_that_an_auth_mode_hides_are_members_all_the_same():
    with Harbor() as harbor:
        fill_members(harbor)
        harbor.config["auth_mode"] = "ldap_auth"
        with open_harbor(harbor) as here:
            listed = here.list("member")
            holds("team/oidc/g-1" in listed, sorted(listed))
            holds("12345/http/web" in listed, sorted(listed))


def case_whoever_creates_projects_is_left_out():
    with Harbor() as harbor:
        make_user(harbor, "replicator")
        row = harbor.table("user").find(username="replicator")
        harbor.table("user").update(row, sysadmin=True)
        api(harbor, "POST", "/projects", {"project_name": "mine"},
            user="replicator", password="Abcdef12345", status=201)
        make_projects(harbor, "his")
        with open_harbor(harbor, "replicator", "Abcdef12345") as here:
            same(here.list("member"), {}, "members")
            same(failure(here.fit, "member", "his/user/replicator",
                         {"role": "guest"}).kind, "unsupported", "fit")
            holds("logs in" in here.read(
                "member", "mine/user/replicator")["protected"], "login")
            holds("administrator" in here.read(
                "member", "his/user/admin")["protected"], "admin")


def case_members_are_created_and_get_other_roles():
    with Harbor() as harbor:
        fill_members(harbor)
        make_user(harbor, "bob")
        make_groups(harbor, OIDC, "/Team A/ops:α")
        with open_harbor(harbor) as here:
            for key in ("team/user/bob", "team/oidc//Team A/ops:α",
                        "team/http/web", "12345/oidc/g-1"):
                same(failure(here.read, "member", key).kind, "not-found",
                     "before")
                here.write("member", key, {"role": "guest"})
                same(here.read("member", key)["document"], {"role": "guest"},
                     "created")
                harbor.forget()
                here.write("member", key, {"role": "maintainer"},
                           found={"role": "guest"})
                same([entry.method for entry in harbor.writes()], ["PUT"],
                     "writes")
                same(here.read("member", key)["document"],
                     {"role": "maintainer"}, "changed")
                same(failure(here.write, "member", key,
                             {"role": "guest"}).kind, "conflict", "again")
            # One of a type is not one of another.
            same(failure(here.read, "member", "team/oidc/web").kind,
                 "not-found", "other type")


def case_a_group_of_ldap_becomes_a_member_whatever_it_is_called():
    with Harbor(auth_mode="oidc_auth") as harbor:
        make_projects(harbor, "team")
        make_ldap_group(harbor, "Ops", "CN=Ops,DC=Example")
        key = "team/ldap/cn=ops,dc=example"
        with open_harbor(harbor) as here:
            here.list("usergroup")
            here.write("member", key, {"role": "developer"})
            same(here.read("member", key)["document"], {"role": "developer"},
                 "read")
            here.write("member", key, {"role": "guest"},
                       found={"role": "developer"})
            same(documents_of(here.list("member")), {key: {"role": "guest"}},
                 "listed")


def case_a_user_who_has_never_logged_in_is_said():
    for mode, part in (("db_auth", "create the account"),
                       ("oidc_auth", "logged in")):
        with Harbor(auth_mode=mode) as harbor:
            make_projects(harbor, "team")
            with open_harbor(harbor) as here:
                failed = failure(here.write, "member", "team/user/ghost",
                                 {"role": "guest"})
                same(failed.kind, "unsupported", "class")
                holds(part in failed.text, failed.text)


def case_a_group_that_nobody_has_created_is_said():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            failed = failure(here.write, "member", "team/oidc/ghost",
                             {"role": "guest"})
            same(failed.kind, "unsupported", "class")
            holds("no such group" in failed.text, failed.text)
            same(failure(here.write, "member", "nope/oidc/ghost",
                         {"role": "guest"}).kind, "not-found", "project")


def case_hidden_members_are_not_there_and_come_back():
    with Harbor() as harbor:
        make_projects(harbor, "team")
        make_groups(harbor, OIDC, *[f"g-{number}" for number in range(12)])
        for number in range(12):
            add_member(harbor, "team", 2, member_group={
                "group_name": f"g-{number}", "group_type": OIDC})
        rows = api(harbor, "GET", "/projects/team/members?page_size=0")
        for row in rows:
            # As many are left as a page has.
            if row["entity_name"] in ("g-0", "g-1", "g-2"):
                api(harbor, "PUT", f"/projects/team/members/{row['id']}",
                    {"role_id": 9})
        with open_harbor(harbor) as here:
            same(len(here.list("member")), 9, "members")
            same(failure(here.read, "member", "team/oidc/g-0").kind,
                 "not-found", "read")
            here.write("member", "team/oidc/g-0", {"role": "guest"})
            same(here.read("member", "team/oidc/g-0")["document"],
                 {"role": "guest"}, "read")


def case_a_change_of_a_member_that_is_gone_shows():
    with Harbor() as harbor:
        fill_members(harbor)
        with open_harbor(harbor) as here:
            here.read("member", "team/oidc/g-1")
            row = [row for row in
                   api(harbor, "GET", "/projects/team/members?page_size=0")
                   if row["entity_name"] == "g-1"][0]
            api(harbor, "DELETE", f"/projects/team/members/{row['id']}")
            # Harbor says 200.
            here.write("member", "team/oidc/g-1", {"role": "guest"},
                       found={"role": "project-admin"})
            same(failure(here.read, "member", "team/oidc/g-1").kind,
                 "not-found", "read")


# A robot that logs in.

SYSTEM_RIGHTS = ["user-group:list", "user-group:read", "user-group:create",
                 "user-group:update", "user:list", "user:create",
                 "user:update", "label:create", "label:update"]
PROJECT_RIGHTS = ["member:list", "member:create", "member:update",
                  "label:list", "label:create", "label:update"]


def case_a_robot_that_logs_in_does_what_it_may():
    with Harbor(version="2.12.0") as harbor:
        make_projects(harbor, "team")
        make_groups(harbor, OIDC, "devs")
        made = make_robot(
            harbor, "me", permission("/", *SYSTEM_RIGHTS, kind="system"),
            permission("*", *PROJECT_RIGHTS))
        with open_harbor(harbor, made["name"], made["secret"]) as here:
            for kind, key, document in (
                    ("usergroup", "oidc/ops", {}),
                    ("member", "team/oidc/devs", {"role": "guest"}),
                    ("label", "/good", {"color": "#fff"}),
                    ("label", "team/good", {"color": "#fff"})):
                here.knows(kind, "write")
                here.write(kind, key, document)
                same(here.list(kind)[key]["document"], document, key)
            here.knows("user", "write")
            failed = failure(here.knows, "robot")
            same(failed.kind, "auth-denied", "class")
            holds("the robot account robot$me" in failed.text, failed.text)


def case_before_2_10_a_robot_may_less_than_its_rights_say():
    with Harbor(version="2.9.0") as harbor:
        make_projects(harbor, "team")
        make_label(harbor, "old")
        for name, given in (
                ("sys", permission("/", *SYSTEM_RIGHTS, kind="system")),
                ("all", permission("*", *PROJECT_RIGHTS, *[
                    "label:create", "label:update"]))):
            made = make_robot(harbor, name, given)
            with open_harbor(harbor, made["name"], made["secret"]) as here:
                same(failure(here.knows, "user").kind, "auth-denied", "user")
                same(failure(here.fit, "label", "/new", {}).kind,
                     "unsupported", "new")
                same(failure(here.fit, "label", "/old", {"color": "#1"},
                             found={}).kind, "unsupported", "other")
                here.fit("label", "/old", {}, found={})
                here.fit("label", "team/new", {})


# Labels.

def make_label(harbor, name, project=None, **more):
    where = {"scope": "g"}
    if project:
        row = harbor.table("project").find(name=project)
        where = {"scope": "p", "project_id": row["id"]}
    api(harbor, "POST", "/labels", {"name": name, **where, **more},
        status=201)


def case_labels_of_both_scopes_are_listed():
    found = []
    for version in ("2.9.0", "2.16.0"):
        with Harbor(version=version) as harbor:
            make_projects(harbor, "team", version.replace(".", "-"))
            make_label(harbor, "release", color="#FF0000", description="d")
            make_label(harbor, "wäre / gut")
            make_label(harbor, "release", "team", color="#00FF00")
            api(harbor, "POST", "/labels", {"scope": "g"}, status=201)
            with open_harbor(harbor) as here:
                found.append(texts(here.list("label")))
    same(found[1], found[0], "documents")
    same(found[0], {"/release": '{"color":"#FF0000","description":"d"}',
                    "/wäre / gut": "{}",
                    "team/release": '{"color":"#00FF00"}'}, "documents")


def case_labels_are_created_and_replaced():
    first, second = {"color": "#fff", "description": "d"}, {"color": "#000"}
    with Harbor() as harbor:
        make_projects(harbor, "team")
        with open_harbor(harbor) as here:
            for key in ("/release", "team/release", "/a,b=~c / ä",
                        "team/a,b=~c / ä", "/~x"):
                same(failure(here.read, "label", key).kind, "not-found",
                     "before")
                here.write("label", key, first)
                same(here.read("label", key)["document"], first, "created")
                same(failure(here.write, "label", key, first).kind,
                     "conflict", "again")
                harbor.forget()
                here.write("label", key, second, found=first)
                same([entry.method for entry in harbor.writes()], ["PUT"],
                     "writes")
                same(here.read("label", key)["document"], second, "replaced")


def case_a_label_of_a_project_that_is_not_there_is_not_made():
    with Harbor() as harbor:
        with open_harbor(harbor) as here:
            same(failure(here.write, "label", "nope/x", {}).kind,
                 "not-found", "class")
            same(harbor.writes("/labels"), [], "writes")


def case_a_label_that_got_another_number_is_found_the_next_time():
    with Harbor() as harbor:
        make_label(harbor, "x")
        with open_harbor(harbor) as here:
            here.read("label", "/x")
            number = harbor.table("label").find(name="x")["id"]
            api(harbor, "DELETE", f"/labels/{number}")
            make_label(harbor, "x")
            same(failure(here.write, "label", "/x", {"color": "#1"},
                         found={}).kind, "not-found", "first")
            here.write("label", "/x", {"color": "#1"}, found={})
            same(here.read("label", "/x")["document"], {"color": "#1"},
                 "second")


# Accounts.

ALICE = {"email": "alice@example.com", "realname": "Alice"}


def case_accounts_are_created_with_a_password_and_kept_up():
    with Harbor() as harbor:
        with open_harbor(harbor) as here:
            wanted = dict(ALICE, comment="c", sysadmin=True)
            here.knows("user", "write")
            same(failure(here.fit, "user", "alice", wanted).kind,
                 "unsupported", "without a password")
            same(failure(here.write, "user", "alice", wanted).kind,
                 "unsupported", "without a password")
            here.write("user", "alice", wanted,
                       secrets={"/password": "Abcdef12345"})
            same(here.read("user", "alice")["document"], wanted, "created")
            api(harbor, "GET", "/users/current", user="alice",
                password="Abcdef12345", status=200)
            same(failure(here.write, "user", "alice", wanted,
                         secrets={"/password": "Abcdef12345"}).kind,
                 "conflict", "again")
            harbor.forget()
            here.write("user", "alice", ALICE, found=wanted)
            same(sorted(entry.target for entry in harbor.writes()),
                 ["/api/v2.0/users/3", "/api/v2.0/users/3/sysadmin"],
                 "writes")
            same(here.read("user", "alice")["document"], ALICE, "changed")
            same(list(here.list("user")), ["alice"], "listed")


def case_an_email_address_of_another_account_is_said():
    with Harbor() as harbor:
        make_user(harbor, "bob", email="alice@example.com")
        with open_harbor(harbor) as here:
            failed = failure(here.write, "user", "alice", ALICE,
                             secrets={"/password": "Abcdef12345"})
            same(failed.kind, "unsupported", "class")
            holds("e-mail" in failed.text, failed.text)


def case_an_account_with_an_odd_name_is_found():
    with Harbor() as harbor:
        make_user(harbor, "a,b")
        with open_harbor(harbor) as here:
            same(here.read("user", "a,b")["document"]["realname"], "a,b",
                 "read")


def case_the_login_s_own_account_is_protected():
    with Harbor() as harbor:
        make_user(harbor, "replicator")
        row = harbor.table("user").find(username="replicator")
        harbor.table("user").update(row, sysadmin=True)
        with open_harbor(harbor, "replicator", "Abcdef12345") as here:
            one = here.list("user")["replicator"]
            holds("logs in" in one["protected"], one)


def case_accounts_that_come_from_outside_are_not_had():
    with Harbor(auth_mode="oidc_auth") as harbor:
        with open_harbor(harbor) as here:
            same(failure(here.knows, "user").kind, "unsupported", "class")


if __name__ == "__main__":
    run(globals())
