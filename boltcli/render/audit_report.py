"""An audit as text or JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..apps.contract import ERROR, INFO, SEVERITIES, WARNING, Audit, AuditFinding, Column
from ..text.json import jsonable
from ..text.sizes import counted, size
from ..text.values import shell_quoted
from ..text.visible import one_line, visible
from .records import Record, field, fields_of, of_bucket, of_file
from .screen import BAD, FAIR, GOOD, Screen
from .table import Table

_FEW = 10  # findings of one question that are shown without --verbose
_WORDS = {ERROR: "error", WARNING: "warning", INFO: "note"}
_TONES = {ERROR: BAD, WARNING: FAIR}
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


def audit_screen(screen: Screen, audit: Audit, path: str, *, verbose: bool) -> None:
    """Show the verdict, then what was found by question, each remedy once and for this file, and the verdict again."""
    found = by_severity(list(audit.findings))
    tone = _TONES.get(found[0].severity, GOOD) if found else GOOD
    screen.verdict(tone, verdict(found), f"{path} ({audit.application}, {audit.layout})")
    hidden = sum(each.severity == INFO for each in found) if not verbose else 0
    if hidden:
        screen.text(f"--verbose shows the {counted(hidden, 'note')}", 2, "dim")
    screen.answered()
    groups: dict[tuple[str, str, str], list[AuditFinding]] = {}
    for finding in found:
        if verbose or finding.severity != INFO:
            groups.setdefault((finding.severity, finding.question, finding.remedy), []).append(finding)
    for (severity, question, remedy), group in groups.items():
        most = len(group) if verbose else _FEW
        screen.line()
        word = _WORDS.get(severity, severity)
        screen.verdict(_TONES.get(severity, GOOD), counted(len(group), word), question)
        for finding in group[:most]:
            screen.text(finding.message, 4, hang=2)
        if len(group) > most:
            screen.text(f"and {len(group) - most} more: --verbose shows them", 4, "dim")
        if remedy:
            screen.text(f"{screen.drawn('→')} {remedy.replace('FILE', shell_quoted(path))}", 2, "name", hang=2)
    facts = ", ".join(_counted(audit.counts))
    if facts or groups:
        screen.line()
    if facts:
        screen.text(f"looked at: {facts}", hang=2)
    if audit.retention is not None:
        for line in _retention(audit.retention).decode().splitlines():
            screen.line(one_line(line))


def _counted(counts: Sequence[tuple[str, int]]) -> list[str]:
    """Return counts as words; those of a part of something, as its states, in parentheses after it."""
    parts: dict[str, list[str]] = {}
    for what, number in counts:
        whole, _, rest = what.partition(" ")
        if rest and whole in parts:
            parts[whole].append(f"{number:,} {rest}")
        else:
            parts[what] = []
    numbers = dict(counts)
    return [f"{numbers[what]:,} {what}" + f" ({', '.join(inner)})" * bool(inner) for what, inner in parts.items()]


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
