"""``keys``: the keys of a bucket, written as they are read."""

from __future__ import annotations

from ...errors import Corrupted, DamageSkipped
from ...ops.read.key_pages import key_pages
from ...render.formats import lines
from ...tree.bucket import find_bucket, has_branches
from ..access import database
from ..declaration import filtered
from ..key_argument import addresses
from ..warnings import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ...tree.bucket import BucketRef

    Write = Callable[[list[bytes], str], bytes]


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO, err: BinaryIO) -> None:
    form, path = str(options["format"]), addresses(arguments[1:])
    write: Write = lines
    if options["json"]:
        from ...render import records

        write = records.keys
    skipped: list[Corrupted] = []
    with database(arguments[0], options, out) as snapshot:
        bucket = find_bucket(snapshot, path)
        if filtered(options):
            _some(snapshot, bucket, tuple(path), options, write, out)
        elif options["skip-damaged"]:
            skipped = _surviving(snapshot, bucket, form, write, out)
        elif has_branches(snapshot, bucket):
            _many(snapshot, bucket, form, int(options["jobs"]), write, out)
        else:
            for keys in key_pages(snapshot, bucket):
                out.write(write(keys, form))
    for damage in skipped:
        warn(err, options, f"skipped {damage}", arguments[0])
    if skipped:
        raise DamageSkipped(len(skipped))


def _some(
    snapshot: Snapshot,
    bucket: BucketRef,
    path: tuple[bytes, ...],
    options: dict[str, str | int],
    write: Write,
    out: BinaryIO,
) -> None:
    """Write the keys that the filters leave."""
    from ...errors import ArgumentError
    from ...ops.read.select_items import items
    from ..selection import selection

    if options["skip-damaged"]:
        raise ArgumentError("--skip-damaged reads all pages, a filter those that it has to: they don't go together")
    form = str(options["format"])
    for part in items(snapshot, bucket, path, **selection(options, values=False)):
        if not options["json"]:
            from ...render.items import key_lines

            out.write(key_lines(part, form, len(path)))
        elif options["recursive"]:
            from ...render import records

            out.write(records.items(part, form, path=True, value=False))
        else:
            out.write(write(part.keys, form))


def _many(snapshot: Snapshot, bucket: BucketRef, form: str, jobs: int, write: Write, out: BinaryIO) -> None:
    from ...ops.read.fast_keys import written_keys
    from ..progress import Progress

    with Progress("listing") as progress:
        show = None if out.isatty() else progress
        for text in written_keys(snapshot, bucket, lambda keys: write(keys, form), jobs=jobs, progress=show):
            out.write(text)


def _surviving(snapshot: Snapshot, bucket: BucketRef, form: str, write: Write, out: BinaryIO) -> list[Corrupted]:
    """Write the keys that can be read; returns what couldn't be."""
    from ...ops.read.damaged_keys import surviving_keys

    skipped = []
    for found in surviving_keys(snapshot, bucket):
        if isinstance(found, Corrupted):
            skipped.append(found)
        else:
            out.write(write(found, form))
    return skipped
