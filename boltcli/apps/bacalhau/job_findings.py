"""What an operator of an orchestrator should know, from the answers of its audit: severity, message, remedy."""

from __future__ import annotations

from ..contract import ERROR, INFO, WARNING, AuditFinding
from ..words import DAY, age
from .job_answers import misread_later
from .records import place
from .states import NEW, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .job_store import Execution, JobStore

_OLD_PENDING = DAY  # from then on an evaluation or an execution that isn't finished is more than news


def job_findings(store: JobStore, answers: dict[str, Any], now: int) -> Iterator[AuditFinding]:
    """Yield the findings about records; those about indexes are in ``index_findings.py``."""
    yield from _unreadable(store)
    yield from _work(store, answers, now)
    yield from _records(store, answers)
    yield from _histories(store, answers)
    yield from event_findings(answers.get("events"), (b"v1_events",))


def _unreadable(store: JobStore) -> Iterator[AuditFinding]:
    for path, key in store.undecodable:
        yield AuditFinding(
            "undecodable_values", ERROR, f"Bacalhau can't read the value at {place(path, key)}: no JSON object.",
            bucket=path, key=key, subject=place((key,)),
            remedy="Look at it with `boltcli get`; `boltcli get --previous` or a backup may have it whole.",
        )  # fmt: skip
    for job in store.jobs.values():
        if not job.has_spec:
            yield AuditFinding(
                "jobs_without_spec", ERROR, f"Job {job.id} has no specification: it can't be listed or found.",
                bucket=(b"jobs", job.id.encode()), key=b"spec", subject=job.id,
                remedy="Restore the specification from a backup, or delete the job's bucket.",
            )  # fmt: skip
        for execution in job.executions:
            if execution.state.isdigit():
                yield AuditFinding(
                    "unknown_state", ERROR,
                    f"Execution {execution.id} has the state {execution.state}, which no version of Bacalhau has.",
                    bucket=_executions(execution), key=execution.id.encode(), subject=execution.id,
                    remedy="Restore the record from a backup.",
                )  # fmt: skip


def _work(store: JobStore, answers: dict[str, Any], now: int) -> Iterator[AuditFinding]:
    for execution in (found for job in store.jobs.values() for found in job.executions):
        job = store.jobs[execution.job]
        since = age(execution.created, now)
        if not execution.terminal and job.terminal:
            stopping = execution.desired == "Stopped"
            yield AuditFinding(
                "terminal_jobs_with_live_executions", WARNING if stopping else ERROR,
                f"Job {job.id} is {job.state}, but its execution {execution.id} on node {execution.node} is"
                f" {execution.state}; it was created {since} ago, and nobody will collect its result.",
                bucket=_executions(execution), key=execution.id.encode(), subject=execution.id,
                remedy="Restart the orchestrator; if the execution stays, stop it on its node." if stopping
                else f"Stop the execution on node {execution.node}, and run the job again if its result is needed.",
            )  # fmt: skip
        elif not execution.terminal:
            yield AuditFinding(
                "executions_not_terminal", INFO,
                f"Execution {execution.id} of job {job.id} on {execution.node} is {execution.state},"
                f" created {since} ago.",
                bucket=_executions(execution), key=execution.id.encode(), subject=execution.id,
                remedy="None while its node works on it; compare with that node's store.",
            )  # fmt: skip
        if misread_later(store, execution):
            yield AuditFinding(
                "executions_that_later_versions_misread", WARNING,
                f"Execution {execution.id} is {execution.state}, but its state was written as {execution.number} by"
                f" 1.5.1 or older, which the version that uses this file reads as {state_name(execution.number, NEW)}.",
                bucket=_executions(execution), key=execution.id.encode(), subject=execution.id,
                remedy=f"Set ComputeState.StateType of the record to {NEW.index(execution.state)}."
                if execution.state in NEW else "Set ComputeState.StateType to the number that 1.5.2 and newer have.",
            )  # fmt: skip
    for job in store.jobs.values():
        for evaluation in job.evaluations.values():
            if evaluation.status and evaluation.status not in ("complete", "failed", "cancelled"):
                since = age(evaluation.created, now)
                old = evaluation.created is not None and now - evaluation.created > _OLD_PENDING
                yield AuditFinding(
                    "evaluations_not_finished", INFO,
                    f"Evaluation {evaluation.id} of job {job.id} is {evaluation.status}; it was created {since} ago.",
                    bucket=(b"jobs", job.id.encode(), b"evaluations"), key=evaluation.id.encode(),
                    subject=evaluation.id, remedy="Look whether nodes fit the job; stop it if not." if old
                    else "None: the scheduler takes it up.",
                )  # fmt: skip
        if job.known and not job.executions:
            yield AuditFinding(
                "jobs_without_executions", INFO,
                f"Job {job.id} ({job.name}), {job.state or 'of unknown state'}, has no execution; it was created"
                f" {age(job.created, now)} ago.",
                bucket=(b"jobs", job.id.encode()), subject=job.id,
                remedy="None if it is finished; else look at its evaluations.",
            )  # fmt: skip
    for service in answers["services_under_count"]:
        yield AuditFinding(
            "services_under_count", WARNING,
            f"Service {service['job']} asks for {service['count']} executions and has {service['live_executions']}.",
            bucket=(b"jobs", service["job"].encode()), subject=service["job"],
            remedy="Look whether enough nodes are connected and fit the job's constraints.",
        )  # fmt: skip


