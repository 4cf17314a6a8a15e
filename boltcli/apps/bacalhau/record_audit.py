"""Where records and histories deviate, and the answers about them: an orchestrator's, and a compute node's."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from ...text.times import DAY, age
from ..contract import ERROR, INFO, WARNING
from ..rules import SILENT, Deviation, Rule, answers
from .executions import NEW, Execution, state_name
from .index_audit import LIVE, compute_indexes, index_answers, job_indexes
from .layout import V2
from .records import name, place, rows_text
from .stores import ComputeGeneration, JobStore

# fmt: off
_BACKUP = "Compare with a backup: a row or a record was lost or changed."
_GAP = "None needed to run; what happened then is lost, unless a backup has it."

# Both sides.
UNDECODABLE = Rule("undecodable_values", ERROR, "Bacalhau can't read the value at {place}: no JSON object.",
                   "Inspect it with `boltcli get`; `boltcli get --previous` or a backup may have it intact.")
UNKNOWN_STATE = Rule("unknown_state", ERROR, "Execution {subject} has the state {record.state}, which no version of"
                     " Bacalhau has.", "Restore the record from a backup.")

# An orchestrator's records.
NO_SPEC = Rule("jobs_without_spec", ERROR, "Job {subject} has no specification: it can't be listed or found.",
               "Restore the specification from a backup, or delete the job's bucket.")
STUCK = Rule("terminal_jobs_with_live_executions", ERROR, "Job {job.id} is {job.state}, but its execution {subject} on"
             " node {record.node} is {record.state}; it was created {age} ago, and its result will not be collected.",
             "Stop the execution on node {record.node}, and run the job again if its result is needed.")
STOPPING = replace(STUCK, severity=WARNING,
                   remedy="Restart the orchestrator; if the execution stays, stop it on its node.")
RUNNING = Rule("executions_not_terminal", INFO,
               "Execution {subject} of job {job.id} on {record.node} is {record.state}, created {age} ago.",
               "None while its node works on it; compare with that node's store.")
MISREAD = Rule("executions_that_later_versions_misread", WARNING,
               "Execution {subject} is {record.state}, but its state was written as {record.state_number} by"
               " {version}, which the version that uses this file reads as {misread_as}.",
               "Set ComputeState.StateType of the record to {right}.",
               answer={"number": "record.state_number", "written_by": "version", "meaning": "record.state",
                       "misread_as": "misread_as"})
MISREAD_UNNAMED = replace(MISREAD, remedy="Set ComputeState.StateType to the number that 1.5.2 and newer have.")
WAITING = Rule("evaluations_not_finished", INFO,
               "Evaluation {subject} of job {record.job} is {record.status}; it was created {age} ago.",
               "None: the scheduler will process it.",
               answer={"create_time": "record.created", "id": "subject", "job": "record.job", "status": "record.status",
                       "triggered_by": "record.trigger"})
WAITING_LONG = replace(WAITING, remedy="Check whether any nodes fit the job; if not, stop it.")
WAITING_UNREAD = replace(WAITING, severity=SILENT)  # its record can't be read, which another rule says
NOTHING_RUN = Rule("jobs_without_executions", INFO, "Job {subject} ({job.name}), {state}, has no execution; it was"
                   " created {age} ago.", "None if it is finished; otherwise check its evaluations.")
NOTHING_KNOWN = replace(NOTHING_RUN, severity=SILENT)  # there is no specification, which another rule says
TOO_FEW = Rule("services_under_count", WARNING, "Service {subject} asks for {job.count} executions and has {job.live}.",
               "Check whether enough nodes are connected and meet the job's constraints.",
               answer={"count": "job.count", "job": "subject", "live_executions": "job.live"})
MISPLACED = Rule("record_id_differs_from_key", ERROR, "The record of {record.kind} {subject} at {record.place} names"
                 " another id or job: it is in the wrong place.", "Delete it here if it is also where it belongs.",
                 answer="{record.kind} {subject}")
NO_EVALUATION = Rule("executions_whose_evaluation_is_missing", WARNING,
                     "Execution {subject} names evaluation {record.evaluation}, which its job doesn't have.",
                     "None needed to run; the reason for the scheduling is lost.")
NO_PREVIOUS = Rule("executions_whose_previous_execution_is_missing", WARNING,
                   "Execution {subject} follows {record.previous_execution}, which does not exist.",
                   "None needed to run; what was tried before is lost.")
NO_VERSIONS = Rule("jobs_without_versions_bucket", INFO, "Job {subject} was made before 1.8.0: it has no versions, so"
                   " that listing its executions fails unless all versions are asked for, and look-ups by name and by"
                   " node miss it.", "Submit the job again if it is still needed.")
JOB_GAP = Rule("history_gaps", WARNING, "The {bucket} of job {subject} lacks {rows}.", _GAP)
REVISION = Rule("revision_mismatches", WARNING, "Execution {subject} has revision {record.revision} and"
                " {record.rows} history rows: they should agree.",
                "Compare with a backup: rows are lost, or something other than Bacalhau changed the record.",
                answer={"execution": "subject", "history_rows": "record.rows", "revision": "record.revision"})
JOB_REVISION = replace(REVISION, message="Job {subject} has revision {record.revision} and {record.rows} history rows:"
                       " they should agree.",
                       answer={"job": "subject", "job_history_rows": "record.rows", "revision": "record.revision"})
JOB_VERSION = replace(REVISION, message="Job {subject} has version {record.version}, and {record.last_version} as the"
                      " last of its versions: they should agree.",
                      answer={"job": "subject", "last_version": "record.last_version", "version": "record.version"})

# A compute node's records.
WORKING = Rule("executions_not_terminal", INFO, "Execution {subject} of job {record.job} is {record.state}; it was"
               " created {age} ago.", "None while the node works on it; compare with the orchestrator's store.")
LEFT_BEHIND = Rule("executions_not_terminal", ERROR, "Execution {subject} of job {record.job}, created {age} ago, is"
                   " {record.state} in the buckets of an older version. Since the upgrade to {newest} they are not"
                   " read, and it will not finish.", "Run the job again if its result is needed.")
OF_ANOTHER = Rule("record_id_differs_from_key", ERROR, "The record under the key {subject} is of another execution.",
                  "Restore it from a backup.")
NO_HISTORY = Rule("executions_without_history", WARNING, "Execution {subject} has no history.", _BACKUP)
NO_EVENTS = replace(NO_HISTORY, severity=INFO)
HISTORY_ALONE = Rule("history_without_execution", WARNING,
                     "There is a history of execution {subject}, but no record: it was deleted, or is lost.",
                     "None needed to run; restore the record from a backup if its result is needed.")
GAP = Rule("history_gaps", WARNING, "The history of execution {subject} lacks {rows}.", _GAP)
LOCAL_REVISION = replace(REVISION, remedy=_BACKUP)
BROKEN_CHAIN = Rule("state_chain_broken", WARNING, "The history of execution {subject} is inconsistent: a state"
                    " doesn't follow from the one before, or the last one isn't that of its record ({record.state}).",
                    _BACKUP)
# fmt: on

# The rules whose deviations are answers as they are.
_OF_JOBS = (WAITING, NO_EVALUATION, NO_PREVIOUS, NOTHING_RUN, NO_SPEC, MISPLACED, REVISION, TOO_FEW, STUCK)
_OF_NODES = (NO_HISTORY, HISTORY_ALONE, OF_ANOTHER, LOCAL_REVISION, BROKEN_CHAIN)


def job_deviations(store: JobStore, now: int) -> list[Deviation]:
    """Return where a job store deviates; ``now`` is nanoseconds since 1970."""
    parts = _undecodable(store), _work(store, now), _jobs(store, now), _job_histories(store), _events(store)
    return [*chain(*parts, job_indexes(store))]


def _undecodable(part: JobStore | ComputeGeneration) -> Iterator[Deviation]:
    for path in part.reader.undecodable:
        yield UNDECODABLE.at(path[:-1], path[-1], place(path[-1:]), place=place(path))


def _events(part: JobStore | ComputeGeneration) -> Iterable[Deviation]:
    return part.events.deviations(part.executions) if part.events is not None else ()


def _work(store: JobStore, now: int) -> Iterator[Deviation]:
    for job in store.jobs.values():
        if not job.has_spec:
            yield job.breaks(NO_SPEC)
        yield from (each.breaks(UNKNOWN_STATE) for each in job.executions if each.state.isdigit())
    for job, execution in store.all_executions:
        if not execution.terminal:
            live = STOPPING if execution.wanted == "Stopped" else STUCK
            since = age(execution.created_at, now)
            yield execution.breaks(live if job.terminal else RUNNING, job=job, age=since)
        number, state = execution.state_number, execution.state
        if not store.old_store and execution.old and isinstance(number, int) and number > 5:
            right = NEW.index(state) if state in NEW else None
            rule = MISREAD_UNNAMED if right is None else MISREAD
            yield execution.breaks(rule, version="1.5.1 or older", misread_as=state_name(number, NEW), right=right)


def _jobs(store: JobStore, now: int) -> Iterator[Deviation]:
    for job in store.jobs.values():
        for each in job.evaluations.values():
            if each.status not in ("complete", "failed", "cancelled"):
                old = each.created is not None and now - each.created > DAY
                rule = (WAITING_LONG if old else WAITING) if each.status else WAITING_UNREAD
                yield each.breaks(rule, age=age(each.created, now))
        if not job.executions:
            rule = NOTHING_RUN if job.known else NOTHING_KNOWN
            state = job.state or "of unknown state"
            yield rule.at(job.bucket, None, job.id, job=job, state=state, age=age(job.created, now))
    for job in store.jobs.values():
        if job.type == "service" and job.state == "Running" and job.live < job.count:
            yield TOO_FEW.at(job.bucket, None, job.id, job=job)
    for job in store.jobs.values():
        for record in (job, *job.executions, *job.evaluations.values()):
            if record.misplaced:
                yield record.breaks(MISPLACED)
        for execution in job.executions:
            if execution.evaluation and execution.evaluation not in job.evaluations:
                yield execution.breaks(NO_EVALUATION)
            if execution.previous_execution and execution.previous_execution not in store.executions:
                yield execution.breaks(NO_PREVIOUS)
    for _, job in sorted(store.jobs.items()) if store.since_1_8 else ():
        if not job.has_versions:
            yield NO_VERSIONS.at(job.bucket, b"versions", job.id)


def _job_histories(store: JobStore) -> Iterator[Deviation]:
    for job, bucket, missing in store.gaps:
        path = (*job.bucket, bucket)
        yield JOB_GAP.at(path, None, job.id, bucket=bucket.decode(), rows=rows_text(missing))
    for job, execution in store.all_executions:
        if job.before_1_5 and execution.revision is not None and execution.revision != execution.rows:
            yield execution.breaks(REVISION)
    for job in store.jobs.values():
        if job.before_1_5 and job.known and job.revision is not None and job.revision != job.rows:
            yield job.breaks(JOB_REVISION)
        if job.has_versions and job.known and job.version != job.last_version:
            yield job.breaks(JOB_VERSION)


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
        found |= _answers([NO_VERSIONS], deviations)
    if store.events is not None:
        found["events"] = store.events.answers(store.executions)
    return found


def misread(deviations: list[Deviation]) -> dict[str, Any]:
    """Return, where there are some, the executions whose state the version that uses the store misreads."""
    found = {each.subject: each.answer() for each in deviations if each.rule.code == MISREAD.code}
    more = {MISREAD.code: sorted(found), "execution_states_by_version_that_wrote_them": found}
    return more if found else {}


def compute_deviations(part: ComputeGeneration, newest: ComputeGeneration, now: int) -> list[Deviation]:
    """Return where a generation deviates; only the newest one is in use. ``now`` is nanoseconds since 1970."""
    indexes = compute_indexes(part, in_use=part is newest)
    return [*chain(_undecodable(part), _executions(part, newest, now), indexes, _histories(part), _events(part))]


def _executions(part: ComputeGeneration, newest: ComputeGeneration, now: int) -> Iterator[Deviation]:
    rule = WORKING if part is newest else LEFT_BEHIND
    for execution in part.executions.values():
        if execution.state.isdigit():
            yield execution.breaks(UNKNOWN_STATE)
        if execution.misplaced:
            yield execution.breaks(OF_ANOTHER)
    for execution in part.executions.values():
        if not execution.terminal:
            yield execution.breaks(rule, age=age(execution.created_at, now), newest=newest.name)


def _histories(part: ComputeGeneration) -> Iterator[Deviation]:
    bucket, executions, histories = part.generation.history, part.executions, part.histories
    for id in sorted(executions.keys() - histories.keys()):
        rule = NO_EVENTS if part.generation is V2 else NO_HISTORY
        yield rule.at((bucket,), id.encode(), id)
    for id in sorted(histories.keys() - executions.keys()):
        yield HISTORY_ALONE.at((bucket, id.encode()), None, id)
    for id, history in histories.items():
        if history.missing:
            yield GAP.at((bucket, id.encode()), None, id, rows=rows_text(history.missing))
    if part.generation is V2:  # its rows are events of any kind
        return
    for execution in executions.values():
        if execution.revision is not None and execution.revision != execution.rows:
            yield execution.breaks(LOCAL_REVISION)
    for id, execution in sorted(executions.items()):
        if execution.rows and not (histories[id].whole and histories[id].end == execution.state_number):
            yield BROKEN_CHAIN.at((bucket, id.encode()), None, id, record=execution)


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
        listed = (executions.get(name(key)) for _, key in part.indexes["live_index"].entries)
        working = sorted(each.id for each in listed if each is not None and each.state in LIVE)
        indexes["live_index"] = dict(sorted({**indexes["live_index"], "live": working}.items()))
    found |= indexes
    if part.events is not None:
        found["events"] = part.events.answers(executions)
    if part.sequences is not None:
        found["sequence_tracking"] = part.sequences
    return found


def _answers(chosen: Iterable[Rule], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """Return the answers that ``deviations`` of the ``chosen`` rules are; those that are text are sorted."""
    found: dict[str, Any] = answers(chosen, deviations)
    return {code: sorted(rows) if rows and isinstance(rows[0], str) else rows for code, rows in found.items()}


def _unfinished(executions: Iterable[Execution], **more: str) -> dict[str, Any]:
    """Return the answers on executions that aren't in a final state, the oldest first, with ``more`` fields."""
    live = sorted((each for each in executions if not each.terminal), key=lambda each: each.created_at or 0)
    fields = sorted({"create_time": "created", "id": "id", "job": "job", "state": "state", **more}.items())
    found = [{called: getattr(each, field) for called, field in fields} for each in live]
    return {"executions_not_terminal": found, "oldest_execution_in_progress": found[0] if found else None}


def _tally(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
