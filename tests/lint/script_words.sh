#!/bin/sh
# Each script shows its help, and refuses a word that it does not know, before it installs or builds anything. What it cannot do without, it
# names.
set -u
stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
for program in apt-get sudo dpkg-query cmake ctest; do
    printf '#!/bin/sh\necho "%s was called with: $*" >&2\nexit 99\n' "$program" >"$stubs/$program"
    chmod +x "$stubs/$program"
done
failed=0 count=0

expect() { # STATUS PATTERN COMMAND...
    status=$1 pattern=$2
    shift 2
    said=$(PATH="$stubs:$PATH" timeout 60 "$@" 2>&1)
    got=$?
    [ "$got" -eq "$status" ] && echo "$said" | grep -q -e "$pattern" && ! echo "$said" | grep 'was called with' && return
    echo "$*: ended with $got, expected $status and '$pattern': $(echo "$said" | head -n 3)"
    failed=1
}

for script in scripts/*; do
    [ -x "$script" ] || continue
    count=$((count + 1))
    expect 0 "$script" "$script" --help
    expect 2 "scripts/\|unrecognized" "$script" --no-such-word
done
expect 2 'no preset is called nope' scripts/test nope
expect 2 'no preset is called nope' scripts/prove --preset nope
expect 2 'no proof is called nope' scripts/prove nope
expect 0 '^crowds ' scripts/prove --list
expect 2 'is a number' scripts/fuzz template --seconds abc
python=$(python3 -c 'import sys; print(sys.executable)')
expect 1 "Debian's package strace" env PATH="$stubs/none" "$python" tests/bench/bench.py --check --bin scripts --work "$stubs/work"
[ "$count" -ge 9 ] || failed=1
exit "$failed"
