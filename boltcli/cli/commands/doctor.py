"""``doctor``: diagnose a file, explain the damage, and try remedies. bbolt has no such command."""

from __future__ import annotations

import os
import time
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from ...apps.contract import ERROR, WARNING, AuditOptions
from ...apps.registry import recognised
from ...database import Database
from ...errors import ArgumentError, BoltError, InvalidDatabase
from ...ops.rescue.doctor import Records, diagnose
from ...ops.rescue.doctor import fix as apply
from ...render.audit_report import by_severity
from ...render.doctor_report import diagnosis_record, diagnosis_screen, diagnosis_text
from ...storage.destination import check_destination
from ..command import command
from ..hints import after_check
from ..many import complain, each

if TYPE_CHECKING:
    from ...fleet.files import Named
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import Force, NoSync, Path, switch, written_to
    from ..output import Output

WRONG, LOSSES = 1, 2  # exit statuses
_LISTED = 3  # findings of an audit that are quoted


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
        0: "nothing is wrong; with --fix: all that was reachable is in DEST",
        1: "something is wrong",
        2: "with --fix: written, with losses",
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
        return _diagnose(path, opener, out, output if fix else "", force=force, sync=not no_sync)
    files = opener.files([path])
    if files.paths[0] == path:
        raise InvalidDatabase(path=path)
    if fix:
        raise ArgumentError(f"--fix takes one file; in {path} are {', '.join(files.paths)}")

    def work(file: Named, out: Output) -> int:
        out.text(os.fsencode("\n" * (file.path != files.paths[0]) + f"{file.path}:\n"))
        return _diagnose(file.path, opener, out)

    status = 0
    for file, found in each(files, work, opener, out, what="examining", direct=True):
        status = max(status, complain(file.path, found, None, opener, out) if isinstance(found, BoltError) else found)
    return status


def _diagnose(
    path: str, opener: Opener, out: Output, output: str = "", *, force: bool = False, sync: bool = True
) -> int:
    """Diagnose one file, and write the best remedy to ``output`` if one is named. Return the exit status."""
    if output:
        check_destination(output, replace=force)  # before the long work
    fixed = None
    with TemporaryDirectory(prefix="boltcli-doctor-") as folder:
        with out.progress("examining") as progress:
            found = diagnose(
                path, folder, lock=opener.lock, timeout=opener.timeout, progress=progress, whose=_whose, audit=_audit
            )
        if output and found.symptoms:
            fixed = apply(found, folder, output, replace=force, sync=sync)
    out.report(
        lambda: diagnosis_record(found, fixed, output),
        lambda screen: diagnosis_screen(screen, found, fixed, output),
        lambda: diagnosis_text(found, fixed, output),
    )
    if found.ok:
        out.hint(lambda: after_check(path))
    if fixed is not None:
        return LOSSES if fixed.lost else 0
    return 0 if found.ok else WRONG


def _whose(snapshot: Snapshot) -> str:
    found = recognised(snapshot)
    return f"{found.name} ({found.layout})" if found is not None else ""


def _audit(snapshot: Snapshot) -> Records | None:
    """Return what the audit of the application finds in the records; None if there is none."""
    found = recognised(snapshot)
    audit = found.application.audit(Database(snapshot), AuditOptions(time.time_ns())) if found is not None else None
    if audit is None:
        return None
    grave = [finding for finding in by_severity(list(audit.findings)) if finding.severity in (ERROR, WARNING)]
    errors = sum(finding.severity == ERROR for finding in grave)
    first = [f"{finding.severity}: {finding.message}" for finding in grave[:_LISTED]]
    return Records(errors, len(grave) - errors, first)
