"""The output of ``recover``: text for people, and the record of ``--json``."""

from collections.abc import Iterable

from ..ops.rescue.recover import Report
from ..ops.rescue.tree import Altered, Loss, State
from ..text.sizes import counted, size, written
from ..text.values import path_text, shell_quoted, shell_word
from .records import Record, field, fields_of, of_bucket, of_file
from .screen import FAIR, GOOD, Screen

_SHOWN = 200  # losses that the text lists
_SOURCES = {
    "meta": "the newest meta page",
    "pages": "its pages alone, as no meta page is valid",
    "older": "an earlier transaction, as the newest one's root is lost",
    "": "no root at all",
}


def recovery_record(report: Report) -> Record:
    """Return the object of ``--json``; a state's ``difference`` is to the chosen one, in pairs and buckets."""
    found, emission = report.found, report.emission
    return {
        **of_file(report.path),
        **of_file(report.output, "output"),
        **fields_of(emission, "pairs", "buckets", "pages"),
        "size": report.size,
        "page_size": found.table.page_size,
        "exact": report.exact,
        "root": found.root_from or None,
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
            for number, state in enumerate(found.states, 1)
        ],
        "notes": report.notes,
        "lost_and_found": {"pairs": emission.within, "pages": found.lost_pages},
        **fields_of(found, "placed", "older", "stale"),
        "duplicates": emission.duplicates,
        **({} if report.text_mode is None else {"text_mode": report.text_mode.certainty}),
    }


def recovery_text(report: Report, human: bool) -> str:
    """Return the report for people."""
    found, emission = report.found, report.emission
    lines = [
        f"{counted(emission.pairs, 'pair')} in {counted(emission.buckets, 'bucket')} recovered,"
        f" from {counted(emission.pages, 'page')}; {written(report.size, human)} written",
        f"page size {found.table.page_size}; root by {_SOURCES[found.root_from]}",
    ]
    if report.text_mode is not None:
        lines.append(report.text_mode.sentence())
    if report.exact:
        lines.append(("" if report.notes else "nothing is missing: ") + "this is the tree that bbolt reads")
    for number, what, words in (
        (found.placed, "page", "that nothing referred to put where they belong"),
        (found.older, "page", "of earlier transactions put where newer ones are lost"),
        (found.stale, "page", "of earlier transactions left out"),
        (emission.duplicates, "second version", "of keys left out"),
    ):
        if number:
            lines.append(f"{counted(number, what)} {words}")
    if found.lost_pages:
        name, pages = shell_word(report.lost_and_found), counted(found.lost_pages, "page")
        pairs = counted(emission.within, "pair")
        lines.append(f"{pairs} in bucket {name}: {pages} of which it is not known where they belong")
    lines += [f"note: {note}" for note in report.notes]
    lines += _list("lost:", map(_loss_text, report.lost[:_SHOWN]), len(report.lost))
    changed = (
        _where(each, "" if each.key is None else f", key {shell_word(each.key)}") for each in report.changed[:_SHOWN]
    )
    lines += _list("changed:", changed, len(report.changed))
    if found.states:
        lines.append(f"{len(found.states)} states may be the newest one; --state N takes another one of them:")
        lines += [f"  {_state_text(number, state)}" for number, state in enumerate(found.states, 1)]
    return "\n".join(lines) + "\n"


def recovery_screen(screen: Screen, report: Report) -> None:
    """Show what was recovered and whether something is missing, what to do next, then the facts and the losses."""
    emission = report.emission
    kept = f"{emission.pairs:,} pair{'s' * (emission.pairs != 1)} in {counted(emission.buckets, 'bucket')}"
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
    end = "it was taken" if state.chosen else difference if state.differs else "the same content"
    return f"state {number}: root page {state.root}, {what}; {end}"
