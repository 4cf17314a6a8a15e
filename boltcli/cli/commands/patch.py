"""``patch``: apply changes to a database. bbolt has no such command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ...api.patch import Patched, collected, patch
from ...errors import ArgumentError
from ...render import records
from ...text.sizes import counted, written
from ..command import command

if TYPE_CHECKING:
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
    with collected(changes, force=force) as overlay:
        if in_place:
            done = patch(path, overlay, in_place=True, backup=not no_backup, timeout=opener.timeout, sync=not no_sync)
            _report(out, done, human)
            return None

        def work(db: Snapshot, out: Output) -> None:
            _report(out, patch(db, overlay, output, sync=not no_sync), human)

        return opener.read(path, work, out)


def _report(out: Output, done: Patched, human: bool) -> None:
    kept = f"; the old file is {done.backup}" if done.backup is not None else ""
    text = f"{counted(done.changes, 'change')}: {done.pairs} pairs in {done.buckets} buckets -> "
    text += f"{written(done.size, human or out.is_terminal)}{kept}\n"
    record = records.of_record(done, out.path)
    del record["backup"]
    if done.backup is not None:
        record |= records.of_file(done.backup, "backup")
    out.record(record, text)
