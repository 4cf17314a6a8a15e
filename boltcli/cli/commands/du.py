"""``du``: where the bytes of a file are. bbolt has no such command."""

from __future__ import annotations

from ...ops.space.space_usage import dense_size, usage
from ...render.usage import usage_text
from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    with database(arguments[0], options, out) as snapshot:
        found = usage(snapshot)
        dense = dense_size(snapshot)
    depth = int(options["depth"]) or len(max((bucket.path for bucket in found.buckets), key=len))
    buckets = [bucket for bucket in found.buckets if 0 < len(bucket.path) <= depth]
    if options["json"]:
        from ...render import records

        out.write(records.line(records.usage(arguments[0], found, buckets, dense)))
        return
    out.write(usage_text(found, buckets, dense))
