# shellcheck shell=bash
# Completion for ssoferry(1). Commands, options and what they take are the program's own to tell: this reads its help.

# What the help, of a command or of the whole, says of options: "OPTION ARGUMENT" a line, ARGUMENT empty where there is none.
_ssoferry_options() {
    local line
    local option='^ {2,6}(-[A-Za-z], )?(--[a-z-]+)( ([A-Z]+))?( |$)'
    while IFS= read -r line; do
        [[ $line =~ $option ]] || continue
        [[ -z ${BASH_REMATCH[1]} ]] || printf '%s %s\n' "${BASH_REMATCH[1]%, }" "${BASH_REMATCH[4]}"
        printf '%s %s\n' "${BASH_REMATCH[2]}" "${BASH_REMATCH[4]}"
    done < <("$@" 2>/dev/null)
}

_ssoferry_commands() {
    "$1" help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

# The words that a command wants, as its usage names them: "ID FIELD=VALUE..."
_ssoferry_arguments() {
    "$1" help "$2" 2>/dev/null | sed -n "1s/.* $2\( \[options\]\)\{0,1\}//p"
}

# _ssoferry_rows PROGRAM PREFIX [OPTION...]: identifiers, less those that JSON or a shell would have to quote.
_ssoferry_rows() {
    "$1" "${@:3}" list --json --limit 100 --match "$2*" 2>/dev/null |
        sed -n 's/.*"identifier":"\([A-Za-z0-9._:@%+,/=-]*\)".*/\1/p'
}

_ssoferry_revisions() {
    "$1" "${@:2}" history --json 2>/dev/null | sed -n 's/^{"revision":\([0-9]*\).*/\1/p'
}

# The line's words as the program will see them: readline also cuts at = and : in the middle of one. Sets `words` and `cword`.
_ssoferry_words() {
    local i glue=0
    words=() cword=0
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        if ((i > 1)) && [[ ${COMP_WORDS[i]} == [=:]* || $glue == 1 ]] && [[ $COMP_LINE == *"${COMP_WORDS[i - 1]}${COMP_WORDS[i]}"* ]]; then
            words[-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
        [[ ${COMP_WORDS[i]} == *[=:] ]] && glue=1 || glue=0
        ((i != COMP_CWORD)) || cword=$((${#words[@]} - 1))
    done
}

# Offers the words of the list that begin with $cur, cut off in front where readline has cut.
_ssoferry_offer() {
    local cut=${cur%"${COMP_WORDS[COMP_CWORD]#[=:]}"} word
    [[ $cur == *[=:]* ]] || cut=
    while IFS= read -r word; do
        COMPREPLY+=("${word#"$cut"}")
    done < <(compgen -W "$1" -- "$cur")
}

_ssoferry_files() {
    local prefix=$1 path=${cur#"$1"}
    [[ -z $prefix ]] || path=${COMP_WORDS[COMP_CWORD]#=}
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$path")
}

# _ssoferry_value OPTION ARGUMENT PREFIX: what may stand behind an option; PREFIX is "--option=" where it is glued to it.
_ssoferry_value() {
    case $1 in
    --state) _ssoferry_offer "$(printf -- "$3%s\n" stytch legacy disabled)" ;;
    --method) _ssoferry_offer "$(printf -- "$3%s\n" GET HEAD POST)" ;;
    --show | --expect-revision) _ssoferry_offer "$(_ssoferry_revisions "$program" "${store[@]}" | sed "s/^/$3/")" ;;
    *) case $2 in FILE | PATH) _ssoferry_files "$3" ;; esac ;;
    esac
}

# _ssoferry_word PROGRAM COMMAND NUMBER: what the command's NUMBERth word may be.
_ssoferry_word() {
    local kinds
    read -ra kinds < <(_ssoferry_arguments "$1" "$2")
    local kind=${kinds[$3]:-${kinds[-1]:-}}
    kind=${kind#[} kind=${kind%]}
    (($3 < ${#kinds[@]})) || [[ $kind == *... ]] || return
    case ${kind%...} in
    FILE) _ssoferry_files "" ;;
    ID) _ssoferry_offer "$(_ssoferry_rows "$1" "$cur" "${store[@]}" "${source[@]}")" ;;
    REVISION) _ssoferry_offer "$(_ssoferry_revisions "$1" "${store[@]}")" ;;
    COMMAND) _ssoferry_offer "$(_ssoferry_commands "$1")" ;;
    FIELD=VALUE)
        case $cur in
        state=*) _ssoferry_offer "$(printf 'state=%s\n' stytch legacy disabled)" ;;
        redirect=*) _ssoferry_offer "$(printf 'redirect=%s\n' 307 303 form)" ;;
        *=*) ;;
        *)
            # Or one more identifier, where it is begun.
            _ssoferry_offer "$(printf '%s=\n' connection_id acs_url redirect state legacy_url organization_id label)"
            if ((${#COMPREPLY[@]})); then
                compopt -o nospace 2>/dev/null
            elif [[ $2 == set && -z $every && ${words[cword - 1]} != *=* ]]; then
                _ssoferry_offer "$(_ssoferry_rows "$1" "$cur" "${store[@]}" "${source[@]}")"
            fi
            ;;
        esac
        ;;
    esac
}

_ssoferry() {
    local words cword i option argument cur
    local program=$1 command='' count=0 wants='' wanting='' store=() source=()
    local every='' # set --all: its words are all fields
    local -A takes=()
    COMPREPLY=()
    _ssoferry_words
    cur=${words[cword]}
    while read -r option argument; do takes[$option]=$argument; done < <(_ssoferry_options "$program" help)

    # What the words before this one have settled.
    for ((i = 1; i < cword; i++)); do
        if [[ -n $wants ]]; then
            case $wanting in
            -c | --config | --store) store+=("$wanting" "${words[i]}") ;;
            --source) source=(--source "${words[i]}") ;;
            esac
            wants=
        elif [[ ${words[i]} == --*=* ]]; then
            case ${words[i]} in
            --config=* | --store=*) store+=("${words[i]}") ;;
            --source=*) source=("${words[i]}") ;;
            esac
        elif [[ ${words[i]} == -?* ]]; then
            wanting=${words[i]} wants=${takes[${words[i]}]:-}
            [[ $wanting != --all ]] || every=1
        elif [[ -z $command ]]; then
            command=${words[i]}
            while read -r option argument; do takes[$option]=$argument; done < <(_ssoferry_options "$program" help "$command")
        else
            ((++count))
        fi
    done

    if [[ -n $wants ]]; then
        _ssoferry_value "$wanting" "$wants" ""
    elif [[ $cur == --*=* ]]; then
        option=${cur%%=*}
        _ssoferry_value "$option" "${takes[$option]:-}" "$option="
    elif [[ $cur == -* ]]; then
        _ssoferry_offer "${!takes[*]}"
    elif [[ -z $command ]]; then
        _ssoferry_offer "$(_ssoferry_commands "$program")"
    else
        _ssoferry_word "$program" "$command" "$((count + ${every:-0}))"
    fi
}

complete -F _ssoferry ssoferry
