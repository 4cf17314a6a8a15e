"""``keys``: list the keys of a bucket."""

from __future__ import annotations

from ...read_errors import ArgumentError, Corrupted
from ...render.formats import lines
from ...tree.bucket import find_bucket, keys_on_one_page
from ..command import command
from ..decoding import asked
from ..key_argument import addresses, is_filtered, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Annotated, BinaryIO

    from typer import Option

    from ...apps.decode import Decoder
    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot
    from ..options import (
        Bucket,
        Database,
        Decode,
        Format,
        From,
        Grep,
        Jobs,
        Limit,
        Message,
        Prefix,
        Proto,
        Recursive,
        Reverse,
        Subbuckets,
        To,
    )

    Write = Callable[[list[bytes], str], bytes]
    from ..job import Job


def prepare(job: Job) -> None:
    addresses(job.arguments[1:])
    if is_filtered(job.options):
        selection(job.options, values=False)
        if job.options.skip_damaged:
            raise ArgumentError("--skip-damaged reads all pages, a filter only some of them: they can't be combined")


@command("keys", example="boltcli keys fixtures/document.db execution", validate=prepare)
def keys_(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    bucket: Bucket,
    subbuckets: Subbuckets = [],
    format: Format = "auto",
    skip_damaged: Annotated[
        bool, Option(help="Skip damaged pages and continue; each one is reported on stderr.")
    ] = False,
    jobs: Jobs = 0,
    prefix: Prefix = "",
    from_: From = "",
    to: To = "",
    limit: Limit = 0,
    reverse: Reverse = False,
    recursive: Recursive = False,
    grep: Grep = "",
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """List the keys of a bucket, nested buckets included."""
    path = addresses([bucket, *subbuckets])
    write: Write = lines
    if job.json:
        from ...render import records

        write = records.keys
    decoder = asked(db, job.options)
    if decoder is not None:
        write = _decoded(decoder, tuple(path), job)
    skipped: list[Corrupted] = []
    found = find_bucket(db, path)
    if is_filtered(job.options):
        _some(db, found, tuple(path), job, write, out)
    elif skip_damaged:
        skipped = _surviving(db, found, format, write, out)
    else:
        _all(db, found, job, write, out)
    for damage in skipped:
        job.warn(f"skipped {damage}")
    if skipped:
        from ...errors import DamageSkipped

        raise DamageSkipped(len(skipped))


def _decoded(decoder: Decoder, path: tuple[bytes, ...], job: Job) -> Write:
    """Return a function that writes keys with their decoded form."""
    from ...ops.read.select_items import Items
    from ...render import decoded

    def write(keys: list[bytes], form: str) -> bytes:
        part = Items(path, keys, [b""] * len(keys))
        if job.json:
            return b"".join(decoded.json_lines(part, decoder, form, form, bucket=False, value=False))
        return decoded.text_lines(part, decoder, len(path), value=False)

    return write


def _some(
    snapshot: Snapshot,
    bucket: BucketRef,
    path: tuple[bytes, ...],
    job: Job,
    write: Write,
    out: BinaryIO,
) -> None:
    """Write the keys that pass the filters."""
    from ...ops.read.select_items import items

    form = job.options.format
    for part in items(snapshot, bucket, path, **selection(job.options, values=False)):
        decoder = asked(snapshot, job.options) if job.options.recursive else None
        if decoder is not None:
            from ...render import decoded

            if job.json:
                out.writelines(decoded.json_lines(part, decoder, form, form, bucket=True, value=False))
            else:
                out.write(decoded.text_lines(part, decoder, len(path), value=False))
        elif not job.json and write is lines:
            from ...render.items import key_lines

            out.write(key_lines(part, form, len(path)))
        elif job.options.recursive:
            from ...render import records

            out.writelines(records.items(part, form, path=True, value=False))
        else:
            out.write(write(part.keys, form))


def _all(snapshot: Snapshot, bucket: BucketRef, job: Job, write: Write, out: BinaryIO) -> None:
    form = job.options.format
    few = keys_on_one_page(snapshot, bucket)
    if few is not None:
        out.write(write(few, form))
        return
    from ...ops.read.key_pages import all_keys

    with job.progress("listing") as progress:
        show = None if out.isatty() else progress
        for keys in all_keys(snapshot, bucket, progress=show):
            out.write(write(keys, form))


def _surviving(snapshot: Snapshot, bucket: BucketRef, form: str, write: Write, out: BinaryIO) -> list[Corrupted]:
    """Write the keys that can be read; return the damage."""
    from ...ops.read.key_pages import surviving_keys

    skipped = []
    for found in surviving_keys(snapshot, bucket):
        if isinstance(found, Corrupted):
            skipped.append(found)
        else:
            out.write(write(found, form))
    return skipped
