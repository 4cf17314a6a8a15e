"""Where an orchestrator's records deviate, and the answers about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...text.times import DAY, age
from ..rules import SILENT, Deviation, Rule
from . import rules
from .common_audit import event_deviations, record_answers, revisions, rows_text, tally, undecodable, unfinished
from .executions import Execution
from .index_audit import index_answers, job_indexes
from .job_store import Job, JobStore
from .records import place
from .states import FINISHED_EVALUATIONS, NEW, state_name

_OLD_PENDING = DAY  # from then on an evaluation that isn't finished is more than news
_CHOSEN = (
    rules.WAITING,
    rules.NO_EVALUATION,
    rules.NO_PREVIOUS,
    rules.NOTHING_RUN,
    rules.NO_SPEC,
    rules.MISPLACED,
    rules.EXECUTION_REVISION,
    rules.TOO_FEW,
    rules.STUCK,
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
            yield _of_job(rules.NO_SPEC, job, b"spec")
        for execution in job.executions:
            if execution.state.isdigit():
                yield _of(rules.UNKNOWN_STATE, execution)


def _work(store: JobStore, now: int) -> Iterator[Deviation]:
    for execution in store.all_executions:
        job = store.jobs[execution.job]
        if not execution.terminal:
            live = rules.STOPPING if execution.desired == "Stopped" else rules.STUCK
            rule = live if job.terminal else rules.RUNNING
            yield _of(rule, execution, job=job, age=age(execution.created_at, now))
        if not store.old_store and execution.old and isinstance(execution.number, int) and execution.number > 5:
            yield _of(
                rules.MISREAD,
                execution,
                number=execution.number,
                written_by="1.5.1 or older",
                meaning=execution.state,
                misread_as=state_name(execution.number, NEW),
                how=f"of the record to {NEW.index(execution.state)}"
                if execution.state in NEW
                else "to the number that 1.5.2 and newer have",
            )
    for job in store.jobs.values():
        for evaluation in job.evaluations.values():
            if evaluation.status not in FINISHED_EVALUATIONS:
                old = evaluation.created is not None and now - evaluation.created > _OLD_PENDING
                waiting = rules.WAITING.at(
                    _inside(job, b"evaluations"),
                    evaluation.id.encode(),
                    evaluation.id,
                    create_time=evaluation.created,
                    id=evaluation.id,
                    job=job.id,
                    status=evaluation.status,
                    triggered_by=evaluation.trigger,
                    age=age(evaluation.created, now),
                    remedy="Look whether nodes fit the job; stop it if not."
                    if old
                    else "None: the scheduler takes it up.",
                )
                waiting.severity = waiting.severity if evaluation.status else SILENT  # its record can't be read
                yield waiting
        if not job.executions:
            state = job.state or "of unknown state"
            nothing = _of_job(rules.NOTHING_RUN, job, None, state=state, age=age(job.created, now))
            nothing.severity = nothing.severity if job.known else SILENT
            yield nothing
    for job in store.jobs.values():
        running = sum(not execution.terminal for execution in job.executions)
        if job.type == "service" and job.state == "Running" and running < job.count:
            yield _of_job(rules.TOO_FEW, job, None, job=job.id, count=job.count, live_executions=running)


def _references(store: JobStore) -> Iterator[Deviation]:
    for job in store.jobs.values():
        if job.misnamed:
            yield _misplaced("job", job.id, _inside(job), b"spec")
        for execution in job.executions:
            if execution.misplaced:
                yield _misplaced("execution", execution.id, _inside(job, b"executions"))
            if execution.evaluation and execution.evaluation not in job.evaluations:
                yield _of(rules.NO_EVALUATION, execution)
            if execution.previous and execution.previous not in store.executions:
                yield _of(rules.NO_PREVIOUS, execution)
        for evaluation in job.evaluations.values():
            if evaluation.misplaced:
                yield _misplaced("evaluation", evaluation.id, _inside(job, b"evaluations"))
    for _, job in sorted(store.jobs.items()) if store.since_1_8 else ():
        if not job.has_versions:
            yield _of_job(rules.NO_VERSIONS, job, b"versions")


def _histories(store: JobStore) -> Iterator[Deviation]:
    for job, bucket, missing in store.gaps:
        yield rules.JOB_GAP.at(
            _inside(job, bucket), None, job.id, bucket=bucket.decode(), missing=missing, rows=rows_text(missing)
        )
    for execution in store.all_executions:
        revision, rows = execution.revision, execution.rows
        if store.jobs[execution.job].before_1_5 and revision is not None and revision != rows:
            yield _of(rules.EXECUTION_REVISION, execution, execution=execution.id, revision=revision, history_rows=rows)
    for job in store.jobs.values():
        if job.before_1_5 and job.known and job.revision is not None and job.revision != job.rows:
            yield _of_job(
                rules.JOB_REVISION, job, b"spec", job=job.id, revision=job.revision, job_history_rows=job.rows
            )
        if job.has_versions and job.known and job.version != job.last_version:
            yield _of_job(
                rules.JOB_VERSION, job, b"spec", job=job.id, version=job.version, last_version=job.last_version
            )


def _of(rule: Rule, execution: Execution, /, **facts: Any) -> Deviation:
    path = (b"jobs", execution.job.encode(), b"executions")
    return rule.at(path, execution.id.encode(), execution.id, **{"execution": execution, **facts})


def _of_job(rule: Rule, job: Job, key: bytes | None, /, **facts: Any) -> Deviation:
    return rule.at(_inside(job), key, job.id, **{"job": job, **facts})


def _misplaced(kind: str, id: str, bucket: tuple[bytes, ...], key: bytes = b"") -> Deviation:
    key = key or id.encode()
    return rules.MISPLACED.at(bucket, key, id, kind=kind, place=place(bucket, key))


def _inside(job: Job, *bucket: bytes) -> tuple[bytes, ...]:
    return (b"jobs", job.id.encode(), *bucket)


def job_answers(store: JobStore, deviations: list[Deviation]) -> dict[str, Any]:
    """Return all answers, in the names and forms that ``audit --json`` has."""
    executions = store.all_executions
    unfinished_jobs = [job for job in store.jobs.values() if job.known and not job.terminal]
    oldest = min(unfinished_jobs, key=lambda job: job.created or 0, default=None)
    live = [
        {
            "create_time": each.created,
            "id": each.id,
            "job": each.job,
            "modify_time": each.modified_at,
            "node": each.node,
            "state": each.state,
        }
        for each in unfinished(executions)
    ]
    found = {
        **record_answers(_CHOSEN, deviations),
        "counts": _counts(store, executions),
        "executions_not_terminal": live,
        "exit_codes": tally(
            str(execution.exit_code)
            for execution in executions
            if execution.exit_code is not None and execution.state in ("Completed", "Failed")
        ),
        "failed_messages": tally(execution.message for execution in executions if execution.state == "Failed"),
        "history_gaps": {f"{job.id}/{bucket.decode()}": missing for job, bucket, missing in store.gaps},
        "indexes": index_answers(store.indexes, deviations),
        "oldest_execution_in_progress": live[0] if live else None,
        "oldest_job_in_progress": {"create_time": oldest.created, "id": oldest.id, "state": oldest.state}
        if oldest
        else None,
    }
    found = dict(sorted(found.items()))
    if store.since_1_8:
        found |= record_answers([rules.NO_VERSIONS], deviations)
    if store.events is not None:
        found["events"] = store.events.answers(revisions(store.executions))
    return found


def misread(deviations: list[Deviation]) -> dict[str, Any]:
    """Return, where there are some, the executions whose state the version that uses the store misreads."""
    found = {each.subject: each.answer() for each in deviations if each.rule is rules.MISREAD}
    if not found:
        return {}
    return {
        "executions_that_later_versions_misread": sorted(found),
        "execution_states_by_version_that_wrote_them": found,
    }


def _counts(store: JobStore, executions: list[Execution]) -> dict[str, Any]:
    jobs = [job for job in store.jobs.values() if job.has_spec]
    return {
        "evaluations": len(store.evaluations),
        "evaluations_by_status": tally(
            evaluation.status for job in store.jobs.values() for evaluation in job.evaluations.values()
        ),
        "executions": len(store.executions),
        "executions_by_desired_state": tally(execution.desired for execution in executions),
        "executions_by_node_and_state": tally(f"{execution.node} {execution.state}" for execution in executions),
        "executions_by_state": tally(execution.state for execution in executions),
        "jobs": len(store.jobs),
        "jobs_by_namespace": tally(job.namespace for job in jobs),
        "jobs_by_state": tally(job.state for job in jobs),
        "jobs_by_type": tally(job.type for job in jobs),
    }
