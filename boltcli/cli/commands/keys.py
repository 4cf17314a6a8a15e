"""``keys``: the keys of a bucket, written as they are read."""

from __future__ import annotations

import os

from ...ops.listing import key_pages
from ...render.formats import lines
from ...storage.snapshot import Snapshot
from ...tree.bucket import find_bucket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO) -> None:
    form = str(options["format"])
    with Snapshot(arguments[0]) as snapshot:
        bucket = find_bucket(snapshot, map(os.fsencode, arguments[1:]))
        for keys in key_pages(snapshot, bucket):
            out.write(lines(keys, form))
