"""``keys``: the keys of a bucket, written as they are read."""

from __future__ import annotations

import os

from ...errors import Corrupted, DamageSkipped
from ...ops.listing import key_pages
from ...render.formats import lines
from ...tree.bucket import find_bucket, has_branches
from ..access import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ...tree.bucket import BucketRef


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    form = str(options["format"])
    skipped: list[Corrupted] = []
    with database(arguments[0], options, out) as snapshot:
        bucket = find_bucket(snapshot, map(os.fsencode, arguments[1:]))
        if options["skip-damaged"]:
            skipped = _surviving(snapshot, bucket, form, out)
        elif has_branches(snapshot, bucket):
            _many(snapshot, bucket, form, int(options["jobs"]), out)
        else:
            for keys in key_pages(snapshot, bucket):
                out.write(lines(keys, form))
    for damage in skipped:
        err.write(f"warning: skipped {damage}\n".encode("utf-8", "surrogateescape"))
    if skipped:
        raise DamageSkipped(len(skipped))


def _many(snapshot: Snapshot, bucket: BucketRef, form: str, jobs: int, out: BinaryIO) -> None:
    from ...ops.keys_bulk import written_keys
    from ..progress import Progress

    with Progress("listing") as progress:
        show = None if out.isatty() else progress
        for text in written_keys(snapshot, bucket, lambda keys: lines(keys, form), jobs=jobs, progress=show):
            out.write(text)


def _surviving(snapshot: Snapshot, bucket: BucketRef, form: str, out: BinaryIO) -> list[Corrupted]:
    """Write the keys that can be read; returns what couldn't be."""
    from ...ops.salvage import surviving_keys

    skipped = []
    for found in surviving_keys(snapshot, bucket):
        if isinstance(found, Corrupted):
            skipped.append(found)
        else:
            out.write(lines(found, form))
    return skipped
