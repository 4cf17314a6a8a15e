"""The report of ``doctor``: text for people, and the record of ``--json``."""

from ..ops.rescue.doctor import Diagnosis
from ..text.sizes import counted
from ..text.values import shell_quoted
from .explanations import explanation_record, explanation_text
from .records import Record, fields_of, of_file


def diagnosis_record(found: Diagnosis) -> Record:
    """Return the object that is written with ``--json``."""
    return {
        **of_file(found.path),
        "ok": found.ok,
        **fields_of(found, "application", "holder"),
        "notes": list(found.notes),
        "findings": [
            {**fields_of(each, "kind", "count"), "first": list(each.first), **explanation_record(each.kind)}
            for each in found.findings
        ],
        "records": None if found.records is None else found.records._asdict(),
        "remedies": [
            {
                **fields_of(each, "name", "pairs", "buckets", "sound", "lost"),
                "commands": list(each.commands),
                "problem": each.problem,
            }
            for each in found.remedies
        ],
        **({} if found.output is None else {"fixed": found.fixed, **of_file(found.output, "output")}),
    }


def diagnosis_text(found: Diagnosis) -> str:
    """Return the report for people."""
    heads = (("file of", found.application), ("held by", found.holder), *(("note", note) for note in found.notes))
    lines = [f"{name}: {words}\n" for name, words in heads if words]
    if not found.findings:
        lines += _soundness(found)
    for each in found.findings:
        lines.append(explanation_text(each.kind, each.count))
        lines += _quoted(each.first, each.count)
    possible = [remedy for remedy in found.remedies if not remedy.problem]
    if possible:
        lines.append("remedies that were tried on copies, the best one first, and what they keep:\n")
        lines.append(f"  {'pairs':>10} {'buckets':>8} {'losses':>7}  {'result':<9} remedy\n")
    for remedy in possible:
        sound = "sound" if remedy.sound else "not sound"
        lines.append(f"  {remedy.pairs:>10} {remedy.buckets:>8} {remedy.lost:>7}  {sound:<9} {remedy.name}\n")
        lines += [f"     {line}\n" for line in remedy.commands]
    lines += [f"not possible: {remedy.name}: {remedy.problem}\n" for remedy in found.remedies if remedy.problem]
    if found.fixed is not None:
        lines.append(f"{found.output}: written by '{found.fixed}'; a check of it finds nothing\n")
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


def _quoted(first: tuple[str, ...], count: int) -> list[str]:
    more = count - len(first)
    return [f"  {line}\n" for line in first] + [f"  and {more} more\n"] * (more > 0)
