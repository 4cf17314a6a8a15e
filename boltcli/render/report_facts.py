"""What a report says of a database: facts, pages, sizes, findings, and its application with views and an audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..apps.contract import SEVERITIES, Application, AuditOptions
from ..apps.registry import recognised
from ..database import Database
from ..errors import BoltError, Corrupted
from ..ops.check.database_check import check, file_warnings
from ..ops.space.top import SpaceTop, top_levels
from ..storage.snapshot import Snapshot
from ..text.sizes import size
from ..text.values import auto
from ..tree.bucket import find_bucket, get
from ..tree.page_map import BRANCH, DAMAGED, FREE, FREELIST, LEAF, LOST, META, OVERFLOW, page_map
from . import html_report

Context = dict[str, Any]

_LARGEST = 20
_AUDIT = 200


def report_facts(snapshot: Snapshot, path: str, progress: Callable[[int, int], None], *, values: bool) -> Context:
    """Return what ``html_report.page`` shows of the database at ``path``; with the largest ``values``, shortened."""

    total = 0
    findings: list[tuple[str, int, str]] = []
    kinds: dict[str, int] = {}
    for total, finding in enumerate(check(snapshot, 0, progress=progress), 1):
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
        freed = [max(found.size - left, 0) for left in (found.compact_size, found.dense_size)]
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
    shown = _values(snapshot, found.largest) if values else {}
    return html_report.file_context(
        path, facts, mapped, found, findings, kinds, warnings, shown, _application(snapshot)
    )


def _counts(kinds: bytearray) -> str:

    used = sum(map(kinds.count, (META, FREELIST, BRANCH, LEAF, OVERFLOW, DAMAGED)))
    return f"{used} / {kinds.count(FREE)} / {kinds.count(LOST)}"


def _values(
    snapshot: Snapshot, largest: list[tuple[int, tuple[bytes, ...], bytes]]
) -> dict[tuple[tuple[bytes, ...], bytes], bytes]:

    return {(path, key): get(snapshot, find_bucket(snapshot, path), key) or b"" for _, path, key in largest}


def _application(snapshot: Snapshot) -> Context:
    """Return the application that wrote the file, the rows of its views, and its audit."""

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

    rows = []
    for view in application.views:
        try:
            count: int | str = view.count(Database(snapshot))
        except BoltError as error:
            count = str(error)
        rows.append({"name": view.name, "title": view.title, "rows": count})
    return {"views": rows}


def _audit(snapshot: Snapshot, application: Application) -> Context:

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
