"""``map``: draw the pages of a file."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ..command import command
from ..key_argument import addresses
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ...storage.snapshot import Snapshot
    from ...tree.page_map import PageMap
    from ..job import Job
    from ..options import Database, Force, buckets, files
    from ..values import parse_count

_ROWS = 32  # rows that fit a terminal
_COLUMNS = 64
_SQUARE = 96  # cells in a row and in a column of an image


def prepare(job: Job) -> None:
    addresses(job.options.bucket)
    if job.options.svg and job.options.png:
        raise ArgumentError("--svg and --png can't be combined")
    image = job.options.svg or job.options.png
    if _output(job) and not image:
        raise ArgumentError("--output is for an image: add --svg or --png")
    if image and job.json and not _output(job):
        raise ArgumentError("with --json, an image needs --output: standard output can't hold both")


def _output(job: Job) -> str:
    output = job.options.output or "".join(job.arguments[1:])
    return "" if output == "-" else output


@command("map", example="boltcli map fixtures/after-deletes.db", group="Space", validate=prepare)
def map_(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    dest: Annotated[
        str, Argument(metavar="DEST", help="The same as --output.", autocompletion=files, hidden=True)
    ] = "",
    bucket: Annotated[
        list[str],
        Option(
            help="Mark the pages of this bucket; repeat it for a nested one.", metavar="NAME", autocompletion=buckets
        ),
    ] = [],
    svg: Annotated[bool, Option(help="Write an SVG image; each cell has a description on hover.")] = False,
    png: Annotated[bool, Option(help="Write a PNG image.")] = False,
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write the image to this file; default: standard output.",
            metavar="DEST",
            autocompletion=files,
        ),
    ] = "",
    force: Force = False,
    width: Annotated[int, Option(help="Cells in a row; 0 chooses automatically.", metavar="N", parser=parse_count)] = 0,
    cells: Annotated[
        int, Option(help="Draw at most this many cells; 0 chooses automatically.", metavar="N", parser=parse_count)
    ] = 0,
) -> None:
    """Draw a map of the pages: kind, fill, free, lost, damaged; each cell is a page or a run of pages."""
    from ...render import page_picture
    from ...render.page_cells import cells as drawn
    from ...tree.page_map import page_map

    image = svg or png
    before = None
    if job.previous:  # the snapshot is of the state before the last transaction
        before = page_map(db)
        mapped = page_map(db, db.metas[1 - db.meta.page])
    else:
        mapped = page_map(db)
    chosen = _chosen(db, mapped, addresses(bucket))
    if job.json and not image:
        _records(job, mapped, chosen, before, out)
        return
    width = min(width or (_SQUARE if image else _COLUMNS), 4096)
    found, step = drawn(mapped, cells or (_SQUARE**2 if image else _ROWS * width), chosen, before)
    if svg:
        _deliver(job, page_picture.svg(found, step, width, os.path.basename(job.path)), db, out)
    elif png:
        _deliver(job, page_picture.png(found, width), db, out)
    else:
        write_styled(out, page_picture.text(found, step, width, colour=wants_style(out)))


def _chosen(snapshot: Snapshot, mapped: PageMap, path: list[bytes]) -> set[int]:
    """Return the numbers of the bucket at ``path`` and of those inside it; none if the path is empty."""
    if not path:
        return set()
    from ...tree.bucket import find_bucket

    root = find_bucket(snapshot, path).root
    number = next((number for number, bucket in enumerate(mapped.buckets) if number and bucket.root == root), None)
    return set() if number is None else mapped.inside(number)


def _records(job: Job, mapped: PageMap, chosen: set[int], before: PageMap | None, out: BinaryIO) -> None:
    """Write an object for each run of similar pages."""
    from ...render import records
    from ...render.page_cells import cells
    from ...tree.page_map import KINDS

    found, _ = cells(mapped, job.options.cells or len(mapped.kinds), chosen, before)
    for cell in found:
        owner = mapped.owner(cell.first)
        record: dict[str, object] = {
            "page": cell.first,
            "pages": cell.count,
            "kind": KINDS[cell.kind],
            "fill": cell.fill,
        }
        if owner is None:
            record["bucket"] = None
        else:
            records.put_bucket(record, mapped.path(owner))
        record |= {"marked": cell.marked, "changed": cell.fresh}
        out.write(records.line(record))


def _deliver(job: Job, content: bytes, snapshot: Snapshot, out: BinaryIO) -> None:
    """Write an image to its file, or to standard output."""
    output = _output(job)
    if not output:
        out.write(content)
        return
    from ..row_output import complete

    with complete(output, public=True, replace=job.options.force) as file:
        file.write(content)
        snapshot.finish()
    if job.json:
        from ...render import records

        out.write(records.line(records.result(job.path, output, size=len(content))))
