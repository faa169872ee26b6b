#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The models hold, and are sharp enough to find the mutants out.
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v spin >/dev/null 2>&1; then
    echo "1..0 # SKIP spin is not installed"
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0
failed=0

# verify NAME EXPECTED DEFINES [PAN_OPTIONS]: EXPECTED is holds or fails.
verify()
{
    number=$((number + 1))
    rm -rf "$scratch/run" && mkdir "$scratch/run" && cd "$scratch/run" || exit 1
    kind=-DSAFETY
    case " $3 " in *LIVENESS*) kind= ;; esac
    # Options are words.
    # shellcheck disable=SC2086
    if spin $3 -a "$here/breaker.pml" >log 2>&1 &&
        ${CC:-cc} -O2 -w $kind -DVECTORSZ=2048 -DNFAIR=4 -DMEMLIM=900 \
            -o pan pan.c >>log 2>&1 &&
        ./pan -m200000 $4 >>log 2>&1; then
        found=holds
        grep -q "errors: 0" log || found=fails
        # A search that was cut short shows nothing.
        grep -q "max search depth too small\|out of memory" log && found=cut
    else
        found=broken
        grep -q "errors: [1-9]" log && found=fails
    fi
    if [ "$found" = "$2" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1: it $found"
        sed 's/^/# /' log | tail -40
        failed=1
    fi
}

echo "1..4"
verify "breaker: late answers count nowhere, probes stay few, one wins" \
    holds "-DSAFE" ""
verify "breaker: an open one is left" holds "-DLIVENESS" "-a -f"
verify "breaker: without the generation it would not hold" \
    fails "-DNO_GENERATION_CHECK" ""
verify "breaker: nor with a generation that wraps" \
    fails "-DWRAPPING_GENERATION" ""
exit $failed
