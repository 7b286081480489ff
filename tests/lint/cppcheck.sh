#!/bin/sh
# cppcheck finds nothing in src. An exception is a comment there: cppcheck-suppress and the reason. Usage: cppcheck.sh BUILD_DIRECTORY
set -eu
mkdir -p "$1/cppcheck" # what it knows of unchanged files
cppcheck --project="$1/compile_commands.json" --file-filter='*/src/*' --cppcheck-build-dir="$1/cppcheck" -j 2 --quiet --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr
