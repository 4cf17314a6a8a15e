"""``du``: show the space used by each bucket. bbolt has no such command."""

from __future__ import annotations

import mmap

from ...errors import ArgumentError
from ...ops.space.pages import Usage
from ...ops.write.compact import measure
from ...render.usage import ORDERS, usage_text
from ..command import Command, Option
from ..options import DEPTH, FILES, HUMAN, JOBS
from ..values import parse_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "du",
    "Show how the space of the file is used: by bucket, free, lost; and how much compaction would free.",
    arguments=(FILES,),
    least=1,
    most=1,
    options=(
        DEPTH,
        JOBS,
        Option("sort", "Order of the buckets: name|size|keys", default="name", metavar="ORDER", choices=tuple(ORDERS)),
        Option("top", "Show only this many of the largest buckets; 0: all.", default=0, metavar="N", parse=parse_count),
        HUMAN,
    ),
    opens=True,
    several=True,
    example="boltcli du fixtures/document.db",
)


class Options:
    """The values of the options."""

    depth: int
    jobs: int
    sort: str
    top: int
    human: bool


def prepare(job: Job[Options]) -> None:
    order = job.options.sort
    if order not in ORDERS:
        raise ArgumentError(f"--sort {order}: must be one of {', '.join(ORDERS)}")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    found = Usage(snapshot)
    if found.problem is not None:
        job.warn(f"the freelist cannot be read, so lost pages are counted as free: {found.problem}")
    dense = measure(snapshot, mmap.PAGESIZE)
    depth = job.options.depth
    buckets = [bucket for bucket in found.buckets[1:] if not depth or bucket.level <= depth]
    if job.options.top:
        chosen = {id(bucket) for bucket in sorted(buckets, key=ORDERS["size"])[: job.options.top]}
        buckets = [bucket for bucket in buckets if id(bucket) in chosen]
    if job.options.sort != "name":
        buckets.sort(key=ORDERS[job.options.sort])
    if job.json:
        from ...render import records

        out.writelines(records.usage(job.path, found, buckets, dense))
        return
    out.writelines(usage_text(found, buckets, dense, job.options.human or out.isatty()))
