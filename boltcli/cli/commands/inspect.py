"""``inspect``: the tree of buckets, as JSON."""

from __future__ import annotations

from ...ops.stats.bucket_counts import inspect
from ...render.inspect import bucket_tree
from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    with database(arguments[0], options, out) as snapshot:
        tree = inspect(snapshot)
    if options["json"]:
        from ...render import records

        out.writelines(records.tree(tree))
        return
    out.writelines(bucket_tree(tree))
