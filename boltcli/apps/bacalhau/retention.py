"""What could be deleted because it was finished long ago, what space that would give, and the changes that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...text.times import DAY
from ..contract import Change
from ..values import find
from .index_audit import job_of_entry
from .indexes import IndexRepair
from .records import is_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..contract import AuditOptions, Path, Store
    from .stores import ComputeGeneration, JobStore

_AGES = (7, 30, 90, 180, 365)  # days
_COMPOSITE = ("idx_inprogress_executions", "idx_executions_by_node")


class Finished(NamedTuple):
    """A job with all its executions, or an execution of a compute node, that was finished ``at`` a time."""

    id: str
    at: int
    state: str
    namespace: str
    bytes: int  # of keys and values
    executions: int = 1


def finished_jobs(store: JobStore) -> Iterator[Finished]:
    """Yield the jobs that are finished, with all their executions."""
    for job in store.jobs.values():
        if job.terminal and job.modified is not None and all(execution.terminal for execution in job.executions):
            at = max([job.modified, *(execution.modified_at or 0 for execution in job.executions)])
            yield Finished(job.id, at, job.state, job.namespace, job.bytes, len(job.executions))


def finished_executions(part: ComputeGeneration) -> Iterator[Finished]:
    """Yield the executions of a generation that are finished, with the bytes of their histories."""
    for id, each in part.executions.items():
        if each.terminal and each.modified_at is not None:
            history = part.histories.get(id)
            size = each.size + (history.bytes if history is not None else 0)
            yield Finished(id, each.modified_at, each.state, each.namespace, size)


def retention(finished: Iterable[Finished], options: AuditOptions, what: str) -> dict[str, Any]:
    """Return how many of ``what`` could be deleted and their bytes, by state, by namespace and by age."""
    assert options.older_than is not None
    total = {what: 0, "bytes": 0} | ({"executions": 0} if what == "jobs" else {})
    by_state: dict[str, dict[str, int]] = {}
    by_namespace: dict[str, dict[str, int]] = {}
    by_age = {f"{days}d": {what: 0, "bytes": 0} for days in _AGES}
    for each in finished:
        age = options.now - each.at
        rows = [by_age[f"{days}d"] for days in _AGES if age > days * DAY]
        if age > options.older_than:
            rows += [
                total,
                by_state.setdefault(each.state, {what: 0, "bytes": 0}),
                by_namespace.setdefault(each.namespace, {what: 0, "bytes": 0}),
            ]
            if what == "jobs":
                total["executions"] += each.executions
        for row in rows:
            row[what] += 1
            row["bytes"] += each.bytes
    return {
        "older_than_seconds": options.older_than // 1_000_000_000,
        **total,
        "by_age": by_age,
        "by_namespace": dict(sorted(by_namespace.items())),
        "by_state": dict(sorted(by_state.items())),
    }


def _gone(finished: Iterable[Finished], options: AuditOptions) -> set[str]:
    """Return the ids of what is old enough; one that isn't UTF-8 names no key in the file."""
    assert options.older_than is not None
    return {each.id for each in finished if options.now - each.at > options.older_than and not is_hex(each.id)}


def removal_of_jobs(db: Store, store: JobStore, options: AuditOptions) -> Iterator[Change]:
    """Yield the changes that delete the jobs of the report, with their index entries."""
    jobs = find(db, b"jobs")
    gone = _gone(finished_jobs(store), options) if jobs is not None else set()
    # Any part of an entry may have a : in it; what is there says where an execution's id ends.
    job_of = {f"{each.id}:{each.job}": each.job for _, each in store.all_executions}
    for name, index in store.indexes.items():
        repair = IndexRepair(index)
        per_record = name in ("idx_executions", "idx_evaluations")
        for bucket, key in sorted(index.entries):
            if name == "idx_inprogress":
                job = job_of_entry(key, store.jobs)
            else:
                job = job_of.get(key, key.partition(":")[2]) if name in _COMPOSITE else key
            if job in gone:
                yield from repair.remove(bucket, key, alone=per_record)
    for id in sorted(gone):
        yield from _bucket_removal(jobs, (b"jobs",), id.encode())


def removal_of_executions(db: Store, store: list[ComputeGeneration], options: AuditOptions) -> Iterator[Change]:
    """Yield the changes that delete the executions of the report, with their histories and index entries."""
    for part in store:
        gone = _gone(finished_executions(part), options)
        for name in ("job_index", "state_index", "live_index"):
            if name in part.indexes:
                repair = IndexRepair(part.indexes[name])
                for bucket, key in sorted(part.indexes[name].entries):
                    if key in gone:
                        yield from repair.remove(bucket, key, alone=name == "job_index")
        histories, records = find(db, part.generation.history), find(db, part.generation.executions)
        for id in sorted(gone):
            yield from _bucket_removal(histories, (part.generation.history,), id.encode())
            value = records.get(id.encode()) if records is not None else None
            if isinstance(value, bytes):
                yield Change("remove", (part.generation.executions,), id.encode(), value)


def _bucket_removal(parent: Store | None, path: Path, name: bytes) -> Iterator[Change]:
    """Yield the removal of a bucket and of all that is in it, from the inside out; nothing if it isn't there."""
    bucket = parent.get(name) if parent is not None else None
    if bucket is None or isinstance(bucket, bytes):
        return
    path = (*path, name)
    for key, value in bucket.range():
        if isinstance(value, bytes):
            yield Change("remove", path, key, value)
        else:
            yield from _bucket_removal(bucket, path, key)
    yield Change("remove", path)
