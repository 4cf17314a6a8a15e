"""The answers of an audit of a job store, in the names and forms that ``audit --json`` has."""

from __future__ import annotations

from .states import FINISHED_EVALUATIONS, NEW, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from typing import Any

    from .job_store import Execution, Index, Job, JobStore


def job_answers(store: JobStore, found: dict[str, Deviations]) -> dict[str, Any]:
    """Return all answers; ``found`` are the deviations of the indexes."""
    jobs, executions = store.jobs, [execution for job in store.jobs.values() for execution in job.executions]
    open_executions = sorted(
        (execution for execution in executions if not execution.terminal), key=lambda found: found.created or 0
    )
    open_jobs = [job for job in jobs.values() if job.known and not job.terminal]
    oldest = min(open_jobs, key=lambda job: job.created or 0, default=None)
    live = [_live(execution) for execution in open_executions]
    answers: dict[str, Any] = {
        "counts": _counts(store, executions),
        "evaluations_not_finished": [
            {
                "create_time": evaluation.created,
                "id": evaluation.id,
                "job": evaluation.job,
                "status": evaluation.status,
                "triggered_by": evaluation.trigger,
            }
            for job in jobs.values()
            for evaluation in job.evaluations.values()
            if evaluation.status not in FINISHED_EVALUATIONS
        ],
        "executions_not_terminal": live,
        "executions_whose_evaluation_is_missing": sorted(
            execution.id
            for execution in executions
            if execution.evaluation and execution.evaluation not in jobs[execution.job].evaluations
        ),
        "executions_whose_previous_execution_is_missing": sorted(
            execution.id
            for execution in executions
            if execution.previous and execution.previous not in store.executions
        ),
        "exit_codes": tally(
            str(execution.exit_code)
            for execution in executions
            if execution.exit_code is not None and execution.state in ("Completed", "Failed")
        ),
        "failed_messages": tally(execution.message for execution in executions if execution.state == "Failed"),
        "history_gaps": store.gaps,
        "indexes": indexes(store, found),
        "jobs_without_executions": sorted(job.id for job in jobs.values() if not job.executions),
        "jobs_without_spec": sorted(job.id for job in jobs.values() if not job.has_spec),
        "oldest_execution_in_progress": live[0] if live else None,
        "oldest_job_in_progress": {"create_time": oldest.created, "id": oldest.id, "state": oldest.state}
        if oldest
        else None,
        "record_id_differs_from_key": _misplaced(jobs.values()),
        "revision_mismatches": revision_mismatches(store),
        "services_under_count": services_under_count(jobs.values()),
        "terminal_jobs_with_live_executions": sorted(
            execution.id for execution in executions if not execution.terminal and jobs[execution.job].terminal
        ),
    }
    if store.since_1_8:
        answers["jobs_without_versions_bucket"] = sorted(job.id for job in jobs.values() if not job.has_versions)
    if store.events is not None:
        answers["events"] = store.events.answers({found.id: found.revision for found in store.executions.values()})
    return answers


def misread_states(store: JobStore) -> dict[str, Any]:
    """Return, where there are some, the executions whose state the version that uses the store misreads."""
    found = {
        execution.id: {
            "number": execution.number,
            "written_by": "1.5.1 or older",
            "meaning": execution.state,
            "misread_as": state_name(execution.number, NEW),
        }
        for job in store.jobs.values()
        for execution in job.executions
        if misread_later(store, execution)
    }
    if not found:
        return {}
    return {
        "executions_that_later_versions_misread": sorted(found),
        "execution_states_by_version_that_wrote_them": found,
    }


def misread_later(store: JobStore, execution: Execution) -> bool:
    """Say whether 1.5.2 or newer has the store and reads the state of ``execution`` by other numbers than it has."""
    return not store.old_store and execution.old is True and isinstance(execution.number, int) and execution.number > 5


def revision_mismatches(store: JobStore) -> list[dict[str, Any]]:
    """Return where a revision isn't the number of history rows (before 1.5), or a version isn't its last key."""
    found: list[dict[str, Any]] = []
    for job in store.jobs.values():
        if _has_rows(store, job):
            found += [
                {"execution": execution.id, "history_rows": execution.rows, "revision": execution.revision}
                for execution in job.executions
                if execution.revision is not None and execution.revision != execution.rows
            ]
    for job in store.jobs.values():
        if _has_rows(store, job) and job.known and job.revision is not None and job.revision != (job.rows or 0):
            found.append({"job": job.id, "job_history_rows": job.rows or 0, "revision": job.revision})
        if job.has_versions and job.known and job.version != job.last_version:
            found.append({"job": job.id, "last_version": job.last_version, "version": job.version})
    return found


