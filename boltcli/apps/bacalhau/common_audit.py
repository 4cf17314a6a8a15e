"""What the audits of both sides have in common: values that can't be read, events, how answers are put."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..rules import Deviation, Rule, answers
from . import rules
from .records import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..contract import Path
    from .executions import Execution
    from .reading import Events, Reader


def undecodable(reader: Reader) -> Iterator[Deviation]:
    """Yield the values that are no JSON objects."""
    for path, key in reader.undecodable:
        yield rules.UNDECODABLE.at(path, key, place((key,)), place=place(path, key))


def event_deviations(events: Events | None, revisions: dict[str, int | None], bucket: Path) -> Iterator[Deviation]:
    """Yield what is wrong with an event store and its watchers; ``revisions`` are those of the records."""
    if events is None:
        return
    if events.missing:
        yield rules.MISSING_EVENTS.at(bucket, None, "missing_seqs", rows=rows_text(events.missing))
    if events.last is not None and events.last < events.sequence:
        yield rules.LOST_EVENTS.at(bucket, None, "last_seq", events=events)
    for seq in events.differ:
        yield rules.EVENT_DIFFERS.at(bucket, None, str(seq))
    for watcher, position in events.checkpoints.items():
        if position is not None and position > events.head:
            end = max(events.last or 0, events.sequence)
            yield rules.WATCHER_AHEAD.at(bucket, None, watcher, seq=position, end=end)
        elif position is not None and position < events.head:
            yield rules.WATCHER_BEHIND.at(bucket, None, watcher, seq=position, lag=events.head - position)
    for id, in_event in events.disagreeing(revisions):
        revision = "no revision" if revisions[id] is None else f"revision {revisions[id]}"
        yield rules.EVENT_REVISION.at(bucket, None, id, revision=revision, in_event=in_event)
    for id in events.gone(revisions):
        yield rules.EVENT_ALONE.at(bucket, None, id)


def revisions(executions: dict[str, Execution]) -> dict[str, int | None]:
    """Return the revisions of records by id."""
    return {id: execution.revision for id, execution in executions.items()}


def record_answers(chosen: Iterable[Rule], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """Return the answers that ``deviations`` of the ``chosen`` rules are; those that are text are sorted."""
    found: dict[str, Any] = answers(chosen, deviations)
    return {code: sorted(rows) if rows and isinstance(rows[0], str) else rows for code, rows in found.items()}


def unfinished(executions: Iterable[Execution]) -> list[Execution]:
    """Return the executions that aren't in a final state, the oldest first."""
    return sorted((each for each in executions if not each.terminal), key=lambda each: each.created_at or 0)


def tally(words: Iterable[str]) -> dict[str, int]:
    """Return how often each of ``words`` comes, sorted by word."""
    return dict(sorted(Counter(words).items()))


def rows_text(missing: list[int]) -> str:
    """Return missing numbers as text: the first of them, and how many there are.

    >>> rows_text([3]), rows_text([1, 2, 3, 4, 5, 6])
    ('row 3', '6 rows: 1, 2, 3, 4, 5, ...')
    """
    shown = ", ".join(map(str, missing[:5]))
    if len(missing) == 1:
        return f"row {shown}"
    return f"{len(missing)} rows: {shown}{', ...' if len(missing) > 5 else ''}"
