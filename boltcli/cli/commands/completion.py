"""``completion``: print the script that makes a shell complete commands, options, bucket names and keys."""

from __future__ import annotations

from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..options import Plain
    from ..output import Output

# For ~/.bashrc: eval "$(boltcli completion bash)"
_BASH = r"""# bash completion for boltcli
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
"""

# For ~/.zshrc, after compinit: eval "$(boltcli completion zsh)"
_ZSH = r"""#compdef boltcli
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
"""

# For ~/.config/fish/config.fish: boltcli completion fish | source
_FISH = r"""# fish completion for boltcli
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
"""

# For $PROFILE: boltcli completion powershell | Out-String | Invoke-Expression
_POWERSHELL = r"""# PowerShell completion for boltcli
Register-ArgumentCompleter -Native -CommandName boltcli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or -not $wordToComplete } |
        ForEach-Object { if ($_.PSObject.Properties['Value']) { $_.Value } else { $_.Extent.Text } })
    $current = $wordToComplete.Trim("'", '"')
    $arguments = @($words | Select-Object -Skip 1) + "=$current"
    $answer = @(& $words[0] __complete '@STYLE@=' @arguments 2>$null)
    if ($answer.Count -eq 0 -or $answer[0] -eq ':file') { return }
    $answer | ForEach-Object {
        $name, $text = $_ -split "`t", 2
        # Four more characters end a quoted string as ' does.
        $quoted = "'" + ($name -replace "['\u2018-\u201B]", '$0$0') + "'"
        $written = if ($name -match '[^\w\-./:=%+]') { $quoted } else { $name }
        if (-not $text) { $text = $name }
        [System.Management.Automation.CompletionResult]::new($written, $name, 'ParameterValue', $text)
    }
}
"""


@command("completion bash", example="boltcli completion bash", group="Help", json=False)
def bash(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes bash complete commands, options, bucket names and keys."""
    out.raw(_with_style(_BASH, no_descriptions))


@command("completion zsh", example="boltcli completion zsh", group="Help", json=False)
def zsh(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes zsh complete commands, options, bucket names and keys."""
    out.raw(_with_style(_ZSH, no_descriptions))


@command("completion fish", example="boltcli completion fish", group="Help", json=False)
def fish(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes fish complete commands, options, bucket names and keys."""
    out.raw(_with_style(_FISH, no_descriptions))


@command("completion powershell", example="boltcli completion powershell", group="Help", json=False)
def powershell(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes powershell complete commands, options, bucket names and keys."""
    out.raw(_with_style(_POWERSHELL, no_descriptions))


def _with_style(script: str, plain: bool) -> bytes:
    return script.replace("@STYLE@", "plain" if plain else "described").encode()
