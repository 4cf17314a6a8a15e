"""``audit``: check an application's records, answer its operator's questions, and propose remedies."""

from __future__ import annotations

import os

from ...apps.contract import ERROR, SEVERITIES, WARNING
from ...errors import ArgumentError, BoltError, PassedOver, as_failure
from ..command import command
from ..meant_files import meant_files
from ..runner import run_on_database
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, BinaryIO, Literal

    from typer import Argument, Option

    from ...apps.contract import Application, Audit, AuditFinding, Change
    from ...database import Database
    from ...fleet.find import Files
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import JobsApart, files, inputs, results

    Done = tuple[str, Application, Audit]


# The fields of a file that could not be audited.
UNKNOWN: dict[str, Any] = {"application": None, "layout": None, "ok": False, "answers": {}, "findings": []}


def prepare(job: Job) -> None:
    if job.options.fail_on not in SEVERITIES:
        raise ArgumentError(f"--fail-on is one of {', '.join(SEVERITIES)}, not {job.options.fail_on!r}")
    _now(job.options.now)
    _span(job.options.older_than)
    output = str(job.value("output"))
    if output:
        from ..row_output import row_form

        row_form(output)  # raises for another ending
    if job.options.changes and (output or job.value("engine")):
        raise ArgumentError("--changes takes one file, and no -o or --engine")


def meant(job: Job) -> Files:
    """Return the files that ``job`` selects, each once; a folder without stores at known places is searched."""
    files = meant_files(job, search=True)
    files.paths = list(dict.fromkeys(files.paths))
    for path in files.failed:
        if not job.value("recursive"):
            files.failed[path] = _nothing(path)
    return files


def _nothing(folder: str) -> ArgumentError:
    return ArgumentError(f"no store of a known application in {folder}; `boltcli help apps` lists them")


@command(
    "audit",
    example="boltcli audit fixtures/bacalhau-compute-1.4.db",
    group="Applications",
    several=True,
    together=True,
    opens=True,
    statuses={0: "no finding of the severity in --fail-on", 1: "such a finding, or a file could not be read"},
    validate=prepare,
    select=meant,
    unknown=UNKNOWN,
    apart="with -o and --engine each file is audited alone: the members of a cluster are not compared with each other",
)
def audit_(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    paths: Annotated[
        list[str],
        Argument(metavar="FILE", help="Database files, or directories that contain databases.", autocompletion=files),
    ],
    verbose: Annotated[bool, Option(help="Show all findings, including notes, each with its remedy.")] = False,
    fail_on: Annotated[
        Literal["error", "warning", "info"],
        Option(
            help="Exit with status 1 if there is a finding of at least this severity: error|warning|info.",
            metavar="SEVERITY",
        ),
    ] = "error",
    now: Annotated[
        str,
        Option(
            help="Compute ages at this time: RFC 3339, or seconds since 1970; default: the current time.",
            metavar="TIME",
        ),
    ] = "",
    changes: Annotated[
        str,
        Option(
            help="Write the changes that repair the file, for `boltcli patch`;"
            " with --older-than the changes that delete old records.",
            metavar="CHANGES",
            autocompletion=results,
        ),
    ] = "",
    older_than: Annotated[
        str,
        Option(
            help="Report records that were finished before this age and can be deleted: 30d, 12h.", metavar="DURATION"
        ),
    ] = "",
    snapshot: Annotated[
        str,
        Option(
            help="Index of the newest snapshot of a raft log, or the path of its meta.json;"
            " default: the snapshots beside the log.",
            metavar="INDEX",
            autocompletion=inputs,
        ),
    ] = "",
    force: Annotated[bool, Option(help="Replace CHANGES or DEST if it exists.")] = False,
    jobs: JobsApart = 0,
    app: Annotated[
        str, Option(help="The application that wrote the files; auto: recognise it by their buckets.", metavar="NAME")
    ] = "auto",
) -> int:
    """Check an application's records: what is lost, stuck or inconsistent, and what to do about it."""
    from ...render.audit_report import audit_record, audit_text

    files = meant(job)
    done, failures, unknown = _audit_all(files, job, err)
    answered = failures.keys() | {path for path, _, _ in done}
    paths = [path for path in files.paths if path in answered]
    for folder in job.arguments if unknown else ():
        inside = {path for path in files.searched if path.startswith(os.path.join(folder, ""))}
        if inside and inside <= unknown:
            failures[folder] = _nothing(folder)
            paths.append(folder)
    findings = {path: list(audit.findings) for path, _, audit in done}
    for application in {id(found): found for _, found, _ in done}.values():
        audits = [(path, audit) for path, found, audit in done if found is application]
        if len(audits) > 1:
            for path, finding in application.join(audits):
                findings[path].append(finding)
    status = 1 if failures else 0
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    first = True
    by_path = {path: (application, audit) for path, application, audit in done}
    for path in paths:
        if path in failures:
            if job.several:
                raise failures[path]
            _say_failure(failures[path], path, job, out)
            continue
        application, audit = by_path[path]
        ok = not any(finding.severity in grave for finding in findings[path])
        if job.json:
            out.write(audit_record(path, application.name, audit, findings[path], ok=ok))
        else:
            out.write(b"" if first else b"\n")
            style, verbose = wants_style(out), verbose
            text = audit_text(path, application.name, audit, findings[path], verbose=verbose, styled=style)
            write_styled(out, text)
        first = False
        status |= not ok
    if not job.several:
        out.flush()
        job.say_passed(files)
    if changes:
        _write_changes(job, done, findings)
    return status


