"""What is wrong with an orchestrator's indexes, with the changes that mend them."""

from __future__ import annotations

from ..contract import ERROR, INFO, WARNING, AuditFinding
from .mend import Mender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..contract import Change
    from .job_store import JobStore

_PATCH = (
    "Stop the node, then `boltcli audit --changes changes.ndjson FILE; boltcli patch --in-place FILE changes.ndjson`."
)
_TRACE = "None: Bacalhau leaves it behind itself; the change removes it."


def index_findings(store: JobStore, answers: dict[str, Any]) -> Iterator[AuditFinding]:
    """Yield the findings about the indexes of a job store."""
    for name, found in answers["indexes"].items():
        mender = Mender(name, store.indexes[name])
        if name in ("idx_executions", "idx_evaluations"):
            yield from _records(store, name, found, mender)
        elif name == "idx_inprogress":
            yield from _in_progress(store, found, mender)
        elif name == "idx_inprogress_executions":
            yield from _in_progress_executions(store, found, mender)
        elif name == "idx_executions_by_node":
            yield from _by_node(store, found, mender)
        else:
            yield from _jobs(store, name, found, mender)


def _records(store: JobStore, name: str, found: dict[str, Any], mender: Mender) -> Iterator[AuditFinding]:
    kind = "execution" if name == "idx_executions" else "evaluation"
    there = store.executions if name == "idx_executions" else store.evaluations
    for entry in found["dangling"]:
        id, _, job = entry.partition(" -> ")
        changes = mender.remove(id, job, alone=True)
        if kind == "execution" and store.holds(id, job):
            severity, why, changes = WARNING, f"job {there[id].job} has a record of it too", []
        elif job not in store.jobs:
            severity, why = INFO, f"job {job} is gone"
        elif id in there:
            severity, why = ERROR, f"the last record of it is under job {there[id].job}"
        elif kind == "evaluation":
            severity, why = INFO, "the evaluation is gone from its job"
        else:
            severity, why = ERROR, f"job {job} has no such execution: its record is lost"
        yield _finding(
            name, severity, f"The index entry of {kind} {id} leads to job {job}, but {why}.", mender, id, job, id,
            _TRACE if severity == INFO else f"Restore the record from a backup, or: {_PATCH}" if changes
            else "Delete the record that is in the wrong place.", changes,
        )  # fmt: skip
    for id in found["records_not_indexed"]:
        job, misplaced = there[id].job, there[id].misplaced
        yield _finding(
            name, ERROR, f"The {kind} {id} of job {job} isn't in {name}: no look-up by its id finds it.",
            mender, id, job, id, "Delete the record: it is in the wrong place." if misplaced else _PATCH,
            [] if misplaced else mender.add(id, job),
        )  # fmt: skip
    missing = set(found["records_not_indexed"])
    yield from _empty(name, (id for id in found["empty_buckets"] if id not in missing), kind, mender)


def _jobs(store: JobStore, name: str, found: dict[str, Any], mender: Mender) -> Iterator[AuditFinding]:
    what = {"idx_namespaces": "namespace", "idx_tags": "label", "idx_job_names": "name"}[name]
    for entry in found["dangling"]:
        bucket, _, job = entry.rpartition(" -> ")
        if job not in store.jobs:
            severity, message = WARNING, f"The index entry of {what} {bucket} leads to job {job}, which is gone."
        elif name == "idx_tags" and store.since_1_8:
            severity, message = INFO, f"Job {job} has dropped its label {bucket}, but is still found by it."
        else:
            severity, message = WARNING, f"Job {job} is found by the {what} {bucket}, which it doesn't have."
        remedy = _TRACE if severity == INFO else _PATCH
        yield _finding(name, severity, message, mender, bucket, job, job, remedy, mender.remove(bucket, job))
    lacking = found.get("jobs_not_found_by_name") if name == "idx_job_names" else found["records_not_indexed"]
    for entry in lacking or ():
        id = entry.rpartition(" -> ")[2] if name == "idx_tags" else entry
        job = store.jobs[id]
        bucket = {
            "idx_namespaces": job.namespace,
            "idx_tags": entry.rpartition(" -> ")[0],
            "idx_job_names": f"{job.name}:{job.namespace}",
        }[name]
        before = name == "idx_job_names" and not job.has_versions
        yield _finding(
            name, INFO if before else ERROR,
            f"Job {id} isn't found by its {what} {bucket}" + (": it was made before 1.8.0." if before else "."),
            mender, bucket, id, id, _PATCH, mender.add(bucket, id),
        )  # fmt: skip
    empty = {"idx_namespaces": "namespaces_without_jobs", "idx_tags": "tags_without_jobs"}.get(name, "empty_buckets")
    yield from _empty(name, found[empty], what, mender)


