#!/bin/sh
# samples.sh SSOFERRYD SSOFERRY: the programs accept the samples of config/. The mapping has one warning, about the connection of a test project
# that it shows.
set -u
status=0

accepts() {
    words=$("$@" 2>&1) && return
    printf 'not accepted: %s\n%s\n' "$*" "$words" >&2
    status=1
}

accepts "$1" --check -c config/ssoferryd.yaml
accepts "$2" -c config/ssoferryd.yaml check config/connections.example.yaml
exit $status
