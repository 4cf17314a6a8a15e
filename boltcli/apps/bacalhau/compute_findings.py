"""What an operator of a compute node should know, from the answers of its audit: severity, message, remedy."""

from __future__ import annotations

from ..contract import ERROR, INFO, WARNING, AuditFinding
from ..words import age
from .job_findings import event_findings, rows_text
from .layout import V2
from .mend import Mender
from .records import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..contract import Path
    from .compute_store import ComputeGeneration, LocalExecution

_PATCH = (
    "Stop the node, then `boltcli audit --changes changes.ndjson FILE; boltcli patch --in-place FILE changes.ndjson`."
)
_TRACE = "None: Bacalhau leaves it behind itself; the change removes it."
_BACKUP = "Compare with a backup: a row or a record was lost or changed."
# Entries of these states are resumed at the start, before anything else: one without a record stops the node.
_RESUMED = ("BidAccepted", "Running", "Publishing")


def compute_findings(found: list[ComputeGeneration], answers: dict[str, Any], now: int) -> Iterator[AuditFinding]:
    """Yield the findings about all generations; only the newest one is in use."""
    for part in found:
        given = answers["generations"][part.generation.name]
        yield from _unreadable(part)
        yield from _work(part, now, in_use=part is found[-1], newest=found[-1].generation.name)
        yield from _start(part, given, in_use=part is found[-1])
        yield from _job_index(part, given)
        yield from _histories(part, given)
        yield from event_findings(given.get("events"), (part.generation.events,))


def _unreadable(part: ComputeGeneration) -> Iterator[AuditFinding]:
    for path, key in part.undecodable:
        yield AuditFinding(
            "undecodable_values", ERROR, f"Bacalhau can't read the value at {place(path, key)}: no JSON object.",
            bucket=path, key=key, subject=place((key,)),
            remedy="Look at it with `boltcli get`; `boltcli get --previous` or a backup may have it whole.",
        )  # fmt: skip
    for execution in part.executions.values():
        if execution.state.isdigit():
            yield _about(
                part, execution, "unknown_state", ERROR,
                f"Execution {execution.id} has the state {execution.state}, which no version of Bacalhau has.",
                "Restore the record from a backup.",
            )  # fmt: skip
        if execution.misplaced:
            yield _about(
                part, execution, "record_id_differs_from_key", ERROR,
                f"The record under the key {execution.id} is of another execution.", "Restore it from a backup.",
            )  # fmt: skip


def _work(part: ComputeGeneration, now: int, *, in_use: bool, newest: str) -> Iterator[AuditFinding]:
    for execution in part.executions.values():
        if execution.terminal:
            continue
        since = age(execution.created_at, now)
        if in_use:
            yield _about(
                part, execution, "executions_not_terminal", INFO,
                f"Execution {execution.id} of job {execution.job} is {execution.state}; it was created {since} ago.",
                "None while the node works on it; compare with the orchestrator's store.",
            )  # fmt: skip
        else:
            yield _about(
                part, execution, "executions_not_terminal", ERROR,
                f"Execution {execution.id} of job {execution.job}, created {since} ago, is {execution.state} in the"
                f" buckets of an older version. Nobody reads them after the upgrade to {newest}, or will finish it.",
                "Run the job again if its result is needed.",
            )  # fmt: skip


def _start(part: ComputeGeneration, given: dict[str, Any], *, in_use: bool) -> Iterator[AuditFinding]:
    """Yield what the node resumes when it starts."""
    grave, less = (ERROR, WARNING) if in_use else (INFO, INFO)
    live = given.get("live_index")
    if live is not None and part.live_index is not None:
        mender = Mender(part.generation.live.decode(), part.live_index)
        bucket: Path = (part.generation.live,)
        for id in live["dangling"]:
            yield AuditFinding(
                "live_index", grave,
                f"The live index has execution {id}, whose record is gone"
                + (": the node won't start." if in_use else "; nobody reads it any more."),
                bucket=bucket, key=id.encode(), subject=id, remedy=_PATCH, changes=mender.remove("", id),
            )  # fmt: skip
        for entry in live["not_live"]:
            id = entry.partition(" ")[0]
            yield AuditFinding(
                "live_index", less,
                f"The live index has execution {id}, which is {part.executions[id].state}: the node resumes it.",
                bucket=bucket, key=id.encode(), subject=id, remedy=_PATCH, changes=mender.remove("", id),
            )  # fmt: skip
        for id in live["live_not_indexed"]:
            yield AuditFinding(
                "live_index", grave,
                f"Execution {id} is {part.executions[id].state}, but isn't in the live index: it won't be resumed.",
                bucket=bucket, key=id.encode(), subject=id, remedy=_PATCH,
                changes=mender.add("", id),
            )  # fmt: skip
    states = given.get("state_index")
    if states is not None and part.state_index is not None:
        yield from _state_index(part, states, Mender(part.generation.by_state.decode(), part.state_index), grave, less)


