#!/bin/sh
# mandoc has no warning about a man page.
set -u
pages=$(find docs/man -type f -name '*.[0-9]' | sort)
[ -n "$pages" ] || {
    echo "docs/man has no page" >&2
    exit 1
}
# shellcheck disable=SC2086 # names without spaces
exec mandoc -T lint -W warning $pages
