"""``keys``: list the keys of a bucket."""

from __future__ import annotations

from ...errors import ArgumentError, Corrupted, DamageSkipped
from ...ops.read.key_pages import all_keys, keyed_leaves
from ...render.formats import lines
from ...tree.bucket import find_bucket, has_branches
from ..command import Command, Option
from ..decoding import DECODE, Decoding, asked
from ..key_argument import addresses
from ..options import BUCKET, FILE, FILTERS, JOBS, SUBBUCKET, format_option
from ..selection import Filters, is_filtered, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from ...apps.decode import Decoder
    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot

    Write = Callable[[list[bytes], str], bytes]
    from ..job import Job

COMMAND = Command(
    "keys",
    "List the keys of a bucket, nested buckets included.",
    arguments=(FILE, BUCKET, SUBBUCKET),
    least=2,
    options=(
        format_option(short="f"),
        Option("skip-damaged", "Skip damaged pages and continue; each one is reported on stderr.", default=False),
        JOBS,
        *FILTERS,
        *DECODE,
    ),
    opens=True,
    example="boltcli keys fixtures/document.db execution",
)


class Options(Filters, Decoding):
    """The values of the options."""

    format: str
    skip_damaged: bool
    jobs: int


def prepare(job: Job[Options]) -> None:
    addresses(job.arguments[1:])
    if is_filtered(job.options):
        selection(job.options, values=False)
        if job.options.skip_damaged:
            raise ArgumentError("--skip-damaged reads all pages, a filter only some of them: they can't be combined")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    form, path = job.options.format, addresses(job.arguments[1:])
    write: Write = lines
    if job.json:
        from ...render import records

        write = records.keys
    decoder = asked(snapshot, job.options)
    if decoder is not None:
        write = _decoded(decoder, tuple(path), job)
    skipped: list[Corrupted] = []
    bucket = find_bucket(snapshot, path)
    if is_filtered(job.options):
        _some(snapshot, bucket, tuple(path), job, write, out)
    elif job.options.skip_damaged:
        skipped = _surviving(snapshot, bucket, form, write, out)
    elif has_branches(snapshot, bucket):
        _many(snapshot, bucket, job, write, out)
    else:
        for _, keys in keyed_leaves(snapshot, bucket):
            out.write(write(keys, form))
    for damage in skipped:
        job.warn(f"skipped {damage}")
    if skipped:
        raise DamageSkipped(len(skipped))


def _decoded(decoder: Decoder, path: tuple[bytes, ...], job: Job[Options]) -> Write:
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
    job: Job[Options],
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


def _many(snapshot: Snapshot, bucket: BucketRef, job: Job[Options], write: Write, out: BinaryIO) -> None:
    form = job.options.format
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
