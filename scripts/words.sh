# shellcheck shell=bash
# Read first by the other scripts: changes to the root of the tree and, for -h or --help, prints the script's head and exits. Words after
# -- are for another program. A script that passes its words to a Python program names that in `program` first. Scripts check their words
# before they install or build anything.

script=$(realpath "$0")
cd "$(dirname "$script")/.." || exit

for word in "$@"; do
    case $word in
    --) break ;;
    -h | --help)
        [ -z "${program:-}" ] || exec python3 "$program" --help
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$script"
        exit 0
        ;;
    esac
done

# usage WORDS: prints how to call the script, and exits.
usage() {
    echo "usage: scripts/${script##*/}${1:+ $1}" >&2
    exit 2
}

# check_preset NAME KIND: exits if CMakePresets.json has no such preset; KIND is buildPresets or testPresets.
check_preset() {
    local known
    known=$(sed -n "/\"$2\"/,/\]/s/.*\"name\": \"\([a-z]*\)\".*/\1/p" CMakePresets.json)
    grep -qxF -e "$1" <<<"$known" && return
    echo "scripts/${script##*/}: no preset is called $1; there are $(tr '\n' ' ' <<<"$known")" >&2
    exit 2
}

# quietly cmake --build WORDS: prints only what goes wrong, where ninja can; that of Ubuntu 22.04 prints each step.
quietly() {
    local words=()
    [[ $(ninja --help 2>&1) != *--quiet* ]] || words=(-- --quiet)
    "$@" "${words[@]}"
}

# The program itself checks its words. If there is no Python yet, it checks them when it runs.
[ -z "${program:-}" ] || ! command -v python3 >/dev/null || python3 "$program" --only-words "$@"
