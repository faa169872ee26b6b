# SPDX-License-Identifier: LGPL-2.1-or-later
# Who includes what: reads core/README, a list of files, then the sources.
# Prints each include that the layering does not allow.

BEGIN {
    # Headers of libraries, and the places that may see them.
    only["curl/"] = "core/net/"
    only["jansson.h"] = "core/model/ plugins/"
    only["libconfig.h"] = "core/config/"
    only["dlfcn.h"] = "core/plug/"
    only["sqlite3.h"] = "core/store/"
    only["openssl/"] = "core/base/digest.c"

    count = split("assert complex ctype errno fenv float inttypes iso646 " \
                  "limits locale math setjmp signal stdalign stdarg " \
                  "stdatomic stdbool stddef stdint stdio stdlib " \
                  "stdnoreturn string tgmath threads time uchar wchar " \
                  "wctype", names, " ")
    for (i = 1; i <= count; i++)
        standard[names[i] ".h"] = 1
}

function complain(why)
{
    print FILENAME ":" FNR ": " why
}

function starts(text, start)
{
    return substr(text, 1, length(start)) == start
}

# The rooms of core, from the highest down, as its README lists them.
stage == "rooms" {
    if (/^What may include what/)
        listing = 1
    if (/^Threads/)
        listing = 0
    if (listing && match($0, /^    [a-z]+ /))
        height[$1] = 100 - ++rooms
    next
}

stage == "files" {
    exists[$0] = 1
    next
}

!/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    next
}

{
    line = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", line)
    quoted = starts(line, "\"")
    header = substr(line, 2)
    sub(/[">].*$/, "", header)
    split(FILENAME, part, "/")
    check_only()
    if (part[1] == "core")
        check_core(part[2])
    else if (part[1] == "plugins")
        check_plugin(part[2])
    else
        check_public()
}

function check_only(    start, count, places, i)
{
    for (start in only) {
        if (!starts(header, start))
            continue
        count = split(only[start], places, " ")
        for (i = 1; i <= count; i++)
            if (starts(FILENAME, places[i]))
                return
        complain("<" header "> is for " only[start] " alone")
    }
}

function check_core(room,    other)
{
    if (!quoted) {
        if (starts(header, "harbor-replicator/") && !exists["include/" header])
            complain("there is no include/" header)
        return
    }
    if (!(room in height)) {
        complain("core/README does not say where " room " stands")
        return
    }
    if (header !~ "^[a-z0-9-]+/[a-z0-9-]+[.]h$") {
        complain("write ROOM/NAME.h, not \"" header "\"")
        return
    }
    other = header
    sub("/.*", "", other)
    if (!(other in height))
        complain("core/README does not say where " other " stands")
    else if (other == room)
        return
    else if (room == "observe") {
        if (other != "base")
            complain("observe includes base only, not " other)
    } else if (other == "observe") {
        if (room == "base")
            complain("base includes no other room, not even observe")
    } else if (height[other] > height[room])
        complain(room " is below " other " and must not include it")
}

# Folders in plugins/lib see themselves, and what lies beside them.
function is_in_library(    folder)
{
    folder = FILENAME
    sub("/[^/]*$", "", folder)
    if (folder !~ "^plugins/lib/[a-z0-9-]+$")
        return 0
    if (starts(header, "../"))
        return exists["plugins/lib/" substr(header, 4)]
    return exists[folder "/" header]
}

function check_plugin(own)
{
    if (!quoted) {
        if (starts(header, "harbor-replicator/") && !exists["include/" header])
            complain("there is no include/" header)
        if (header ~ "^(glib|gmodule|gio|gobject|glib-object)([./-]|$)")
            complain("plugins do not use GLib")
        return
    }
    if (exists["plugins/" own "/" header] || exists["plugins/lib/" header] ||
        is_in_library())
        return
    if (starts(header, "lib/") && exists["plugins/" header])
        return
    if (starts(header, "../lib/") && exists["plugins/" substr(header, 4)])
        return
    complain("a plugin includes <harbor-replicator/...>, its own folder and " \
             "plugins/lib, not \"" header "\"")
}

function check_public()
{
    if (!quoted && (header in standard))
        return
    if (exists["include/" header] || exists["include/harbor-replicator/" header])
        return
    complain("public headers include the C standard library and each other, " \
             "not " header)
}
