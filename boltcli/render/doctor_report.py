"""The findings of ``check`` by kind, and the report of ``doctor``: text for people, and the record of ``--json``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..text.values import as_text, shell_quoted
from .explanations import explanation
from .records import of_file, put_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ops.rescue.doctor import Diagnosis, Remedy


def diagnosis_record(found: Diagnosis, fixed: Remedy | None, output: str) -> dict[str, Any]:
    """Return the object that is written with ``--json``."""
    record = of_file(found.path)
    record |= {
        "ok": found.ok,
        "application": found.application or None,
        "holder": found.holder or None,
        "notes": found.notes,
    }
    record["findings"] = [
        {"kind": each.kind, "count": each.findings, "first": each.first, **explanation_record(each.kind)}
        for each in found.symptoms
    ]
    records = found.records
    record["records"] = None if records is None else records._asdict()
    record["remedies"] = [
        {
            "name": each.name,
            "pairs": each.pairs,
            "buckets": each.buckets,
            "sound": each.sound,
            "lost": each.lost,
            "commands": _commands(each, found.path),
            "problem": each.problem or None,
        }
        for each in found.remedies
    ]
    if fixed is not None:
        record["fixed"] = fixed.name
        put_path(record, output, "output")
    return record


def explanation_record(kind: str) -> dict[str, str]:
    """Return the three sentences of the explanation of a kind of finding."""
    return dict(zip(("meaning", "risk", "advice"), explanation(kind)))


def explanation_text(kind: str, count: int) -> str:
    """Return a kind of finding, explained."""
    meaning, risk, advice = explanation(kind)
    return f"{kind} ({count})\n  meaning: {meaning}\n  risk: {risk}\n  what to do: {advice}\n"


def diagnosis_text(found: Diagnosis, fixed: Remedy | None, output: str) -> bytes:
    """Return the report for people."""
    lines = []
    if found.application:
        lines.append(f"file of: {found.application}\n")
    if found.holder:
        lines.append(f"held by: {found.holder}\n")
    lines += [f"note: {note}\n" for note in found.notes]
    if not found.symptoms:
        lines += _soundness(found)
    for each in found.symptoms:
        lines.append(explanation_text(each.kind, each.findings))
        lines += [f"  {line}\n" for line in each.first]
        if each.findings > len(each.first):
            lines.append(f"  and {each.findings - len(each.first)} more\n")
    possible = [remedy for remedy in found.remedies if not remedy.problem]
    if possible:
        lines.append("remedies, tried on copies, the best one first, and what they keep:\n")
        lines.append(f"  {'pairs':>10} {'buckets':>8} {'losses':>7}  {'result':<9} remedy\n")
    for remedy in possible:
        sound = "sound" if remedy.sound else "not sound"
        lines.append(f"  {remedy.pairs:>10} {remedy.buckets:>8} {remedy.lost:>7}  {sound:<9} {remedy.name}\n")
        lines += [f"     {line}\n" for line in _commands(remedy, found.path)]
    for remedy in found.remedies:
        if remedy.problem:
            lines.append(f"not possible: {remedy.name}: {remedy.problem}\n")
    if fixed is not None:
        lines.append(f"{output}: written by '{fixed.name}'; a check of it finds nothing\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def _soundness(found: Diagnosis) -> list[str]:
    """Return what is to be said of a file whose structure is sound: what is known of its records."""
    records = found.records
    audit = f"`boltcli audit {_name(found.path)}`"
    if records is None:
        return [f"the structure is sound; of its records: {audit}\n"]
    counts = [
        f"{number} {word}{'s' * (number != 1)}"
        for number, word in ((records.errors, "error"), (records.warnings, "warning"))
        if number
    ]
    if not counts:
        return ["nothing is wrong with it\n"]
    more = records.errors + records.warnings - len(records.first)
    lines = [f"the structure is sound; its records: {', '.join(counts)}: {audit}\n"]
    return lines + [f"  {line}\n" for line in records.first] + [f"  and {more} more\n"] * bool(more)


def _name(path: str) -> str:
    return shell_quoted(as_text(os.fsencode(path)))


def _commands(remedy: Remedy, path: str) -> list[str]:
    name = _name(path)
    return [" ".join(name if word == "FILE" else word for word in command) for command in remedy.commands]


_MOST_RANGES = 8  # shown of a kind


def findings_summary(kinds: dict[str, list[int]]) -> bytes:
    """Return a line for each kind of finding; ``kinds`` has the page of each finding."""
    lines = []
    for kind, pages in kinds.items():
        found = ranges(pages)
        shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found[:_MOST_RANGES])
        more = ", ..." if len(found) > _MOST_RANGES else ""
        lines.append(
            f"boltcli: {len(pages)} {kind}: page{'s' * (len(found) > 1 or found[0][0] != found[0][1])} {shown}{more}\n"
        )
    return "".join(lines).encode()


def ranges(pages: Iterable[int]) -> list[tuple[int, int]]:
    """Return runs of consecutive numbers as (first, last), ascending."""
    found: list[tuple[int, int]] = []
    for page in sorted(set(pages)):
        if found and found[-1][1] == page - 1:
            found[-1] = found[-1][0], page
        else:
            found.append((page, page))
    return found
