"""``buckets``: names of the top-level buckets, raw."""

from __future__ import annotations

from ...ops.listing import key_pages
from ...render.formats import lines
from ...storage.snapshot import Snapshot
from ...tree.bucket import root_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO) -> None:
    with Snapshot(arguments[0]) as snapshot:
        for names in key_pages(snapshot, root_bucket(snapshot)):
            out.write(lines(names, "bytes"))
