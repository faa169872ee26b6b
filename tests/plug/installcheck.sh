#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds plugins/template outside the tree against the installed headers, and
# has the installed program look at it and load it.  Called by installcheck.
set -eu

work=$(mktemp -d "$PWD/template-XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$template"/Makefile "$template"/*.c "$work"
chmod -R u+w,go-w "$work"

PKG_CONFIG_PATH=$DESTDIR$pkgconfigdir
PKG_CONFIG_SYSROOT_DIR=$DESTDIR
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR PKG_CONFIG
make -C "$work" CC="$CC" PKG_CONFIG="$PKG_CONFIG" > "$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
unset PKG_CONFIG_SYSROOT_DIR
program=$DESTDIR$bindir/harbor-replicator
"$program" plugins check "$work/strategy-template.so" > "$work/log" || {
    cat "$work/log" >&2
    exit 1
}
HARBOR_REPLICATOR_PLUGIN_PATH=$work "$program" plugins |
    grep "strategy 'template'" > /dev/null || {
    echo "the installed program does not load plugins/template" >&2
    exit 1
}
echo "plugins/template builds against the installed files and is loaded"