def _has_rows(store: JobStore, job: Job) -> bool:
    """Return whether a job's histories have a row for each revision: they had in the layouts before 1.5.0."""
    return job.before_1_5


def services_under_count(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """Return the running services with fewer live executions than they ask for."""
    found = []
    for job in jobs:
        if job.type == "service" and job.state == "Running":
            live = sum(not execution.terminal for execution in job.executions)
            if live < job.count:
                found.append({"count": job.count, "job": job.id, "live_executions": live})
    return found


class Deviations:
    """What an index has that it shouldn't, and what it lacks: as data, since names may hold anything.

    ``strays`` are entries (bucket, key) without a record that asks for them,
    ``done`` those whose record is finished, with its id; ``legacy`` those in the
    form of 1.3.0 and before. ``lacking`` are bucket, key and the record's id.
    """

    __slots__ = ("done", "lacking", "legacy", "strays")

    def __init__(self, strays: Iterable[tuple[str, str]], lacking: Iterable[tuple[str, str, str]]) -> None:
        self.strays = sorted(strays)
        self.lacking = sorted(lacking)
        self.done: list[tuple[str, str, str]] = []
        self.legacy: list[tuple[str, str]] = []


def deviations(store: JobStore) -> dict[str, Deviations]:
    """Compare each index with the records."""
    known = [job for job in store.jobs.values() if job.known]
    unknown = {job.id for job in store.jobs.values() if not job.known}
    # Each index: the entries that there should be, each with the id of its record.
    wanted: dict[str, dict[tuple[str, str], str]] = {
        "idx_executions": {(found.id, found.job): found.id for found in store.executions.values()},
        "idx_evaluations": {(found.id, found.job): found.id for found in store.evaluations.values()},
        "idx_namespaces": {(job.namespace, job.id): job.id for job in known},
        "idx_tags": {(label, job.id): job.id for job in known for label in job.labels},
        "idx_job_names": {(f"{job.name}:{job.namespace}", job.id): job.id for job in known},
        "idx_executions_by_node": {
            (found.node, f"{found.id}:{found.job}"): found.id for found in store.executions.values()
        },
    }
    found: dict[str, Deviations] = {}
    for name, entries in wanted.items():
        index = store.indexes.get(name)
        if index is not None:
            strays = index.entries - entries.keys()
            if name in ("idx_namespaces", "idx_tags", "idx_job_names"):
                # Of a job whose specification can't be read nothing is known.
                strays = {entry for entry in strays if entry[1] not in unknown}
            lacking = ((*entry, entries[entry]) for entry in entries.keys() - index.entries)
            found[name] = Deviations(strays, lacking)
    index = store.indexes.get("idx_inprogress")
    if index is not None:
        found["idx_inprogress"] = _in_progress(store, index)
    index = store.indexes.get("idx_inprogress_executions")
    if index is not None:
        found["idx_inprogress_executions"] = _in_progress_executions(index, store.executions)
    return found


def _in_progress(store: JobStore, index: Index) -> Deviations:
    jobs = store.jobs
    entries = [(bucket, key, job_of_entry(key, jobs)) for bucket, key in index.entries]
    indexed = {id for _, _, id in entries}
    found = Deviations(
        ((bucket, key) for bucket, key, id in entries if id not in jobs),
        (
            ("", job.id if store.legacy_keys else f"{job.type}:{job.id}", job.id)
            for job in jobs.values()
            if job.known and not job.terminal and job.id not in indexed
        ),
    )
    found.done = sorted(entry for entry in entries if entry[2] in jobs and jobs[entry[2]].terminal)
    found.legacy = sorted((bucket, key) for bucket, key, id in entries if ":" not in key or (id == key and id in jobs))
    return found


def job_of_entry(key: str, jobs: Container[str]) -> str:
    """Return the job of an entry of ``idx_inprogress``: ``type:job``, or the bare job of 1.3.0 and before.

    >>> job_of_entry("batch:j-1", ["j-1"]), job_of_entry("j:1", ["j:1"]), job_of_entry("batch:j-2", ["j-1"])
    ('j-1', 'j:1', 'j-2')
    """
    return key if key in jobs else key.partition(":")[2] or key


def _in_progress_executions(index: Index, executions: dict[str, Execution]) -> Deviations:
    there = {f"{execution.id}:{execution.job}": execution for execution in executions.values()}
    present = {key for _, key in index.entries}
    found = Deviations(
        (entry for entry in index.entries if entry[1] not in there),
        (("", key, execution.id) for key, execution in there.items() if not execution.terminal and key not in present),
    )
    found.done = sorted((*entry, there[entry[1]].id) for entry in index.entries
                        if entry[1] in there and there[entry[1]].terminal)  # fmt: skip
    return found


def indexes(store: JobStore, found: dict[str, Deviations]) -> dict[str, Any]:
    """Return the answers on indexes: what is in ``found`` as text, and empty buckets."""
    answers: dict[str, Any] = {}
    for name, part in found.items():
        ids = sorted({id for _, _, id in part.lacking})
        keys = sorted(key for _, key in part.strays)
        empty = store.indexes[name].empty
        if name == "idx_inprogress":
            answers[name] = {
                "dangling": keys,
                "legacy_keys": sorted(key for _, key in part.legacy),
                "not_terminal_jobs_not_indexed": ids,
                "terminal_jobs": sorted(key for _, key, _ in part.done),
            }
        elif name == "idx_inprogress_executions":
            answers[name] = {
                "dangling": keys,
                "not_terminal_executions_not_indexed": ids,
                "terminal_executions": sorted(key for _, key, _ in part.done),
            }
        elif name == "idx_namespaces":
            answers[name] = {
                "dangling": arrows(part.strays), "namespaces_without_jobs": empty, "records_not_indexed": ids,
            }  # fmt: skip
        elif name == "idx_tags":
            lacking = arrows((label, job) for label, job, _ in part.lacking)
            answers[name] = {
                "dangling": arrows(part.strays), "records_not_indexed": lacking, "tags_without_jobs": empty,
            }  # fmt: skip
        else:
            lacks = "jobs_not_found_by_name" if name == "idx_job_names" else "records_not_indexed"
            answers[name] = {"dangling": arrows(part.strays), "empty_buckets": empty, lacks: ids}
    return answers


def arrows(entries: Iterable[tuple[str, str]]) -> list[str]:
    """Return index entries as text, sorted: the bucket, the key."""
    return sorted(f"{bucket} -> {key}" for bucket, key in entries)


def _live(execution: Execution) -> dict[str, Any]:
    return {
        "create_time": execution.created,
        "id": execution.id,
        "job": execution.job,
        "modify_time": execution.modified,
        "node": execution.node,
        "state": execution.state,
    }


def _counts(store: JobStore, executions: list[Execution]) -> dict[str, Any]:
    jobs = store.jobs.values()
    evaluations = [evaluation for job in jobs for evaluation in job.evaluations.values()]
    return {
        "evaluations": len(store.evaluations),
        "evaluations_by_status": tally(evaluation.status for evaluation in evaluations),
        "executions": len(store.executions),
        "executions_by_desired_state": tally(execution.desired for execution in executions),
        "executions_by_node_and_state": tally(f"{execution.node} {execution.state}" for execution in executions),
        "executions_by_state": tally(execution.state for execution in executions),
        "jobs": len(jobs),
        "jobs_by_namespace": tally(job.namespace for job in jobs if job.has_spec),
        "jobs_by_state": tally(job.state for job in jobs if job.has_spec),
        "jobs_by_type": tally(job.type for job in jobs if job.has_spec),
    }


def tally(words: Iterable[str]) -> dict[str, int]:
    """Return how often each of ``words`` comes, sorted by word."""
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items()))


def _misplaced(jobs: Iterable[Job]) -> list[str]:
    found = []
    for job in jobs:
        found += [f"job {job.id}"] if job.misnamed else []
        found += [f"execution {execution.id}" for execution in job.executions if execution.misplaced]
        found += [f"evaluation {evaluation.id}" for evaluation in job.evaluations.values() if evaluation.misplaced]
    return sorted(found)
