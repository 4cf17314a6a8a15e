"""``export``: write a database or a bucket as lines of JSON, or as tables. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError, Corrupted
from ..command import command
from ..decoding import asked, is_asked
from ..key_argument import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO, Literal

    from typer import Option

    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Database, Decode, Force, Message, Proto, buckets, files

FORMATS = ("ndjson", "json", "csv", "sqlite", "parquet", "arrow")

LINES = ("ndjson", "json")


def _form(job: Job) -> str:
    """Return the format that the options ask for. Raises :class:`~boltcli.errors.ArgumentError`."""
    options = job.options
    if options.format:
        if options.format not in FORMATS:
            raise ArgumentError(f"--format {options.format}: must be one of {', '.join(FORMATS)}")
        form: str = options.format
        return form
    from ..row_output import format_of

    return "sqlite" if options.output.lower().endswith(".sqlite") else format_of(options.output) or "ndjson"


def prepare(job: Job) -> None:
    options = job.options
    addresses(options.bucket)
    form = _form(job)
    if form in ("sqlite", "parquet", "arrow") and not options.output:
        raise ArgumentError(f"--format {form} needs --output")
    if options.all_views and form != "sqlite":
        raise ArgumentError("--all-views needs --format sqlite: the other formats have one table per file")
    if is_asked(options.decode, options.proto, options.message) and (form not in LINES or options.view):
        raise ArgumentError("--decode works only for pairs as lines of JSON")
    if options.view and options.bucket:
        raise ArgumentError("--view and --bucket can't be combined")


@command(
    "export",
    example="boltcli export --bucket execution fixtures/document.db",
    group="Write",
    json="Write errors and warnings as JSON too; the rows are always JSON.",
    validate=prepare,
)
def export(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    bucket: Annotated[
        list[str], Option(help="Only this bucket; repeat it for a nested one.", metavar="NAME", autocompletion=buckets)
    ] = [],
    format: Annotated[
        Literal["", "ndjson", "json", "csv", "sqlite", "parquet", "arrow"],
        Option(
            "--format",
            "-f",
            help="ndjson|json (an array)|csv|sqlite|parquet|arrow; default: by the suffix of --output, else ndjson.",
            metavar="FORMAT",
        ),
    ] = "",
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write to this file, which appears when it is complete; default: standard output.",
            metavar="DEST",
            autocompletion=files,
        ),
    ] = "",
    view: Annotated[
        str, Option(help="Write this view of the file's application instead of the pairs.", metavar="NAME")
    ] = "",
    all_views: Annotated[
        bool, Option(help="With --format sqlite: also a table for each view of the application.")
    ] = False,
    force: Force = False,
    decode: Decode = "off",
    proto: Proto = "",
    message: Message = "",
) -> None:
    """Write all buckets and pairs as lines of JSON, or pairs and views as CSV, SQLite, Parquet or Arrow."""
    form = _form(job)
    if form not in LINES or view:
        from ...tables.relations import TableFile
        from ..export_forms import export_table

        export_table(TableFile(job.path, db, job.warn), job.options, form, out)
    elif output:
        from ..row_output import complete

        with complete(output, replace=force) as file:
            _write(db, job, form, file)
            db.finish()
    else:
        _write(db, job, form, out)


def _write(snapshot: Snapshot, job: Job, form: str, out: BinaryIO) -> None:
    """Write the rows as lines, or as one array of them."""
    from ..row_output import lines_into

    with lines_into(out, form) as target:
        _lines(snapshot, job, target)


def _lines(snapshot: Snapshot, job: Job, out: BinaryIO) -> None:
    """Write the rows, then their number or the error, so that a truncated export can be recognised."""
    from functools import partial

    from ...ops.read.content import Bounds, Enter, placed, whole_content
    from ...render import records
    from ...render.decoded import export_lines
    from ...render.ndjson import bucket_row, end_row, pair_lines

    decoder = asked(snapshot, job.options.decode, job.options.proto, job.options.message)
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
