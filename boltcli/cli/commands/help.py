"""``help``: what ``--help`` of a command shows; for what isn't a command, the program's."""

from __future__ import annotations

from ..help import write_help
from ..parse import find_command
from ..table import BY_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    name, _ = find_command(arguments, strict=False)
    write_help(BY_NAME.get(name), out)
