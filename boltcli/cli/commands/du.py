"""``du``: where the bytes of a file are. bbolt has no such command."""

from __future__ import annotations

from ...ops.space.space_usage import dense_size, usage
from ...render.usage import usage_text
from ..command import Command
from ..options import DEPTH, FILES, JOBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "du",
    "Show where the bytes of the file are: by bucket, free, lost; and what compaction would give back.",
    arguments=(FILES,),
    least=1,
    most=1,
    options=(DEPTH, JOBS),
    opens=True,
    several=True,
    example="boltcli du fixtures/document.db",
)


class Options:
    """The values of the options."""

    depth: int
    jobs: int


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    found = usage(snapshot)
    dense = dense_size(snapshot)
    depth = job.options.depth or len(max((bucket.path for bucket in found.buckets), key=len))
    buckets = [bucket for bucket in found.buckets if 0 < len(bucket.path) <= depth]
    if job.json:
        from ...render import records

        out.write(records.line(records.usage(job.path, found, buckets, dense)))
        return
    out.write(usage_text(found, buckets, dense))