def _state_index(
    part: ComputeGeneration, states: dict[str, Any], mender: Mender, grave: str, less: str
) -> Iterator[AuditFinding]:
    for entry in states["dangling"]:
        state, _, id = entry.partition(" -> ")
        stops = state in _RESUMED and (state != "BidAccepted" or part.generation is V2)
        yield AuditFinding(
            "state_index", grave if stops else less,
            f"The state index has execution {id} as {state}, but its record is gone"
            + (": the node won't start." if stops and grave == ERROR else "."),
            bucket=mender.path(state), key=id.encode(), subject=id, remedy=_PATCH, changes=mender.remove(state, id),
        )  # fmt: skip
    for entry in states["wrong_state"]:
        state, _, rest = entry.partition(" -> ")
        id = rest.partition(" ")[0]
        yield AuditFinding(
            "state_index", less,
            f"The state index has execution {id} as {state}, but its record says {part.executions[id].state}"
            + (": the node tries to resume it." if state in _RESUMED and part.executions[id].terminal else "."),
            bucket=mender.path(state), key=id.encode(), subject=id, remedy=_PATCH, changes=mender.remove(state, id),
        )  # fmt: skip
    for id in states["records_not_indexed"]:
        state = part.executions[id].state
        yield AuditFinding(
            "state_index", grave if state in _RESUMED else less,
            f"Execution {id} is {state}, but isn't in the state index as such"
            + (": it won't be resumed." if state in _RESUMED else "."),
            bucket=mender.path(state), key=id.encode(), subject=id, remedy=_PATCH, changes=mender.add(state, id),
        )  # fmt: skip
    for state in states["empty_buckets"]:
        yield AuditFinding(
            "state_index", INFO, f"No execution is {state} any more: its bucket is empty.", bucket=mender.path(state),
            subject=state, remedy="None: every node has such buckets.",
        )  # fmt: skip


def _job_index(part: ComputeGeneration, given: dict[str, Any]) -> Iterator[AuditFinding]:
    mender = Mender(part.generation.by_job.decode(), part.jobs_index)
    found = given["job_index"]
    for entry in found["dangling"]:
        job, _, id = entry.rpartition(" -> ")
        execution = part.executions.get(id)
        why = "whose record is gone" if execution is None else f"which belongs to job {execution.job}"
        yield AuditFinding(
            "job_index", ERROR, f"The job index has execution {id} under job {job}, {why}.",
            bucket=mender.path(job), key=id.encode(), subject=id,
            remedy=f"Restore the record from a backup, or: {_PATCH}", changes=mender.remove(job, id, alone=True),
        )  # fmt: skip
    for id in found["records_not_indexed"]:
        job = part.executions[id].job
        yield AuditFinding(
            "job_index", ERROR, f"Execution {id} isn't found by its job {job}.",
            bucket=mender.path(job), key=id.encode(), subject=id, remedy=_PATCH, changes=mender.add(job, id),
        )  # fmt: skip
    wanted = {part.executions[id].job for id in found["records_not_indexed"]}
    for job in found["empty_buckets"]:
        yield AuditFinding(
            "job_index", INFO, f"The job index has no execution of job {job} any more.", bucket=mender.path(job),
            subject=job, remedy=_TRACE, changes=[] if job in wanted else mender.drop(job),
        )  # fmt: skip


def _histories(part: ComputeGeneration, given: dict[str, Any]) -> Iterator[AuditFinding]:
    bucket = part.generation.history
    for id in given["executions_without_history"]:
        yield AuditFinding(
            "executions_without_history", INFO if part.generation is V2 else WARNING,
            f"Execution {id} has no history.", bucket=(bucket,), key=id.encode(), subject=id, remedy=_BACKUP,
        )  # fmt: skip
    for id in given["history_without_execution"]:
        yield AuditFinding(
            "history_without_execution", WARNING,
            f"There is a history of execution {id}, but no record: it was deleted, or is lost.",
            bucket=(bucket, id.encode()), subject=id,
            remedy="None needed to run; restore the record from a backup if its result is needed.",
        )  # fmt: skip
    for id, missing in given["history_gaps"].items():
        yield AuditFinding(
            "history_gaps", WARNING, f"The history of execution {id} lacks {rows_text(missing)}.",
            bucket=(bucket, id.encode()), subject=id,
            remedy="None needed to run; what happened then is lost, unless a backup has it.",
        )  # fmt: skip
    for wrong in given["revision_mismatches"]:
        execution = part.executions[wrong["execution"]]
        yield _about(
            part, execution, "revision_mismatches", WARNING,
            f"Execution {execution.id} has revision {wrong['revision']} and {wrong['history_rows']} history rows: they"
            " should agree.",
            _BACKUP,
        )  # fmt: skip
    for id in given["state_chain_broken"]:
        yield AuditFinding(
            "state_chain_broken", WARNING,
            f"The history of execution {id} isn't whole: a state doesn't follow from the one before, or the last one"
            f" isn't that of its record ({part.executions[id].state}).",
            bucket=(bucket, id.encode()), subject=id, remedy=_BACKUP,
        )  # fmt: skip


def _about(
    part: ComputeGeneration, execution: LocalExecution, question: str, severity: str, message: str, remedy: str
) -> AuditFinding:
    return AuditFinding(
        question, severity, message, bucket=(part.generation.executions,), key=execution.id.encode(),
        subject=execution.id, remedy=remedy,
    )  # fmt: skip
