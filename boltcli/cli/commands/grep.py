"""``grep``: search a whole file for a pattern. bbolt has no such command."""

from __future__ import annotations

import os

from ...errors import ArgumentError, BoltError, Corrupted
from ..command import command
from ..key_argument import addresses
from ..runner import run_on_database
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from re import Pattern
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ...ops.read.grep import Hit
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import buckets, files

FOUND, NOTHING, TROUBLE = 0, 1, 2  # exit statuses, as grep(1) has them


def prepare(job: Job) -> None:
    options = job.options
    _pattern(job)
    addresses(options.bucket)
    if options.keys and options.values:
        raise ArgumentError("--keys searches only keys, --values only values: they can't be combined")
    if options.files and options.count:
        raise ArgumentError("--files prints names, --count numbers: they can't be combined")
    if options.bucket and options.deleted:
        raise ArgumentError("deleted bytes belong to no bucket: --bucket and --deleted can't be combined")


def _pattern(job: Job) -> Pattern[bytes]:
    import re

    text, options = os.fsencode(job.arguments[0]), job.options
    if options.hex:
        try:
            text = re.escape(bytes.fromhex(job.arguments[0]))
        except ValueError:
            raise ArgumentError(f"--hex: {job.arguments[0]!r} is not hexadecimal") from None
    elif options.fixed:
        text = re.escape(text)
    if not text:
        raise ArgumentError("PATTERN is empty: it would match everywhere")
    try:
        return re.compile(text, re.DOTALL | (re.IGNORECASE if options.ignore_case else 0))
    except (re.error, OverflowError, RecursionError) as error:
        raise ArgumentError(f"PATTERN {job.arguments[0]}: {error}") from None


@command(
    "grep",
    example="boltcli grep -i timeout fixtures/document.db",
    opens=True,
    statuses={0: "a match", 1: "no match", 2: "a file could not be searched"},
    failure=2,
    validate=prepare,
)
def grep(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    pattern: Annotated[str, Argument(metavar="PATTERN", help="A regular expression (Python's, on bytes).")],
    paths: Annotated[list[str], Argument(metavar="FILE", help="Bolt database files.", autocompletion=files)],
    recursive: Annotated[bool, Option("--recursive", "-r", help="Search the databases in folders.")] = False,
    ignore_case: Annotated[bool, Option("--ignore-case", "-i", help="Ignore the case of ASCII letters.")] = False,
    files: Annotated[bool, Option("--files", "-l", help="Print only the names of files with a hit.")] = False,
    count: Annotated[bool, Option("--count", "-c", help="Print only the number of hits in each file.")] = False,
    fixed: Annotated[bool, Option("--fixed", "-F", help="PATTERN is literal text, not a regular expression.")] = False,
    hex: Annotated[bool, Option(help="PATTERN is bytes in hexadecimal.")] = False,
    keys: Annotated[bool, Option(help="Search only names of buckets and keys.")] = False,
    values: Annotated[bool, Option(help="Search only values.")] = False,
    bucket: Annotated[
        list[str],
        Option(help="Search only this bucket; repeat it for a nested one.", metavar="NAME", autocompletion=buckets),
    ] = [],
    deleted: Annotated[
        bool,
        Option(
            help="Also search bytes that are no longer in use: free pages, unused ends of pages, the end of the file."
        ),
    ] = False,
) -> int:
    """Search bucket names, keys and values for a pattern, in nested buckets too."""
    from ..meant_files import meant_files

    meant = meant_files(job, job.arguments[1:])
    wanted = _pattern(job)
    status = NOTHING
    failure: BoltError | None = None
    for file in meant.paths:

        def search(db: Snapshot, one: Job, out: BinaryIO, err: BinaryIO) -> int:
            return _search(db, one, wanted, len(meant.paths) > 1, out)

        try:
            if file in meant.failed:
                raise meant.failed[file]
            found = run_on_database(search, job.again(path=file, err=err), out, err)
            if found == TROUBLE or (found == FOUND and status == NOTHING):
                status = found
        except BoltError as error:
            if len(meant.paths) == 1:
                job.say_passed(meant)
                error.path = error.path or file
                raise
            _report(job, error, file, out)
            failure = failure or error
    out.flush()
    job.say_passed(meant)
    return TROUBLE if failure else status


def _search(snapshot: Snapshot, job: Job, pattern: Pattern[bytes], several: bool, out: BinaryIO) -> int:
    """Write the hits of one file; return its status."""
    from ...render.grep_lines import hit_record, hit_text
    from ...render.records import line

    options, count, damaged = job.options, 0, False
    for hit in _hits(snapshot, job, pattern):
        if isinstance(hit, Corrupted):
            job.warn(f"{job.path + ': ' if several else ''}{hit}; the rest is searched")
            damaged = True
            continue
        count += 1
        if options.files:
            break
        if options.count:
            continue
        if job.json:
            out.write(line(hit_record(hit, job.path)))
        else:
            write_styled(out, hit_text(hit, job.path if several else "", wants_style(out)))
    if options.files or options.count:
        _sum(job, count, several, out)
    return TROUBLE if damaged else FOUND if count else NOTHING


def _sum(job: Job, count: int, several: bool, out: BinaryIO) -> None:
    from ...render import records

    if job.json:
        record: dict[str, object] = {}
        records.put_path(record, job.path)
        if job.options.count or count:
            out.write(records.line(record | ({"hits": count} if job.options.count else {})))
    elif job.options.count:
        out.write((f"{job.path}: " if several else "").encode("utf-8", "surrogateescape") + b"%d\n" % count)
    elif count:
        out.write(os.fsencode(job.path) + b"\n")


def _hits(snapshot: Snapshot, job: Job, pattern: Pattern[bytes]) -> Iterator[Hit | Corrupted]:
    from ...ops.read.grep import dead_hits, live_hits

    options = job.options
    path = tuple(addresses(options.bucket))
    damaged = False
    for hit in live_hits(snapshot, pattern, path, names=not options.values, values=not options.keys):
        damaged = damaged or isinstance(hit, Corrupted)
        yield hit
    if options.deleted or (damaged and not path):
        for dead in dead_hits(snapshot, pattern, damaged_only=not options.deleted):
            if dead.part != ("value" if options.keys else "key" if options.values else ""):
                yield dead


def _report(job: Job, error: BoltError, file: str, out: BinaryIO) -> None:
    """Report that one of several files could not be searched."""
    from ...render.errors import error_text

    if job.json:
        from ...render import records

        record: dict[str, object] = {}
        records.put_path(record, file)
        out.write(records.line(record | {"error": records.error(error, file)}))
    job.again(path=file, err=job.err).warn(f"{file}: {error_text(error).decode('utf-8', 'surrogateescape')}")
