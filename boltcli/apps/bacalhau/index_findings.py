"""What is wrong with an orchestrator's indexes, with the changes that mend them."""

from __future__ import annotations

from functools import partial

from ..contract import ERROR, INFO, WARNING, AuditFinding
from .mend import Mender, mended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..contract import Change
    from .job_answers import Deviations
    from .job_store import Index, JobStore
    from .mend import Mendable

_PATCH = (
    "Stop the node, then `boltcli audit --changes changes.ndjson FILE; boltcli patch --in-place FILE changes.ndjson`."
)
_TRACE = "None: Bacalhau leaves it behind itself; the change removes it."


def index_findings(store: JobStore, found: dict[str, Deviations]) -> Iterator[AuditFinding]:
    """Yield the findings about the indexes of a job store."""
    for name, part in found.items():
        index = store.indexes[name]
        about = _Index(name, index)
        if name in ("idx_executions", "idx_evaluations"):
            yield from mended(_records(store, part, about))
        elif name == "idx_inprogress":
            yield from mended(_in_progress(store, part, about))
        elif name == "idx_inprogress_executions":
            yield from mended(_in_progress_executions(store, part, about))
        elif name == "idx_executions_by_node":
            yield from mended(_by_node(store, part, about))
        else:
            yield from mended(_jobs(store, part, about))


class _Index:
    """One index, and the findings about it."""

    def __init__(self, name: str, index: Index) -> None:
        self.name = name
        self.index = index
        self.mender = Mender(index)

    def finding(
        self, severity: str, message: str, entry: tuple[str, str], subject: str, remedy: str,
        repair: Callable[[], list[Change]] | None,
    ) -> Mendable:  # fmt: skip
        bucket, key = entry
        places = self.index.places(bucket, key) or [(self.mender.path(bucket), key.encode(), b"")]
        path, raw, _ = places[0]
        finding = AuditFinding(
            f"indexes.{self.name}", severity, message, bucket=path, key=raw, subject=subject, remedy=remedy
        )
        return finding, repair

    def empty(self, buckets: Iterable[str], what: str) -> Iterator[Mendable]:
        """Yield that buckets of the index are empty."""
        for bucket in buckets:
            finding = AuditFinding(
                f"indexes.{self.name}", INFO, f"The index bucket of {what} {bucket} is empty.",
                bucket=(self.index.empty_paths(bucket) or [self.mender.path(bucket)])[0], subject=bucket, remedy=_TRACE,
            )  # fmt: skip
            yield finding, partial(self.mender.drop, bucket)


def _records(store: JobStore, part: Deviations, about: _Index) -> Iterator[Mendable]:
    name, mender = about.name, about.mender
    kind = "execution" if name == "idx_executions" else "evaluation"
    there = store.executions if name == "idx_executions" else store.evaluations
    for id, job in part.strays:
        repair: Callable[[], list[Change]] | None = partial(mender.remove, id, job, alone=True)
        if kind == "execution" and store.holds(id, job):
            severity, why, repair = WARNING, f"job {there[id].job} has a record of it too", None
        elif job not in store.jobs:
            severity, why = INFO, f"job {job} is gone"
        elif id in there:
            severity, why = ERROR, f"the last record of it is under job {there[id].job}"
        elif kind == "evaluation":
            severity, why = INFO, "the evaluation is gone from its job"
        else:
            severity, why = ERROR, f"job {job} has no such execution: its record is lost"
        yield about.finding(
            severity, f"The index entry of {kind} {id} leads to job {job}, but {why}.", (id, job), id,
            _TRACE if severity == INFO else f"Restore the record from a backup, or: {_PATCH}" if repair is not None
            else "Delete the record that is in the wrong place.", repair,
        )  # fmt: skip
    for id, job, _ in part.lacking:
        misplaced = there[id].misplaced
        yield about.finding(
            ERROR, f"The {kind} {id} of job {job} isn't in {name}: no look-up by its id finds it.", (id, job), id,
            "Delete the record: it is in the wrong place." if misplaced else _PATCH,
            None if misplaced else partial(mender.add, id, job),
        )  # fmt: skip
    missing = {id for id, _, _ in part.lacking}
    yield from about.empty((id for id in about.index.empty if id not in missing), kind)


