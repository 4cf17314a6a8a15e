"""What the stores hold, read once: an orchestrator's jobs, and the generations of a compute node's executions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..values import find, names
from .executions import Execution, numbering, of_compute_node, of_orchestrator
from .indexes import Index
from .layout import SINCE_1_8, Generation
from .reading import History, Reader, read_events
from .records import Record, Stored, moment, name, number, part, requester, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract import Path, Store
    from ..meter import Meter

_INDEXES = ("idx_tags", "idx_namespaces", "idx_executions", "idx_evaluations", "idx_job_names",
            "idx_executions_by_node", "idx_inprogress", "idx_inprogress_executions")  # fmt: skip
_TYPES = ("batch", "daemon", "ops", "service")  # of jobs


class Evaluation(Stored):
    """An evaluation of a job; ``status`` is "" where the record can't be read."""

    kind = "evaluation"

    def __init__(self, bucket: Path, key: bytes, record: Record) -> None:
        super().__init__(bucket, key, key)
        self.job = name(bucket[1])
        self.status = text(record, "Status")
        self.trigger = record.get("TriggeredBy")
        self.created = number(record, "CreateTime")
        self.misplaced = bool(record) and (text(record, "ID") != self.id or text(record, "JobID") != self.job)


class Job(Stored):
    """A job, with what its bucket holds. ``known``: its specification is there and can be read.

    ``before_1_5``: nothing was written to it since 1.5.0, whose histories are in
    another bucket. ``rows`` are those of ``job_history``, ``last_version`` is the
    last key of ``versions``, ``bytes`` are those of the keys and values in it.
    """

    kind = "job"

    def __init__(self, key: bytes, store: Store) -> None:
        super().__init__((b"jobs", key), b"spec", key)
        self.executions: list[Execution] = []
        self.evaluations: dict[str, Evaluation] = {}
        self.has_history, self.before_1_5 = histories(store)
        self.rows = 0
        self.has_versions = False
        self.last_version: int | None = None
        self.bytes = 0
        self.describe({})
        self.has_spec = False

    def describe(self, record: Record) -> None:
        """Take over what the specification says."""
        self.has_spec = True
        self.known = bool(record)
        self.name = text(record, "Name")
        self.namespace = text(record, "Namespace")
        self.requester = requester({"Job": record})
        self.type = text(record, "Type")
        self.state = text(part(record, "State"), "StateType")
        self.labels = sorted({lower(label) for label in part(record, "Labels")})
        self.count = number(record, "Count") or 0
        self.version = number(record, "Version")
        self.revision = number(record, "Revision")
        self.created = number(record, "CreateTime")
        self.modified = moment(record, "ModifyTime")
        self.misplaced = bool(record) and text(record, "ID") != self.id

    @property
    def terminal(self) -> bool:
        return self.state in ("Completed", "Failed", "Stopped")

    @property
    def live(self) -> int:
        """How many of its executions aren't finished."""
        return sum(not execution.terminal for execution in self.executions)


def lower(text: str) -> str:
    """Return a text in lower case as Go's ``strings.ToLower`` does: each character by itself, as one character.

    >>> lower("Env"), lower("\u039f\u03a3") == "\u03bf\u03c3", lower("\u0130")
    ('env', True, 'i')
    """
    return text.lower() if text.isascii() else "".join(char.lower()[0] for char in text)


