"""``pages``: print a table of all pages."""

from __future__ import annotations

from ...ops.space.pages import FREE, page_rows
from ...read_errors import Corrupted
from ...render.pages import HEADING, table_rows
from ...tree.page_map import free_pages
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import Database


@command("pages", example="boltcli pages fixtures/document.db", group="Pages")
def pages(db: Database, job: Job, out: BinaryIO, err: BinaryIO) -> None:
    """List all pages with their type and size."""
    tails: dict[int, str] = {}
    try:
        free = free_pages(db)
    except Corrupted as damage:
        job.warn(f"no page is shown as free: {damage}")
        free = []
    heading = HEADING  # as in bbolt, printed only if the freelist can be read
    if job.json:
        from ...render import records

        for rows in page_rows(db, free):
            out.write(records.pages(rows, FREE))
        return
    for rows in page_rows(db, free):
        out.write(heading + table_rows(rows, FREE, tails))
        heading = b""
    out.write(heading)
