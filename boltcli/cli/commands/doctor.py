"""``doctor``: diagnose a file, explain the damage, and try remedies. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, BinaryIO

    from typer import Option

    from ...ops.rescue.doctor import Records
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Force, NoSync, Path, files

WRONG = 1  # exit statuses
LOSSES = 2
_LISTED = 3  # findings of an audit that are quoted


def prepare(job: Job) -> None:
    if job.options.fix != bool(job.options.output):
        raise ArgumentError("--fix and --output DEST go together: boltcli doctor --fix -o DEST FILE")


@command(
    "doctor",
    example="boltcli doctor fixtures/document.db",
    group="Rescue",
    opens="locked",
    statuses={
        0: "nothing is wrong; with --fix: all that was reachable is in DEST",
        1: "something is wrong",
        2: "with --fix: written, with losses",
    },
    validate=prepare,
)
def doctor(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    path: Path,
    fix: Annotated[bool, Option(help="Apply the best remedy, and write the result to --output.")] = False,
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write the result of --fix to this file, which appears when it is complete.",
            metavar="DEST",
            autocompletion=files,
        ),
    ] = "",
    force: Force = False,
    no_sync: NoSync = False,
) -> int:
    """Say what is wrong with a file, what it means for the data, and what to do; remedies are tried on copies."""
    """Diagnose the file, or each database in a data directory."""
    import os

    if not os.path.isdir(job.path):
        return _run(job, out, err)
    from ...errors import BoltError, InvalidDatabase, as_failure
    from ...fleet.find import databases_in

    paths = databases_in(job.path)
    if not paths:
        raise InvalidDatabase(path=job.path)
    if fix:
        raise ArgumentError(f"--fix takes one file; in {job.path} are {', '.join(paths)}")
    status = 0
    for number, path in enumerate(paths):
        if not job.json:
            out.write(os.fsencode("\n" * (number > 0) + f"{path}:\n"))
        try:
            status = max(status, _run(job.again(path=path, err=err), out, err))
        except (BoltError, OSError) as error:
            out.flush()
            job.complain(as_failure(error, path), path)
            status = max(status, WRONG)
    return status


def _run(job: Job, out: BinaryIO, err: BinaryIO) -> int:
    from tempfile import TemporaryDirectory

    from ...ops.rescue.doctor import diagnose, fix
    from ...render.diagnosis import diagnosis_record, diagnosis_text
    from ...storage.destination import check_destination

    options = job.options
    if options.fix:
        check_destination(options.output, replace=options.force)  # before the long work
    fixed = None
    with TemporaryDirectory(prefix="boltcli-doctor-") as folder:
        with job.progress("examining") as progress:
            found = diagnose(
                job.path, folder, lock=job.lock, timeout=job.timeout, progress=progress, whose=_whose,
                audit=_audit,
            )  # fmt: skip
        if options.fix and found.symptoms:
            fixed = fix(found, folder, options.output, replace=options.force, sync=not options.no_sync)
    if job.json:
        from ...render import records

        out.write(records.line(diagnosis_record(found, fixed, options.output)))
    else:
        out.write(diagnosis_text(found, fixed, options.output))
        if found.ok and out.isatty() and not job.quiet:
            from ..hints import after_check

            err.writelines(f"hint: {line}\n".encode("utf-8", "surrogateescape") for line in after_check(job.path))
    if fixed is not None:
        return LOSSES if fixed.lost else 0
    return 0 if found.ok else WRONG


def _whose(snapshot: Snapshot) -> str:
    """Return the application that wrote the file, and its layout."""
    from ...apps.registry import recognised

    found = recognised(snapshot)
    return f"{found.name} ({found.layout})" if found is not None else ""


def _audit(snapshot: Snapshot) -> Records | None:
    """Return what the audit of the application finds in the records; None if there is none."""
    import time

    from ...apps.contract import ERROR, WARNING, AuditOptions
    from ...apps.registry import recognised
    from ...database import Database
    from ...ops.rescue.doctor import Records
    from ...render.audit_report import by_severity

    found = recognised(snapshot)
    audit = found.application.audit(Database(snapshot), AuditOptions(time.time_ns())) if found is not None else None
    if audit is None:
        return None
    grave = [finding for finding in by_severity(list(audit.findings)) if finding.severity in (ERROR, WARNING)]
    errors = sum(finding.severity == ERROR for finding in grave)
    first = [f"{finding.severity}: {finding.message}" for finding in grave[:_LISTED]]
    return Records(errors, len(grave) - errors, first)