class JobStore:
    """All that an audit asks of a job store; every bucket is read once.

    ``gaps`` are missing rows, by job and bucket. ``old_store``: it has never been
    opened by 1.5.2 or newer. Of several records of one id ``executions`` and
    ``evaluations`` have the last.
    """

    def __init__(self, db: Store, meter: Meter) -> None:
        self.jobs: dict[str, Job] = {}
        self.executions: dict[str, Execution] = {}
        self.evaluations: dict[str, Evaluation] = {}
        self.gaps: list[tuple[Job, bytes, list[int]]] = []
        present = set(names(db))
        self.since_1_8 = bool(present.intersection(SINCE_1_8))
        self.old_store = b"v1_events" not in present
        self.rows_have_events: bool | None = None  # the first row that can be read; None: there is none
        self.reader = Reader(meter)
        # Before the jobs, since events tell by which version an execution was written.
        self.events = read_events(self.reader, db, b"v1_events", b"v1_checkpoints")
        jobs = find(db, b"jobs")
        for key, value in meter.read(jobs, (b"jobs",)) if jobs is not None else ():
            if not isinstance(value, bytes):
                self._read_job(key, value)
        self.indexes = read_indexes(db, meter, {index: index.encode() for index in _INDEXES})
        meter.rest(db)

    @property
    def all_executions(self) -> Iterator[tuple[Job, Execution]]:
        """Every record of an execution, with the job under which it lies."""
        return ((job, execution) for job in self.jobs.values() for execution in job.executions)

    @cached_property
    def legacy_keys(self) -> bool:
        """Whether 1.3.0 or older wrote it last, whose index of jobs in progress has bare job ids."""
        index = self.indexes.get("idx_inprogress")
        if not self.old_store or index is None or any(job.has_history for job in self.jobs.values()):
            return False
        bare = False
        for _, key in index.entries:
            kind, _, id = key.partition(":")
            if key in self.jobs:
                bare = True
            elif id in self.jobs or (id and kind in _TYPES):
                return False
        # Other entries say nothing; without any the history rows do, to which 1.3.1 added events.
        return bare or self.rows_have_events is False

    def holds(self, id: str, job: str) -> bool:
        """Return whether ``job`` holds a record of the execution ``id`` that says so itself."""
        return job in self.jobs and any(
            execution.id == id and not execution.misplaced for execution in self.jobs[job].executions
        )

    def _upserts(self) -> dict[str, int | None]:
        return self.events.upserts if self.events is not None else {}

    def _read_job(self, key: bytes, store: Store) -> None:
        reader, path, usage = self.reader, (b"jobs", key), self.reader.meter.top[b"jobs"]
        before = usage.key_bytes + usage.value_bytes
        job = self.jobs[name(key)] = Job(key, store)
        rows: dict[str, int] = {}
        for inner, value in reader.meter.read(store, path):
            inside = (*path, inner)
            if isinstance(value, bytes):
                if inner == b"spec":
                    job.describe(reader.record(path, inner, value))
            elif inner == b"executions":
                for raw, record, size in reader.records(value, inside):
                    old = numbering(record, name(raw), self.old_store, job.before_1_5, self._upserts)
                    execution = of_orchestrator(inside, raw, record, size, old).slim()
                    job.executions.append(execution)
                    self.executions[execution.id] = execution
            elif inner == b"evaluations":
                for raw, record, _ in reader.records(value, inside):
                    evaluation = Evaluation(inside, raw, record)
                    job.evaluations[evaluation.id] = self.evaluations[evaluation.id] = evaluation
            elif inner in (b"job_history", b"execution_history", b"history"):
                self._read_history(job, inner, value, inside, rows)
            elif inner == b"versions":
                job.has_versions = True
                for version, _, _ in reader.records(value, inside):
                    job.last_version = int.from_bytes(version, "big")
            else:
                reader.meter.count(value, inside)
        for execution in job.executions:
            execution.rows = rows.get(execution.id, 0)
        job.bytes = usage.key_bytes + usage.value_bytes - before

    def _read_history(self, job: Job, bucket: bytes, store: Store, path: Path, rows: dict[str, int]) -> None:
        history = History()
        for record in history.read(self.reader, store, path):
            if bucket == b"execution_history":
                execution = text(record, "ExecutionID")
                rows[execution] = rows.get(execution, 0) + 1
            elif bucket == b"job_history" and self.rows_have_events is None and record:
                self.rows_have_events = "Event" in record
        if bucket == b"job_history":
            job.rows = history.numbered
        if history.missing:
            self.gaps.append((job, bucket, history.missing))


def histories(job: Store) -> tuple[bool, bool]:
    """Return whether a job has the history of 1.5.0 and newer, and whether it has only those before."""
    new = find(job, b"history") is not None
    return new, not new and any(find(job, bucket) is not None for bucket in (b"job_history", b"execution_history"))


class ComputeGeneration:
    """All that an audit asks of one generation of a compute node's store; every bucket is read once."""

    def __init__(self, db: Store, generation: Generation, meter: Meter) -> None:
        self.generation = generation
        self.name = generation.name
        self.reader = reader = Reader(meter)
        self.executions: dict[str, Execution] = {}
        self.histories: dict[str, History] = {}
        for key, record, size in reader.records(find(db, generation.executions), (generation.executions,)):
            execution = of_compute_node(generation, key, record, size).slim()
            self.executions[execution.id] = execution
        found = find(db, generation.history)
        for key, rows in meter.read(found, (generation.history,)) if found is not None else ():
            if not isinstance(rows, bytes):
                history = self.histories[name(key)] = History()
                for _ in history.read(reader, rows, (generation.history, key)):
                    pass
        for id in self.executions.keys() & self.histories.keys():
            self.executions[id].rows = self.histories[id].rows
        indexes = {"job_index": generation.by_job, "live_index": generation.live, "state_index": generation.by_state}
        self.indexes = {"job_index": Index(generation.by_job)} | read_indexes(db, meter, indexes)
        self.events = read_events(reader, db, generation.events, generation.checkpoints)
        tracked = find(db, generation.sequences) is not None
        self.sequences = reader.positions(db, generation.sequences) if tracked else None


def read_indexes(db: Store, meter: Meter, buckets: dict[str, bytes]) -> dict[str, Index]:
    """Return those indexes that are there, by the names that audits give them."""
    stores = {index: (bucket, find(db, bucket)) for index, bucket in buckets.items()}
    return {index: Index.read(meter, store, bucket) for index, (bucket, store) in stores.items() if store is not None}
