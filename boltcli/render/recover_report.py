"""The output of ``recover``: text for people, and the record of ``--json``."""

from collections.abc import Iterable

from ..ops.rescue.recover import Recovered
from ..ops.rescue.tree import Altered, Loss, State
from ..text.sizes import counted, size, written
from ..text.values import path_text, shell_quoted, shell_word
from .records import Record, field, fields_of, of_bucket, of_file
from .screen import FAIR, GOOD, Screen

_SHOWN = 200  # losses that the text lists
_SOURCES = {
    "meta": "the newest meta page is valid; its root was used",
    "pages": "no meta page is valid; the root was found by its pages",
    "older": "the newest root is lost; the root of an earlier transaction was used",
    "": "no root was found",
}


def recovery_record(report: Recovered) -> Record:
    """Return the object of ``--json``; a state's ``difference`` is to the chosen one, in pairs and buckets."""
    return {
        **of_file(report.path),
        **of_file(report.output, "output"),
        **fields_of(report, "pairs", "buckets", "pages", "size", "page_size", "exact", "root"),
        "lost": [
            {
                **of_bucket(loss.bucket),
                **({"from": None} if loss.low is None else field("from", loss.low)),
                **({"to": None} if loss.high is None else field("to", loss.high)),
                **fields_of(loss, "page", "reason"),
            }
            for loss in report.lost
        ],
        "changed": [
            {
                **of_bucket(altered.bucket),
                **({} if altered.key is None else field("key", altered.key)),
                **fields_of(altered, "page", "reason"),
            }
            for altered in report.changed
        ],
        "states": [
            {
                "state": number,
                "root_page": state.root,
                **fields_of(state, "pairs", "buckets", "chosen"),
                "difference": fields_of(state, "added", "removed", "changed"),
            }
            for number, state in enumerate(report.states, 1)
        ],
        "notes": list(report.notes),
        "lost_and_found": fields_of(report.lost_and_found, "pairs", "pages"),
        **fields_of(report, "placed", "older", "stale", "duplicates"),
        **({} if report.text_mode is None else {"text_mode": report.text_mode}),
    }


def recovery_text(report: Recovered, human: bool) -> str:
    """Return the report for people."""
    lines = [
        f"{counted(report.pairs, 'pair')} in {counted(report.buckets, 'bucket')} recovered,"
        f" from {counted(report.pages, 'page')}; {written(report.size, human)} written",
        f"page size {report.page_size}; {_SOURCES[report.root or '']}",
    ]
    if report.text_mode is not None:
        lines.append(report.undone)
    if report.exact:
        lines.append(("" if report.notes else "nothing is missing: ") + "this is the tree that bbolt reads")
    for number, what, words in (
        (report.placed, "page", "that nothing referred to were put in their place"),
        (report.older, "page", "of earlier transactions were used where newer ones are lost"),
        (report.stale, "page", "of earlier transactions were left out"),
        (report.duplicates, "second version", "of keys were left out"),
    ):
        if number:
            lines.append(f"{counted(number, what)} {words}")
    if report.lost_and_found.pages:
        name, pages = shell_word(report.lost_and_found.name), counted(report.lost_and_found.pages, "page")
        pairs = counted(report.lost_and_found.pairs, "pair")
        lines.append(f"{pairs} in bucket {name}: {pages} whose place is unknown")
    lines += [f"note: {note}" for note in report.notes]
    lines += _list("lost:", map(_loss_text, report.lost[:_SHOWN]), len(report.lost))
    changed = (
        _where(each, "" if each.key is None else f", key {shell_word(each.key)}") for each in report.changed[:_SHOWN]
    )
    lines += _list("changed:", changed, len(report.changed))
    if report.states:
        lines.append(f"{len(report.states)} states may be the newest one; --state N chooses another one:")
        lines += [f"  {_state_text(number, state)}" for number, state in enumerate(report.states, 1)]
    return "\n".join(lines) + "\n"


def recovery_screen(screen: Screen, report: Recovered) -> None:
    """Show what was recovered and whether something is missing, what to do next, then the facts and the losses."""
    kept = f"{report.pairs:,} pair{'s' * (report.pairs != 1)} in {counted(report.buckets, 'bucket')}"
    if report.is_all:
        tone, head = FAIR if report.notes else GOOD, "RECOVERED"
        rest = "this is the tree that bbolt reads" if report.exact else "nothing is known to be lost"
        rest += "; see the note" * bool(report.notes)
    else:
        tone, head = FAIR, "RECOVERED, NOT ALL"
        counts = ((len(report.lost), "lost"), (len(report.changed), "changed"))
        places = ", ".join(f"{counted(number, 'place')} {what}" for number, what in counts if number)
        rest = places or "another state may be the newest one"
    screen.verdict(tone, head, f"{kept}, {size(report.size)}; {rest}")
    screen.advice(f"boltcli doctor {shell_quoted(report.output)}", "says what the result is worth")
    lines = recovery_text(report, True).splitlines()
    for line in lines[1:]:
        blanks = len(line) - len(line.lstrip(" "))
        screen.text(line.strip(), blanks, "bold" if line.endswith(":") and not blanks else "", hang=2)


def _loss_text(loss: Loss) -> str:
    low = f" from {shell_word(loss.low)}" if loss.low else ""
    high = f" up to {shell_word(loss.high)}" if loss.high is not None else ""
    return _where(loss, f", keys{low}{high}" if low or high else "")


def _where(found: Loss | Altered, keys: str) -> str:
    bucket = f"bucket {path_text(found.bucket)}" if found.bucket else "root bucket"
    page = f"page {found.page}: " if found.page is not None else ""
    return f"{bucket}{keys}: {page}{found.reason}"


def _list(title: str, lines: Iterable[str], count: int) -> list[str]:
    more = [f"  and {count - _SHOWN} more: --json lists all"] * (count > _SHOWN)
    return [title, *(f"  {line}" for line in lines), *more] if count else []


def _state_text(number: int, state: State) -> str:
    what = f"{counted(state.pairs, 'pair')} in {counted(state.buckets, 'bucket')}"
    difference = f"{state.added} more, {state.removed} less, {state.changed} changed"
    end = "it was used" if state.chosen else difference if state.differs else "the same content"
    return f"state {number}: root page {state.root}, {what}; {end}"
