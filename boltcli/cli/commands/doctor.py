"""``doctor``: diagnose a file, explain the damage, and try remedies. bbolt has no such command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from ...api.rescue import doctor as diagnose
from ...errors import ArgumentError, BoltError, InvalidDatabase
from ...render.doctor_report import diagnosis_record, diagnosis_screen, diagnosis_text
from ..command import command
from ..hints import after_check
from ..many import complain, each

if TYPE_CHECKING:
    from ...fleet.files import Named
    from ..opener import Opener
    from ..options import Force, NoSync, Path, switch, written_to
    from ..output import Output

WRONG, LOSSES = 1, 2  # exit statuses


def prepare(fix: bool, output: str) -> None:
    if fix != bool(output):
        raise ArgumentError("--fix and --output DEST go together: boltcli doctor --fix -o DEST FILE")


@command(
    "doctor",
    example="boltcli doctor fixtures/document.db",
    group="Rescue",
    folder=True,
    opens="locked",
    statuses={
        0: "nothing is wrong; with --fix: everything reachable is in DEST",
        1: "something is wrong",
        2: "with --fix: DEST was written, with losses",
    },
    validate=prepare,
)
def doctor(
    opener: Opener,
    out: Output,
    *,
    path: Path,
    fix: Annotated[bool, switch("Apply the best remedy, and write the result to --output.")] = False,
    output: Annotated[
        str, written_to("Write the result of --fix to this file, which appears when it is complete.")
    ] = "",
    force: Force = False,
    no_sync: NoSync = False,
) -> int:
    """Say what is wrong with a file, what it means for the data, and what to do; remedies are tried on copies."""
    if not os.path.isdir(path):
        return _diagnose(path, opener, out, output if fix else "", replace=force, sync=not no_sync)
    files = opener.files([path])
    if files.paths[0] == path:
        raise InvalidDatabase(path=path)
    if fix:
        raise ArgumentError(f"--fix takes one file; {path} contains {', '.join(files.paths)}")

    def work(file: Named, out: Output) -> int:
        out.text(os.fsencode("\n" * (file.path != files.paths[0]) + f"{file.path}:\n"))
        return _diagnose(file.path, opener, out)

    status = 0
    for file, found in each(files, work, opener, out, what="examining", direct=True):
        status = max(status, complain(file.path, found, None, opener, out) if isinstance(found, BoltError) else found)
    return status


def _diagnose(path: str, opener: Opener, out: Output, output: str = "", **writing: bool) -> int:
    """Diagnose one file, and write the best remedy to ``output`` if one is named. Return the exit status."""
    with out.progress("examining") as progress:
        found = diagnose(
            path, fix=output or None, lock=opener.lock, timeout=opener.timeout, progress=progress, **writing
        )  # fmt: skip
    out.report(
        lambda: diagnosis_record(found),
        lambda screen: diagnosis_screen(screen, found),
        lambda: diagnosis_text(found),
    )
    if found.ok:
        out.hint(lambda: after_check(path))
    if found.fixed is not None:
        assert found.best is not None
        return LOSSES if found.best.lost else 0
    return 0 if found.ok else WRONG
