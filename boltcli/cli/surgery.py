"""What the surgery commands share: the copy that is changed and then put into its place."""

from __future__ import annotations

from ..errors import ArgumentError, Step
from ..storage.copy import begin_copy
from .command import Command, Option
from .option import Argument
from .values import parse_int64, parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, TypeVar

    from ..storage.destination import Destination
    from ..storage.raw import RawFile
    from .job import Job

    T = TypeVar("T", bound="Output")

FREELIST_HINT = b"Please consider executing `./bbolt surgery freelist abandon ...`\n"
PAGES_LOST = (
    b"WARNING: The clearing has abandoned some pages that are not yet referenced from free list.\n" + FREELIST_HINT
)  # fmt: skip


OUTPUT = Option(
    "output", "Where to write the changed copy; nothing may be there yet.", default="", metavar="DEST",
    short="o", required=True, kind="file",
)  # fmt: skip


class Output:
    """The value of ``OUTPUT``, for the ``Options`` of commands that write a changed copy."""

    output: str


def number_option(
    name: str, help: str, *, metavar: str = "PGID", signed: bool = False, aliases: tuple[str, ...] = ()
) -> Option:
    """A required option that takes a number."""
    parse = parse_int64 if signed else parse_uint64
    return Option(name, help, default=0, metavar=metavar, parse=parse, required=True, aliases=aliases)


def declare(name: str, summary: str, example: str, *options: Option) -> Command:
    """The command ``surgery NAME``; ``example`` is what follows that."""
    return Command(
        f"surgery {name}",
        summary,
        arguments=(Argument("FILE", "file", "The bolt database file; it is not changed."),),
        least=1,
        most=1,
        options=options,
        example=f"boltcli surgery {name} {example}",
        group="Repair",
    )


def output_of(job: Job[T]) -> str:
    """The value of ``--output``. Raises :class:`~boltcli.errors.ArgumentError` if it is empty."""
    output = job.options.output
    if not output:
        raise ArgumentError(
            "output database path wasn't given, specify output database file path with --output option"
        )  # fmt: skip
    return output


def check_page(pgid: int) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` if ``pgid``, the value of ``--pageId``, is a meta page."""
    if pgid < 2:
        raise ArgumentError(f"the pageId must be at least 2, but got {pgid}")


def say(out: BinaryIO, job: Job[T], message: str, warning: bytes = b"") -> None:
    """Write to ``out`` what was done with the database, and what it may have broken."""
    if job.json:
        from ..render import records

        facts = {"message": message.strip(), "warning": records.text(warning).strip() or None}
        out.write(records.line(records.result(job.path, job.options.output, **facts)))
    else:
        out.write(warning + message.encode())


def begin(name: str, file: RawFile, output: str) -> Destination:
    """A copy of ``file``, to be changed on behalf of command ``name`` and then to appear at ``output``."""
    with Step(f"[{name}] copy file failed"):
        copy = begin_copy(file, output)
    file.path = output  # what is wrong from here on is wrong with the copy, says bbolt
    return copy
