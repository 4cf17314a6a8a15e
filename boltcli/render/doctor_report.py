"""The report of ``doctor``: text for people, and the record of ``--json``."""

from ..ops.rescue.doctor import Diagnosis, Remedy
from ..text.sizes import counted
from ..text.values import shell_quoted
from .explanations import explanation_record, explanation_text
from .records import Record, fields_of, of_file


def diagnosis_record(found: Diagnosis, fixed: Remedy | None, output: str) -> Record:
    """Return the object that is written with ``--json``."""
    return {
        **of_file(found.path),
        "ok": found.ok,
        "application": found.application or None,
        "holder": found.holder or None,
        "notes": found.notes,
        "findings": [
            {"kind": each.kind, "count": each.findings, "first": each.first, **explanation_record(each.kind)}
            for each in found.symptoms
        ],
        "records": None if found.records is None else found.records._asdict(),
        "remedies": [
            {
                **fields_of(each, "name", "pairs", "buckets", "sound", "lost"),
                "commands": _commands(each, found.path),
                "problem": each.problem or None,
            }
            for each in found.remedies
        ],
        **({} if fixed is None else {"fixed": fixed.name, **of_file(output, "output")}),
    }


def diagnosis_text(found: Diagnosis, fixed: Remedy | None, output: str) -> str:
    """Return the report for people."""
    heads = (("file of", found.application), ("held by", found.holder), *(("note", note) for note in found.notes))
    lines = [f"{name}: {words}\n" for name, words in heads if words]
    if not found.symptoms:
        lines += _soundness(found)
    for each in found.symptoms:
        lines.append(explanation_text(each.kind, each.findings))
        lines += _quoted(each.first, each.findings)
    possible = [remedy for remedy in found.remedies if not remedy.problem]
    if possible:
        lines.append("remedies that were tried on copies, the best one first, and what they keep:\n")
        lines.append(f"  {'pairs':>10} {'buckets':>8} {'losses':>7}  {'result':<9} remedy\n")
    for remedy in possible:
        sound = "sound" if remedy.sound else "not sound"
        lines.append(f"  {remedy.pairs:>10} {remedy.buckets:>8} {remedy.lost:>7}  {sound:<9} {remedy.name}\n")
        lines += [f"     {line}\n" for line in _commands(remedy, found.path)]
    lines += [f"not possible: {remedy.name}: {remedy.problem}\n" for remedy in found.remedies if remedy.problem]
    if fixed is not None:
        lines.append(f"{output}: written by '{fixed.name}'; a check of it finds nothing\n")
    return "".join(lines)


def _soundness(found: Diagnosis) -> list[str]:
    """Return what is to be said of a file whose structure is sound: what is known of its records."""
    records = found.records
    audit = f"`boltcli audit {shell_quoted(found.path)}`"
    if records is None:
        return [f"the structure is sound; for its records run {audit}\n"]
    counts = ((records.errors, "error"), (records.warnings, "warning"))
    words = ", ".join(counted(number, word) for number, word in counts if number)
    if not words:
        return ["nothing is wrong with it\n"]
    quoted = _quoted(records.first, records.errors + records.warnings)
    return [f"the structure is sound; its records: {words}; see {audit}\n", *quoted]


def _quoted(first: list[str], count: int) -> list[str]:
    more = count - len(first)
    return [f"  {line}\n" for line in first] + [f"  and {more} more\n"] * (more > 0)


def _commands(remedy: Remedy, path: str) -> list[str]:
    name = shell_quoted(path)
    return [" ".join(name if word == "FILE" else word for word in command) for command in remedy.commands]
