"""What could be deleted because it was finished long ago, what space that would give, and the changes that do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ...text.times import DAY, SECOND
from ..contract import AuditOptions, Change, Path, Store
from ..values import find
from .executions import Execution
from .index_audit import job_of_entry
from .indexes import IndexRepair
from .records import name
from .stores import ComputeGeneration, Job, JobStore

_AGES = (7, 30, 90, 180, 365)  # days
_PER_RECORD = ("idx_executions", "idx_evaluations", "job_index")  # their buckets go with the last entry


def retention(records: Iterable[Job | Execution], options: AuditOptions, what: str) -> dict[str, Any]:
    """Return how many of ``what`` could be deleted and their bytes, by state, by namespace and by age."""
    assert options.older_than is not None
    total = {what: 0, "bytes": 0} | ({"executions": 0} if what == "jobs" else {})
    by_state: dict[str, dict[str, int]] = defaultdict(lambda: {what: 0, "bytes": 0})
    by_namespace: dict[str, dict[str, int]] = defaultdict(lambda: {what: 0, "bytes": 0})
    by_age = {f"{days}d": {what: 0, "bytes": 0} for days in _AGES}
    for each in records:
        if each.finished is None:
            continue
        age = options.now - each.finished
        rows = [by_age[f"{days}d"] for days in _AGES if age > days * DAY]
        if age > options.older_than:
            rows += [total, by_state[each.state], by_namespace[each.namespace]]
            if isinstance(each, Job):
                total["executions"] += len(each.executions)
        for row in rows:
            row[what] += 1
            row["bytes"] += each.size
    return {
        "older_than_seconds": options.older_than // SECOND,
        **total,
        "by_age": by_age,
        "by_namespace": dict(sorted(by_namespace.items())),
        "by_state": dict(sorted(by_state.items())),
    }


def removals(db: Store, store: JobStore | ComputeGeneration, options: AuditOptions) -> Iterator[Change]:
    """Yield the changes that delete what the report counts, with histories and index entries."""
    assert options.older_than is not None
    before = options.now - options.older_than
    gone = {id for id, each in store.records.items() if each.finished is not None and each.finished < before}
    # Any part of an entry may have a : in it; what is there says where an execution's id ends.
    executions = store.all_executions if isinstance(store, JobStore) else ()
    jobs = {name(each.index_key): each.job for _, each in executions}
    for called, index in store.indexes.items():
        repair = IndexRepair(index)
        for entry in sorted(index.entries):
            id = name(entry[1])
            if called == "idx_inprogress":
                id = job_of_entry(id, store.records)
            elif called in ("idx_inprogress_executions", "idx_executions_by_node"):
                id = jobs.get(id, id.partition(":")[2])
            if id in gone:
                yield from (repair.remove_alone if called in _PER_RECORD else repair.remove)(*entry)
    for id in sorted(gone):
        for path in store.places(id):
            yield from _removal(db, path)


def _removal(db: Store, path: Path) -> Iterator[Change]:
    """Yield the removal of the pair or bucket at ``path``, that of all in it first; nothing if it isn't there."""
    bucket = find(db, *path[:-1])
    value = None if bucket is None else bucket.get(path[-1])
    if isinstance(value, bytes):
        yield Change("remove", path[:-1], path[-1], value)
    elif value is not None:
        for key, _ in value.range():
            yield from _removal(db, (*path, key))
        yield Change("remove", path)
