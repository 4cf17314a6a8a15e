"""An audit as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..apps.contract import ERROR, INFO, SEVERITIES, WARNING, Column
from ..text.json import jsonable
from ..text.sizes import size
from ..text.visible import visible
from .records import of_file, put, put_bucket
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..apps.contract import Audit, AuditFinding

_FEW = 10  # findings of one question that are shown without --verbose
_WORDS = {ERROR: ("error", "errors"), WARNING: ("warning", "warnings"), INFO: ("note", "notes")}
_COLOURS = {"error": "1;31", "warning": "33", "note": "36"}


def audit_record(
    path: str, application: str, audit: Audit, findings: Sequence[AuditFinding], *, ok: bool
) -> dict[str, Any]:
    """Return the object of one file: its answers, its findings by severity, and additional fields."""
    record = of_file(path)
    record |= {
        "application": application,
        "layout": audit.layout,
        "ok": ok,
        "answers": jsonable(audit.answers),
        "findings": [finding_record(finding) for finding in by_severity(findings)],
    }
    record |= jsonable(audit.more)
    if audit.retention is not None:
        record["retention"] = jsonable(audit.retention)
    return record


def finding_record(finding: AuditFinding) -> dict[str, Any]:
    """Return a finding as an object; ``key`` is null if it is about a bucket or the whole file."""
    record: dict[str, Any] = {"question": finding.question, "severity": finding.severity}
    put_bucket(record, finding.bucket)
    if finding.key is None:
        record["key"] = None
    else:
        put(record, "key", finding.key)
    return record | {"subject": finding.subject, "message": finding.message, "remedy": finding.remedy}


def by_severity(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Return findings with errors first, else in their order."""
    rank = {severity: number for number, severity in enumerate(SEVERITIES)}
    return sorted(findings, key=lambda finding: rank.get(finding.severity, len(rank)))


def audit_text(
    path: str,
    application: str,
    audit: Audit,
    findings: Sequence[AuditFinding],
    *,
    verbose: bool = False,
    styled: bool = False,
) -> bytes:
    """Return the verdict, the findings by severity, and the counts; notes are only counted unless ``verbose``.

    With ``styled`` the words for severities have colours, by escape sequences.
    """
    lines = [f"{path}: {verdict(findings)} ({application}, {audit.layout})"]
    groups: dict[tuple[str, str], list[AuditFinding]] = {}
    for finding in by_severity(findings):
        groups.setdefault((finding.severity, finding.question), []).append(finding)
    for (severity, question), group in groups.items():
        word = _WORDS.get(severity, (severity, severity))[0]
        if severity == INFO and not verbose:
            lines.append(f"{word}: {question}: {len(group)}")
            continue
        shown = group if verbose else group[:_FEW]
        remedy = ""
        for finding in shown:
            lines.append(f"{word}: {finding.message}")
            if finding.remedy and finding.remedy != remedy:
                remedy = finding.remedy
                lines.append(f"  remedy: {remedy}")
        if len(group) > len(shown):
            lines.append(f"{word}: {question}: {len(group) - len(shown)} more; --verbose shows them")
    shown_lines = (_coloured(visible(text)) if styled else visible(text) for text in lines)
    text = "".join(f"{line}\n" for line in shown_lines).encode("utf-8", "surrogateescape")
    if audit.counts:
        text += b"\n" + b"".join(
            Table([Column("what"), Column("count", "integer")], audit.counts).text_lines(rule=False)
        )
    if audit.retention is not None:
        text += b"\n" + _retention(audit.retention)
    return text


def _coloured(text: str) -> str:
    word, colon, rest = text.partition(":")
    colour = _COLOURS.get(word)
    return f"\x1b[{colour}m{word}\x1b[0m{colon}{rest}" if colour else text


def verdict(findings: Sequence[AuditFinding]) -> str:
    """Return how many findings of each severity there are, in words."""
    parts = []
    for severity in SEVERITIES:
        number = sum(finding.severity == severity for finding in findings)
        if number:
            parts.append(f"{number} {_WORDS[severity][number != 1]}")
    return ", ".join(parts) or "nothing found"


def _retention(found: Mapping[str, Any]) -> bytes:
    what = "jobs" if "jobs" in found else "executions" if "executions" in found else "records"
    rows = [
        (label, str(group), row.get(what, 0), row.get("bytes", 0))
        for part, label in (("by_age", "older than"), ("by_state", "state"), ("by_namespace", "namespace"))
        for group, row in found.get(part, {}).items()
    ]
    head = f"Finished long enough ago to be deleted: {found.get(what, 0)} {what}, {size(found.get('bytes', 0))}\n"
    columns = [Column(""), Column(""), Column(what, "integer"), Column("size", "size")]
    return head.encode() + b"".join(Table(columns, rows).text_lines(rule=False, human=True))