def _audit_all(files: Files, job: Job, err: BinaryIO) -> tuple[list[Done], dict[str, BoltError], set[str]]:
    """Audit each file, even if others fail. Return also the files of unknown programs, which are passed over."""
    import time

    from ...apps.contract import AuditOptions

    now = _now(job.options.now)
    asked = AuditOptions(
        time.time_ns() if now is None else now, _span(job.options.older_than), deletions=bool(job.options.changes),
        snapshot=job.options.snapshot,
    )  # fmt: skip
    done: list[Done] = []
    failures: dict[str, BoltError] = dict(files.failed)
    unknown: set[str] = set()
    paths = [path for path in files.paths if path not in failures]
    with job.progress("auditing", "files") as progress:
        for number, path in enumerate(paths):
            progress(number, len(paths))
            found = str(job.value("found")) if job.several else files.found(path)
            try:
                done.append(_audit_one(path, job, asked, found, err))
            except PassedOver as error:
                if job.several:
                    raise
                job.again(path=path, err=err).warn(f"{path}: not audited: {error}")
                unknown |= {path} if error.unknown else set()
            except (BoltError, OSError) as error:
                failures[path] = as_failure(error, path)
    return done, failures, unknown


def _audit_one(path: str, job: Job, asked: Any, how: str, err: BinaryIO) -> Done:
    """Audit a file, which was found ``how`` (see ``Files.found``). Raises PassedOver for one without an audit."""
    from io import BytesIO

    from ...database import Database
    from .view import recognised

    found: list[Done] = []

    def work(snapshot: Snapshot, job: Job, out: BinaryIO, err: BinaryIO) -> None:
        db = Database(snapshot)
        try:
            application = recognised(snapshot, job.options.app).application
        except ArgumentError as error:
            if how and _is_of_another(db, path, how, job):
                raise PassedOver(str(error), unknown=True) from None
            raise
        audit = application.audit(db, asked)
        if audit is None:
            raise (PassedOver if how else ArgumentError)(f"there is no audit of {application.name}")
        audit.deletions = list(audit.deletions)  # while the database is open
        found[:] = [(path, application, audit)]

    run_on_database(work, job.again(path=path, err=err), BytesIO(), err)
    return found[0]


def _is_of_another(db: Database, path: str, how: str, job: Job) -> bool:
    """Return whether a file that no application recognises is no failure: it is of another program, and readable.

    At the place of a store that has an audit the file should have been recognised.
    """
    from ...apps.contract import Application
    from ...apps.registry import application
    from ...apps.values import names
    from ...fleet.find import program_at

    if job.options.app != "auto":
        return False
    for _ in names(db):  # raises for a damaged root bucket, which would also explain it
        pass
    if how == "search":
        return not job.value("recursive")
    program = application(program_at(path))
    return program is None or type(program).audit is Application.audit


def _say_failure(failure: BoltError, path: str, job: Job, out: BinaryIO) -> None:
    from ...render import records

    if job.json:
        record: dict[str, Any] = {}
        records.put_path(record, path)
        out.write(records.line(record | {"error": records.error(failure, path)}))
    job.complain(failure, path)


def _write_changes(job: Job, done: list[Done], findings: dict[str, list[AuditFinding]]) -> None:
    """Write the changes that repair the file, or that delete old records from it."""
    from ...render.changes import record
    from ..row_output import complete

    deleting = bool(job.options.older_than)
    kinds = SEVERITIES if job.options.verbose else (ERROR, WARNING)
    changes: dict[str, list[Change]] = {}
    for path, _, audit in done:
        wanted = (
            list(audit.deletions)
            if deleting
            else [change for finding in findings[path] if finding.severity in kinds for change in finding.changes]
        )
        if wanted:
            changes[path] = wanted
    if len(changes) > 1:
        raise ArgumentError(f"--changes takes one file: there are changes to {', '.join(changes)}")
    with complete(job.options.changes, replace=job.options.force) as file:
        for wanted in changes.values():
            for change in wanted:
                file.writelines(record(change))


def _now(text: str) -> int | None:
    """Parse a time to nanoseconds since 1970; None for "". Raises ArgumentError."""
    if not text:
        return None
    from ...text.times import SECOND, parse_time

    found = int(text) * SECOND if text.isdigit() else parse_time(text)
    if found is None:
        raise ArgumentError(f"--now takes a time such as 2026-01-31T12:00:00Z, or seconds since 1970, not {text!r}")
    return found


def _span(text: str) -> int | None:
    """Parse a duration, also in days (d) and weeks (w), to nanoseconds; None for "". Raises ArgumentError."""
    if not text:
        return None
    from ...text.times import DAY, SECOND
    from ..values import seconds

    for unit, size in (("w", 7 * DAY), ("d", DAY)):
        number = text.removesuffix(unit)
        if number != text and number.isdigit():
            return int(number) * size
    return int(seconds(text) * SECOND)
