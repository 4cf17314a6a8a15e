"""Where an orchestrator's records deviate, and the answers about them; below what both sides have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..contract import Path
from ..rules import Deviation, Rule, answers
from ..words import DAY, age
from . import rules
from .executions import NEW, Execution, state_name
from .index_audit import index_answers, job_indexes
from .job_store import Job, JobStore
from .reading import Events, Reader
from .records import place

_OLD_PENDING = DAY  # from then on an evaluation that isn't finished is more than news
# The rules whose deviations are answers as they are.
_ANSWERS = (
    *(rules.WAITING, rules.NO_EVALUATION, rules.NO_PREVIOUS, rules.NOTHING_RUN, rules.NO_SPEC),
    *(rules.MISPLACED, rules.REVISION, rules.TOO_FEW, rules.STUCK),
)


def job_deviations(store: JobStore, now: int) -> list[Deviation]:
    """Return where a job store deviates; ``now`` is nanoseconds since 1970."""
    return [
        *undecodable(store.reader),
        *_unreadable(store),
        *_work(store, now),
        *_references(store),
        *_histories(store),
        *event_deviations(store.events, revisions(store.executions), (b"v1_events",)),
        *job_indexes(store),
    ]


def _unreadable(store: JobStore) -> Iterator[Deviation]:
    for job in store.jobs.values():
        if not job.has_spec:
            yield _of_job(rules.NO_SPEC, job)
        for execution in job.executions:
            if execution.state.isdigit():
                yield _of(rules.UNKNOWN_STATE, execution)


def _work(store: JobStore, now: int) -> Iterator[Deviation]:
    for job, execution in store.all_executions:
        if not execution.terminal:
            live = rules.STOPPING if execution.wanted == "Stopped" else rules.STUCK
            rule = live if job.terminal else rules.RUNNING
            yield _of(rule, execution, job=job, age=age(execution.created_at, now))
        number, state = execution.state_number, execution.state
        if not store.old_store and execution.old and isinstance(number, int) and number > 5:
            right = NEW.index(state) if state in NEW else None
            rule = rules.MISREAD_UNNAMED if right is None else rules.MISREAD
            yield _of(rule, execution, version="1.5.1 or older", misread_as=state_name(number, NEW), right=right)
    for job in store.jobs.values():
        for each in job.evaluations.values():
            if each.status not in ("complete", "failed", "cancelled"):
                old = each.created is not None and now - each.created > _OLD_PENDING
                rule = (rules.WAITING_LONG if old else rules.WAITING) if each.status else rules.WAITING_UNREAD
                yield rule.at(
                    job.path(b"evaluations"), each.id.encode(), each.id, each=each, age=age(each.created, now)
                )
        if not job.executions:
            rule = rules.NOTHING_RUN if job.known else rules.NOTHING_KNOWN
            state = job.state or "of unknown state"
            yield rule.at(job.path(), None, job.id, job=job, state=state, age=age(job.created, now))
    for job in store.jobs.values():
        if job.type == "service" and job.state == "Running" and job.live < job.count:
            yield rules.TOO_FEW.at(job.path(), None, job.id, job=job)


def _references(store: JobStore) -> Iterator[Deviation]:
    for job in store.jobs.values():
        if job.misnamed:
            yield _misplaced("job", job.id, job.path(), b"spec")
        for execution in job.executions:
            if execution.misplaced:
                yield _misplaced("execution", execution.id, job.path(b"executions"), execution.id.encode())
            if execution.evaluation and execution.evaluation not in job.evaluations:
                yield _of(rules.NO_EVALUATION, execution)
            if execution.previous_execution and execution.previous_execution not in store.executions:
                yield _of(rules.NO_PREVIOUS, execution)
        for evaluation in job.evaluations.values():
            if evaluation.misplaced:
                yield _misplaced("evaluation", evaluation.id, job.path(b"evaluations"), evaluation.id.encode())
    for _, job in sorted(store.jobs.items()) if store.since_1_8 else ():
        if not job.has_versions:
            yield rules.NO_VERSIONS.at(job.path(), b"versions", job.id)


def _histories(store: JobStore) -> Iterator[Deviation]:
    for job, bucket, missing in store.gaps:
        yield rules.JOB_GAP.at(job.path(bucket), None, job.id, bucket=bucket.decode(), rows=rows_text(missing))
    for job, execution in store.all_executions:
        if job.before_1_5 and execution.revision is not None and execution.revision != execution.rows:
            yield _of(rules.REVISION, execution)
    for job in store.jobs.values():
        if job.before_1_5 and job.known and job.revision is not None and job.revision != job.rows:
            yield _of_job(rules.JOB_REVISION, job)
        if job.has_versions and job.known and job.version != job.last_version:
            yield _of_job(rules.JOB_VERSION, job)


def _of(rule: Rule, execution: Execution, **facts: Any) -> Deviation:
    path = (b"jobs", execution.job.encode(), b"executions")
    return rule.at(path, execution.id.encode(), execution.id, execution=execution, **facts)


def _of_job(rule: Rule, job: Job) -> Deviation:
    return rule.at(job.path(), b"spec", job.id, job=job)


def _misplaced(kind: str, id: str, bucket: tuple[bytes, ...], key: bytes) -> Deviation:
    return rules.MISPLACED.at(bucket, key, id, kind=kind, place=place(bucket, key))


def job_answers(store: JobStore, deviations: list[Deviation]) -> dict[str, Any]:
    """Return all answers, in the names and forms that ``audit --json`` has."""
    executions = [execution for _, execution in store.all_executions]
    open_jobs = [job for job in store.jobs.values() if job.known and not job.terminal]
    oldest = min(open_jobs, key=lambda job: job.created or 0, default=None)
    live = unfinished(executions, id="id", job="job", create_time="created", modify_time="modified_at", node="node",
                      state="state")  # fmt: skip
    ended = (each for each in executions if each.exit_code is not None and each.state in ("Completed", "Failed"))
    found = record_answers(_ANSWERS, deviations) | {
        "counts": _counts(store, executions),
        "executions_not_terminal": live,
        "exit_codes": tally(str(execution.exit_code) for execution in ended),
        "failed_messages": tally(execution.message for execution in executions if execution.state == "Failed"),
        "history_gaps": {f"{job.id}/{bucket.decode()}": missing for job, bucket, missing in store.gaps},
        "indexes": index_answers(store.indexes, deviations),
        "oldest_execution_in_progress": live[0] if live else None,
        "oldest_job_in_progress": None
        if oldest is None
        else {"create_time": oldest.created, "id": oldest.id, "state": oldest.state},
    }
    found = dict(sorted(found.items()))
    if store.since_1_8:
        found |= record_answers([rules.NO_VERSIONS], deviations)
    if store.events is not None:
        found["events"] = store.events.answers(revisions(store.executions))
    return found


def misread(deviations: list[Deviation]) -> dict[str, Any]:
    """Return, where there are some, the executions whose state the version that uses the store misreads."""
    found = {each.subject: each.answer() for each in deviations if each.rule.code == rules.MISREAD.code}
    ids = {rules.MISREAD.code: sorted(found), "execution_states_by_version_that_wrote_them": found}
    return ids if found else {}


def _counts(store: JobStore, executions: list[Execution]) -> dict[str, Any]:
    jobs = [job for job in store.jobs.values() if job.has_spec]
    evaluations = (evaluation for job in store.jobs.values() for evaluation in job.evaluations.values())
    return {
        "evaluations": len(store.evaluations),
        "evaluations_by_status": tally(evaluation.status for evaluation in evaluations),
        "executions": len(store.executions),
        "executions_by_desired_state": tally(execution.wanted for execution in executions),
        "executions_by_node_and_state": tally(f"{execution.node} {execution.state}" for execution in executions),
        "executions_by_state": tally(execution.state for execution in executions),
        "jobs": len(store.jobs),
        "jobs_by_namespace": tally(job.namespace for job in jobs),
        "jobs_by_state": tally(job.state for job in jobs),
        "jobs_by_type": tally(job.type for job in jobs),
    }


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
    for found in events.disagreeing(revisions):
        rule = rules.EVENT_REVISION if found["revision"] is not None else rules.EVENT_NO_REVISION
        yield rule.at(bucket, None, found["execution"], **found)
    for id in events.gone(revisions):
        yield rules.EVENT_ALONE.at(bucket, None, id)


def revisions(executions: dict[str, Execution]) -> dict[str, int | None]:
    """Return the revisions of records by id."""
    return {id: execution.revision for id, execution in executions.items()}


def record_answers(chosen: Iterable[Rule], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """Return the answers that ``deviations`` of the ``chosen`` rules are; those that are text are sorted."""
    found: dict[str, Any] = answers(chosen, deviations)
    return {code: sorted(rows) if rows and isinstance(rows[0], str) else rows for code, rows in found.items()}


def unfinished(executions: Iterable[Execution], **fields: str) -> list[dict[str, Any]]:
    """Return the executions that aren't in a final state, the oldest first, as objects of ``fields``."""
    live = sorted((each for each in executions if not each.terminal), key=lambda each: each.created_at or 0)
    return [{name: getattr(each, field) for name, field in sorted(fields.items())} for each in live]


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
