# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs of replication policies: /replication/executions.

A run copies over HTTP, from whichever side is the source, on a thread of its
own; the side that is this Harbor is asked like the other one, by its first
administrator.  `harbor.jobs_go` holds runs back while it is clear.
"""
import json
import threading
import urllib.parse

from . import addresses, jobs, registries, remotes, replications
from .immutability import matches
from .models import Model
from .paging import Column, integer, paged
from .rights import require_system
from .routes import API, route
from .state import format_time, installs
from .v2_manifests import REPLICATION_AGENT
from .wire import Refusal, Response

VENDOR = replications.VENDOR
START = Model("StartReplicationExecution", policy_id=int)
PATH = API + "replication/executions"
STATES = {"Running": "InProgress", "Success": "Succeed", "Error": "Failed",
          "Stopped": "Stopped"}
TRIGGERS = {"MANUAL": "manual", "SCHEDULE": "scheduled",
            "EVENT": "event_based"}
KINDS = ("application/vnd.oci.image.index.v1+json",
         "application/vnd.oci.image.manifest.v1+json",
         "application/vnd.docker.distribution.manifest.list.v2+json",
         "application/vnd.docker.distribution.manifest.v2+json")
COLUMNS = {"id": Column(int, "id"), "start_time": Column("time", "start_ms"),
           "status": Column(str, "status")}


@installs(0)
def make_gate(harbor):
    harbor.jobs_go = threading.Event()
    harbor.jobs_go.set()
    harbor.jobs_running = []


def wait_for_jobs(harbor):
    """Returns when nothing is running any more."""
    harbor.jobs_go.set()
    while harbor.jobs_running:
        harbor.jobs_running.pop().join()


class Failed(Exception):
    """What a run says in its status_text."""


class Side:
    """A Harbor to copy from or to."""

    def __init__(self, harbor, number):
        self.harbor = harbor
        self.registry = registries.find(harbor, number)
        if number == 0:
            admin = harbor.table("user").get(1)
            self.registry.update(url=harbor.url, access_key=admin["username"],
                                 access_secret=admin["password"])

    def ask(self, method, path, headers, body=None):
        answer = addresses.ask(
            self.harbor, method, path if "://" in path else
            self.registry["url"] + path, headers, body)
        if answer.status >= 400 and (method, answer.status) != ("HEAD", 404):
            raise Failed(f"{method} {path}: {answer.status}")
        return answer

    def api(self, method, path, body=None):
        headers = remotes.basic(self.registry)
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        return self.ask(method, API.rstrip("/") + path, headers, body)

    def v2(self, method, name, rest, body=None, **headers):
        scope = f"repository:{name}:pull,push"
        headers = {**remotes.bearer(self.harbor, self.registry, scope),
                   "User-Agent": REPLICATION_AGENT, **headers}
        path = rest if rest.startswith(("/v2/", "http")) else (
            f"/v2/{name}/{rest}")
        return self.ask(method, path, headers, body)

    def list(self, path):
        return self.api("GET", path).json()


# What is copied.

def selected_artifacts(policy, found):
    """[(artifact, tags)] of a repository that pass the filters."""
    kept = []
    for artifact in found:
        tags = [tag["name"] for tag in artifact["tags"] or ()]
        labels = {label["name"] for label in artifact["labels"] or ()}
        wanted = True
        for one in policy["filters"]:
            excludes = one.get("decoration") == "excludes"
            if one["type"] == "tag":
                tags = [tag for tag in tags
                        if matches(one["value"], tag) != excludes]
                wanted = wanted and bool(tags)
            elif one["type"] == "label":
                wanted = wanted and (set(one["value"]) <= labels) != excludes
            elif one == {**one, "type": "resource", "value": "image"}:
                wanted = wanted and artifact["type"] == "IMAGE"
        if wanted:
            kept.append((artifact, tags))
    return kept


def artifacts_path(name):
    project, _, rest = name.partition("/")
    rest = urllib.parse.quote(urllib.parse.quote(rest, safe=""), safe="")
    return (f"/projects/{project}/repositories/{rest}/artifacts"
            "?page_size=0&with_label=true")


def select(source, policy):
    """[(repository, [(artifact, tags)])], the newest repository first."""
    found = []
    for repository in source.list("/repositories?page_size=0"):
        name = repository["name"]
        if all(matches(one["value"], name) for one in policy["filters"]
               if one["type"] == "name"):
            artifacts = selected_artifacts(policy,
                                           source.list(artifacts_path(name)))
            if artifacts:
                found.append((name, artifacts))
    return found


def target_name(policy, name):
    if not policy["dest_namespace"]:
        return name
    *above, last = name.split("/")
    count = policy["replace_count"]
    if count > len(above):
        raise Failed(f"the source repository \"{name}\" contains only "
                     f"{len(above)} path components")
    kept = above[count:] if count >= 0 else []
    return "/".join([policy["dest_namespace"], *kept, last])


# Copying.

def ensure_project(source, target, name, new_name):
    project = new_name.partition("/")[0]
    known = target.list(f"/projects?page_size=0&name={project}")
    if all(one["name"] != project for one in known):
        old = source.list("/projects/" + name.partition("/")[0])
        target.api("POST", "/projects", {
            "project_name": project,
            "metadata": {"public": old["metadata"]["public"]}})


def copy_blob(source, target, name, new_name, digest):
    if target.v2("HEAD", new_name, f"blobs/{digest}").status == 200:
        return
    data = source.v2("GET", name, f"blobs/{digest}").body
    place = target.v2("POST", new_name, "blobs/uploads/").headers["Location"]
    target.v2("PUT", new_name, place + ("&" if "?" in place else "?") +
              f"digest={digest}", data)


def copy_manifest(source, target, name, new_name, digest, tags):
    answer = source.v2("GET", name, f"manifests/{digest}",
                       Accept=", ".join(KINDS))
    value = answer.json()
    for child in value.get("manifests", ()):
        copy_manifest(source, target, name, new_name, child["digest"], [])
    parts = [value["config"]] if "config" in value else []
    for part in parts + value.get("layers", []):
        copy_blob(source, target, name, new_name, part["digest"])
    kind = answer.headers["Content-Type"]
    for reference in tags or [digest]:
        target.v2("PUT", new_name, f"manifests/{reference}", answer.body,
                  **{"Content-Type": kind})


def is_free(policy, target, name, tag, digest):
    """False if the tag means something else there and is to stay."""
    if policy["override"]:
        return True
    answer = target.v2("HEAD", name, f"manifests/{tag}",
                       Accept=", ".join(KINDS))
    return answer.status == 404 or (
        answer.headers["Docker-Content-Digest"] == digest)


def copy_repository(source, target, policy, name, artifacts):
    new_name = target_name(policy, name)
    for artifact, tags in artifacts:
        digest = artifact["digest"]
        free = [tag for tag in tags
                if is_free(policy, target, new_name, tag, digest)]
        if free or not tags:
            copy_manifest(source, target, name, new_name, digest, free)


def count_items(artifacts):
    return sum(max(len(tags), 1) for _, tags in artifacts)


def make_tasks(harbor, execution, policy, chosen):
    tasks = []
    for name, artifacts in chosen:
        text = f"[{count_items(artifacts)} item(s) in total]"
        tasks.append(jobs.add_task(
            harbor, execution, name=name, src_resource=f"{name} {text}",
            dst_resource=f"{target_name(policy, name)} {text}"))
    return tasks


def run(harbor, execution, policy):
    """Copies the last one first, as several workers may; at the end it says
    of each whether it was copied."""
    harbor.jobs_go.wait()
    tasks, states, text = [], {}, ""
    try:
        source = Side(harbor, policy["src_id"] or 0)
        target = Side(harbor, policy["dest_id"] or 0)
        chosen = select(source, policy)
        with harbor.lock:
            tasks = make_tasks(harbor, execution, policy, chosen)
        for name, artifacts in reversed(chosen):
            states[name] = ("Stopped" if execution["extra"].get("stopped") else
                            copy_one(source, target, policy, name, artifacts))
    except (OSError, Failed, Refusal, PermissionError) as error:
        text = str(error)
    with harbor.lock:
        at = harbor.now_ms()
        for task in tasks:
            harbor.table("task").update(
                task, status=states.get(task["extra"]["name"], "Error"),
                end_ms=at)
        harbor.table("execution").update(
            execution, status=outcome(states.values(), text), text=text,
            end_ms=at)


def outcome(states, text):
    if text or "Error" in states:
        return "Error"
    return "Stopped" if "Stopped" in states else "Success"


def copy_one(source, target, policy, name, artifacts):
    try:
        ensure_project(source, target, name, target_name(policy, name))
        copy_repository(source, target, policy, name, artifacts)
        return "Success"
    except (OSError, Failed, PermissionError):
        return "Error"


# Routes.

def whole_seconds(at_ms):
    return format_time(at_ms and at_ms // 1000 * 1000)


def show_execution(harbor, row):
    states = [task["status"] for task in jobs.tasks_of(harbor, row)]
    counts = {name: states.count(state) for name, state in (
        ("failed", "Error"), ("in_progress", "Running"),
        ("stopped", "Stopped"), ("succeed", "Success"))}
    return dict(sorted({
        **counts, "end_time": whole_seconds(row["end_ms"]), "id": row["id"],
        "policy_id": row["vendor_id"],
        "start_time": format_time(row["start_ms"]),
        "status": STATES[row["status"]], "status_text": row["text"],
        "total": len(states), "trigger": TRIGGERS[row["trigger"]]}.items()))


def show_task(task):
    return {"dst_resource": task["extra"]["dst_resource"],
            "end_time": whole_seconds(task["end_ms"]),
            "execution_id": task["execution_id"], "id": task["id"],
            "job_id": task["job_id"], "operation": "copy",
            "resource_type": "artifact",
            "src_resource": task["extra"]["src_resource"],
            "start_time": whole_seconds(task["start_ms"]),
            "status": STATES[task["status"]]}


def find(request):
    number = request.params["id"]
    row = jobs.find_execution(request.harbor, VENDOR, number)
    if row is None:
        raise Refusal(404, f"replication execution {number} not found")
    return row


@route("POST", PATH, body=START, body_name="execution")
def start(request):
    require_system(request, "create", "replication")
    harbor = request.harbor
    policy = replications.find(harbor, request.content.get("policy_id", 0))
    if not policy["enabled"]:
        raise Refusal(412, f"the policy {policy['id']} is disabled")
    trigger = ("SCHEDULE" if request.query.get("trigger") == "scheduled" else
               "MANUAL")
    execution = jobs.add_execution(harbor, VENDOR, policy["id"], trigger,
                                   "Running")
    thread = threading.Thread(target=run, daemon=True,
                              args=(harbor, execution, dict(policy)))
    harbor.jobs_running.append(thread)
    thread.start()
    return Response(201, headers={
        "Location": f"{request.path.rstrip('/')}/{execution['id']}"})


@route("GET", PATH)
def list_executions(request):
    require_system(request, "list", "replication")
    harbor = request.harbor
    number = integer(request, "policy_id", None)
    rows = jobs.executions_of(harbor, VENDOR, number)
    for name, shown in (("status", STATES), ("trigger", TRIGGERS)):
        wanted = request.query.get(name, "")
        rows = [row for row in rows if wanted in ("", shown[row[name]])]
    return paged(request, rows, lambda row: show_execution(harbor, row),
                 COLUMNS)


@route("GET", PATH + "/{id:int}")
def get_execution(request):
    require_system(request, "read", "replication")
    return Response(200, show_execution(request.harbor, find(request)))


@route("PUT", PATH + "/{id:int}")
def stop(request):
    """One that has ended stays as it is."""
    require_system(request, "create", "replication")
    find(request)["extra"]["stopped"] = True
    return Response(200, b"null\n", content_type="application/json")


@route("GET", PATH + "/{id:int}/tasks")
def list_tasks(request):
    require_system(request, "list", "replication")
    rows = jobs.tasks_of(request.harbor, find(request))
    return paged(request, rows, show_task, COLUMNS)
