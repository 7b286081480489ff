# To be sourced: tools whose findings differ from version to version.

# only_version VERSION PROGRAM: skips the test if PROGRAM is not Debian 12's; fails where nothing may be skipped, as in CI.
only_version() {
    said=$("$2" --version | head -n 1)
    case "$said " in
    *" $1"[!0-9]*) return ;;
    esac
    echo "not checked: the sources are kept as $2 $1 of Debian 12 wants them, and this is: $said"
    [ -z "${SSOFERRY_NO_SKIPS:-}" ] || exit 1
    exit 77
}
