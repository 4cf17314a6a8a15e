"""Audits as tables: a rule says what can be wrong, a deviation says where it is.

An audit compares a file with what its program would have written and yields deviations. Findings, answers and the
changes that mend the file are made of these, and no text is taken apart again. One more rule is one more row of an
application's table, and the line that yields its deviations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from .contract import SEVERITIES, AuditFinding, Change, Path, Plain

SILENT = "silent"  # the severity of what the answers name and no finding does


@dataclass(frozen=True, eq=False)
class Rule:
    """A row of the table: what can be wrong with a file, how bad that is, and what to do about it.

    ``code`` is the findings' question, and names the answer. It, ``message`` and ``remedy`` are templates
    (``str.format``) of a deviation's facts and ``subject``. ``repair`` returns the changes that mend a deviation; None:
    none can. ``answer`` is what stands for a deviation in the answers: a template of text, or an object's names, each
    with the fact that it shows ("job.id").
    """

    code: str
    severity: str
    message: str = ""
    remedy: str = ""
    repair: Callable[[Deviation], Iterable[Change]] | None = None
    answer: str | Mapping[str, str] = "{subject}"

    def at(self, bucket: Path = (), key: bytes | None = None, subject: str = "", /, **facts: Any) -> Deviation:
        """Return the deviation from this rule at ``bucket`` and ``key``, which is about the id ``subject``."""
        return Deviation(self, bucket, key, subject, {"subject": subject, **facts}, self.severity)


@dataclass(slots=True)
class Deviation:
    """Where a file breaks a rule, with the facts of it; ``severity`` is the rule's, or that of its place."""

    rule: Rule
    bucket: Path
    key: bytes | None
    subject: str
    facts: dict[str, Any]
    severity: str

    def finding(self) -> AuditFinding:
        rule = self.rule
        return AuditFinding(
            self.text(rule.code),
            self.severity,
            self.text(rule.message),
            bucket=self.bucket,
            key=self.key,
            subject=self.subject,
            remedy=self.text(rule.remedy),
            changes=tuple(rule.repair(self)) if rule.repair is not None else (),
        )

    def answer(self) -> Plain:
        chosen = self.rule.answer
        if isinstance(chosen, str):
            return self.text(chosen)
        return {name: Formatter().get_field(fact, (), self.facts)[0] for name, fact in chosen.items()}

    def text(self, template: str) -> str:
        return template.format_map(self.facts)


def findings(deviations: Iterable[Deviation]) -> list[AuditFinding]:
    """Return all that isn't silent as findings, the gravest first.

    A repair may build on those before it, never on a lighter finding's, which ``audit --changes`` may leave out.
    """
    told = [each for each in deviations if each.severity != SILENT]
    return [each.finding() for each in sorted(told, key=lambda each: SEVERITIES.index(each.severity))]


def answers(rules: Iterable[Rule], deviations: Iterable[Deviation]) -> dict[str, list[Plain]]:
    """Return the answers by code, in the order of ``deviations``; those of ``rules`` that nothing breaks are empty."""
    found: dict[str, list[Plain]] = {rule.code: [] for rule in rules}
    for each in deviations:
        if each.rule.code in found:
            found[each.rule.code].append(each.answer())
    return found
