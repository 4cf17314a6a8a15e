"""``tree``: the buckets and what is in them, in colours on a terminal. bbolt has no such command."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ...ops.space.space_usage import bucket_usage
from ...render.usage import ORDERS, arranged, tree_text
from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    order, depth = str(options["sort"]), int(options["depth"])
    if order not in ORDERS:
        raise ArgumentError(f"--sort {order}: must be one of {', '.join(ORDERS)}")
    with database(arguments[0], options, out) as snapshot:
        buckets = arranged(bucket_usage(snapshot), order, depth)
        size = snapshot.size
    if options["json"]:
        from ...render import records

        out.write(records.lines(records.bucket_usage(bucket, size) for bucket in buckets[1:]))
    elif out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb":
        from ...render.rich_tree import rich_tree

        out.write(rich_tree(os.path.basename(arguments[0]), buckets, size))
    else:
        out.write(tree_text(os.path.basename(arguments[0]), buckets, size))
