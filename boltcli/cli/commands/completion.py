"""``completion``: print the script that makes a shell complete commands, options, bucket names and keys."""

from __future__ import annotations

from ...guide import script
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..options import Plain
    from ..output import Output


@command("completion bash", example="boltcli completion bash", group="Help", json=False)
def bash(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes bash complete commands, options, bucket names and keys."""
    _write(out, "bash", no_descriptions)


@command("completion zsh", example="boltcli completion zsh", group="Help", json=False)
def zsh(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes zsh complete commands, options, bucket names and keys."""
    _write(out, "zsh", no_descriptions)


@command("completion fish", example="boltcli completion fish", group="Help", json=False)
def fish(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes fish complete commands, options, bucket names and keys."""
    _write(out, "fish", no_descriptions)


@command("completion powershell", example="boltcli completion powershell", group="Help", json=False)
def powershell(out: Output, *, no_descriptions: Plain = False) -> None:
    """Print a script that makes powershell complete commands, options, bucket names and keys."""
    _write(out, "powershell", no_descriptions)


def _write(out: Output, shell: str, plain: bool) -> None:
    out.raw(script(shell).replace(b"@STYLE@", b"plain" if plain else b"described"))
