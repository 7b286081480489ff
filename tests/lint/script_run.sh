#!/bin/sh
# scripts/run ends with the status of the daemon that it has started: whoever waits for it learns that nothing is served.
set -u
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/scripts" "$tree/build/release/bin" "$tree/config" "$tree/stubs"
cp scripts/run scripts/words.sh "$tree/scripts/"
cp config/ssoferryd.yaml config/connections.example.yaml "$tree/config/"
for program in scripts/install-deps build/release/bin/ssoferry stubs/cmake stubs/curl; do
    printf '#!/bin/sh\n' >"$tree/$program"
    chmod +x "$tree/$program"
done
failed=0

expect() { # STATUS WHAT-THE-DAEMON-DOES
    printf '#!/bin/sh\n%s\n' "$2" >"$tree/build/release/bin/ssoferryd"
    chmod +x "$tree/build/release/bin/ssoferryd"
    said=$(PATH="$tree/stubs:$PATH" timeout 60 "$tree/scripts/run" 2>&1)
    got=$?
    [ "$got" -eq "$1" ] && return
    echo "scripts/run, with a daemon that does '$2': ended with $got, expected $1: $said"
    failed=1
}

printf '#!/bin/sh\nsleep 0.2\nexit 7\n' >"$tree/stubs/curl" # nobody answers
expect 1 'exit 1'
expect 2 'exit 2'
printf '#!/bin/sh\n' >"$tree/stubs/curl"
expect 0 'sleep 0.5'
expect 3 'sleep 0.5; exit 3'
# Ctrl-C: the script hands it on, and waits for the end. A shell behind & could not trap it.
expect 0 'exec python3 -c "
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
os.kill(os.getppid(), signal.SIGINT)
signal.alarm(30)
while True:
    signal.pause()"'
exit "$failed"
