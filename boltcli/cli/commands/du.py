"""``du``: show the space used by each bucket. bbolt has no such command."""

from __future__ import annotations

import mmap

from ...errors import ArgumentError
from ...ops.space.pages import Usage
from ...ops.write.compact import measure
from ...render.usage import ORDERS, usage_text
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO, Literal

    from typer import Option

    from ..job import Job
    from ..options import Databases, Depth, Human, Jobs
    from ..values import parse_count


def prepare(job: Job) -> None:
    order = job.options.sort
    if order not in ORDERS:
        raise ArgumentError(f"--sort {order}: must be one of {', '.join(ORDERS)}")


@command("du", example="boltcli du fixtures/document.db", several=True, validate=prepare)
def du(
    db: Databases,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    depth: Depth = 0,
    jobs: Jobs = 0,
    sort: Annotated[
        Literal["name", "size", "keys"], Option(help="Order of the buckets: name|size|keys", metavar="ORDER")
    ] = "name",
    top: Annotated[
        int, Option(help="Show only this many of the largest buckets; 0: all.", metavar="N", parser=parse_count)
    ] = 0,
    human: Human = False,
) -> None:
    """Show how the space of the file is used: by bucket, free, lost; and how much compaction would free."""
    found = Usage(db)
    if found.problem is not None:
        job.warn(f"the freelist cannot be read, so lost pages are counted as free: {found.problem}")
    dense = measure(db, mmap.PAGESIZE)
    buckets = [bucket for bucket in found.buckets[1:] if not depth or bucket.level <= depth]
    if top:
        chosen = {id(bucket) for bucket in sorted(buckets, key=ORDERS["size"])[:top]}
        buckets = [bucket for bucket in buckets if id(bucket) in chosen]
    if sort != "name":
        buckets.sort(key=ORDERS[sort])
    if job.json:
        from ...render import records

        out.writelines(records.usage(job.path, found, buckets, dense))
        return
    out.writelines(usage_text(found, buckets, dense, human or out.isatty()))
