# shellcheck shell=bash
# Completion for ssoferryd(8), from its own help.
_ssoferryd() {
    local cur=${COMP_WORDS[COMP_CWORD]} options
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    -c | --config)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    *)
        options=$("$1" --help 2>/dev/null | sed -En 's/^ {2,6}((-[A-Za-z]), )?(--[a-z-]+).*/\2 \3/p')
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        ;;
    esac
}

complete -F _ssoferryd ssoferryd
