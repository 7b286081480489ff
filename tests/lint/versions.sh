# To be sourced: tools whose findings differ from version to version.

# only_versions PROGRAM VERSION...: skips the test if PROGRAM is of none of these versions; fails where nothing may be skipped, as in CI.
only_versions() {
    program=$1
    shift
    said=$("$program" --version | head -n 1)
    for version in "$@"; do
        case "$said " in
        *" $version"[!0-9]*) return ;;
        esac
    done
    echo "not checked: the sources are kept as $program $* wants them, and this is: $said"
    [ -z "${SSOFERRY_NO_SKIPS:-}" ] || exit 1
    exit 77
}
