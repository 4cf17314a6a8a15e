"""The report of ``doctor``: text for people, and the record of ``--json``."""

from ..ops.rescue.doctor import Diagnosis, Records, Remedy
from ..text.sizes import counted
from ..text.values import shell_quoted
from ..text.visible import one_line
from .explanations import explanation, explanation_record, explanation_text
from .records import Record, fields_of, of_file
from .screen import BAD, FAIR, GOOD, Screen


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


def diagnosis_screen(screen: Screen, found: Diagnosis) -> None:
    """Show the verdict, the best remedy and what it keeps, then what was found, and the other remedies."""
    name = shell_quoted(found.path)
    if found.fixed is not None and found.best is not None:
        tone = FAIR if found.best.lost else GOOD
        screen.verdict(tone, found.output or "", f"written by '{found.fixed}'; a check of it finds nothing")
    _verdict(screen, found)
    possible = [remedy for remedy in found.remedies if not remedy.problem]
    for remedy in possible[:1]:
        for command in remedy.commands:
            screen.advice(command)
        screen.text(_keeps(remedy) + ", tried on a copy", 4)
    if found.records is not None and (found.records.errors or found.records.warnings):
        screen.advice(f"boltcli audit {name}", "says what to do about the records")
    screen.answered()
    heads = (("file of", found.application), ("held by", found.holder), *(("note", note) for note in found.notes))
    for head, words in heads:
        if words:
            screen.text(f"{head}: {words}", hang=2)
    for each in found.findings:
        meaning, risk, advice = explanation(each.kind)
        screen.line()
        screen.line(screen.paint(f"{each.kind} ({each.count})", "bold"))
        for words in (meaning, risk, f"what to do: {advice.replace('FILE', name)}"):
            screen.text(words, 2)
        for line in _quoted(each.first, each.count):
            screen.text(line.strip(), 4, "dim", hang=2)
    if len(found.remedies) > 1:
        screen.line()
        screen.line(screen.paint("other remedies", "bold"))
    for remedy in found.remedies:
        if remedy in possible[:1]:
            continue
        if remedy.problem:
            screen.text(f"not possible: {remedy.name}: {remedy.problem}", 2, "dim", hang=2)
            continue
        screen.text(f"{remedy.name}: {_keeps(remedy)}", 2, hang=2)
        for command in remedy.commands:
            screen.line(f"    {one_line(command)}")


def _verdict(screen: Screen, found: Diagnosis) -> None:
    records = found.records
    if found.findings:
        total = sum(each.count for each in found.findings)
        kinds = ", ".join(f"{each.count} {each.kind}" for each in found.findings)
        screen.verdict(BAD, "DAMAGED", f"{counted(total, 'finding')}: {kinds}")
    elif records is None:
        screen.verdict(GOOD, "SOUND", f"the structure; for its records run boltcli audit {shell_quoted(found.path)}")
    elif records.errors or records.warnings:
        tone = BAD if records.errors else FAIR
        screen.verdict(tone, "RECORDS", f"{_numbers(records)}; the structure is sound")
        for line in _quoted(records.first, records.errors + records.warnings):
            screen.text(line.strip(), 4, hang=2)
    else:
        screen.verdict(GOOD, "SOUND", "nothing is wrong with it: the structure and the records")


def _keeps(remedy: Remedy) -> str:
    losses = counted(remedy.lost, "loss").replace("losss", "losses") if remedy.lost else "no loss"
    kept = f"keeps {counted(remedy.pairs, 'pair')} in {counted(remedy.buckets, 'bucket')}, {losses}"
    return f"{kept}; the result is {'sound' if remedy.sound else 'not sound'}"


def _numbers(records: Records) -> str:
    counts = ((records.errors, "error"), (records.warnings, "warning"))
    return ", ".join(counted(number, word) for number, word in counts if number)


def _soundness(found: Diagnosis) -> list[str]:
    """Return what is to be said of a file whose structure is sound: what is known of its records."""
    records = found.records
    audit = f"`boltcli audit {shell_quoted(found.path)}`"
    if records is None:
        return [f"the structure is sound; for its records run {audit}\n"]
    words = _numbers(records)
    if not words:
        return ["nothing is wrong with it\n"]
    quoted = _quoted(records.first, records.errors + records.warnings)
    return [f"the structure is sound; its records: {words}; see {audit}\n", *quoted]


def _quoted(first: tuple[str, ...], count: int) -> list[str]:
    more = count - len(first)
    return [f"  {line}\n" for line in first] + [f"  and {more} more\n"] * (more > 0)
