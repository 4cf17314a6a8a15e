"""The answers of an audit of a compute store, in the names and forms that ``audit --json`` has."""

from __future__ import annotations

from .job_answers import arrows, tally
from .layout import V2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .compute_store import ComputeGeneration, LocalExecution
    from .job_store import Index

LIVE = frozenset(("Running", "Publishing"))


def compute_answers(found: Iterable[ComputeGeneration]) -> dict[str, Any]:
    """Return all answers, by generation."""
    return {"generations": {part.generation.name: generation_answers(part) for part in found}}


def generation_answers(found: ComputeGeneration) -> dict[str, Any]:
    """Return the answers about one generation."""
    executions = found.executions
    unfinished = sorted(
        (execution for execution in executions.values() if not execution.terminal),
        key=lambda execution: execution.created_at or 0,
    )
    live = [_live(execution) for execution in unfinished]
    answers: dict[str, Any] = {
        "counts": {
            "by_requester": tally(execution.requester for execution in executions.values()),
            "by_state": tally(execution.state for execution in executions.values()),
            "executions": len(executions),
        },
        "executions_not_terminal": live,
        "executions_without_history": sorted(executions.keys() - found.histories.keys()),
        "history_gaps": found.gaps,
        "history_rows": sum(history.rows for history in found.histories.values()),
        "history_without_execution": sorted(found.histories.keys() - executions.keys()),
        "job_index": _job_index(found),
        "oldest_execution_in_progress": live[0] if live else None,
        "record_id_differs_from_key": sorted(execution.id for execution in executions.values() if execution.misplaced),
        "revision_mismatches": _revision_mismatches(found),
        "state_chain_broken": _broken_chains(found),
    }
    if found.live_index is not None:
        answers["live_index"] = _live_index(found, found.live_index)
    if found.state_index is not None:
        answers["state_index"] = _state_index(found)
    if found.events is not None:
        answers["events"] = found.events.answers({id: execution.revision for id, execution in executions.items()})
    if found.sequences is not None:
        answers["sequence_tracking"] = found.sequences
    return answers


def _job_index(found: ComputeGeneration) -> dict[str, Any]:
    entries, executions = found.jobs_index.entries, found.executions
    wanted = {(execution.job, execution.id) for execution in executions.values() if execution.job}
    return {
        "dangling": arrows(entry for entry in entries - wanted if _certain(executions.get(entry[1]))),
        "empty_buckets": found.jobs_index.empty,
        "records_not_indexed": sorted(id for _, id in wanted - entries),
    }


def _certain(execution: LocalExecution | None) -> bool:
    """Return whether it is known where a record belongs: it isn't there, or it can be read."""
    return execution is None or bool(execution.job)


def _live_index(found: ComputeGeneration, index: Index) -> dict[str, Any]:
    executions, indexed = found.executions, {id for _, id in index.entries}
    return {
        "dangling": sorted(indexed - executions.keys()),
        "live": sorted(id for id in indexed if id in executions and executions[id].state in LIVE),
        "live_not_indexed": sorted(
            id for id, execution in executions.items() if execution.state in LIVE and id not in indexed
        ),
        "not_live": [
            f"{id} (record: {executions[id].state})"
            for id in sorted(indexed)
            if id in executions and executions[id].state not in LIVE
        ],
    }


def _state_index(found: ComputeGeneration) -> dict[str, Any]:
    assert found.state_index is not None
    entries, executions = found.state_index.entries, found.executions
    wanted = {(execution.state, id) for id, execution in executions.items()}
    strays = entries - wanted
    return {
        "dangling": arrows(entry for entry in strays if entry[1] not in executions),
        "empty_buckets": found.state_index.empty,
        "records_not_indexed": sorted(id for _, id in wanted - entries),
        "wrong_state": sorted(
            f"{state} -> {id} (record: {executions[id].state})" for state, id in strays if id in executions
        ),
    }


def _revision_mismatches(found: ComputeGeneration) -> list[dict[str, Any]]:
    """Before 1.5.2 each revision has its history row; since then the rows are events of any kind."""
    if found.generation is V2:
        return []
    mismatches = []
    for id, execution in found.executions.items():
        history = found.histories.get(id)
        rows = history.rows if history is not None else 0
        if execution.revision is not None and execution.revision != rows:
            mismatches.append({"execution": id, "history_rows": rows, "revision": execution.revision})
    return mismatches


def _broken_chains(found: ComputeGeneration) -> list[str]:
    if found.generation is V2:
        return []
    return sorted(
        id
        for id, execution in found.executions.items()
        if (history := found.histories.get(id)) is not None
        and history.rows
        and not (history.whole and history.end == execution.number)
    )


def _live(execution: LocalExecution) -> dict[str, Any]:
    return {"create_time": execution.created, "id": execution.id, "job": execution.job, "state": execution.state}
