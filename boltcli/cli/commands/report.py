"""``report``: write an HTML report about one or more databases."""

from __future__ import annotations

import mmap

from ...errors import ArgumentError
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, BinaryIO

    from typer import Argument, Option

    from ...apps.contract import Application
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Destination, Force, files

    Context = dict[str, Any]

_LARGEST = 20
_AUDIT = 200


@command(
    "report",
    example="boltcli report -o report.html fixtures/document.db",
    group="Space",
    opens=True,
    statuses={0: "the report is written", 1: "a file could not be read, which the report says; or no report"},
)
def report(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    paths: Annotated[
        list[str],
        Argument(
            metavar="FILE", help="Bolt database files; the worst comes first in the report.", autocompletion=files
        ),
    ],
    output: Destination,
    force: Force = False,
    values: Annotated[bool, Option(help="Include the values of the largest pairs, shortened.")] = False,
    title: Annotated[str, Option(help="Title of the report; default: the name of the file.", metavar="TEXT")] = "",
) -> int:
    """Write a report about databases as one HTML file: verdict, page map, sizes, findings, application."""
    import os

    from ...errors import BoltError, as_failure
    from ...render import html_report
    from ..meant_files import meant_files
    from ..row_output import complete
    from ..runner import run_on_database

    if not output:
        raise ArgumentError("output file required")
    contexts: list[Context] = []

    def work(db: Snapshot, one: Job, out: BinaryIO, err: BinaryIO) -> None:
        context = _context(db, one)
        db.finish()
        contexts.append(context)

    paths = meant_files(job).paths
    unread = 0
    for path in paths:
        try:
            run_on_database(work, job.again(path=path, err=err), out, err)
        except (BoltError, OSError) as error:
            if len(paths) == 1:
                raise
            failure = as_failure(error, path)
            unread += 1
            contexts.append(html_report.failed(path, str(failure)))
            job.complain(failure, path)
    contexts.sort(key=html_report.badness)
    title = title or (os.path.basename(paths[0]) if len(contexts) == 1 else f"{len(contexts)} databases")
    content = html_report.page(contexts, title, values=values)
    with complete(output, replace=force) as file:
        file.write(content)
    bad = sum(context["tone"] == "bad" for context in contexts)
    status = 1 if unread else 0
    if job.json:
        from ...render import records

        facts = {"files": len(contexts), "bad": bad, "unreadable": unread, "size": len(content)}
        out.write(records.line(records.result(job.path, output, **facts)))
        return status
    files = f"{len(contexts)} file{'s' * (len(contexts) != 1)}"
    unreadable = f", {unread} unreadable" if unread else ""
    out.write(os.fsencode(f"{output}: {files}, {bad - unread} with findings{unreadable}\n"))
    return status


def _context(snapshot: Snapshot, job: Job) -> Context:
    from ...errors import Corrupted
    from ...ops.check.database_check import check, file_warnings
    from ...ops.space.top import SpaceTop, top_levels
    from ...ops.write.compact import compact_estimate, measure
    from ...render import html_report
    from ...text.sizes import size
    from ...text.values import auto
    from ...tree.page_map import page_map

    findings: list[tuple[str, int, str]] = []
    kinds: dict[str, int] = {}
    total = 0
    with job.progress("checking") as progress:
        for finding in check(snapshot, 0, progress=progress):
            total += 1
            kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
            if total <= html_report.FINDINGS:
                findings.append((finding.kind, finding.page, finding.line(auto).decode("utf-8", "replace")))
            elif total > html_report.MOST_FINDINGS:
                break
    mapped = page_map(snapshot)
    warnings = [str(warning) for warning in file_warnings(snapshot)]
    found = SpaceTop(snapshot.size)
    compaction = "unknown: the file is damaged"
    try:
        found = top_levels(snapshot, most=_LARGEST)
        dense = measure(snapshot, mmap.PAGESIZE)
        freed = [max(found.size - left, 0) for left in (compact_estimate(dense), dense)]
        compaction = f"about {size(freed[0])}; dense: about {size(freed[1])}"
    except Corrupted as damage:
        warnings.append(f"counted up to the first damage: {damage}")
    meta = snapshot.meta
    facts = [
        ("size", size(snapshot.size)),
        ("page size", size(snapshot.page_size)),
        ("transaction", str(meta.txid)),
        ("pages in use / free / lost", _counts(mapped.kinds)),
        ("buckets with pages", str(len(mapped.buckets) - 1)),
        ("pairs", str(found.pairs)),
        ("freelist, written at each commit", size(found.freelist_bytes)),
        ("compact would free", compaction),
    ]
    values = _values(snapshot, found.largest) if job.options.values else {}
    return html_report.file_context(
        job.path, facts, mapped, found, findings, kinds, warnings, values, _application(snapshot)
    )


def _counts(kinds: bytearray) -> str:
    from ...tree.page_map import BRANCH, DAMAGED, FREE, FREELIST, LEAF, LOST, META, OVERFLOW

    used = sum(map(kinds.count, (META, FREELIST, BRANCH, LEAF, OVERFLOW, DAMAGED)))
    return f"{used} / {kinds.count(FREE)} / {kinds.count(LOST)}"


def _values(
    snapshot: Snapshot, largest: list[tuple[int, tuple[bytes, ...], bytes]]
) -> dict[tuple[tuple[bytes, ...], bytes], bytes]:
    from ...tree.bucket import find_bucket, get

    return {(path, key): get(snapshot, find_bucket(snapshot, path), key) or b"" for _, path, key in largest}


def _application(snapshot: Snapshot) -> Context:
    """Return the application that wrote the file, the rows of its views, and its audit."""
    from ...apps.registry import recognised

    found = recognised(snapshot)
    if found is None:
        return {"application": None}
    application = found.application
    context: Context = {
        "application": application.title or application.name,
        "layout": found.layout,
        "certainty": found.certainty,
    }
    return context | _views(snapshot, application) | _audit(snapshot, application)


def _views(snapshot: Snapshot, application: Application) -> Context:
    from ...database import Database
    from ...errors import BoltError

    rows = []
    for view in application.views:
        try:
            count: int | str = view.count(Database(snapshot))
        except BoltError as error:
            count = str(error)
        rows.append({"name": view.name, "title": view.title, "rows": count})
    return {"views": rows}


def _audit(snapshot: Snapshot, application: Application) -> Context:
    import time

    from ...apps.contract import SEVERITIES, AuditOptions
    from ...database import Database
    from ...errors import BoltError

    try:
        audit = application.audit(Database(snapshot), AuditOptions(time.time_ns()))
    except BoltError as error:
        return {"audit": {"tone": "bad", "verdict": str(error), "findings": [], "more": 0}}
    if audit is None:
        return {"audit": None}
    tones = dict(zip(SEVERITIES, ("bad", "warn", "quiet")))
    found = sorted(audit.findings, key=lambda finding: SEVERITIES.index(finding.severity))
    counts = {severity: sum(finding.severity == severity for finding in found) for severity in SEVERITIES}
    words = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count)
    worst = next((tones[severity] for severity in SEVERITIES if counts[severity]), "good")
    rows = [
        {
            "severity": finding.severity,
            "tone": tones[finding.severity],
            "question": finding.question,
            "message": finding.message,
            "remedy": finding.remedy,
        }
        for finding in found[:_AUDIT]
    ]
    return {
        "audit": {
            "tone": worst,
            "verdict": words or "nothing to report",
            "findings": rows,
            "more": max(len(found) - _AUDIT, 0),
        }
    }