def _in_progress(store: JobStore, found: dict[str, Any], mender: Mender) -> Iterator[AuditFinding]:
    name = "idx_inprogress"
    for key in found["dangling"]:
        yield _finding(
            name, ERROR, f"The entry {key} of jobs in progress leads to a job that is gone: listing them fails.",
            mender, "", key, key, _PATCH, mender.remove("", key),
        )  # fmt: skip
    for key in found["terminal_jobs"]:
        job = store.jobs[key.partition(":")[2] or key]
        yield _finding(
            name, WARNING, f"Job {job.id} is {job.state}, but is still listed as in progress.",
            mender, "", key, job.id, _PATCH, mender.remove("", key),
        )  # fmt: skip
    for id in found["not_terminal_jobs_not_indexed"]:
        job = store.jobs[id]
        composite = not store.legacy_keys
        key = f"{job.type}:{id}" if composite else id
        yield _finding(
            name, ERROR, f"Job {id} is {job.state}, but isn't listed as in progress: nobody will look after it.",
            mender, "", key, id, _PATCH, mender.add("", key),
        )  # fmt: skip
    if not store.legacy_keys:
        for key in found["legacy_keys"]:
            yield _finding(
                name, INFO, f"The entry of job {key} has the form of 1.3.0 and before, which newer versions accept.",
                mender, "", key, key, "None.", [],
            )  # fmt: skip


def _in_progress_executions(store: JobStore, found: dict[str, Any], mender: Mender) -> Iterator[AuditFinding]:
    name = "idx_inprogress_executions"
    for key in found["dangling"]:
        yield _finding(
            name, ERROR, f"The entry {key} of executions in progress leads to an execution that is gone.",
            mender, "", key, key.partition(":")[0], _PATCH, mender.remove("", key),
        )  # fmt: skip
    for key in found["terminal_executions"]:
        execution = store.executions[key.partition(":")[0]]
        yield _finding(
            name, WARNING,
            f"Execution {execution.id} is {execution.state} (wanted: {execution.desired}), but listed as in progress.",
            mender, "", key, execution.id, _PATCH, mender.remove("", key),
        )  # fmt: skip
    for id in found["not_terminal_executions_not_indexed"]:
        execution = store.executions[id]
        before = not store.jobs[execution.job].has_versions
        key = f"{id}:{execution.job}"
        yield _finding(
            name, INFO if before else ERROR,
            f"Execution {id} is {execution.state}, but isn't listed as in progress"
            + (": its job was made before 1.8.0." if before else "."),
            mender, "", key, id, _PATCH, mender.add("", key),
        )  # fmt: skip


def _by_node(store: JobStore, found: dict[str, Any], mender: Mender) -> Iterator[AuditFinding]:
    name = "idx_executions_by_node"
    for entry in found["dangling"]:
        node, _, key = entry.rpartition(" -> ")
        id, _, job = key.partition(":")
        gone = job not in store.jobs
        yield _finding(
            name, WARNING, f"Node {node} is said to have execution {id}, which "
            + ("is gone." if gone or id not in store.executions else "is elsewhere."),
            mender, node, key, id, _PATCH, mender.remove(node, key),
        )  # fmt: skip
    for id in found["records_not_indexed"]:
        execution = store.executions[id]
        before = not store.jobs[execution.job].has_versions
        key = f"{id}:{execution.job}"
        yield _finding(
            name, INFO if before else ERROR,
            f"Execution {id} isn't found by its node {execution.node}"
            + (": its job was made before 1.8.0." if before else "."),
            mender, execution.node, key, id, _PATCH, mender.add(execution.node, key),
        )  # fmt: skip
    yield from _empty(name, found["empty_buckets"], "node", mender)


def _empty(name: str, buckets: Any, what: str, mender: Mender) -> Iterator[AuditFinding]:
    for bucket in buckets:
        yield AuditFinding(
            f"indexes.{name}", INFO, f"The index bucket of {what} {bucket} is empty.", bucket=mender.path(bucket),
            subject=bucket, remedy=_TRACE, changes=mender.drop(bucket),
        )  # fmt: skip


def _finding(
    question: str, severity: str, message: str, mender: Mender, bucket: str, key: str, subject: str, remedy: str,
    changes: list[Change],
) -> AuditFinding:  # fmt: skip
    return AuditFinding(
        f"indexes.{question}", severity, message, bucket=mender.path(bucket), key=key.encode(), subject=subject,
        remedy=remedy, changes=changes,
    )  # fmt: skip
