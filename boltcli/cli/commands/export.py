"""``export``: a database, or a bucket of it, as lines of JSON. bbolt has no such command."""

from __future__ import annotations

from ...ops.read.select_items import items
from ...tree.bucket import find_bucket
from ..command import Command, Option
from ..key_argument import addresses
from ..options import FILE
from ..values import parse_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "export",
    "Write all buckets and pairs as lines of JSON.",
    arguments=(FILE,),
    least=1,
    most=1,
    options=(
        Option(
            "bucket",
            "Only this bucket; repeated: the bucket in that one.",
            default=[],
            metavar="NAME",
            parse=parse_name,
            kind="bucket",
        ),
    ),
    opens=True,
    json="Write errors and warnings as JSON too; the rows are JSON in any case.",
    example="boltcli export --bucket execution fixtures/document.db",
    group="Write",
)


class Options:
    """The values of the options."""

    bucket: list[str]


def prepare(job: Job[Options]) -> None:
    addresses(job.options.bucket)


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    from ...render.ndjson import bucket_row, rows
    from ...render.records import line

    path = tuple(addresses(job.options.bucket))
    bucket = find_bucket(snapshot, path)
    if snapshot.meta.sequence:
        out.write(line(bucket_row((), snapshot.meta.sequence)))
    for length in range(1, len(path) + 1):
        out.write(line(bucket_row(path[:length], find_bucket(snapshot, path[:length]).sequence)))
    for part in items(snapshot, bucket, path, recursive=True):
        out.write(rows(part))
