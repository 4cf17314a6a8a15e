"""``export``: a database, or a bucket of it, as lines of JSON. bbolt has no such command."""

from __future__ import annotations

from ...ops.read.select_items import items
from ...tree.bucket import find_bucket
from ..access import database
from ..key_argument import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    from ...render.ndjson import bucket_row, rows
    from ...render.records import line

    path = tuple(addresses(str(options["bucket"]).split("\0")[:-1]))
    with database(arguments[0], options, out) as snapshot:
        bucket = find_bucket(snapshot, path)
        if snapshot.meta.sequence:
            out.write(line(bucket_row((), snapshot.meta.sequence)))
        for length in range(1, len(path) + 1):
            out.write(line(bucket_row(path[:length], find_bucket(snapshot, path[:length]).sequence)))
        for part in items(snapshot, bucket, path, recursive=True):
            out.write(rows(part))
