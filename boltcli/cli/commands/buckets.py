"""``buckets``: names of the top-level buckets, raw."""

from __future__ import annotations

from ...ops.read.key_pages import key_pages
from ...render.formats import lines
from ...tree.bucket import root_bucket
from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    with database(arguments[0], options, out) as snapshot:
        if options["json"]:
            from ...ops.read.key_pages import top_buckets
            from ...render import records

            for name, bucket in top_buckets(snapshot):
                out.write(records.line(records.bucket(name, bucket)))
            return
        for names in key_pages(snapshot, root_bucket(snapshot)):
            out.write(lines(names, "bytes"))
