#!/bin/sh
# Every C file looks as .clang-format says. Usage: format.sh ROOT
set -eu
cd "$1"
. tests/lint/debian_12.sh
only_version 14 clang-format
find src include tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
