"""An audit as text or JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..apps.contract import ERROR, INFO, SEVERITIES, WARNING, Audit, AuditFinding, Column
from ..text.json import jsonable
from ..text.sizes import counted, size
from ..text.visible import visible
from .records import Record, field, fields_of, of_bucket, of_file
from .table import Table

_FEW = 10  # findings of one question that are shown without --verbose
_WORDS = {ERROR: "error", WARNING: "warning", INFO: "note"}
_COLOURS = {"error": "1;31", "warning": "33", "note": "36"}


def audit_record(audit: Audit, path: str, *, ok: bool) -> Record:
    """Return the object of one file: its answers, its findings by severity, and additional fields."""
    return {
        **of_file(path),
        "application": audit.application,
        "layout": audit.layout,
        "ok": ok,
        "answers": jsonable(audit.answers),
        "findings": list(map(_finding_record, by_severity(list(audit.findings)))),
        **jsonable(audit.more),
        **({} if audit.retention is None else {"retention": jsonable(audit.retention)}),
    }


def _finding_record(finding: AuditFinding) -> Record:
    """Return a finding as an object; ``key`` is null if it is about a bucket or the whole file."""
    return {
        **fields_of(finding, "question", "severity"),
        **of_bucket(finding.bucket),
        **({"key": None} if finding.key is None else field("key", finding.key)),
        **fields_of(finding, "subject", "message", "remedy"),
    }


def by_severity(findings: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Return findings with errors first, else in their order."""
    rank = {severity: number for number, severity in enumerate(SEVERITIES)}
    return sorted(findings, key=lambda finding: rank.get(finding.severity, len(rank)))


def audit_text(audit: Audit, path: str, *, verbose: bool, styled: bool) -> bytes:
    """Return the verdict, the findings by severity, and the counts; notes are only counted unless ``verbose``."""
    findings = list(audit.findings)
    lines = [f"{path}: {verdict(findings)} ({audit.application}, {audit.layout})"]
    groups: dict[tuple[str, str], list[AuditFinding]] = {}
    for finding in by_severity(findings):
        groups.setdefault((finding.severity, finding.question), []).append(finding)
    for (severity, question), group in groups.items():
        word = _WORDS.get(severity, severity)
        most = len(group) if verbose else 0 if severity == INFO else _FEW
        remedy = ""
        for finding in group[:most]:
            lines.append(f"{word}: {finding.message}")
            if finding.remedy and finding.remedy != remedy:
                remedy = finding.remedy
                lines.append(f"  remedy: {remedy}")
        if len(group) > most:
            more = f"{len(group) - most} more; --verbose shows them" if most else len(group)
            lines.append(f"{word}: {question}: {more}")
    shown = [visible(line) for line in lines]
    for at, line in enumerate(shown if styled else ()):
        word, colon, rest = line.partition(":")
        shown[at] = f"\x1b[{_COLOURS[word]}m{word}\x1b[0m{colon}{rest}" if word in _COLOURS else line
    parts = ["".join(f"{line}\n" for line in shown).encode("utf-8", "surrogateescape")]
    if audit.counts:
        counts = Table([Column("what"), Column("count", "integer")], audit.counts)
        parts += [b"\n", *counts.text_lines(rule=False)]
    if audit.retention is not None:
        parts += [b"\n", _retention(audit.retention)]
    return b"".join(parts)


def verdict(findings: Sequence[AuditFinding]) -> str:
    """Return how many findings of each severity there are, in words."""
    numbers = {severity: sum(each.severity == severity for each in findings) for severity in SEVERITIES}
    return ", ".join(counted(number, _WORDS[each]) for each, number in numbers.items() if number) or "nothing found"


def _retention(found: Mapping[str, Any]) -> bytes:
    what = next((name for name in ("jobs", "executions") if name in found), "records")
    rows = [
        (label, str(group), row.get(what, 0), row.get("bytes", 0))
        for part, label in (("by_age", "older than"), ("by_state", "state"), ("by_namespace", "namespace"))
        for group, row in found.get(part, {}).items()
    ]
    head = f"Finished long enough ago to be deleted: {found.get(what, 0)} {what}, {size(found.get('bytes', 0))}\n"
    columns = [Column(""), Column(""), Column(what, "integer"), Column("size", "size")]
    return head.encode() + b"".join(Table(columns, rows).text_lines(rule=False, human=True))
