# fish completion for boltcli
function __boltcli_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    # An open quote makes it no word: close it.
    set current (string unescape -- "$current"; or string unescape -- "$current\""; or string unescape -- "$current'")
    set -l answer ($tokens[1] __complete @STYLE@ $tokens[2..-1] "$current" 2>/dev/null)
    if test "$answer[1]" = ":file"
        __fish_complete_path "$current"
    else
        printf '%s\n' $answer
    end
end
complete -c boltcli -f -k -a '(__boltcli_complete)'
