# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists of the registry part: tags, repositories, and what refers to an
artifact.
"""
import re
import urllib.parse

from . import images
from .manifests import INDEX
from .v2_access import serves
from .wire import Refusal, Response, to_json

JSON = "application/json; charset=utf-8"


def names_after(request, names, path):
    """A page of sorted names: n of them after `last`."""
    last = request.query.get("last", "")
    names = sorted(name for name in names if name > last)
    text = request.query.get("n", "")
    if not text:
        return names, {}
    if not re.fullmatch("[+-]?[0-9]+", text) or int(text) < 0:
        raise Refusal(400, "the N must be a positive int type")
    count = int(text)
    page = names[:count]
    if not page or len(names) == len(page):
        return page, {}
    after = urllib.parse.quote(page[-1], safe="")
    return page, {"Link": f"<{path}?last={after}&n={count}>; rel=\"next\""}


@serves("tags", "GET")
def list_tags(request, target):
    harbor = request.harbor
    repository = images.find_repository(harbor, target.name)
    names = [row["name"] for row in harbor.table("tag").select(
        repository_id=repository["id"])]
    page, headers = names_after(request, names,
                                f"/v2/{target.name}/tags/list")
    return Response(200, {"name": target.name, "tags": page}, headers, JSON)


@serves("catalog", "GET")
def list_catalog(request, _target):
    harbor = request.harbor
    names = [row["name"] for row in harbor.table("repository")
             if images.listed_artifacts(harbor, row)]
    page, headers = names_after(request, names, "/v2/_catalog")
    return Response(200, {"repositories": page}, headers, JSON)


@serves("referrers", "GET")
def list_referrers(request, target):
    """What older versions tell is wrong: the type is that of the config, the
    size that of all blobs, and of a digest that is not there nothing."""
    harbor = request.harbor
    subject = target.reference
    if not images.is_digest(subject):
        raise Refusal(400, f"unsupported digest {subject}: invalid checksum "
                           "digest format")
    repository = harbor.table("repository").find(name=target.name)
    rows = [] if repository is None else harbor.table("accessory").select(
        repository_id=repository["id"], subject_digest=subject)
    modern = harbor.since("2.11")
    if not modern and (repository is None or harbor.table("artifact").find(
            repository_id=repository["id"], digest=subject) is None):
        return Response(200, {}, {"X-Total-Count": "0"}, JSON)
    found = [describe(harbor, row, modern) for row in rows]
    headers = {"X-Total-Count": str(len(rows))}
    wanted = request.query.get("artifactType")
    if wanted:
        headers["Oci-Filters-Applied"] = "artifactType"
        found = [one for one in found if one["artifactType"] == wanted]
    return Response(200, to_json({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": found}),
        headers, INDEX if modern else JSON)


def describe(harbor, accessory, modern):
    row = harbor.table("artifact").get(accessory["artifact_id"])
    shown = {"mediaType": row["manifest_media_type"],
             "digest": row["digest"],
             "size": (len(harbor.blobs[row["digest"]]) if modern
                      else row["size"])}
    if row["annotations"]:
        shown["annotations"] = row["annotations"]
    shown["artifactType"] = row["artifact_type" if modern else "media_type"]
    return shown
