"""``map``: draw the pages of a file."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ..command import Argument, Command, Option
from ..key_argument import addresses
from ..options import FILE, FORCE
from ..streams import wants_style, write_styled
from ..values import parse_count, parse_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ...tree.page_map import PageMap
    from ..job import Job

_ROWS = 32  # rows that fit a terminal
_COLUMNS = 64
_SQUARE = 96  # cells in a row and in a column of an image

COMMAND = Command(
    "map",
    "Draw a map of the pages: kind, fill, free, lost, damaged; each cell is a page or a run of pages.",
    arguments=(FILE, Argument("DEST", "file", "The same as --output.", required=False, hidden=True)),
    least=1,
    most=2,
    options=(
        Option(
            "bucket", "Mark the pages of this bucket; repeat it for a nested one.",
            default=[], metavar="NAME", parse=parse_name, kind="bucket",
        ),
        Option("svg", "Write an SVG image; each cell has a description on hover.", default=False),
        Option("png", "Write a PNG image.", default=False),
        Option(
            "output", "Write the image to this file; default: standard output.",
            default="", metavar="DEST", short="o", kind="file",
        ),
        FORCE,
        Option("width", "Cells in a row; 0 chooses automatically.", default=0, metavar="N", parse=parse_count),
        Option("cells", "Draw at most this many cells; 0 chooses automatically.", default=0, metavar="N",
               parse=parse_count),
    ),
    opens=True,
    group="Space",
    example="boltcli map fixtures/after-deletes.db",
)  # fmt: skip


class Options:
    """The values of the options."""

    bucket: list[str]
    svg: bool
    png: bool
    output: str
    force: bool
    width: int
    cells: int


def prepare(job: Job[Options]) -> None:
    addresses(job.options.bucket)
    if job.options.svg and job.options.png:
        raise ArgumentError("--svg and --png can't be combined")
    image = job.options.svg or job.options.png
    if _output(job) and not image:
        raise ArgumentError("--output is for an image: add --svg or --png")
    if image and job.json and not _output(job):
        raise ArgumentError("with --json, an image needs --output: standard output can't hold both")


def _output(job: Job[Options]) -> str:
    output = job.options.output or "".join(job.arguments[1:])
    return "" if output == "-" else output


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    from ...render import page_picture
    from ...render.page_cells import cells
    from ...tree.page_map import page_map

    options = job.options
    image = options.svg or options.png
    before = None
    if job.previous:  # the snapshot is of the state before the last transaction
        before = page_map(snapshot)
        mapped = page_map(snapshot, snapshot.metas[1 - snapshot.meta.page])
    else:
        mapped = page_map(snapshot)
    chosen = _chosen(snapshot, mapped, addresses(options.bucket))
    if job.json and not image:
        _records(job, mapped, chosen, before, out)
        return
    width = min(options.width or (_SQUARE if image else _COLUMNS), 4096)
    found, step = cells(mapped, options.cells or (_SQUARE**2 if image else _ROWS * width), chosen, before)
    if options.svg:
        _deliver(job, page_picture.svg(found, step, width, os.path.basename(job.path)), snapshot, out)
    elif options.png:
        _deliver(job, page_picture.png(found, width), snapshot, out)
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


def _records(job: Job[Options], mapped: PageMap, chosen: set[int], before: PageMap | None, out: BinaryIO) -> None:
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


def _deliver(job: Job[Options], content: bytes, snapshot: Snapshot, out: BinaryIO) -> None:
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
