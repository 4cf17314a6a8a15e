"""``diff``: show the differences between two databases. bbolt has no such command."""

from __future__ import annotations

from ... import render
from ...api.compare import diff
from ...errors import ArgumentError, BoltError, Changed
from ..change_output import ChangeOutput
from ..command import command
from ..decoding import asked
from ..values import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Annotated

    from ...api.compare import ViewChanges
    from ...apps.view_diff import ViewChange
    from ...ops.compare.change import BucketChanges, Change
    from ...render.table import Table
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import All, BucketPath, Decoding, Depth, Human, InBucket, argument, files, switch, text, views
    from ..output import Output

DIFFERENT = 1  # exit status, as diff(1) has it
_VIEW = (
    "Compare this view of the application instead of the pairs; for etcd at the newest revision that both files have."
)


def prepare(previous: bool, view: str, summary: bool, bucket: list[bytes], b: str | None = None) -> None:
    if b is None and not previous:
        raise ArgumentError("requires at least 2 arg(s), only received 1")
    if view and (summary or bucket):
        raise ArgumentError("--view compares rows: it can't be combined with --summary or --bucket")


@command(
    "diff",
    example="boltcli diff --previous fixtures/document.db",
    group="Compare",
    statuses={
        0: "nothing differs",
        1: "something differs",
        2: "the databases could not be compared, or one is damaged",
    },
    failure=2,
    validate=prepare,
)
def diff_(
    db: Annotated[Snapshot, argument("A", "The old database.", files)],
    opener: Opener,
    out: Output,
    *,
    b: Annotated[str, argument("B", "The new database; leave it out with --previous.", files)] = "",
    buckets: BucketPath = [],
    values: Annotated[bool, switch("Show old and new values, or the changed fields of JSON values.")] = False,
    summary: Annotated[bool, switch("Show only the number of changes in each bucket, and its growth.")] = False,
    depth: Depth = 0,
    human: Human = False,
    all: All = False,
    keys_only: Annotated[bool, switch("Leave out the values, also with --json.")] = False,
    bucket: InBucket = [],
    prefix: Annotated[
        bytes, text("Only keys of the bucket (without --bucket: top-level buckets) that begin with this.", "KEY")
    ] = b"",
    view: Annotated[str, text(_VIEW, "NAME", completes=views)] = "",
    decoding: Decoding,
) -> int:
    """Show the differences between two databases."""
    if opener.previous:  # then B is left out, and the first of the names is where it would be
        buckets = [address(b), *buckets] if b else buckets
    with db.reopened() if opener.previous else opener.open(b) as other:
        if view:
            return DIFFERENT if _write_view(diff(db, other, view=view), out) else 0
        path, decoder = (*bucket, *buckets), asked(other, decoding)
        with out.progress("comparing") as progress:
            found = diff(db, other, path, prefix=prefix, progress=progress)
            if summary:
                return _write_summary(found.summary(depth), human, out, every=all or bool(depth))
            return _write(
                found, ChangeOutput(out, values=values, keys_only=keys_only, above=len(path), decoder=decoder), out
            )


def _write(found: Iterable[Change], output: ChangeOutput, out: Output) -> int:
    status = 0
    try:
        for each in found:
            status = DIFFERENT
            output.write(each)
    except Changed:
        raise
    except BoltError as error:
        if status:
            out.stream([error], json=lambda error: render.changes.incomplete(error, out.path), text=lambda _: b"")
        raise
    return status


def _write_summary(rows: list[BucketChanges], human: bool, out: Output, *, every: bool) -> int:
    def text(rows: list[BucketChanges]) -> Iterable[bytes]:
        if not out.is_terminal:
            return _summary(rows).text_lines(rule=False, human=human)
        from ...render.change_summary import change_screen

        return [out.screen(lambda screen: change_screen(screen, rows, every=every))]

    out.stream(
        [rows] if rows else [],
        json=lambda rows: map(render.changes.summary_record, rows),
        text=text,
        styled=out.is_terminal,
    )
    return DIFFERENT if rows else 0


def _summary(rows: list[BucketChanges]) -> Table:
    from ...apps.contract import Column
    from ...render.table import Table
    from ...text.values import path_text

    types = {"bytes before": "size", "bytes after": "size", "growth": "growth", "bucket": "text"}
    names = ("added", "removed", "changed", *types)
    cells = (
        (row.added, row.removed, row.changed, row.bytes_before, row.bytes_after, row.bytes_after - row.bytes_before,
         path_text(row.bucket) or "(all)")
        for row in rows
    )  # fmt: skip
    return Table([Column(name, types.get(name, "integer")) for name in names], cells)


def _write_view(changes: ViewChanges, out: Output) -> bool:
    """Write the differences between the rows of a view; return whether there are any."""
    from ...render.view_changes import change_line, facts_text, row_record

    view, facts = changes.view, changes.facts
    if facts:
        out.record(lambda: {"view": view.name, "facts": facts}, lambda: facts_text(facts))
    different = False

    def met() -> Iterator[ViewChange]:
        nonlocal different
        for each in changes.plain():
            different = True
            yield each

    out.stream(met(), json=lambda each: row_record(view, each), text=lambda each: change_line(view, each))
    return different
