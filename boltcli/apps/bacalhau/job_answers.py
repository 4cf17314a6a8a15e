"""The answers of an audit of a job store, in the names and forms that ``audit --json`` has."""

from __future__ import annotations

from .states import FINISHED_EVALUATIONS, NEW, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .job_store import Execution, Index, Job, JobStore


def job_answers(store: JobStore) -> dict[str, Any]:
    """Return all answers."""
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
        "indexes": indexes(store),
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


def indexes(store: JobStore) -> dict[str, Any]:
    """Return what each index has that it shouldn't, and what it lacks."""
    jobs, executions, evaluations = store.jobs, store.executions, store.evaluations
    found: dict[str, Any] = {}
    index = store.indexes.get("idx_executions")
    if index is not None:
        wanted = {(execution.id, execution.job) for execution in executions.values()}
        found["idx_executions"] = {
            "dangling": arrows(index.entries - wanted),
            "empty_buckets": index.empty,
            "records_not_indexed": sorted({id for id, _ in wanted - index.entries}),
        }
    index = store.indexes.get("idx_evaluations")
    if index is not None:
        wanted = {(evaluation.id, evaluation.job) for evaluation in evaluations.values()}
        found["idx_evaluations"] = {
            "dangling": arrows(index.entries - wanted),
            "empty_buckets": index.empty,
            "records_not_indexed": sorted({id for id, _ in wanted - index.entries}),
        }
    known = [job for job in jobs.values() if job.known]
    unknown = {job.id for job in jobs.values() if not job.known}
    index = store.indexes.get("idx_namespaces")
    if index is not None:
        wanted = {(job.namespace, job.id) for job in known}
        found["idx_namespaces"] = {
            "dangling": arrows(_strays(index, wanted, unknown)),
            "namespaces_without_jobs": index.empty,
            "records_not_indexed": sorted(id for _, id in wanted - index.entries),
        }
    index = store.indexes.get("idx_tags")
    if index is not None:
        wanted = {(label, job.id) for job in known for label in job.labels}
        found["idx_tags"] = {
            "dangling": arrows(_strays(index, wanted, unknown)),
            "records_not_indexed": arrows(wanted - index.entries),
            "tags_without_jobs": index.empty,
        }
    index = store.indexes.get("idx_inprogress")
    if index is not None:
        found["idx_inprogress"] = _in_progress(index, jobs)
    index = store.indexes.get("idx_job_names")
    if index is not None:
        wanted = {(f"{job.name}:{job.namespace}", job.id) for job in known}
        found["idx_job_names"] = {
            "dangling": arrows(_strays(index, wanted, unknown)),
            "empty_buckets": index.empty,
            "jobs_not_found_by_name": sorted(id for _, id in wanted - index.entries),
        }
    index = store.indexes.get("idx_executions_by_node")
    if index is not None:
        wanted = {(found.node, f"{found.id}:{found.job}") for found in executions.values()}
        found["idx_executions_by_node"] = {
            "dangling": arrows(index.entries - wanted),
            "empty_buckets": index.empty,
            "records_not_indexed": sorted(key.partition(":")[0] for _, key in wanted - index.entries),
        }
    index = store.indexes.get("idx_inprogress_executions")
    if index is not None:
        found["idx_inprogress_executions"] = _in_progress_executions(index, executions)
    return found


def _in_progress(index: Index, jobs: dict[str, Job]) -> dict[str, Any]:
    keys = sorted(key for _, key in index.entries)
    entries = [(key, key.partition(":")[2] or key) for key in keys]
    indexed = {id for _, id in entries}
    return {
        "dangling": [key for key, id in entries if id not in jobs],
        "legacy_keys": [key for key in keys if ":" not in key],
        "not_terminal_jobs_not_indexed": sorted(
            job.id for job in jobs.values() if job.known and not job.terminal and job.id not in indexed
        ),
        "terminal_jobs": [key for key, id in entries if id in jobs and jobs[id].terminal],
    }


def _in_progress_executions(index: Index, executions: dict[str, Execution]) -> dict[str, Any]:
    keys = sorted(key for _, key in index.entries)
    dangling, done = [], []
    for key in keys:
        id, _, job = key.partition(":")
        execution = executions.get(id)
        if execution is None or execution.job != job:
            dangling.append(key)
        elif no_longer_in_progress(execution):
            done.append(key)
    present = set(keys)
    return {
        "dangling": dangling,
        "not_terminal_executions_not_indexed": sorted(
            found.id
            for found in executions.values()
            if not no_longer_in_progress(found) and f"{found.id}:{found.job}" not in present
        ),
        "terminal_executions": done,
    }


def no_longer_in_progress(execution: Execution) -> bool:
    """Say whether 1.8.0 and newer take an execution out of its index of those in progress."""
    return execution.terminal or execution.desired == "Stopped"


def _strays(index: Index, wanted: set[tuple[str, str]], unknown: set[str]) -> set[tuple[str, str]]:
    """Return the entries that no job asks for; of a job whose specification can't be read nothing is known."""
    return {entry for entry in index.entries - wanted if entry[1] not in unknown}


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
