#!/bin/sh
# Every shell script passes shellcheck.
set -u
scripts=$(grep -rlE '^#!/(usr/)?bin/(env )?(ba)?sh|^# shellcheck shell' scripts .ci tests)
[ -n "$scripts" ] || {
    echo "no shell scripts found" >&2
    exit 1
}
# shellcheck disable=SC2086 # names without spaces
exec shellcheck -x -P SCRIPTDIR $scripts