def _records(store: JobStore, answers: dict[str, Any]) -> Iterator[AuditFinding]:
    for job in store.jobs.values():
        if job.misnamed:
            yield _wrong_place("job", job.id, (b"jobs", job.id.encode()), b"spec")
        for execution in job.executions:
            if execution.misplaced:
                yield _wrong_place("execution", execution.id, _executions(execution), execution.id.encode())
            if execution.evaluation and execution.evaluation not in job.evaluations:
                yield AuditFinding(
                    "executions_whose_evaluation_is_missing", WARNING,
                    f"Execution {execution.id} names evaluation {execution.evaluation}, which its job doesn't have.",
                    bucket=_executions(execution), key=execution.id.encode(), subject=execution.id,
                    remedy="None needed to run; the reason of the scheduling is lost.",
                )  # fmt: skip
            if execution.previous and execution.previous not in store.executions:
                yield AuditFinding(
                    "executions_whose_previous_execution_is_missing", WARNING,
                    f"Execution {execution.id} follows {execution.previous}, which is not there.",
                    bucket=_executions(execution), key=execution.id.encode(), subject=execution.id,
                    remedy="None needed to run; what was tried before is lost.",
                )  # fmt: skip
        for evaluation in job.evaluations.values():
            if evaluation.misplaced:
                path = (b"jobs", job.id.encode(), b"evaluations")
                yield _wrong_place("evaluation", evaluation.id, path, evaluation.id.encode())
    for id in answers.get("jobs_without_versions_bucket", ()):
        yield AuditFinding(
            "jobs_without_versions_bucket", INFO,
            f"Job {id} was made before 1.8.0: it has no versions, so that listing its executions fails unless all"
            " versions are asked for, and look-ups by name and by node miss it.",
            bucket=(b"jobs", id.encode()), key=b"versions", subject=id,
            remedy="Submit the job again if it is still needed.",
        )  # fmt: skip


def _histories(store: JobStore, answers: dict[str, Any]) -> Iterator[AuditFinding]:
    for where, missing in store.gaps.items():
        job, _, bucket = where.rpartition("/")
        yield AuditFinding(
            "history_gaps", WARNING,
            f"The {bucket} of job {job} lacks {rows_text(missing)}.",
            bucket=(b"jobs", job.encode(), bucket.encode()), subject=job,
            remedy="None needed to run; what happened then is lost, unless a backup has it.",
        )  # fmt: skip
    for wrong in answers["revision_mismatches"]:
        if "execution" in wrong:
            execution = store.executions[wrong["execution"]]
            what, subject, path, key = "Execution", execution.id, _executions(execution), execution.id.encode()
            message = f"has revision {wrong['revision']} and {wrong['history_rows']} history rows"
        else:
            what, subject, path, key = "Job", wrong["job"], (b"jobs", wrong["job"].encode()), b"spec"
            if "version" in wrong:
                message = f"has version {wrong['version']}, and {wrong['last_version']} as the last of its versions"
            else:
                message = f"has revision {wrong['revision']} and {wrong['job_history_rows']} history rows"
        yield AuditFinding(
            "revision_mismatches", WARNING, f"{what} {subject} {message}: they should agree.",
            bucket=path, key=key, subject=subject,
            remedy="Compare with a backup: rows are lost, or the record was changed by something else than Bacalhau.",
        )  # fmt: skip


