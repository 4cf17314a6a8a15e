"""``pages``: print a table of all pages."""

from __future__ import annotations

from ... import render
from ...ops.space.pages import FREE, page_rows
from ...read_errors import Corrupted
from ...render.bbolt_text import PAGES_HEADING, pages_text
from ...tree.page_map import free_pages
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..options import Database
    from ..output import Output

    Rows = list[tuple[int, int]]


@command("pages", example="boltcli pages fixtures/document.db", group="Pages")
def pages(db: Database, out: Output) -> None:
    """List all pages with their type and size."""
    try:
        free = free_pages(db)
    except Corrupted as damage:
        out.warn(f"no page is shown as free: {damage}")
        free = []
    heading = PAGES_HEADING  # as in bbolt, printed only if the freelist can be read

    def text(rows: Rows) -> bytes:
        nonlocal heading
        shown, heading = heading + pages_text(rows, FREE), b""
        return shown

    out.stream(page_rows(db, free), json=lambda rows: render.records.pages(rows, FREE), text=text)
    out.text(heading)
