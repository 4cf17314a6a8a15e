"""What could be deleted because it was finished long ago, and what space that would give."""

from __future__ import annotations

from ..contract import Change
from ..store import find
from ..words import DAY
from .job_answers import job_of_entry
from .mend import Mender
from .records import is_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ..contract import AuditOptions, Path
    from ..store import Store
    from .compute_store import ComputeGeneration, LocalExecution
    from .job_store import Job, JobStore

    # Modification time, state, namespace, bytes, executions.
    Finished = tuple[int, str, str, int, int]

_AGES = (7, 30, 90, 180, 365)  # days


def finished_jobs(store: JobStore) -> Iterator[tuple[Job, int]]:
    """Yield the jobs that are finished, with all their executions, and when that was."""
    for job in store.jobs.values():
        if job.terminal and job.modified is not None and all(execution.terminal for execution in job.executions):
            yield job, max([job.modified, *(execution.modified or 0 for execution in job.executions)])


def job_retention(store: JobStore, options: AuditOptions) -> dict[str, Any]:
    """Return what jobs could be deleted, by state, by namespace and by age; bytes are those of keys and values."""
    return _report(
        ((at, job.state, job.namespace, job.bytes, len(job.executions)) for job, at in finished_jobs(store)),
        options, "jobs",
    )  # fmt: skip


def compute_retention(found: list[ComputeGeneration], options: AuditOptions) -> dict[str, Any]:
    """Return what executions could be deleted of all generations."""
    return _report(
        (
            (execution.modified_at, execution.state, execution.namespace, _size(part, execution), 1)
            for part in found
            for execution in part.executions.values()
            if execution.terminal and execution.modified_at is not None
        ),
        options, "executions",
    )  # fmt: skip


def _size(part: ComputeGeneration, execution: LocalExecution) -> int:
    history = part.histories.get(execution.id)
    return execution.size + (history.bytes if history is not None else 0)


def _report(finished: Iterable[Finished], options: AuditOptions, what: str) -> dict[str, Any]:
    assert options.older_than is not None
    total = {what: 0, "bytes": 0} | ({"executions": 0} if what == "jobs" else {})
    by_state: dict[str, dict[str, int]] = {}
    by_namespace: dict[str, dict[str, int]] = {}
    by_age = {f"{days}d": {what: 0, "bytes": 0} for days in _AGES}
    for at, state, namespace, size, executions in finished:
        age = options.now - at
        for days in _AGES:
            if age > days * DAY:
                _add(by_age[f"{days}d"], what, size)
        if age > options.older_than:
            _add(total, what, size)
            if what == "jobs":
                total["executions"] += executions
            _add(by_state.setdefault(state, {what: 0, "bytes": 0}), what, size)
            _add(by_namespace.setdefault(namespace, {what: 0, "bytes": 0}), what, size)
    return {
        "older_than_seconds": options.older_than // 1_000_000_000,
        **total,
        "by_age": by_age,
        "by_namespace": dict(sorted(by_namespace.items())),
        "by_state": dict(sorted(by_state.items())),
    }


def _add(row: dict[str, int], what: str, size: int) -> None:
    row[what] += 1
    row["bytes"] += size


def job_deletions(db: Store, store: JobStore, options: AuditOptions) -> Iterator[Change]:
    """Yield the changes that delete the jobs of the report, with their index entries."""
    assert options.older_than is not None
    jobs = find(db, b"jobs")
    gone = {
        job.id
        for job, at in finished_jobs(store)
        if options.now - at > options.older_than and jobs is not None and not is_hex(job.id)
    }
    # Any part of an entry may have a : in it; what is there says where an execution's id ends.
    job_of = {f"{found.id}:{found.job}": found.job for job in store.jobs.values() for found in job.executions}
    for name, index in store.indexes.items():
        mender = Mender(index)
        per_record = name in ("idx_executions", "idx_evaluations")
        for bucket, key in sorted(index.entries):
            if name == "idx_inprogress":
                job = job_of_entry(key, store.jobs)
            elif name in _COMPOSITE:
                job = job_of.get(key, key.partition(":")[2])
            else:
                job = key
            if job in gone:
                yield from mender.remove(bucket, key, alone=per_record)
    for id in sorted(gone):
        yield from _bucket_removal(jobs, (b"jobs",), id.encode())


_COMPOSITE = ("idx_inprogress_executions", "idx_executions_by_node")


def compute_deletions(db: Store, found: list[ComputeGeneration], options: AuditOptions) -> Iterator[Change]:
    """Yield the changes that delete the executions of the report, with their histories and index entries."""
    assert options.older_than is not None
    for part in found:
        gone = {
            execution.id
            for execution in part.executions.values()
            if execution.terminal
            and execution.modified_at is not None
            and options.now - execution.modified_at > options.older_than
            and not is_hex(execution.id)
        }
        for index, alone in ((part.jobs_index, True), (part.state_index, False), (part.live_index, False)):
            if index is not None:
                mender = Mender(index)
                for name, key in sorted(index.entries):
                    if key in gone:
                        yield from mender.remove(name, key, alone=alone)
        histories, records = find(db, part.generation.history), find(db, part.generation.executions)
        for id in sorted(gone):
            if histories is not None:
                yield from _bucket_removal(histories, (part.generation.history,), id.encode())
            value = records.get(id.encode()) if records is not None else None
            if isinstance(value, bytes):
                yield Change("remove", (part.generation.executions,), id.encode(), value)


def _bucket_removal(parent: Store | None, path: Path, name: bytes) -> Iterator[Change]:
    """Yield the removal of a bucket and of all that is in it, from the inside out; nothing if it isn't there."""
    start = parent.get(name) if parent is not None else None
    if start is None or isinstance(start, bytes):
        return
    pending = [((*path, name), iter(start.range()))]
    while pending:
        path, source = pending[-1]
        for key, value in source:
            if isinstance(value, bytes):
                yield Change("remove", path, key, value)
            else:
                pending.append(((*path, key), iter(value.range())))
                break
        else:
            pending.pop()
            yield Change("remove", path)