def event_findings(answers: dict[str, Any] | None, bucket: tuple[bytes, ...]) -> Iterator[AuditFinding]:
    """Yield the findings about an event store and its watchers, from the answers on ``events``."""
    if answers is None:
        return
    if answers["missing_seqs"]:
        yield AuditFinding(
            "events", WARNING,
            f"The event store lacks {rows_text(answers['missing_seqs'])}: only the oldest events are ever collected.",
            bucket=bucket, subject="missing_seqs", remedy="Restart the node, so that its watchers look at all records.",
        )  # fmt: skip
    last, sequence = answers["last_seq"], answers["bucket_sequence"]
    if last is not None and last < sequence:
        yield AuditFinding(
            "events", WARNING, f"The last event is {last}, but {sequence} were written: the newest ones are lost.",
            bucket=bucket, subject="last_seq", remedy="Restart the node, so that its watchers look at all records.",
        )  # fmt: skip
    for seq in answers["key_and_value_seq_differ"]:
        yield AuditFinding(
            "events", WARNING, f"Event {seq} names another sequence number or time than its key.",
            bucket=bucket, subject=str(seq), remedy="Compare with a backup.",
        )  # fmt: skip
    for watcher, position in answers["checkpoints"].items():
        if position["ahead_of_last_event"]:
            yield AuditFinding(
                "events", ERROR,
                f"Watcher {watcher} has its checkpoint at {position['seq']}, beyond the last event"
                f" ({max(last or 0, sequence)}): it will miss the events until then.",
                bucket=bucket, subject=watcher, remedy="Stop the node and delete the checkpoint.",
            )  # fmt: skip
        elif position["lag"]:
            yield AuditFinding(
                "events", INFO, f"Watcher {watcher} is {position['lag']} events behind, at {position['seq']}.",
                bucket=bucket, subject=watcher, remedy="None: it catches up when the node runs.",
            )  # fmt: skip
    for wrong in answers["record_revision_differs_from_last_event"]:
        id, revision = wrong["execution"], wrong["revision"]
        yield AuditFinding(
            "events", WARNING,
            f"The record of execution {id} has {'no revision' if revision is None else f'revision {revision}'}, its"
            f" last event {wrong['revision_in_last_event']}.",
            bucket=bucket, subject=id, remedy="Compare both with a backup: one of them was lost or changed.",
        )  # fmt: skip
    for id in answers["executions_in_events_without_record"]:
        yield AuditFinding(
            "events", INFO, f"Events tell of execution {id}, which is no longer there.",
            bucket=bucket, subject=id, remedy="None: it was deleted.",
        )  # fmt: skip


def rows_text(missing: list[int]) -> str:
    """Return missing numbers as text: the first of them, and how many there are."""
    shown = ", ".join(map(str, missing[:5]))
    if len(missing) == 1:
        return f"row {shown}"
    return f"{len(missing)} rows: {shown}{', ...' if len(missing) > 5 else ''}"


def _wrong_place(kind: str, id: str, bucket: tuple[bytes, ...], key: bytes) -> AuditFinding:
    return AuditFinding(
        "record_id_differs_from_key", ERROR,
        f"The record of {kind} {id} at {place(bucket, key)} names another id or job: it is in the wrong place.",
        bucket=bucket, key=key, subject=id, remedy="Delete it here if it is also where it belongs.",
    )  # fmt: skip


def _executions(execution: Execution) -> tuple[bytes, ...]:
    return (b"jobs", execution.job.encode(), b"executions")
