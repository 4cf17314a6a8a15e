"""``completion fish``: for ~/.config/fish/config.fish: boltcli completion fish | source."""

from __future__ import annotations

from ..command import command
from ..completion import script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ..job import Job


_SCRIPT = r"""# fish completion for boltcli
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


@command("completion fish", example="boltcli completion fish", group="Help", json=False)
def completion_fish(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    no_descriptions: Annotated[bool, Option(help="Complete without descriptions.")] = False,
) -> None:
    """Print a script that makes fish complete commands, options, bucket names and keys."""
    out.write(script(_SCRIPT, job))
