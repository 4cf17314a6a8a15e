"""``export``: write a database or a bucket as lines of JSON, or as tables. bbolt has no such command."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

from ...errors import ArgumentError, Corrupted
from ...ops.read.content import Bounds, Enter, placed, whole_content
from ...render import records
from ...render.element_lines import element_lines
from ..command import command
from ..decoding import asked, is_asked
from ..row_output import complete, format_of, lines_into

if TYPE_CHECKING:
    from ...apps.decode import Decoder
    from ...progress import Progress
    from ...storage.snapshot import Snapshot
    from ..options import Database, Decoding, Force, InBucket, choice, switch, text, views, written_to
    from ..output import Output

    Path = tuple[bytes, ...]

LINES = ("ndjson", "json")
_FORM = (
    "Format of the output: ndjson|json (an array)|csv|sqlite|parquet|arrow; default: by the suffix of --output, else"
    " ndjson."
)


def _form(format: str, output: str) -> str:
    if format:
        return format
    return "sqlite" if output.lower().endswith(".sqlite") else format_of(output) or "ndjson"


def prepare(format: str, output: str, view: str, bucket: list[bytes], all_views: bool, decoding: Decoding) -> None:
    form = _form(format, output)
    if form in ("sqlite", "parquet", "arrow") and not output:
        raise ArgumentError(f"--format {form} needs --output")
    if all_views and form != "sqlite":
        raise ArgumentError("--all-views needs --format sqlite: the other formats have one table per file")
    if is_asked(decoding) and (form not in LINES or view):
        raise ArgumentError("--decode works only for pairs as lines of JSON")
    if view and bucket:
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
    out: Output,
    *,
    bucket: InBucket = [],
    format: Annotated[
        Literal["", "ndjson", "json", "csv", "sqlite", "parquet", "arrow"], choice(_FORM, "FORMAT", "--format", "-f")
    ] = "",
    output: Annotated[
        str, written_to("Write to this file, which appears when it is complete; default: standard output.")
    ] = "",
    view: Annotated[
        str, text("Write this view of the file's application instead of the pairs.", "NAME", completes=views)
    ] = "",
    all_views: Annotated[bool, switch("With --format sqlite: also a table for each view of the application.")] = False,
    force: Force = False,
    decoding: Decoding,
) -> None:
    """Write all buckets and pairs as lines of JSON, or pairs and views as CSV, SQLite, Parquet or Arrow."""
    form = _form(format, output)
    if view or form not in LINES:
        from ..export_tables import export_tables

        with out.progress("exporting") as progress:
            export_tables(
                db, out, tuple(bucket), view, all_views=all_views, form=form, output=output, force=force,
                progress=progress,
            )  # fmt: skip
        return
    decoder = asked(db, decoding)
    into = complete(output, replace=force) if output else nullcontext(out.out)
    with into as file, lines_into(file, form) as target, out.progress("exporting") as progress:
        _write_lines(db, out, tuple(bucket), decoder, target, progress)
        if output:
            db.finish()


def _write_lines(
    db: Snapshot, out: Output, path: Path, decoder: Decoder | None, file: BinaryIO, progress: Progress
) -> None:
    """Write the rows, then their number or the error, so that a truncated export can be recognised."""
    content = placed(whole_content(db, Bounds(path), warn=out.warn, progress=progress), db.meta.sequence)
    pairs = buckets = 0
    try:
        for place, event in content:
            if isinstance(event, Enter):
                file.write(records.line(records.of_bucket(place) | {"sequence": event.sequence}))
                buckets += bool(place)
            else:
                file.writelines(element_lines(place, event.keys, event.values, decoder=decoder))
                pairs += len(event.keys)
    except Corrupted as error:
        file.write(records.line({"end": False, "error": records.error(error, out.path)}))
        raise
    file.write(records.line({"end": True, "pairs": pairs, "buckets": buckets}))
