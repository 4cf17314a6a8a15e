"""``lock``: who holds the lock of a database. bbolt has no such command."""

from __future__ import annotations

from ...render import text
from ...storage.holders import holders
from ...storage.source import open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_READERS = 2  # exit statuses
_WRITER = 3


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> int:
    source = open_source(arguments[0], "none")
    try:
        found = holders(source)
    finally:
        source.close()
    if options["json"]:
        from ...render import records

        out.write(records.lines(map(records.holder, found)))
    else:
        out.write(text.holders(found))
    modes = [holder.mode for holder in found if not holder.waits]
    if not modes:
        return 0
    return _WRITER if "exclusive" in modes else _READERS
