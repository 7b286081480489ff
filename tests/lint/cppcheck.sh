#!/bin/sh
# cppcheck finds nothing in src. An exception is a comment there: cppcheck-suppress and the reason. Usage: cppcheck.sh BUILD_DIRECTORY
set -eu
build=$(realpath "$1")
root=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt") # as the project has it in its paths
. "$root/tests/lint/versions.sh"
only_versions cppcheck 2.7 2.10 2.13
mkdir -p "$build/cppcheck"                                                    # what it knows of unchanged files
cppcheck --project="$build/compile_commands.json" --file-filter="$root/src/*" --cppcheck-build-dir="$build/cppcheck" -j 2 --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr >"$build/cppcheck.log" || {
    grep -v -e '^Checking ' -e '% done$' "$build/cppcheck.log" >&2
    exit 1
}
files=$(grep -c '^Checking .*\.\.\.$' "$build/cppcheck.log")
[ "$files" -ge 50 ] || {
    echo "only $files files looked at; see $build/cppcheck.log" >&2
    exit 1
}
