"""``tree``: the buckets and what is in them, in colours on a terminal. bbolt has no such command."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ...ops.space.space_usage import bucket_usage
from ...render.usage import ORDERS, arranged, tree_text
from ..command import Command, Option
from ..options import DEPTH, FILE
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "tree",
    "Show the tree of buckets with pairs, bytes, share of the file, depth and sequence.",
    arguments=(FILE,),
    least=1,
    most=1,
    options=(
        DEPTH,
        Option(
            "sort",
            "Order of the buckets inside of one: size|name|keys",
            default="name",
            metavar="ORDER",
            choices=("size", "name", "keys"),
        ),
    ),
    opens=True,
    example="boltcli tree fixtures/document.db",
)


class Options:
    """The values of the options."""

    depth: int
    sort: str


def prepare(job: Job[Options]) -> None:
    order = job.options.sort
    if order not in ORDERS:
        raise ArgumentError(f"--sort {order}: must be one of {', '.join(ORDERS)}")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    buckets = arranged(bucket_usage(snapshot), job.options.sort, job.options.depth)
    size = snapshot.size
    if job.json:
        from ...render import records

        out.write(records.lines(records.bucket_usage(bucket, size) for bucket in buckets[1:]))
    elif wants_style(out):
        from ...render.rich_tree import rich_tree

        write_styled(out, rich_tree(os.path.basename(job.path), buckets, size))
    else:
        out.write(tree_text(os.path.basename(job.path), buckets, size))
