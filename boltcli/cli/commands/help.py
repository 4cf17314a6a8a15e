"""``help``: what ``--help`` of a command shows; for what isn't a command, the program's."""

from __future__ import annotations

from ..command import Argument, Command
from ..help import write_help
from ..parse import find_command
from ..registry import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

COMMAND = Command(
    "help",
    "Show what a command does and takes.",
    arguments=(Argument("COMMAND", "command", "The command's name.", many=True, required=False),),
    example="boltcli help keys",
    group="Help",
    json=False,
)


def run(job: Job[None], out: BinaryIO, err: BinaryIO) -> None:
    name, _ = find_command(job.arguments, strict=False)
    write_help(find(name), out)