def _jobs(store: JobStore, part: Deviations, about: _Index) -> Iterator[Mendable]:
    name, mender = about.name, about.mender
    what = {"idx_namespaces": "namespace", "idx_tags": "label", "idx_job_names": "name"}[name]
    for bucket, job in part.strays:
        if job not in store.jobs:
            severity, message = WARNING, f"The index entry of {what} {bucket} leads to job {job}, which is gone."
        elif name == "idx_tags" and store.since_1_8:
            severity, message = INFO, f"Job {job} has dropped its label {bucket}, but is still found by it."
        else:
            severity, message = WARNING, f"Job {job} is found by the {what} {bucket}, which it doesn't have."
        remedy = _TRACE if severity == INFO else _PATCH
        yield about.finding(severity, message, (bucket, job), job, remedy, partial(mender.remove, bucket, job))
    for bucket, key, id in part.lacking:
        before = name == "idx_job_names" and not store.jobs[id].has_versions
        yield about.finding(
            INFO if before else ERROR,
            f"Job {id} isn't found by its {what} {bucket}" + (": it was made before 1.8.0." if before else "."),
            (bucket, key), id, _PATCH, partial(mender.add, bucket, key),
        )  # fmt: skip
    yield from about.empty(about.index.empty, what)


def _in_progress(store: JobStore, part: Deviations, about: _Index) -> Iterator[Mendable]:
    mender = about.mender
    for bucket, key in part.strays:
        yield about.finding(
            ERROR, f"The entry {key} of jobs in progress leads to a job that is gone: listing them fails.",
            (bucket, key), key, _PATCH, partial(mender.remove, bucket, key),
        )  # fmt: skip
    for bucket, key, id in part.done:
        yield about.finding(
            WARNING, f"Job {id} is {store.jobs[id].state}, but is still listed as in progress.",
            (bucket, key), id, _PATCH, partial(mender.remove, bucket, key),
        )  # fmt: skip
    for bucket, key, id in part.lacking:
        yield about.finding(
            ERROR, f"Job {id} is {store.jobs[id].state}, but isn't listed as in progress: nobody will look after it.",
            (bucket, key), id, _PATCH, partial(mender.add, bucket, key),
        )  # fmt: skip
    if not store.legacy_keys:
        for bucket, key in part.legacy:
            yield about.finding(
                INFO, f"The entry of job {key} has the form of 1.3.0 and before, which newer versions accept.",
                (bucket, key), key, "None.", None,
            )  # fmt: skip


def _in_progress_executions(store: JobStore, part: Deviations, about: _Index) -> Iterator[Mendable]:
    mender = about.mender
    for bucket, key in part.strays:
        yield about.finding(
            ERROR, f"The entry {key} of executions in progress leads to an execution that is gone.",
            (bucket, key), key.partition(":")[0], _PATCH, partial(mender.remove, bucket, key),
        )  # fmt: skip
    for bucket, key, id in part.done:
        execution = store.executions[id]
        yield about.finding(
            WARNING, f"Execution {id} is {execution.state} (wanted: {execution.desired}), but listed as in progress.",
            (bucket, key), id, _PATCH, partial(mender.remove, bucket, key),
        )  # fmt: skip
    for bucket, key, id in part.lacking:
        execution = store.executions[id]
        message = f"Execution {id} is {execution.state}, but isn't listed as in progress"
        if execution.desired == "Stopped":
            # Bacalhau itself takes it out by then; what isn't terminal is only what its node has not yet said.
            yield about.finding(
                INFO, f"{message}: it was to be stopped, and its node has not said that it has.", (bucket, key), id,
                "Look at the execution on its node; nobody asks for it any more.", None,
            )  # fmt: skip
            continue
        before = not store.jobs[execution.job].has_versions
        yield about.finding(
            INFO if before else ERROR, message + (": its job was made before 1.8.0." if before else "."),
            (bucket, key), id, _PATCH, partial(mender.add, bucket, key),
        )  # fmt: skip


def _by_node(store: JobStore, part: Deviations, about: _Index) -> Iterator[Mendable]:
    mender = about.mender
    there = {f"{found.id}:{found.job}": found.id for found in store.executions.values()}
    for node, key in part.strays:
        id = there.get(key, key.partition(":")[0])
        yield about.finding(
            WARNING, f"Node {node} is said to have execution {id}, which "
            + ("is elsewhere." if key in there or id in store.executions else "is gone."), (node, key), id, _PATCH,
            partial(mender.remove, node, key),
        )  # fmt: skip
    for node, key, id in part.lacking:
        before = not store.jobs[store.executions[id].job].has_versions
        yield about.finding(
            INFO if before else ERROR,
            f"Execution {id} isn't found by its node {node}" + (": its job was made before 1.8.0." if before else "."),
            (node, key), id, _PATCH, partial(mender.add, node, key),
        )  # fmt: skip
    yield from about.empty(about.index.empty, "node")
