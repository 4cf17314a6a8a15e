"""The output of ``recover``: text for people, and the record of ``--json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..text.sizes import written
from ..text.values import path_text, shell_word
from .records import of_file, put, put_bucket, put_path

if TYPE_CHECKING:
    from ..ops.rescue.recover import Report
    from ..ops.rescue.tree import Altered, Loss, State

_SHOWN = 200  # losses that the text lists
_SOURCES = {
    "meta": "the newest meta page",
    "pages": "its pages alone, as no meta page is valid",
    "older": "an earlier transaction, as the newest one's root is lost",
    "": "no root at all",
}


def recovery_record(report: Report) -> dict[str, Any]:
    """Return the object that is written with ``--json``."""
    record = of_file(report.path)
    put_path(record, report.output, "output")
    found, emission = report.found, report.emission
    record |= {"pairs": emission.pairs, "buckets": emission.buckets, "pages": emission.pages, "size": report.size}
    record |= {"page_size": found.table.page_size, "exact": report.exact, "root": found.root_from or None}
    record["lost"] = [_loss(loss) for loss in report.lost]
    record["changed"] = [_altered(each) for each in report.changed]
    record["states"] = [_state(number, each) for number, each in enumerate(found.states, 1)]
    record["notes"] = report.notes
    record["lost_and_found"] = {"pairs": emission.within, "pages": found.lost_pages}
    record |= {"placed": found.placed, "older": found.older, "stale": found.stale, "duplicates": emission.duplicates}
    if report.text_mode is not None:
        record["text_mode"] = report.text_mode.certainty
    return record


def _loss(loss: Loss) -> dict[str, Any]:
    record: dict[str, Any] = {}
    put_bucket(record, loss.bucket)
    for field, key in (("from", loss.low), ("to", loss.high)):
        if key is None:
            record[field] = None
        else:
            put(record, field, key)
    return record | {"page": loss.page, "reason": loss.reason}


def _altered(altered: Altered) -> dict[str, Any]:
    record: dict[str, Any] = {}
    put_bucket(record, altered.bucket)
    if altered.key is not None:
        put(record, "key", altered.key)
    return record | {"page": altered.page, "reason": altered.reason}


def _state(number: int, state: State) -> dict[str, Any]:
    """``difference``: what it has more, less and otherwise than the chosen one, pairs and buckets together."""
    record: dict[str, Any] = {"state": number, "root_page": state.root}
    record |= {"pairs": state.pairs, "buckets": state.buckets, "chosen": state.chosen}
    difference = {"added": state.added, "removed": state.removed, "changed": state.changed}
    return record | {"difference": difference}


def recovery_text(report: Report, human: bool) -> bytes:
    """Return the report for people."""
    found, emission = report.found, report.emission
    lines = [
        f"{_count(emission.pairs, 'pair')} in {_count(emission.buckets, 'bucket')} recovered,"
        f" from {_count(emission.pages, 'page')}; {written(report.size, human)} written",
        f"page size {found.table.page_size}; root by {_SOURCES[found.root_from]}",
    ]
    if report.text_mode is not None:
        lines.append(report.text_mode.sentence())
    if report.exact:
        lines.append(("" if report.notes else "nothing is missing: ") + "this is the tree that bbolt reads")
    if found.placed:
        lines.append(f"{_count(found.placed, 'page')} that nothing referred to put where they belong")
    if found.older:
        lines.append(f"{_count(found.older, 'page')} of earlier transactions put where newer ones are lost")
    if found.stale:
        lines.append(f"{_count(found.stale, 'page')} of earlier transactions left out")
    if emission.duplicates:
        lines.append(f"{_count(emission.duplicates, 'second version')} of keys left out")
    if found.lost_pages:
        name = shell_word(report.lost_and_found)
        lines.append(f"{_count(emission.within, 'pair')} in bucket {name}: {_count(found.lost_pages, 'page')}"
                     " of which it is not known where they belong")  # fmt: skip
    lines += [f"note: {note}" for note in report.notes]
    lines += _list("lost:", [_loss_text(loss) for loss in report.lost[:_SHOWN]], len(report.lost))
    lines += _list("changed:", [_altered_text(each) for each in report.changed[:_SHOWN]], len(report.changed))
    if found.states:
        lines.append(f"{len(found.states)} states may be the newest one; --state N takes another one of them:")
        lines += [f"  {_state_text(number, state)}" for number, state in enumerate(found.states, 1)]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _loss_text(loss: Loss) -> str:
    where = f"bucket {path_text(loss.bucket)}" if loss.bucket else "root bucket"
    low = f" from {shell_word(loss.low)}" if loss.low else ""
    high = f" up to {shell_word(loss.high)}" if loss.high is not None else ""
    keys = f", keys{low}{high}" if low or high else ""
    page = f"page {loss.page}: " if loss.page is not None else ""
    return f"{where}{keys}: {page}{loss.reason}"


def _list(title: str, lines: list[str], count: int) -> list[str]:
    more = [f"  and {count - len(lines)} more: --json lists all"] if count > len(lines) else []
    return [title, *(f"  {line}" for line in lines), *more] if lines else []


def _altered_text(altered: Altered) -> str:
    where = f"bucket {path_text(altered.bucket)}" if altered.bucket else "root bucket"
    key = f", key {shell_word(altered.key)}" if altered.key is not None else ""
    page = f"page {altered.page}: " if altered.page is not None else ""
    return f"{where}{key}: {page}{altered.reason}"


def _state_text(number: int, state: State) -> str:
    what = f"state {number}: root page {state.root}, {_count(state.pairs, 'pair')} in {_count(state.buckets, 'bucket')}"
    if state.chosen:
        return f"{what}; it was taken"
    if not state.differs:
        return f"{what}; the same content"
    return f"{what}; {state.added} more, {state.removed} less, {state.changed} changed"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
