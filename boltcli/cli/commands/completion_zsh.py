"""``completion zsh``: for ~/.zshrc, after compinit: eval "$(boltcli completion zsh)"."""

from __future__ import annotations

from ..command import command
from ..completion import script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job


_SCRIPT = r"""#compdef boltcli
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


@command("completion zsh", example="boltcli completion zsh", group="Help", json=False)
def completion_zsh(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    no_descriptions: Annotated[bool, Option(help="Complete without descriptions.")] = False,
) -> None:
    """Print a script that makes zsh complete commands, options, bucket names and keys."""
    out.write(script(_SCRIPT, job))
