# SPDX-License-Identifier: LGPL-2.1-or-later
"""Directories that are full, closed, torn, shared or killed in mid-write."""
import json
import os
import shutil
import signal
import subprocess
import time

import content
import layouts
from harness import (PROGRAM, Skip, configuration, endpoint, has, holds, need,
                     path, run, run_program, same)
from hostile import Hostile


def config(source, target, **more):
    """Endpoints are directories or registries."""
    def side(name, place):
        if isinstance(place, Hostile):
            return endpoint(name, "oci", url=place.url)
        return endpoint(name, "layout", path=place)
    return configuration([side("s", source), side("t", target)],
                         [{"name": "st", "source": "s", "target": "t",
                           **more}])


def fresh(name):
    """A directory that does not exist yet."""
    directory = path(name)
    shutil.rmtree(directory, ignore_errors=True)
    return directory


def mounted(options, directory, copy):
    """Runs a program with a file system of its own on `directory`, and takes
    what is in it afterwards to `copy`: a mount that ends with its namespace."""
    if os.geteuid() != 0:
        raise Skip("only root can mount")
    unshare = need("unshare")
    os.makedirs(directory, exist_ok=True)
    done = subprocess.run([unshare, "-m", "mount", "-t", "tmpfs", "-o",
                           options, "none", directory], check=False,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Skip("nothing can be mounted here")
    script = ('mount -t tmpfs -o "$1" none "$2" || exit 99; d=$2; c=$3; '
              'shift 3; "$@"; code=$?; cp -a "$d" "$c"; exit $code')
    return [unshare, "-m", "sh", "-c", script, "sh", options, directory, copy]


def case_a_full_disk_fails_what_does_not_fit_and_tears_nothing():
    source = Hostile()
    source.add("app", "big", content.image("big", size=3 << 20, layers=1))
    source.add("app", "small", content.image("small"))
    target, copy = fresh("full"), fresh("full-afterwards")
    within = mounted("size=1m", target, copy)
    result = run_program("once", config=config(source, target), code=1,
                         within=within)
    has(result.out, "failed 1", "no space left on device", "make room")
    same(layouts.check(os.path.join(copy, "app")), ["small"])
    same(layouts.leftovers(copy), [])


def case_a_read_only_directory_is_said_to_be_so():
    source = Hostile()
    source.add("app", "1", content.image("1"))
    target, copy = fresh("closed"), fresh("closed-afterwards")
    result = run_program("once", config=config(source, target), code=6,
                         within=mounted("ro", target, copy))
    has(result.err, "target t: it is set to read-only", "nothing was planned")


def case_what_goes_through_a_layout_comes_out_the_same():
    # With lists of what refers to a manifest, as the layout has them.
    first, second = Hostile(referrers=True), Hostile(referrers=True)
    subject = content.image("subject")
    things = {"image": content.image("image"), "index": content.index("index"),
              "docker": content.image("old", docker=True), "subject": subject,
              "sbom": content.referrer("sbom", subject),
              "empty": content.image("empty", size=0, layers=1)}
    for tag, artifact in things.items():
        first.add("deep/down/app", tag, artifact)
        first.add("deep/down", tag, artifact)
    directory = fresh("between")
    run_program("once", config=config(first, directory), code=0)
    same(layouts.check(os.path.join(directory, "deep/down")), sorted(things))
    same(layouts.leftovers(directory), [])
    run_program("once", config=config(directory, second), code=0)
    same(second.manifests, first.manifests)
    same(second.blobs, first.blobs)
    result = run_program("once", config=config(directory, second), code=0)
    has(result.out, "changed 0", "0 B in 0 writes")


def case_a_repository_may_be_called_blobs():
    source = Hostile()
    for repository in ("app", "app/blobs", "app/blobs/sha256"):
        source.add(repository, "1", content.image(repository))
    directory, target = fresh("blobs"), Hostile()
    run_program("once", config=config(source, directory), code=0)
    run_program("once", config=config(directory, target), code=0)
    same(target.manifests, source.manifests)


def case_a_layout_of_another_tool_is_read():
    skopeo = need("skopeo")
    source, target = Hostile(), Hostile()
    source.add("app", "1", content.image("1"))
    directory = fresh("foreign")
    os.makedirs(path("foreign"))
    subprocess.run([skopeo, "--insecure-policy", "copy", "-q",
                    "--src-tls-verify=false",
                    f"docker://127.0.0.1:{source.port}/app:1",
                    f"oci:{directory}/app:1"], check=True)
    run_program("once", config=config(directory, target), code=0)
    same(layouts.check(directory + "/app"), ["1"])
    found = target.manifests["app", "1"][1]
    same(layouts.read_blob(directory + "/app", content.digest(found)), found)


def torn_source():
    directory = fresh("torn")
    images = {tag: content.image(tag, layers=1) for tag in ("bad", "good")}
    layouts.write(os.path.join(directory, "app"), images)
    layer = json.loads(images["bad"].bytes)["layers"][0]["digest"]
    return directory, layouts.blob_path(os.path.join(directory, "app"), layer)


def only_good_comes(directory):
    target = Hostile()
    result = run_program("once", config=config(directory, target), code=1)
    has(result.out, "failed 1")
    same(target.tags("app"), ["good"])
    return result


def case_a_torn_blob_never_passes_as_content():
    directory, blob = torn_source()
    os.truncate(blob, 100)
    only_good_comes(directory)


def case_a_changed_blob_of_the_same_size_never_passes_as_content():
    directory, blob = torn_source()
    with open(blob, "r+b") as file:
        file.write(b"changed")
    only_good_comes(directory)


def case_a_link_out_of_the_layout_is_not_followed():
    directory, blob = torn_source()
    os.rename(blob, path("outside"))
    os.symlink(path("outside"), blob)
    only_good_comes(directory)


def case_a_pipe_in_the_place_of_a_blob_hangs_nobody():
    directory, blob = torn_source()
    os.unlink(blob)
    os.mkfifo(blob)
    only_good_comes(directory)


def case_a_malformed_index_fails_its_repository_alone():
    directory, _ = torn_source()
    layouts.write(os.path.join(directory, "other"),
                  {"1": content.image("other")})
    with open(os.path.join(directory, "app", "index.json"), "w") as file:
        file.write('{"schemaVersion": 2, "manifests": [')
    target = Hostile()
    result = run_program("once", config=config(directory, target), code=1)
    has(result.out, "app", "index.json", "failed 1")
    same(target.tags("other"), ["1"])


def slow_source(tags):
    source = Hostile()
    for number in range(tags):
        source.add("app", f"t{number:02}",
                   content.image(f"t{number}", size=200000, layers=2))
    source.rule("GET", "/blobs/", drip=0.2)
    return source


def start_copy(source, directory):
    name = path("started.cfg")
    with open(name, "w") as file:
        file.write(config(source, directory))
    return subprocess.Popen([PROGRAM, "-c", name, "once"],
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def wait_for_tags(directory, process):
    while process.poll() is None:
        if layouts.check(os.path.join(directory, "app")):
            return
        time.sleep(0.02)


def case_a_kill_at_any_time_leaves_whole_tags_only():
    source, directory = slow_source(12), fresh("killed")
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        process = start_copy(source, directory)
        wait_for_tags(directory, process)
        process.send_signal(number)
        process.wait(60)
        layouts.check(os.path.join(directory, "app"))
    source.rules.clear()
    result = run_program("once", config=config(source, directory), code=0)
    same(layouts.check(os.path.join(directory, "app")),
         source.tags("app"))
    run_program("verify", "--deep", config=config(source, directory), code=0)
    has(result.out, "checked 12")


def case_two_programs_write_one_layout():
    one, two, directory = slow_source(8), Hostile(), fresh("shared")
    for number in range(8):
        two.add("app", f"u{number}", content.image(f"t{number}"))
    processes = [start_copy(one, directory)]
    while not one.requests:
        time.sleep(0.01)
    run_program("once", config=config(two, directory), code=0)
    same([process.wait(120) for process in processes], [0])
    same(layouts.check(os.path.join(directory, "app")),
         sorted(one.tags("app") + two.tags("app")))


def case_an_unchanged_pass_does_not_touch_a_layout():
    source, directory = Hostile(), fresh("untouched")
    source.add("app", "1", content.index("1"))
    run_program("once", config=config(source, directory), code=0)

    def look():
        return {os.path.join(top, name): os.stat(
            os.path.join(top, name)).st_mtime_ns
                for top, _, files in os.walk(directory) for name in files}
    before = look()
    result = run_program("once", config=config(source, directory), code=0)
    has(result.out, "changed 0", "0 B in 0 writes")
    same(look(), before)


if __name__ == "__main__":
    run(globals())
