"""``inspect``: print the tree of buckets as JSON."""

from __future__ import annotations

from ...ops.stats.buckets import inspect
from ...render.inspect import bucket_tree
from ..command import Command
from ..options import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "inspect",
    "Show the tree of buckets and how many pairs each holds, as JSON.",
    arguments=(FILE,),
    least=1,
    most=1,
    opens=True,
    example="boltcli inspect fixtures/document.db",
)


def run(snapshot: Snapshot, job: Job[None], out: BinaryIO, err: BinaryIO) -> None:
    tree = inspect(snapshot)
    if job.json:
        from ...render import records

        out.writelines(records.tree(tree))
        return
    out.writelines(bucket_tree(tree))
