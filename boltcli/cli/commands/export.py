"""``export``: write a database or a bucket as lines of JSON, or as tables. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from ...api.export import LINES, export, export_form
from ..command import command
from ..decoding import is_asked

if TYPE_CHECKING:
    from ..options import Database, Decoding, Force, InBucket, choice, switch, text, views, written_to
    from ..output import Output

_FORM = (
    "Format of the output: ndjson|json (an array)|csv|sqlite|parquet|arrow; default: by the suffix of --output, else"
    " ndjson."
)


def prepare(format: str, output: str, view: str, bucket: list[bytes], all_views: bool, decoding: Decoding) -> None:
    export_form(format, output, view=view, bucket=bool(bucket), all_views=all_views, decoded=is_asked(decoding))


@command(
    "export",
    example="boltcli export --bucket execution fixtures/document.db",
    group="Write",
    json="Write errors and warnings as JSON too; the rows are always JSON.",
    validate=prepare,
)
def export_(
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
    with out.progress("exporting") as progress:
        counts = export(
            db, output or out.out, format=format, bucket=bucket, view=view, all_views=all_views, decode=decoding.decode,
            proto=decoding.proto, message=decoding.message, replace=force, warn=out.warn, progress=progress,
        )  # fmt: skip
    if output and (view or export_form(format, output) not in LINES):
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        out.raw(f"{words} -> {output}\n".encode("utf-8", "surrogateescape"))
