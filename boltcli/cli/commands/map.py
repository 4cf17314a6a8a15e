"""``map``: draw the pages of a file."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

from ...errors import ArgumentError, Corrupted
from ...ops.write.compact import measure
from ...render import page_picture, records
from ...render.screen import is_plain
from ...tree.bucket import find_bucket
from ...tree.page_map import KINDS, PageMap, page_map
from ..command import command

if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import Database, Force, argument, buckets, number, results, switch, text, written_to
    from ..output import Output, Record

_ROWS = 32  # rows that fit a terminal
_ROWS_OF_SCREEN = 16
_COLUMNS = 64
_LEAST = 16  # cells in a row on a terminal
_SQUARE = 96  # cells in a row and in a column of an image


def prepare(svg: bool, png: bool, output: str, json: bool, dest: str = "") -> None:
    if svg and png:
        raise ArgumentError("--svg and --png can't be combined")
    file = _file(output or dest)
    if file and not (svg or png):
        raise ArgumentError("--output is for an image: add --svg or --png")
    if (svg or png) and json and not file:
        raise ArgumentError("with --json, an image needs --output: standard output can't hold both")


def _file(output: str) -> str:
    return "" if output == "-" else output


@command("map", example="boltcli map fixtures/after-deletes.db", group="Space", validate=prepare)
def map_(
    db: Database,
    opener: Opener,
    out: Output,
    *,
    dest: Annotated[str, argument("DEST", "The same as --output.", results, hidden=True)] = "",
    bucket: Annotated[
        list[bytes], text("Mark the pages of this bucket; repeat it for a nested one.", "NAME", completes=buckets)
    ] = [],
    svg: Annotated[bool, switch("Write an SVG image; each cell has a description on hover.")] = False,
    png: Annotated[bool, switch("Write a PNG image.")] = False,
    output: Annotated[str, written_to("Write the image to this file; default: standard output.")] = "",
    force: Force = False,
    width: Annotated[int, number("Cells in a row; 0 chooses automatically.")] = 0,
    cells: Annotated[int, number("Draw at most this many cells; 0 chooses automatically.")] = 0,
) -> None:
    """Draw a map of the pages: kind, fill, free, lost, damaged; each cell is a page or a run of pages."""
    image = svg or png
    # With --previous the snapshot is of the state before the last transaction.
    with out.progress("mapping") as progress:
        mapped = page_map(db, db.metas[1 - db.meta.page] if opener.previous else None, progress=progress)
        before = page_map(db, progress=progress) if opener.previous else None
    chosen = _chosen(db, mapped, bucket)
    if not width and out.is_terminal and not image:
        width = max(out.width - len(str(len(mapped.kinds))) - 1, _LEAST)
    width = min(width or (_SQUARE if image else _COLUMNS), 4096)

    drawn = partial(page_picture.cells, mapped, chosen=chosen, before=before)
    if image:
        found, step = drawn(cells or _SQUARE**2)
        title = os.path.basename(out.path)
        picture = page_picture.svg(found, step, width, title) if svg else page_picture.png(found, width)
        target = _file(output or dest)
        if not target:
            out.raw(picture)
            return
        with out.to_file(target, public=True, replace=force) as file:
            file.raw(picture)
            db.finish()
        out.record(lambda: records.result(out.path, target, size=len(picture)))
        return

    def text() -> bytes:
        if not out.is_terminal:
            return page_picture.text(*drawn(cells or _ROWS * width), width, colour=out.has_colours)
        try:
            with out.progress("measuring") as progress:
                dense = None if mapped.damages else measure(db, mmap.PAGESIZE, progress)
        except Corrupted:
            dense = None
        head = out.screen(lambda screen: page_picture.map_screen(screen, out.path, mapped, dense))
        found, step = drawn(cells or _ROWS_OF_SCREEN * width)
        return head + page_picture.text(found, step, width, colour=out.has_colours, blocks=not is_plain())

    out.records(lambda: _records(mapped, drawn(cells or len(mapped.kinds))[0]), text, styled=True)


def _chosen(snapshot: Snapshot, mapped: PageMap, path: list[bytes]) -> set[int]:
    """Return the numbers of the bucket at ``path`` and of those inside it; none if the path is empty."""
    if not path:
        return set()
    root = find_bucket(snapshot, path).root
    number = next((number for number, bucket in enumerate(mapped.buckets) if number and bucket.root == root), None)
    return set() if number is None else mapped.inside(number)


def _records(mapped: PageMap, cells: list[page_picture.Cell]) -> Iterator[Record]:
    for cell in cells:
        owner = mapped.owner(cell.first)
        yield {
            "page": cell.first,
            "pages": cell.count,
            "type": KINDS[cell.kind],
            "fill_share": cell.fill / 100,
            **records.of_bucket(None if owner is None else mapped.path(owner)),
            "marked": cell.marked,
            "changed": cell.fresh,
        }
