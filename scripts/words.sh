# shellcheck shell=bash
# For the scripts beside it, which read it first: it goes to the root of the tree, and where a word is -h or --help, it shows the
# script's head and ends. Words behind -- are another program's. A script whose words are for a Python program names that in `program`
# before. Nothing is installed or built before a script has looked at its words.

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

# usage WORDS: says how the script is called, and ends.
usage() {
    echo "usage: scripts/${script##*/}${1:+ $1}" >&2
    exit 2
}

# check_preset NAME KIND: ends where CMakePresets.json has no such preset; KIND is buildPresets or testPresets.
check_preset() {
    local known
    known=$(sed -n "/\"$2\"/,/\]/s/.*\"name\": \"\([a-z]*\)\".*/\1/p" CMakePresets.json)
    grep -qxF -e "$1" <<<"$known" && return
    echo "scripts/${script##*/}: no preset is called $1; there are $(tr '\n' ' ' <<<"$known")" >&2
    exit 2
}

# The program says what is wrong with its words. Where there is no Python yet, it does so when it runs.
[ -z "${program:-}" ] || ! command -v python3 >/dev/null || python3 "$program" --only-words "$@"
