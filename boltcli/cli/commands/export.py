"""``export``: write a database or a bucket as lines of JSON, or as tables. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError, Corrupted
from ..command import Command, Option
from ..decoding import DECODE, Decoding, asked, is_asked
from ..key_argument import addresses
from ..options import FILE, FORCE
from ..values import parse_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

FORMATS = ("ndjson", "json", "csv", "sqlite", "parquet", "arrow")

LINES = ("ndjson", "json")

COMMAND = Command(
    "export",
    "Write all buckets and pairs as lines of JSON, or pairs and views as CSV, SQLite, Parquet or Arrow.",
    arguments=(FILE,),
    least=1,
    most=1,
    options=(
        Option(
            "bucket",
            "Only this bucket; repeat it for a nested one.",
            default=[], metavar="NAME", parse=parse_name, kind="bucket",
        ),
        Option(
            "format",
            "ndjson|json (an array)|csv|sqlite|parquet|arrow; default: by the suffix of --output, else ndjson.",
            default="", metavar="FORMAT", short="f", choices=FORMATS,
        ),
        Option(
            "output",
            "Write to this file, which appears when it is complete; default: standard output.",
            default="", metavar="DEST", short="o", kind="file",
        ),
        Option("view", "Write this view of the file's application instead of the pairs.", default="", metavar="NAME"),
        Option("all-views", "With --format sqlite: also a table for each view of the application.", default=False),
        FORCE,
        *DECODE,
    ),
    opens=True,
    json="Write errors and warnings as JSON too; the rows are always JSON.",
    example="boltcli export --bucket execution fixtures/document.db",
    group="Write",
)  # fmt: skip


class Options(Decoding):
    """The values of the options."""

    bucket: list[str]
    format: str
    output: str
    view: str
    all_views: bool
    force: bool


def _form(job: Job[Options]) -> str:
    """Return the format that the options ask for. Raises :class:`~boltcli.errors.ArgumentError`."""
    import os

    options = job.options
    if options.format:
        if options.format not in FORMATS:
            raise ArgumentError(f"--format {options.format}: must be one of {', '.join(FORMATS)}")
        return options.format
    endings = {".json": "json", ".csv": "csv", ".sqlite": "sqlite", ".parquet": "parquet", ".arrow": "arrow"}
    return endings.get(os.path.splitext(options.output)[1].lower(), "ndjson")


def prepare(job: Job[Options]) -> None:
    options = job.options
    addresses(options.bucket)
    form = _form(job)
    if form in ("sqlite", "parquet", "arrow") and not options.output:
        raise ArgumentError(f"--format {form} needs --output")
    if options.all_views and form != "sqlite":
        raise ArgumentError("--all-views needs --format sqlite: the other formats have one table per file")
    if is_asked(options) and (form not in LINES or options.view):
        raise ArgumentError("--decode works only for pairs as lines of JSON")
    if options.view and options.bucket:
        raise ArgumentError("--view and --bucket can't be combined")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> None:
    options = job.options
    form = _form(job)
    if form not in LINES or options.view:
        from ...tables.relations import TableFile
        from ..export_forms import export_table

        export_table(TableFile(job.path, snapshot, job.warn), options, form, out)
    elif options.output:
        from ..row_output import complete

        with complete(options.output, replace=options.force) as file:
            _write(snapshot, job, form, file)
            snapshot.finish()
    else:
        _write(snapshot, job, form, out)


def _write(snapshot: Snapshot, job: Job[Options], form: str, out: BinaryIO) -> None:
    """Write the rows as lines, or as one array of them."""
    from ..row_output import lines_into

    with lines_into(out, "array" if form == "json" else form) as target:
        _lines(snapshot, job, target)


def _lines(snapshot: Snapshot, job: Job[Options], out: BinaryIO) -> None:
    """Write the rows, then their number or the error, so that a truncated export can be recognised."""
    from functools import partial

    from ...ops.read.content import Bounds, Enter, placed, whole_content
    from ...render import records
    from ...render.decoded import export_lines
    from ...render.ndjson import bucket_row, end_row, pair_lines

    decoder = asked(snapshot, job.options)
    lines = pair_lines if decoder is None else partial(export_lines, decoder=decoder)
    pairs = buckets = 0
    try:
        content = whole_content(snapshot, Bounds(tuple(addresses(job.options.bucket))), warn=job.warn)
        for path, event in placed(content, snapshot.meta.sequence):
            if isinstance(event, Enter):
                out.write(records.line(bucket_row(path, event.sequence)))
                buckets += bool(path)
            else:
                out.writelines(lines(path, event))
                pairs += len(event.keys)
    except Corrupted as error:
        out.write(records.line({"end": False, "error": records.error(error, job.path)}))
        raise
    out.write(records.line(end_row(pairs, buckets)))
