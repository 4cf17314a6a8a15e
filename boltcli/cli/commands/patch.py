"""``patch``: apply changes to a database. bbolt has no such command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from ...errors import ArgumentError
from ...ops.compare.change import Change
from ...ops.compare.patch import Overlay, patch, patch_in_place
from ...render import records
from ...render.changes import parse_changes
from ...storage.files import Trying
from ...storage.opened import take_stdin
from ...text.sizes import counted, written
from ..command import command

if TYPE_CHECKING:
    from ...ops.write.load import Loaded
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import Human, NoSync, Path, argument, inputs, switch, written_to
    from ..output import Output


def prepare(in_place: bool, output: str, previous: bool, offset: int) -> None:
    if in_place == bool(output):
        raise ArgumentError("either --output or --in-place is required")
    if in_place and previous:
        raise ArgumentError("--in-place changes the newest state: it can't be combined with --previous")
    if in_place and offset:
        raise ArgumentError("--in-place replaces the whole file: it can't be combined with --offset; use --output")


@command(
    "patch",
    example=(
        'echo \'{"op":"add","bucket":["execution"],"key":"a","new":"b"}\''
        " | boltcli patch -o patched.db fixtures/document.db -"
    ),
    group="Compare",
    opens=True,
    validate=prepare,
)
def patch_(
    opener: Opener,
    out: Output,
    *,
    path: Path,
    changes: Annotated[
        str, argument("CHANGES", "Lines of JSON as diff --json writes them; - reads standard input.", inputs)
    ],
    output: Annotated[
        str,
        written_to("Write the result to this file, which appears when it is complete. An existing file is an error."),
    ] = "",
    in_place: Annotated[
        bool, switch("Replace FILE in one step, under its exclusive lock; the old file becomes FILE.bak.")
    ] = False,
    no_backup: Annotated[bool, switch("With --in-place: don't keep FILE.bak.")] = False,
    force: Annotated[bool, switch("Apply the changes without comparing the old values with the database.")] = False,
    no_sync: NoSync = False,
    human: Human = False,
) -> int | None:
    """Apply changes written by diff --json to a copy of a database, or to the file itself."""
    with Overlay(force=force) as overlay:
        overlay.add(_changes(changes))
        if in_place:
            done, backup = patch_in_place(path, overlay, backup=not no_backup, timeout=opener.timeout, sync=not no_sync)
            _report(out, overlay, done, path, backup, human)
            return None

        def work(db: Snapshot, out: Output) -> None:
            _report(out, overlay, patch(db, overlay, output, sync=not no_sync), output, None, human)

        return opener.read(path, work, out)


def _report(out: Output, overlay: Overlay, done: Loaded, output: str, backup: str | None, human: bool) -> None:
    kept = f"; the old file is {backup}" if backup is not None else ""
    text = f"{counted(len(overlay.steps), 'change')}: {done.pairs} pairs in {done.buckets} buckets -> "
    text += f"{written(done.size, human or out.is_terminal)}{kept}\n"
    facts = {"changes": len(overlay.steps), "pairs": done.pairs, "buckets": done.buckets, "size": done.size}
    record = records.result(out.path, output, **facts)
    if backup is not None:
        record |= records.of_file(backup, "backup")
    out.record(record, text)


def _changes(source: str) -> Iterator[tuple[int, Change]]:
    """Yield the changes in the file ``source`` (-: standard input), with their line numbers."""
    with Trying("read", source):
        if source == "-":
            take_stdin("changes")
        with sys.stdin.buffer if source == "-" else open(source, "rb") as file:
            yield from parse_changes(file)
