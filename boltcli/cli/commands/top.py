"""``top``: what takes the space."""

from __future__ import annotations

import os

from ..command import Argument, Command, Option
from ..key_argument import addresses
from ..options import DEPTH, FILE, HUMAN
from ..values import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "top",
    "Show what takes the space: buckets, key prefixes, largest pairs, sizes, fill of pages, free runs.",
    arguments=(
        FILE,
        Argument("BUCKET", "bucket", "Only this bucket; nested ones after it.", many=True, required=False),
    ),
    least=1,
    options=(
        Option("sep", "What separates the parts of a key; auto: found in the keys.", default="auto", metavar="TEXT"),
        Option("parts", "How many parts of a key make a prefix.", default=1, metavar="N", parse=parse_count),
        DEPTH,
        Option("limit", "Show at most this many rows of a table; 0: all.", default=10, metavar="N", parse=parse_count),
        HUMAN,
    ),
    opens=True,
    group="Space",
    example="boltcli top fixtures/bacalhau-compute-1.4.db",
)


class Options:
    """The values of the options."""

    sep: str
    parts: int
    depth: int
    limit: int
    human: bool


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    from ...ops.space.page_map import page_map
    from ...ops.space.space_top import compact_estimate, space_top
    from ...ops.space.space_usage import dense_size, usage
    from ...render.space_report import top_record, top_text

    options = job.options
    path = addresses(job.arguments[1:])
    most = options.limit or 1 << 62
    with job.progress("counting"):
        mapped = page_map(snapshot)
        found = space_top(
            snapshot,
            path,
            separator=None if options.sep == "auto" else os.fsencode(options.sep),
            depth=max(options.parts, 1),
            levels=(options.depth or 1) + len(path),
            most=min(most, 1000),
            mapped=mapped,
        )
        used, dense = usage(snapshot), dense_size(snapshot)
    about = compact_estimate(dense)
    if job.json:
        from ...render import records

        out.write(records.line(top_record(job.path, found, used, dense, about, options.limit)))
        return
    out.write(top_text(found, used, dense, about, most, options.human or out.isatty()))
