"""``audit``: check an application's records, answer its operator's questions, and propose remedies."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ...api.audit import audit_file, compare, is_compared
from ...apps.contract import ERROR, SEVERITIES, WARNING, AuditOptions
from ...errors import ArgumentError, BoltError, PassedOver
from ...fleet.files import Files, Named, nothing_seen
from ...render.audit_report import audit_record, audit_screen, audit_text
from ...render.row_files import complete, row_form
from ...text.times import DAY, SECOND, parse_time
from ..command import Summary, command
from ..many import complain, each, say_passed
from ..values import seconds

if TYPE_CHECKING:
    from ...apps.contract import Audit, Change
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import JobsApart, argument, choice, files, inputs, results, switch, text
    from ..output import Output

_CHANGES = (
    "Write the changes that repair the file, for `boltcli patch`; with --older-than the changes that delete old"
    " records."
)
_SNAPSHOT = (
    "Index of the newest snapshot of a raft log, or the path of its meta.json; default: the snapshots beside the log."
)
# The fields of a file that could not be audited.
UNKNOWN: dict[str, Any] = {"application": None, "layout": None, "ok": False, "answers": {}, "findings": []}


def prepare(now: str, older_than: str, changes: str, output: str, engine: str) -> None:
    _now(now)
    _span(older_than)
    row_form(output)  # raises for another ending
    if changes and (output or engine):
        raise ArgumentError("--changes takes one file, and no -o or --engine")


def select(opener: Opener, paths: Sequence[str]) -> Files:
    """Return the files, each once; a folder without stores at known places is searched."""
    files = opener.files(paths, search=True, twice=False)
    if not opener.recursive:
        files.failed = {path: _nothing(path) for path in files.failed}
    return files


def _nothing(folder: str) -> ArgumentError:
    return ArgumentError(f"no store of a known application in {folder}; `boltcli help apps` lists them")


def _count(severity: str) -> Any:
    def count(record: dict[str, Any]) -> int | None:
        return None if record.get("error") else [one["severity"] for one in record["findings"]].count(severity)

    return count


@command(
    "audit",
    example="boltcli audit fixtures/bacalhau-compute-1.4.db",
    group="Applications",
    several=True,
    together=True,
    opens=True,
    statuses={0: "no finding as severe as --fail-on", 1: "such a finding, or a file could not be read"},
    validate=prepare,
    select=select,
    summary=Summary(
        ("application", "application", "text"),
        ("layout", "layout", "text"),
        ("errors", _count("error"), "integer"),
        ("warnings", _count("warning"), "integer"),
        ("notes", _count("info"), "integer"),
        faulty="faulty",
    ),
    unknown=UNKNOWN,
    apart="with -o or --engine each file is audited alone; the members of a cluster are not compared with each other",
)
def audit_(
    opener: Opener,
    out: Output,
    *,
    paths: Annotated[list[str], argument("FILE", "Database files, or directories that contain databases.", files)],
    verbose: Annotated[bool, switch("Show all findings, including notes, each with its remedy.")] = False,
    fail_on: Annotated[
        Literal["error", "warning", "info"],
        choice("Exit with status 1 if there is a finding of at least this severity: error|warning|info.", "SEVERITY"),
    ] = "error",
    now: Annotated[
        str, text("Compute ages at this time: RFC 3339, or seconds since 1970; default: the current time.", "TIME")
    ] = "",
    changes: Annotated[str, text(_CHANGES, "CHANGES", completes=results)] = "",
    older_than: Annotated[
        str, text("Report records that finished longer ago than this and can be deleted: 30d, 12h.", "DURATION")
    ] = "",
    snapshot: Annotated[str, text(_SNAPSHOT, "INDEX", completes=inputs)] = "",
    force: Annotated[bool, switch("Replace CHANGES or DEST if it exists.")] = False,
    jobs: JobsApart = 0,
    app: Annotated[
        str, text("The application that wrote the files; auto recognises it by their buckets.", "NAME")
    ] = "auto",
) -> int:
    """Check an application's records: what is lost, stuck or inconsistent, and what to do about it."""
    asked = AuditOptions(_now(now), _span(older_than), deletions=bool(changes), snapshot=snapshot)
    files = select(opener, paths)
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    kinds = SEVERITIES if verbose else (ERROR, WARNING)
    status = 0
    gap = ""
    wanted: dict[str, list[Change]] = {}

    def write(path: str, found: Audit | BoltError) -> None:
        nonlocal status, gap
        if isinstance(found, BoltError):
            status = max(status, complain(path, found, UNKNOWN, opener, out))
            return
        ok = not any(finding.severity in grave for finding in found.findings)
        status = max(status, int(not ok))
        out.text(gap)
        out.report(
            lambda: audit_record(found, path, ok=ok),
            lambda screen: audit_screen(screen, found, path, verbose=verbose),
            lambda: audit_text(found, path, verbose=verbose, styled=out.has_colours),
        )
        out.flush()
        gap = "\n"
        if changes:
            repairs = [change for finding in found.findings if finding.severity in kinds for change in finding.changes]
            wanted[path] = list(found.deletions) if older_than else repairs

    waiting: dict[str, Audit | BoltError] = {}  # files that are compared with others, and those after them
    known: dict[str, bool] = {}  # whether a file in a folder that was searched is of a known program
    seen = 0
    for file, found in each(files, partial(_audit_one, asked, app, opener), opener, out, what="auditing"):
        unknown = isinstance(found, PassedOver) and found.unknown
        for folder in paths if file.how == "search" else ():
            if file.path.startswith(os.path.join(folder, "")):
                known[folder] = known.get(folder, False) or not unknown
        if isinstance(found, PassedOver):
            out.about(file.path).warn(f"{file.path}: not audited: {found}")
            continue
        seen += 1
        if waiting or (not isinstance(found, BoltError) and is_compared(found)):
            waiting[file.path] = found
        else:
            write(file.path, found)
    waiting |= {folder: _nothing(folder) for folder in known if not known[folder]}
    compare([found for found in waiting.values() if not isinstance(found, BoltError)])
    for path, found in waiting.items():
        write(path, found)
    out.flush()
    say_passed(files, out)
    if changes:
        _write_changes(changes, wanted, replace=force)
    if not (seen or waiting):
        raise nothing_seen(paths)
    return status


