# SPDX-License-Identifier: LGPL-2.1-or-later
# What the style checks share: TAP, the tree to look at, trees with a planted
# violation.  Read by the checks with `.`, after their function `check`, which
# prints each violation of the rule in the directory it is called in.
root=$(cd "$(dirname "$0")/../.." && pwd)
number=0
failures=0
scratch=

finish()
{
    test -z "$scratch" || rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

result()
{
    number=$((number + 1))
    test "$1" = ok || failures=$((failures + 1))
    # A # would start a directive of TAP.
    echo "$1 $number - $(echo "$2" | tr -d '#')"
}

# The real tree keeps the rule, which is told in words.
tree_is_clean()
{
    found=$(cd "$root" && check)
    if test -z "$found"; then
        result ok "$1"
    else
        echo "$found" | sed 's/^/# /'
        result "not ok" "$1"
    fi
}

# A new tree to plant something in: what every rule needs, and no more.
new_tree()
{
    scratch=${scratch:-$(mktemp -d)}
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/core" "$scratch/tree/include" \
        "$scratch/tree/plugins" "$scratch/tree/tests"
    cp "$root/core/README" "$scratch/tree/core/README"
}

# plant FILE LINE...
plant()
{
    file=$scratch/tree/$1
    shift
    mkdir -p "$(dirname "$file")"
    for line in "$@"; do
        printf '%s\n' "$line"
    done >"$file"
}

# notices FILE LINE...: a tree with this file alone is complained about, by
# the file's name.
notices()
{
    planted=$1
    shift
    new_tree
    plant "$planted" "$@"
    found=$(cd "$scratch/tree" && check)
    case $found in
    *"$planted"*) result ok "notices $planted: $*" ;;
    *) result "not ok" "notices $planted: $*" ;;
    esac
}

# accepts FILE LINE...: and this one is not.
accepts()
{
    planted=$1
    shift
    new_tree
    plant "$planted" "$@"
    found=$(cd "$scratch/tree" && check)
    if test -z "$found"; then
        result ok "accepts $planted: $*"
    else
        echo "$found" | sed 's/^/# /'
        result "not ok" "accepts $planted: $*"
    fi
}

plan()
{
    echo "1..$number"
    test "$failures" -eq 0
}
