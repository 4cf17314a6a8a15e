"""``completion bash``: for ~/.bashrc: eval "$(boltcli completion bash)"."""

from __future__ import annotations

from ..command import command
from ..completion import script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job


_SCRIPT = r"""# bash completion for boltcli
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


@command("completion bash", example="boltcli completion bash", group="Help", json=False)
def completion_bash(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    no_descriptions: Annotated[bool, Option(help="Complete without descriptions.")] = False,
) -> None:
    """Print a script that makes bash complete commands, options, bucket names and keys."""
    out.write(script(_SCRIPT, job))
