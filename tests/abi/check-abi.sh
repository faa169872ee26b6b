#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The ABI gate: what was promised to plugins still holds.  Each check is also
# shown to fail on headers that break the promise.
here=$HR_SRCDIR/tests/abi
include=$HR_SRCDIR/include
work=$(mktemp -d "${TMPDIR:-/tmp}/abi-XXXXXX")
trap 'rm -rf "$work"' EXIT
count=0
failed=0

report() { # status title
    count=$((count + 1))
    if test "$1" = 0; then
        echo "ok $count - $2"
    else
        failed=1
        echo "not ok $count - $2"
        sed 's/^/# /' "$work/log"
    fi
}

skip() { # title reason
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

layout() { # include directory
    $CC -std=c11 -I"$1" -fsyntax-only "$here/layout-1.0.c" > "$work/log" 2>&1
}

# Every header compiles alone, as both languages, without a hidden hole.
headers() { # include directory
    for header in "$1"/harbor-replicator/*.h; do
        name=harbor-replicator/${header##*/}
        warnings="-Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only"
        echo "#include <$name>" | $CC -std=c11 -I"$1" $warnings -x c - \
            > "$work/log" 2>&1 || return 1
        test -z "$cxx" || echo "#include <$name>" |
            $cxx -std=c++11 -I"$1" $warnings -x c++ - \
                > "$work/log" 2>&1 || return 1
    done
}

# No suppressions and no --headers-dir: both were seen to hide changes.
types() { # include directory
    $CC -std=c11 -I"$1" -g -O0 -fPIC -shared "$here/anchor.c" \
        -o "$work/anchor.so" > "$work/log" 2>&1 &&
        abidiff "$here/baseline-1.0.abixml" "$work/anchor.so" \
            > "$work/log" 2>&1
}

spoil() { # file, sed script: a copy of the headers with one change
    rm -rf "$work/spoilt"
    cp -r "$include" "$work/spoilt"
    chmod -R u+w "$work/spoilt"
    sed -i "$2" "$work/spoilt/harbor-replicator/$1"
    if cmp -s "$include/harbor-replicator/$1" \
        "$work/spoilt/harbor-replicator/$1"; then
        echo "the change was not made" > "$work/log"
        return 1
    fi
}

refuses() { # check: true if it fails on the spoilt headers
    ! "$1" "$work/spoilt" || { echo "$1 accepts it" > "$work/log"; false; }
}

cxx=$(command -v g++ || command -v clang++ || :)
abidiff=$(command -v abidiff || :)
echo "1..7"

layout "$include"
report $? "members are where they were in 1.0"
headers "$include"
report $? "headers are C11 and C++11 without padding"

spoil hr-registry.h 's/    uint64_t size;             \/\* of the manifest/    uint32_t size; \/*/' &&
    refuses layout
report $? "a narrowed member is noticed"
spoil hr-strategy.h 's/    uint32_t mode;  .*/    uint16_t mode;/' && refuses headers
report $? "padding is noticed"

if test -z "$abidiff"; then
    for title in "types are as in the baseline" "a changed signature" \
        "a widened member"; do
        skip "$title" "abidiff is not installed"
    done
    exit $failed
fi
types "$include"
report $? "types are as in the baseline"
spoil hr-registry.h \
    's/hr_status (\*probe)(hr_registry \*registry, hr_call \*call)/hr_status (*probe)(hr_registry *registry, hr_call *call, int more)/' &&
    refuses types
report $? "a changed signature is noticed"
spoil hr-sink.h 's/    uint32_t label_count;/    uint64_t label_count;/' && refuses types
report $? "a widened member is noticed"
exit $failed
