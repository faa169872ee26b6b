# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is in the repositories: rows of the database, bytes of the registry.

    repository <- artifact <- tag
                     ^ `---- accessory (what refers to an artifact, by digest)
                     `------ artifact_label

    harbor.blobs     {digest: bytes}, of manifests too
    harbor.links     {(repository name, digest)}, what a repository serves
    harbor.holdings  {(project id, digest)}, what counts for a project's quota

Rows of artifacts hold what their manifest says; it never changes.
"""
from .state import installs
from .wire import Refusal

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@installs(0)
def make_tables(harbor):
    harbor.make_table("repository", unique=[("name",)])
    harbor.make_table("artifact", unique=[("repository_id", "digest")])
    harbor.make_table("tag", unique=[("repository_id", "name")])
    harbor.make_table("accessory", unique=[("artifact_id",
                                            "subject_digest")])
    harbor.make_table("artifact_label", unique=[("artifact_id", "label_id")])
    harbor.blobs = {}
    harbor.links = set()
    harbor.holdings = set()
    harbor.pulls = []
    harbor.holds_pulls = False  # as Harbor does, which counts them later


# Repositories.

def find_repository(harbor, name):
    row = harbor.table("repository").find(name=name)
    if row is None:
        raise Refusal(404, f"repository {name} not found")
    return row


def ensure_repository(harbor, name):
    row = harbor.table("repository").find(name=name)
    if row is not None:
        return row
    project = harbor.table("project").find(name=name.partition("/")[0])
    at = harbor.now_ms()
    return harbor.table("repository").insert(
        name=name, project_id=project["id"], description="", pull_count=0,
        creation_ms=at, update_ms=at)


def repositories_of(harbor, project_id):
    return harbor.table("repository").select(project_id=project_id)


# Artifacts and their tags.

def is_digest(reference):
    """As far as Harbor's own lookup cares."""
    algorithm, colon, value = reference.partition(":")
    return (algorithm == "sha256" and colon and len(value) == 64 and
            not set(value) - set("0123456789abcdef"))


def find_artifact(harbor, name, reference):
    """The row of a tag or digest; else Harbor's refusal."""
    if is_digest(reference):
        row = harbor.table("repository").find(name=name)
        found = row and harbor.table("artifact").find(
            repository_id=row["id"], digest=reference)
        if not found:
            raise Refusal(404, f"artifact {name}@{reference} not found")
        return found
    row = find_repository(harbor, name)
    tag = harbor.table("tag").find(repository_id=row["id"], name=reference)
    if tag is None:
        raise Refusal(404, f"artifact {name}:{reference} not found")
    return harbor.table("artifact").get(tag["artifact_id"])


def newest_first(row):
    return -row["push_ms"], -row["id"]


def tags_of(harbor, artifact):
    """The newest first."""
    found = [row for row in harbor.table("tag").rows.values()
             if row["artifact_id"] == artifact["id"]]
    return sorted(found, key=newest_first)


def tags_by_artifact(harbor):
    """{artifact id: its tags, the newest first}, for whole lists."""
    found = {}
    for row in sorted(harbor.table("tag").rows.values(), key=newest_first):
        found.setdefault(row["artifact_id"], []).append(row)
    return found


def put_tag(harbor, artifact, name, at_ms=None):
    """The tag shows this artifact from now, or that time, on."""
    tags = harbor.table("tag")
    at = at_ms or harbor.now_ms()
    row = tags.find(repository_id=artifact["repository_id"], name=name)
    if row is None:
        return tags.insert(repository_id=artifact["repository_id"],
                           artifact_id=artifact["id"], name=name,
                           push_ms=at, pull_ms=None)
    if row["artifact_id"] != artifact["id"]:
        tags.update(row, artifact_id=artifact["id"], push_ms=at)
    return row


def listed_artifacts(harbor, repository):
    """Those that lists show: no accessories, and no untagged images of an
    index."""
    rows = harbor.table("artifact").select(repository_id=repository["id"])
    hidden = {row["artifact_id"] for row in harbor.table("accessory")}
    children = {child["digest"] for row in rows for child in row["children"]}
    tagged = {row["artifact_id"] for row in harbor.table("tag").select(
        repository_id=repository["id"])}
    return [row for row in rows if row["id"] not in hidden and
            (row["id"] in tagged or row["digest"] not in children)]


def accessories_of(harbor, artifact):
    return harbor.table("accessory").select(
        repository_id=artifact["repository_id"],
        subject_digest=artifact["digest"])


def note_pull(harbor, artifact, reference):
    """A manifest was got: counters and times move."""
    harbor.pulls.append((artifact, reference, harbor.now_ms()))
    if not harbor.holds_pulls:
        count_pulls(harbor)


def count_pulls(harbor):
    while harbor.pulls:
        artifact, reference, at = harbor.pulls.pop(0)
        harbor.table("artifact").update(artifact, pull_ms=at)
        tag = harbor.table("tag").find(
            repository_id=artifact["repository_id"], name=reference)
        if tag:
            harbor.table("tag").update(tag, pull_ms=at)
        repository = harbor.table("repository").get(
            artifact["repository_id"])
        harbor.table("repository").update(
            repository, pull_count=repository["pull_count"] + 1,
            update_ms=harbor.now_ms())


# Blobs.

def link_blob(harbor, repository_name, data, digest):
    """A repository serves a blob from now on, and its project holds it."""
    harbor.blobs.setdefault(digest, bytes(data))
    link = repository_name, digest
    if link not in harbor.links:
        harbor.links.add(link)
        harbor.journal.note(harbor.links.discard, link)
    project = harbor.table("project").find(
        name=repository_name.partition("/")[0])
    held = project["id"], digest
    if held not in harbor.holdings:
        harbor.holdings.add(held)
        harbor.journal.note(harbor.holdings.discard, held)
        count_use(harbor, project["id"], len(harbor.blobs[digest]))


def count_use(harbor, project_id, more_bytes):
    row = harbor.table("quota").find(project_id=project_id)
    if row is not None:
        harbor.table("quota").update(row, used={
            "storage": row["used"]["storage"] + more_bytes})


def is_held(harbor, project_id, digest):
    return (project_id, digest) in harbor.holdings


def drop_unused(harbor, project_id, digests):
    """Blobs that no artifact of the project needs any more are not counted."""
    needed = set()
    for row in harbor.table("artifact").select(project_id=project_id):
        needed |= row["blobs"] | {row["digest"]}
    for digest in digests - needed:
        one = (project_id, digest)
        if one in harbor.holdings:
            harbor.holdings.discard(one)
            harbor.journal.note(harbor.holdings.add, one)
            count_use(harbor, project_id, -len(harbor.blobs[digest]))


# Quotas.

def format_bytes(count):
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in UNITS:
        if size < 1024 or unit == UNITS[-1]:
            return f"{size:.1f} {unit}"
        size /= 1024
    return None


def request_storage(harbor, project_id, more_bytes):
    """Refuses what the quota does not allow.  Nothing more is asked when an
    upload begins; then it must not be exceeded already."""
    row = harbor.table("quota").find(project_id=project_id)
    if row is None or not harbor.config["quota_per_project_enable"]:
        return
    limit = row["hard"]["storage"]
    used = row["used"]["storage"]
    if limit < 0 or used + more_bytes <= limit:
        return
    verb = "adding" if more_bytes > 0 else "subtracting"
    raise Refusal(403, f"{verb} {format_bytes(more_bytes)} of storage "
                       "resource, which when updated to current usage of "
                       f"{format_bytes(used)} will exceed the configured "
                       f"upper limit of {format_bytes(limit)}.", "DENIED")
