"""``top``: show what takes the space."""

from __future__ import annotations

import os

from ..command import Argument, Command, Option
from ..key_argument import addresses
from ..options import FILE, HUMAN
from ..values import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "top",
    "Show what takes the space: buckets, key prefixes, largest pairs, sizes, fill of pages, free runs.",
    arguments=(
        FILE,
        Argument("BUCKET", "bucket", "Only this bucket: its path, outermost name first.", many=True, required=False),
    ),
    least=1,
    options=(
        Option("sep", "Separator of the parts of a key; auto: find it in the keys.", default="auto", metavar="TEXT"),
        Option("depth", "Number of parts of a key that make a prefix.", default=1, metavar="N", parse=parse_count),
        Option(
            "levels", "Levels of buckets to show separately; 0: one, or more if one bucket has nearly everything.",
            default=0, metavar="N", parse=parse_count,
        ),
        Option("limit", "Show at most this many rows of a table; 0: all.", default=10, metavar="N", parse=parse_count),
        HUMAN,
    ),
    opens=True,
    group="Space",
    example="boltcli top fixtures/bacalhau-compute-1.4.db",
)  # fmt: skip


class Options:
    """The values of the options."""

    sep: str
    depth: int
    levels: int
    limit: int
    human: bool


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    from ...ops.space.top import space_top, top_levels
    from ...render.space_report import top_record, top_text

    options = job.options
    path, most = addresses(job.arguments[1:]), options.limit or 1 << 62
    how: dict[str, Any] = {
        "separator": None if options.sep == "auto" else os.fsencode(options.sep),
        "depth": max(options.depth, 1),
        "most": min(most, 1000),
    }
    with job.progress("counting"):
        if options.levels:
            found = space_top(snapshot, path, levels=options.levels, **how)
        else:
            found = top_levels(snapshot, path, **how)
    if job.json:
        from ...render import records

        out.write(records.line(top_record(job.path, found, options.limit)))
        return
    out.write(top_text(found, most, options.human or out.isatty()))
