"""Where records, histories and events deviate, and the answers about them: an orchestrator's, and a compute node's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ...text.times import DAY, age
from ..contract import Path
from ..rules import Deviation, Rule, answers
from . import rules
from .executions import NEW, Execution, state_name
from .index_audit import LIVE, compute_indexes, index_answers, job_indexes
from .layout import V2
from .reading import Events, Reader
from .records import place
from .rules import about
from .stores import ComputeGeneration, JobStore

_OLD_PENDING = DAY  # from then on an evaluation that isn't finished is more than news
# The rules whose deviations are answers as they are.
_OF_JOBS = (
    *(rules.WAITING, rules.NO_EVALUATION, rules.NO_PREVIOUS, rules.NOTHING_RUN, rules.NO_SPEC),
    *(rules.MISPLACED, rules.REVISION, rules.TOO_FEW, rules.STUCK),
)
_OF_NODES = (rules.NO_HISTORY, rules.HISTORY_ALONE, rules.OF_ANOTHER, rules.LOCAL_REVISION, rules.BROKEN_CHAIN)


def job_deviations(store: JobStore, now: int) -> list[Deviation]:
    """Return where a job store deviates; ``now`` is nanoseconds since 1970."""
    return [
        *_undecodable(store.reader),
        *_work(store, now),
        *_jobs(store, now),
        *_job_histories(store),
        *_events(store.events, store.executions, (b"v1_events",)),
        *job_indexes(store),
    ]


def _work(store: JobStore, now: int) -> Iterator[Deviation]:
    for job in store.jobs.values():
        if not job.has_spec:
            yield about(rules.NO_SPEC, job)
        yield from (about(rules.UNKNOWN_STATE, each) for each in job.executions if each.state.isdigit())
    for job, execution in store.all_executions:
        if not execution.terminal:
            live = rules.STOPPING if execution.wanted == "Stopped" else rules.STUCK
            since = age(execution.created_at, now)
            yield about(live if job.terminal else rules.RUNNING, execution, job=job, age=since)
        number, state = execution.state_number, execution.state
        if not store.old_store and execution.old and isinstance(number, int) and number > 5:
            right = NEW.index(state) if state in NEW else None
            rule = rules.MISREAD_UNNAMED if right is None else rules.MISREAD
            yield about(rule, execution, version="1.5.1 or older", misread_as=state_name(number, NEW), right=right)


def _jobs(store: JobStore, now: int) -> Iterator[Deviation]:
    for job in store.jobs.values():
        for each in job.evaluations.values():
            if each.status not in ("complete", "failed", "cancelled"):
                old = each.created is not None and now - each.created > _OLD_PENDING
                rule = (rules.WAITING_LONG if old else rules.WAITING) if each.status else rules.WAITING_UNREAD
                yield about(rule, each, age=age(each.created, now))
        if not job.executions:
            rule = rules.NOTHING_RUN if job.known else rules.NOTHING_KNOWN
            state = job.state or "of unknown state"
            yield rule.at(job.bucket, None, job.id, job=job, state=state, age=age(job.created, now))
    for job in store.jobs.values():
        if job.type == "service" and job.state == "Running" and job.live < job.count:
            yield rules.TOO_FEW.at(job.bucket, None, job.id, job=job)
    for job in store.jobs.values():
        for record in (job, *job.executions, *job.evaluations.values()):
            if record.misplaced:
                yield about(rules.MISPLACED, record)
        for execution in job.executions:
            if execution.evaluation and execution.evaluation not in job.evaluations:
                yield about(rules.NO_EVALUATION, execution)
            if execution.previous_execution and execution.previous_execution not in store.executions:
                yield about(rules.NO_PREVIOUS, execution)
    for _, job in sorted(store.jobs.items()) if store.since_1_8 else ():
        if not job.has_versions:
            yield rules.NO_VERSIONS.at(job.bucket, b"versions", job.id)


def _job_histories(store: JobStore) -> Iterator[Deviation]:
    for job, bucket, missing in store.gaps:
        path = (*job.bucket, bucket)
        yield rules.JOB_GAP.at(path, None, job.id, bucket=bucket.decode(), rows=rows_text(missing))
    for job, execution in store.all_executions:
        if job.before_1_5 and execution.revision is not None and execution.revision != execution.rows:
            yield about(rules.REVISION, execution)
    for job in store.jobs.values():
        if job.before_1_5 and job.known and job.revision is not None and job.revision != job.rows:
            yield about(rules.JOB_REVISION, job)
        if job.has_versions and job.known and job.version != job.last_version:
            yield about(rules.JOB_VERSION, job)


def job_answers(store: JobStore, deviations: list[Deviation]) -> dict[str, Any]:
    """Return all answers, in the names and forms that ``audit --json`` has."""
    executions = [execution for _, execution in store.all_executions]
    open_jobs = [job for job in store.jobs.values() if job.known and not job.terminal]
    oldest = min(open_jobs, key=lambda job: job.created or 0, default=None)
    ended = (each for each in executions if each.exit_code is not None and each.state in ("Completed", "Failed"))
    jobs = [job for job in store.jobs.values() if job.has_spec]
    evaluations = (evaluation for job in store.jobs.values() for evaluation in job.evaluations.values())
    found = _answers(_OF_JOBS, deviations) | _unfinished(executions, modify_time="modified_at", node="node") | {
        "counts": {
            "evaluations": len(store.evaluations),
            "evaluations_by_status": _tally(evaluation.status for evaluation in evaluations),
            "executions": len(store.executions),
            "executions_by_desired_state": _tally(execution.wanted for execution in executions),
            "executions_by_node_and_state": _tally(f"{execution.node} {execution.state}" for execution in executions),
            "executions_by_state": _tally(execution.state for execution in executions),
            "jobs": len(store.jobs),
            "jobs_by_namespace": _tally(job.namespace for job in jobs),
            "jobs_by_state": _tally(job.state for job in jobs),
            "jobs_by_type": _tally(job.type for job in jobs),
        },
        "exit_codes": _tally(str(execution.exit_code) for execution in ended),
        "failed_messages": _tally(execution.message for execution in executions if execution.state == "Failed"),
        "history_gaps": {f"{job.id}/{bucket.decode()}": missing for job, bucket, missing in store.gaps},
        "indexes": index_answers(store.indexes, deviations),
        "oldest_job_in_progress": oldest and {"create_time": oldest.created, "id": oldest.id, "state": oldest.state},
    }  # fmt: skip
    found = dict(sorted(found.items()))
    if store.since_1_8:
        found |= _answers([rules.NO_VERSIONS], deviations)
    if store.events is not None:
        found["events"] = store.events.answers(_revisions(store.executions))
    return found


def misread(deviations: list[Deviation]) -> dict[str, Any]:
    """Return, where there are some, the executions whose state the version that uses the store misreads."""
    found = {each.subject: each.answer() for each in deviations if each.rule.code == rules.MISREAD.code}
    more = {rules.MISREAD.code: sorted(found), "execution_states_by_version_that_wrote_them": found}
    return more if found else {}


def compute_deviations(part: ComputeGeneration, newest: ComputeGeneration, now: int) -> list[Deviation]:
    """Return where a generation deviates; only the newest one is in use. ``now`` is nanoseconds since 1970."""
    return [
        *_undecodable(part.reader),
        *_executions(part, newest, now),
        *compute_indexes(part, in_use=part is newest),
        *_histories(part),
        *_events(part.events, part.executions, (part.generation.events,)),
    ]


def _executions(part: ComputeGeneration, newest: ComputeGeneration, now: int) -> Iterator[Deviation]:
    rule = rules.WORKING if part is newest else rules.LEFT_BEHIND
    for execution in part.executions.values():
        if execution.state.isdigit():
            yield about(rules.UNKNOWN_STATE, execution)
        if execution.misplaced:
            yield about(rules.OF_ANOTHER, execution)
    for execution in part.executions.values():
        if not execution.terminal:
            yield about(rule, execution, age=age(execution.created_at, now), newest=newest.name)


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
    for execution in executions.values():
        if execution.revision is not None and execution.revision != execution.rows:
            yield about(rules.LOCAL_REVISION, execution)
    for id, execution in sorted(executions.items()):
        if execution.rows and not (histories[id].whole and histories[id].end == execution.state_number):
            yield rules.BROKEN_CHAIN.at((bucket, id.encode()), None, id, record=execution)


def compute_answers(part: ComputeGeneration, deviations: list[Deviation]) -> dict[str, Any]:
    """Return the answers about a generation, in the names and forms that ``audit --json`` has."""
    executions, histories = part.executions, part.histories
    indexes: dict[str, Any] = index_answers(part.indexes, deviations)
    found = _answers(_OF_NODES, deviations) | _unfinished(executions.values()) | {
        "counts": {
            "by_requester": _tally(execution.requester for execution in executions.values()),
            "by_state": _tally(execution.state for execution in executions.values()),
            "executions": len(executions),
        },
        "history_gaps": {id: history.missing for id, history in histories.items() if history.missing},
        "history_rows": sum(history.rows for history in histories.values()),
        "job_index": indexes.pop("job_index"),
    }  # fmt: skip
    found = dict(sorted(found.items()))
    if "live_index" in indexes:
        entries = part.indexes["live_index"].entries
        working = sorted(id for _, id in entries if id in executions and executions[id].state in LIVE)
        indexes["live_index"] = dict(sorted({**indexes["live_index"], "live": working}.items()))
    found |= indexes
    if part.events is not None:
        found["events"] = part.events.answers(_revisions(executions))
    if part.sequences is not None:
        found["sequence_tracking"] = part.sequences
    return found


def _undecodable(reader: Reader) -> Iterator[Deviation]:
    for path, key in reader.undecodable:
        yield rules.UNDECODABLE.at(path, key, place((key,)), place=place(path, key))


def _events(events: Events | None, executions: dict[str, Execution], bucket: Path) -> Iterator[Deviation]:
    if events is None:
        return
    revisions = _revisions(executions)
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
    for found in events.disagreeing(revisions):
        rule = rules.EVENT_REVISION if found["revision"] is not None else rules.EVENT_NO_REVISION
        yield rule.at(bucket, None, found["execution"], **found)
    for id in events.gone(revisions):
        yield rules.EVENT_ALONE.at(bucket, None, id)


def _revisions(executions: dict[str, Execution]) -> dict[str, int | None]:
    return {id: execution.revision for id, execution in executions.items()}


def _answers(chosen: Iterable[Rule], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """Return the answers that ``deviations`` of the ``chosen`` rules are; those that are text are sorted."""
    found: dict[str, Any] = answers(chosen, deviations)
    return {code: sorted(rows) if rows and isinstance(rows[0], str) else rows for code, rows in found.items()}


def _unfinished(executions: Iterable[Execution], **more: str) -> dict[str, Any]:
    """Return the answers on executions that aren't in a final state, the oldest first, with ``more`` fields."""
    live = sorted((each for each in executions if not each.terminal), key=lambda each: each.created_at or 0)
    fields = sorted({"create_time": "created", "id": "id", "job": "job", "state": "state", **more}.items())
    found = [{name: getattr(each, field) for name, field in fields} for each in live]
    return {"executions_not_terminal": found, "oldest_execution_in_progress": found[0] if found else None}


def _tally(words: Iterable[str]) -> dict[str, int]:
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
