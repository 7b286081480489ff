#!/bin/sh
# Every C file looks as .clang-format says. Usage: format.sh ROOT
set -eu
cd "$1"
. tests/lint/versions.sh
only_versions clang-format 14 18
find src include tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
