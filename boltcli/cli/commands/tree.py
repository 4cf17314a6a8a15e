"""``tree``: show the tree of buckets, in colours on a terminal. bbolt has no such command."""

from __future__ import annotations

import os

from ...errors import ArgumentError, BucketNotFound, Corrupted, DamageSkipped
from ...ops.stats.buckets import bucket_usage
from ...render.usage import ORDERS, arranged, tree_text
from ...text.values import path_text
from ...text.visible import one_line
from ...tree.bucket import find_bucket
from ..command import command
from ..key_argument import addresses
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO, Literal

    from typer import Argument, Option

    from ..job import Job
    from ..options import Database, Depth, Human, buckets


def prepare(job: Job) -> None:
    addresses(job.arguments[1:])
    order = job.options.sort
    if order not in ORDERS:
        raise ArgumentError(f"--sort {order}: must be one of {', '.join(ORDERS)}")


@command("tree", example="boltcli tree fixtures/document.db", validate=prepare)
def tree(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    buckets: Annotated[
        list[str],
        Argument(metavar="BUCKET", help="Start at this bucket (its path, outermost first).", autocompletion=buckets),
    ] = [],
    depth: Depth = 0,
    sort: Annotated[
        Literal["size", "name", "keys"],
        Option(help="Order of the buckets within a bucket: size|name|keys", metavar="ORDER"),
    ] = "name",
    human: Human = False,
) -> None:
    """Show the tree of buckets with pairs, bytes, share of the file, depth and sequence."""
    path = tuple(addresses(job.arguments[1:]))
    damages: list[Corrupted] = []
    found = bucket_usage(db, damages)
    start = next((bucket for bucket in found if bucket.level == len(path) and bucket.path == path), None)
    if start is None:
        find_bucket(db, path)  # raises the error
        raise BucketNotFound
    shown = arranged(found, sort, depth, start)
    size = db.size
    human = human or out.isatty()
    title = path_text(path) if path else one_line(os.path.basename(job.path))
    if job.json:
        from ...render import records

        out.writelines(map(records.line, records.bucket_usages(shown[not path :], size)))
    elif wants_style(out):
        from ...render.rich_tree import rich_tree

        write_styled(out, rich_tree(title, shown, size, human))
    else:
        out.writelines(tree_text(title, shown, size, human))
    for damage in damages:
        job.warn(f"not counted: {damage}")
    if damages:
        raise DamageSkipped(len(damages))
