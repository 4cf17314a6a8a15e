"""``inspect``: print the tree of buckets as JSON."""

from __future__ import annotations

from ...ops.stats.buckets import inspect
from ...render.inspect import bucket_tree
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job
    from ..options import Database


@command("inspect", example="boltcli inspect fixtures/document.db")
def inspect_(db: Database, job: Job, out: BinaryIO, err: BinaryIO) -> None:
    """Show the tree of buckets and how many pairs each holds, as JSON."""
    tree = inspect(db)
    if job.json:
        from ...render import records

        out.writelines(records.tree(tree))
        return
    out.writelines(bucket_tree(tree))
