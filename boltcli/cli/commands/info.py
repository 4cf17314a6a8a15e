"""``info``: the page size."""

from __future__ import annotations

from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    with database(arguments[0], options, out) as snapshot:
        if options["json"]:
            from ...render import records

            out.write(records.line(records.info(snapshot)))
            return
        out.write(b"Page Size: %d\n" % snapshot.page_size)
