"""``import``: a database from what ``export`` writes. bbolt has no such command."""

from __future__ import annotations

import mmap
import os
import sys

from ...errors import ArgumentError, DestinationExists, OpenError
from ...ops.write.compact import PAGE_SIZES
from ...ops.write.load_rows import load
from ..command import Argument, Command
from ..options import FILL_PERCENT, FORCE, NO_SYNC, OUTPUT, PAGE_SIZE
from ..values import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from ...ops.write.load_rows import Row
    from ..job import Job

COMMAND = Command(
    "import",
    "Make a database from what export writes; it is as small as it can be.",
    arguments=(Argument("SRC", "file", "Lines of JSON in key order; - is standard input."),),
    least=1,
    most=1,
    options=(OUTPUT, NO_SYNC, FORCE, FILL_PERCENT, PAGE_SIZE),
    example="boltcli import -o store.db store.ndjson",
    group="Write",
)


class Options:
    """The values of the options."""

    output: str
    no_sync: bool
    force: bool
    fill_percent: int
    page_size: int


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    source, output, page_size = job.path, job.options.output, job.options.page_size
    if not output:
        raise ArgumentError("output file required")
    if page_size and page_size not in PAGE_SIZES:
        raise ArgumentError(f"page size {page_size} is not a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}")
    if source != "-" and os.path.exists(output) and os.path.exists(source) and os.path.samefile(source, output):
        raise ArgumentError(f"output file {go_quote(output)} is the source")
    try:
        done = load(
            _rows(source),
            output,
            page_size=page_size or mmap.PAGESIZE,
            fill_percent=job.options.fill_percent,
            replace=job.options.force,
            sync=not job.options.no_sync,
        )
    except DestinationExists:
        hint = "" if job.options.force or not os.path.isfile(output) else ": --force replaces it"
        raise ArgumentError(f"output file {go_quote(output)} already exists{hint}") from None
    if job.json:
        from ...render import records

        facts = {"pairs": done.pairs, "buckets": done.buckets, "size": done.size}
        out.write(records.line(records.result(source, output, **facts)))
        return
    out.write(b"%d pairs in %d buckets -> %d bytes\n" % (done.pairs, done.buckets, done.size))


def _rows(source: str) -> Iterator[Row]:
    """The rows in the file ``source``, or - for standard input; empty lines are passed over."""
    from ...render.ndjson import parse_row

    try:
        file = _stdin() if source == "-" else open(source, "rb")  # noqa: SIM115
        with file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        row = parse_row(line)
                    except ArgumentError as error:
                        raise ArgumentError(f"line {number}: {error}") from None
                    yield row
    except OSError as error:
        raise OpenError("read", source, error.strerror or str(error)) from error


def _stdin() -> BinaryIO:
    # Python has none if that was closed; its descriptor may be another file's by now.
    if sys.stdin is None:
        raise OpenError("read", "-", "Bad file descriptor")
    return sys.stdin.buffer
