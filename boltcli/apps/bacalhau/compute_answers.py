"""The answers of an audit of a compute store, in the names and forms that ``audit --json`` has."""

from __future__ import annotations

from .job_answers import Deviations, arrows, tally
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
    part = job_index_deviations(found)
    return {
        "dangling": arrows(part.strays),
        "empty_buckets": found.jobs_index.empty,
        "records_not_indexed": sorted({id for _, _, id in part.lacking}),
    }


def job_index_deviations(found: ComputeGeneration) -> Deviations:
    """Compare the index by job with the records."""
    entries, executions = found.jobs_index.entries, found.executions
    wanted = {(execution.job, execution.id) for execution in executions.values() if execution.job}
    return Deviations(
        (entry for entry in entries - wanted if _certain(executions.get(entry[1]))),
        ((job, id, id) for job, id in wanted - entries),
    )


def _certain(execution: LocalExecution | None) -> bool:
    """Return whether it is known where a record belongs: it isn't there, or it can be read."""
    return execution is None or bool(execution.job)


def live_index_deviations(found: ComputeGeneration, index: Index) -> Deviations:
    """Compare the live index with the records; ``done`` are the executions in it that are no longer live."""
    executions, indexed = found.executions, {id for bucket, id in index.entries if not bucket}
    part = Deviations(
        (("", id) for id in indexed - executions.keys()),
        (("", id, id) for id, each in executions.items() if each.state in LIVE and id not in indexed),
    )
    part.done = sorted(("", id, id) for id in indexed if id in executions and executions[id].state not in LIVE)
    return part


def _live_index(found: ComputeGeneration, index: Index) -> dict[str, Any]:
    part, executions = live_index_deviations(found, index), found.executions
    return {
        "dangling": [id for _, id in part.strays],
        "live": sorted(id for _, id in index.entries if id in executions and executions[id].state in LIVE),
        "live_not_indexed": [id for _, id, _ in part.lacking],
        "not_live": [f"{id} (record: {executions[id].state})" for _, id, _ in part.done],
    }


def state_index_deviations(found: ComputeGeneration, index: Index) -> Deviations:
    """Compare the index by state with the records; ``done`` are entries of executions in another state."""
    entries, executions = index.entries, found.executions
    wanted = {(execution.state, id) for id, execution in executions.items()}
    strays = entries - wanted
    part = Deviations(
        (entry for entry in strays if entry[1] not in executions),
        ((state, id, id) for state, id in wanted - entries),
    )
    part.done = sorted((state, id, id) for state, id in strays if id in executions)
    return part


def _state_index(found: ComputeGeneration) -> dict[str, Any]:
    assert found.state_index is not None
    part, executions = state_index_deviations(found, found.state_index), found.executions
    return {
        "dangling": arrows(part.strays),
        "empty_buckets": found.state_index.empty,
        "records_not_indexed": sorted(id for _, _, id in part.lacking),
        "wrong_state": sorted(f"{state} -> {id} (record: {executions[id].state})" for state, id, _ in part.done),
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
