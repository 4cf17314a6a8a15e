"""What the surgery commands share: the copy that is changed and then put into its place."""

from __future__ import annotations

from ..errors import ArgumentError, Step
from ..storage.copy import begin_copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..storage.destination import Destination
    from ..storage.raw import RawFile

    Values = dict[str, str | int]

FREELIST_HINT = b"Please consider executing `./bbolt surgery freelist abandon ...`\n"
PAGES_LOST = (
    b"WARNING: The clearing has abandoned some pages that are not yet referenced from free list.\n" + FREELIST_HINT
)  # fmt: skip


def output_of(options: Values) -> str:
    """The value of ``--output``. Raises :class:`~boltcli.errors.ArgumentError` if it is empty."""
    output = str(options["output"])
    if not output:
        raise ArgumentError(
            "output database path wasn't given, specify output database file path with --output option"
        )  # fmt: skip
    return output


def page_of(options: Values) -> int:
    """The value of ``--pageId``. Raises :class:`~boltcli.errors.ArgumentError` for a meta page."""
    pgid = int(options["pageId"])
    if pgid < 2:
        raise ArgumentError(f"the pageId must be at least 2, but got {pgid}")
    return pgid


def say(out: BinaryIO, source: str, options: Values, message: str, warning: bytes = b"") -> None:
    """What was done with the database at ``source``, and what it may have broken."""
    if options["json"]:
        from ..render import records

        facts = {"message": message.strip(), "warning": records.text(warning).strip() or None}
        out.write(records.line(records.result(source, output_of(options), **facts)))
    else:
        out.write(warning + message.encode())


def begin(name: str, file: RawFile, output: str) -> Destination:
    """A copy of ``file``, to be changed on behalf of command ``name`` and then to appear at ``output``."""
    with Step(f"[{name}] copy file failed"):
        copy = begin_copy(file, output)
    file.path = output  # what is wrong from here on is wrong with the copy, says bbolt
    return copy
