"""``pages``: a table of all pages."""

from __future__ import annotations

from ...ops.space.page_list import FREE, page_rows
from ...render.pages import HEADING, table_rows
from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    tails: dict[int, str] = {}
    heading = HEADING  # only once the freelist is known to be good, as in bbolt
    with database(arguments[0], options, out) as snapshot:
        if options["json"]:
            from ...render import records

            for rows in page_rows(snapshot):
                out.write(records.pages(rows, FREE))
            return
        for rows in page_rows(snapshot):
            out.write(heading + table_rows(rows, FREE, tails))
            heading = b""
