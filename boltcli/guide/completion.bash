# bash completion for boltcli
_boltcli() {
    local line answer=() part="${COMP_WORDS[COMP_CWORD]}"
    # After a ":" or "=" bash keeps it, and replaces only what follows.
    [[ "$part" != *[!:=]* && "$COMP_WORDBREAKS" == *"${part: -1}"* ]] && part=""
    while IFS= read -r line; do
        answer+=("$line")
    done < <("${COMP_WORDS[0]}" __complete bash "${COMP_LINE:0:COMP_POINT}" "$part" 2>/dev/null)
    COMPREPLY=()
    if [[ "${answer[0]-}" == ":file" ]]; then
        compopt -o default -o filenames 2>/dev/null
    else
        compopt +o default -o nosort 2>/dev/null
        COMPREPLY=("${answer[@]}")
    fi
}
complete -o default -F _boltcli boltcli
