"""Where the records of a compute node deviate, and the answers about them, by generation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...text.times import age
from ..rules import Deviation, Rule
from . import rules
from .common_audit import event_deviations, record_answers, revisions, rows_text, tally, undecodable, unfinished
from .compute_store import ComputeGeneration
from .executions import Execution
from .index_audit import LIVE, compute_indexes, index_answers
from .layout import V2

_CHOSEN = (
    rules.NO_HISTORY,
    rules.HISTORY_ALONE,
    rules.OF_ANOTHER,
    rules.REVISION,
    rules.BROKEN_CHAIN,
)


def compute_deviations(part: ComputeGeneration, newest: ComputeGeneration, now: int) -> list[Deviation]:
    """Return where a generation deviates; only the newest one is in use. ``now`` is nanoseconds since 1970."""
    return [
        *undecodable(part.reader),
        *_unreadable(part),
        *_work(part, newest, now),
        *compute_indexes(part, in_use=part is newest),
        *_histories(part),
        *event_deviations(part.events, revisions(part.executions), (part.generation.events,)),
    ]


def _unreadable(part: ComputeGeneration) -> Iterator[Deviation]:
    for execution in part.executions.values():
        if execution.state.isdigit():
            yield _of(rules.UNKNOWN_STATE, part, execution)
        if execution.misplaced:
            yield _of(rules.OF_ANOTHER, part, execution)


def _work(part: ComputeGeneration, newest: ComputeGeneration, now: int) -> Iterator[Deviation]:
    rule = rules.WORKING if part is newest else rules.LEFT_BEHIND
    for execution in part.executions.values():
        if not execution.terminal:
            yield _of(rule, part, execution, age=age(execution.created_at, now), newest=newest.generation.name)


def _histories(part: ComputeGeneration) -> Iterator[Deviation]:
    bucket, executions, histories = part.generation.history, part.executions, part.histories
    for id in sorted(executions.keys() - histories.keys()):
        rule = rules.NO_EVENTS if part.generation is V2 else rules.NO_HISTORY
        yield rule.at((bucket,), id.encode(), id)
    for id in sorted(histories.keys() - executions.keys()):
        yield rules.HISTORY_ALONE.at((bucket, id.encode()), None, id)
    for id, history in histories.items():
        if history.missing:
            yield rules.GAP.at((bucket, id.encode()), None, id, rows=rows_text(history.missing))
    if part.generation is V2:  # its rows are events of any kind
        return
    for id, execution in executions.items():
        revision, rows = execution.revision, execution.rows
        if revision is not None and revision != rows:
            yield _of(rules.REVISION, part, execution, execution=id, revision=revision, history_rows=rows)
    for id, execution in sorted(executions.items()):
        if execution.rows and not (histories[id].whole and histories[id].end == execution.number):
            yield rules.BROKEN_CHAIN.at((bucket, id.encode()), None, id, execution=execution)


def _of(rule: Rule, part: ComputeGeneration, execution: Execution, /, **facts: Any) -> Deviation:
    path = (part.generation.executions,)
    return rule.at(path, execution.id.encode(), execution.id, **{"execution": execution, **facts})


def compute_answers(part: ComputeGeneration, deviations: list[Deviation]) -> dict[str, Any]:
    """Return the answers about a generation, in the names and forms that ``audit --json`` has."""
    executions = part.executions
    live = [
        {"create_time": each.created, "id": each.id, "job": each.job, "state": each.state}
        for each in unfinished(executions.values())
    ]
    indexes: dict[str, Any] = index_answers(part.indexes, deviations)
    found = {
        **record_answers(_CHOSEN, deviations),
        "counts": {
            "by_requester": tally(execution.requester for execution in executions.values()),
            "by_state": tally(execution.state for execution in executions.values()),
            "executions": len(executions),
        },
        "executions_not_terminal": live,
        "history_gaps": {id: history.missing for id, history in part.histories.items() if history.missing},
        "history_rows": sum(history.rows for history in part.histories.values()),
        "job_index": indexes.pop("job_index"),
        "oldest_execution_in_progress": live[0] if live else None,
    }
    found = dict(sorted(found.items()))
    if "live_index" in indexes:
        entries = part.indexes["live_index"].entries
        working = sorted(id for _, id in entries if id in executions and executions[id].state in LIVE)
        found["live_index"] = dict(sorted({**indexes["live_index"], "live": working}.items()))
    if "state_index" in indexes:
        found["state_index"] = indexes["state_index"]
    if part.events is not None:
        found["events"] = part.events.answers(revisions(executions))
    if part.sequences is not None:
        found["sequence_tracking"] = part.sequences
    return found