def _audit_one(asked: AuditOptions, app: str, opener: Opener, file: Named, out: Output) -> Audit:
    def work(snapshot: Snapshot, out: Output) -> Audit:
        with out.progress("auditing") as progress:
            snapshot.watch(progress)
            return audit_file(snapshot, asked, app, file, recursive=opener.recursive)

    return opener.read(file.path, work, out)


def _write_changes(output: str, found: dict[str, list[Change]], *, replace: bool) -> None:
    """Write the changes to a file, for ``patch``; there may be changes to only one database."""
    from ...render.changes import record

    changes = {path: wanted for path, wanted in found.items() if wanted}
    if len(changes) > 1:
        raise ArgumentError(f"--changes takes one file, but there are changes to {', '.join(changes)}")
    with complete(output, replace=replace) as file:
        for wanted in changes.values():
            for change in wanted:
                file.writelines(record(change))


def _now(text: str) -> int:
    """Parse a time to nanoseconds since 1970; the current one for "". Raises ArgumentError."""
    if not text:
        return time.time_ns()
    found = int(text) * SECOND if text.isdecimal() else parse_time(text)
    if found is None:
        raise ArgumentError(f"--now takes a time such as 2026-01-31T12:00:00Z, or seconds since 1970, not {text!r}")
    return found


def _span(text: str) -> int | None:
    """Parse a duration, also in days (d) and weeks (w), to nanoseconds; None for "". Raises ArgumentError."""
    if not text:
        return None
    number, unit = text[:-1], text[-1]
    if unit in "wd" and number.isdecimal():
        return int(number) * DAY * (7 if unit == "w" else 1)
    return int(seconds(text) * SECOND)
