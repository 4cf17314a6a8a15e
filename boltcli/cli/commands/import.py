"""``import``: make a database from an export. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ...api.write import import_ as load
from ...render import records
from ...text.sizes import written
from ..command import command

if TYPE_CHECKING:
    from ..options import Destination, FillPercent, Force, Human, NoSync, PageSize, argument, files, switch
    from ..output import Output


@command("import", example="boltcli export fixtures/document.db | boltcli import -o store.db -", group="Write")
def import_(
    out: Output,
    *,
    src: Annotated[
        str, argument("SRC", "Lines of JSON in key order, SQLite, Parquet or Arrow; - reads standard input.", files)
    ],
    output: Destination,
    partial: Annotated[bool, switch("Accept an export that was cut short or ended with an error.")] = False,
    no_sync: NoSync = False,
    force: Force = False,
    fill_percent: FillPercent = 100,
    page_size: PageSize = 0,
    human: Human = False,
) -> None:
    """Make a database, as small as possible, from a file that export wrote."""
    with out.progress("importing", "pairs" if src == "-" else "bytes") as progress:
        done = load(
            src, output, partial=partial, page_size=page_size, fill_percent=fill_percent, replace=force,
            sync=not no_sync, progress=progress,
        )  # fmt: skip
    for warning in done.warnings:
        out.warn(warning)
    size = written(done.size, human or out.is_terminal)
    out.record(
        records.result(src, output, pairs=done.pairs, buckets=done.buckets, size=done.size),
        f"{done.pairs} pairs in {done.buckets} buckets -> {size}\n",
    )
