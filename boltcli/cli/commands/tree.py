"""``tree``: show the tree of buckets, in colours on a terminal. bbolt has no such command."""

from __future__ import annotations

import os

from ...errors import ArgumentError, BucketNotFound, Corrupted, DamageSkipped
from ...ops.stats.buckets import bucket_usage
from ...render.names import path_text
from ...render.usage import ORDERS, arranged, tree_text
from ...render.visible import one_line
from ...tree.bucket import find_bucket
from ..command import Argument, Command, Option
from ..key_argument import addresses
from ..options import DEPTH, FILE, HUMAN
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "tree",
    "Show the tree of buckets with pairs, bytes, share of the file, depth and sequence.",
    arguments=(
        FILE,
        Argument("BUCKET", "bucket", "Start at this bucket (its path, outermost first).", many=True, required=False),
    ),
    least=1,
    options=(
        DEPTH,
        Option(
            "sort",
            "Order of the buckets within a bucket: size|name|keys",
            default="name",
            metavar="ORDER",
            choices=("size", "name", "keys"),
        ),
        HUMAN,
    ),
    opens=True,
    example="boltcli tree fixtures/document.db",
)


class Options:
    """The values of the options."""

    depth: int
    sort: str
    human: bool


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])
    order = job.options.sort
    if order not in ORDERS:
        raise ArgumentError(f"--sort {order}: must be one of {', '.join(ORDERS)}")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    path = tuple(addresses(job.arguments[1:]))
    damages: list[Corrupted] = []
    found = bucket_usage(snapshot, damages)
    start = next((bucket for bucket in found if bucket.level == len(path) and bucket.path == path), None)
    if start is None:
        find_bucket(snapshot, path)  # raises the error
        raise BucketNotFound
    buckets = arranged(found, job.options.sort, job.options.depth, start)
    size = snapshot.size
    human = job.options.human or out.isatty()
    title = path_text(path) if path else one_line(os.path.basename(job.path))
    if job.json:
        from ...render import records

        out.writelines(map(records.line, records.bucket_usages(buckets[not path :], size)))
    elif wants_style(out):
        from ...render.rich_tree import rich_tree

        write_styled(out, rich_tree(title, buckets, size, human))
    else:
        out.writelines(tree_text(title, buckets, size, human))
    for damage in damages:
        job.warn(f"not counted: {damage}")
    if damages:
        raise DamageSkipped(len(damages))
