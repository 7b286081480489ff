#!/bin/sh
# samples.sh SSOFERRYD SSOFERRY: the programs accept the samples of config/, without a word on stderr.
set -u
status=0

quiet() {
    if words=$("$@" 2>&1 >/dev/null) && [ -z "$words" ]; then
        return
    fi
    printf 'not accepted: %s\n%s\n' "$*" "$words" >&2
    status=1
}

quiet "$1" --check -c config/ssoferryd.yaml
quiet "$2" -c config/ssoferryd.yaml check config/connections.example.yaml
exit $status
