#compdef boltcli
# zsh completion for boltcli
_boltcli() {
    local -a answer names shown
    local line
    answer=("${(@f)$("${words[1]}" __complete @STYLE@ "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    if [[ "${answer[1]}" == ":file" ]]; then
        _files
        return
    fi
    for line in "${answer[@]}"; do
        [[ -n "$line" ]] || continue
        names+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    if [[ "${answer[1]}" == *$'\t'* ]]; then
        compadd -l -d shown -a names
    else
        compadd -V boltcli -a names
    fi
}
if [[ "${funcstack[1]}" == "_boltcli" ]]; then
    _boltcli
else
    compdef _boltcli boltcli
fi
