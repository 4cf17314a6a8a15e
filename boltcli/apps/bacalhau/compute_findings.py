"""What an operator of a compute node should know, from the answers of its audit: severity, message, remedy."""

from __future__ import annotations

from functools import partial

from ..contract import ERROR, INFO, WARNING, AuditFinding
from ..words import age
from .compute_answers import job_index_deviations, live_index_deviations, state_index_deviations
from .job_findings import event_findings, rows_text
from .job_store import path_of
from .layout import V2
from .mend import Mender, mended
from .records import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..contract import Change
    from .compute_store import ComputeGeneration, LocalExecution
    from .job_store import Index
    from .mend import Mendable

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
        yield from _start(part, in_use=part is found[-1])
        yield from mended(_job_index(part))
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


def _start(part: ComputeGeneration, *, in_use: bool) -> Iterator[AuditFinding]:
    """Yield what the node resumes when it starts."""
    grave, less = (ERROR, WARNING) if in_use else (INFO, INFO)
    if part.live_index is not None:
        yield from mended(_live_index(part, part.live_index, grave, less))
    if part.state_index is not None:
        yield from mended(_state_index(part, part.state_index, grave, less))


def _live_index(part: ComputeGeneration, index: Index, grave: str, less: str) -> Iterator[Mendable]:
    mender, found = Mender(index), live_index_deviations(part, index)
    for bucket, id in found.strays:
        yield _of_index(
            "live_index", grave,
            f"The live index has execution {id}, whose record is gone"
            + (": the node won't start." if grave == ERROR else "; nobody reads it any more."),
            index, (bucket, id), partial(mender.remove, bucket, id),
        )  # fmt: skip
    for bucket, id, _ in found.done:
        yield _of_index(
            "live_index", less,
            f"The live index has execution {id}, which is {part.executions[id].state}: the node resumes it.",
            index, (bucket, id), partial(mender.remove, bucket, id),
        )  # fmt: skip
    for bucket, id, _ in found.lacking:
        yield _of_index(
            "live_index", grave,
            f"Execution {id} is {part.executions[id].state}, but isn't in the live index: it won't be resumed.",
            index, (bucket, id), partial(mender.add, bucket, id),
        )  # fmt: skip


def _state_index(part: ComputeGeneration, index: Index, grave: str, less: str) -> Iterator[Mendable]:
    mender, found = Mender(index), state_index_deviations(part, index)
    for state, id in found.strays:
        stops = state in _RESUMED and (state != "BidAccepted" or part.generation is V2)
        yield _of_index(
            "state_index", grave if stops else less,
            f"The state index has execution {id} as {state}, but its record is gone"
            + (": the node won't start." if stops and grave == ERROR else "."),
            index, (state, id), partial(mender.remove, state, id),
        )  # fmt: skip
    for state, id, _ in found.done:
        yield _of_index(
            "state_index", less,
            f"The state index has execution {id} as {state}, but its record says {part.executions[id].state}"
            + (": the node tries to resume it." if state in _RESUMED and part.executions[id].terminal else "."),
            index, (state, id), partial(mender.remove, state, id),
        )  # fmt: skip
    for state, id, _ in found.lacking:
        yield _of_index(
            "state_index", grave if state in _RESUMED else less,
            f"Execution {id} is {state}, but isn't in the state index as such"
            + (": it won't be resumed." if state in _RESUMED else "."),
            index, (state, id), partial(mender.add, state, id),
        )  # fmt: skip
    for state in index.empty:
        yield AuditFinding(
            "state_index", INFO, f"No execution is {state} any more: its bucket is empty.", bucket=mender.path(state),
            subject=state, remedy="None: every node has such buckets.",
        ), None  # fmt: skip


def _job_index(part: ComputeGeneration) -> Iterator[Mendable]:
    index = part.jobs_index
    mender, found = Mender(index), job_index_deviations(part)
    for job, id in found.strays:
        execution = part.executions.get(id)
        why = "whose record is gone" if execution is None else f"which belongs to job {execution.job}"
        yield _of_index(
            "job_index", ERROR, f"The job index has execution {id} under job {job}, {why}.",
            index, (job, id), partial(mender.remove, job, id, alone=True), "Restore the record from a backup, or: ",
        )  # fmt: skip
    for job, id, _ in found.lacking:
        yield _of_index(
            "job_index", ERROR, f"Execution {id} isn't found by its job {job}.",
            index, (job, id), partial(mender.add, job, id),
        )  # fmt: skip
    for job in index.empty:
        yield AuditFinding(
            "job_index", INFO, f"The job index has no execution of job {job} any more.", bucket=mender.path(job),
            subject=job, remedy=_TRACE,
        ), partial(mender.drop, job)  # fmt: skip


def _of_index(
    question: str, severity: str, message: str, index: Index, entry: tuple[str, str],
    repair: Callable[[], list[Change]], before: str = "",
) -> Mendable:  # fmt: skip
    """Return a finding about an entry of an index, which is there or should be."""
    places = index.places(*entry) or [(path_of(index.bucket, entry[0]), entry[1].encode(), b"")]
    path, key, _ = places[0]
    return AuditFinding(
        question, severity, message, bucket=path, key=key, subject=entry[1], remedy=before + _PATCH
    ), repair


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
