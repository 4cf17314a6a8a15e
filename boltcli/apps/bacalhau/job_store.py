"""What an orchestrator's job store holds, read once: jobs with their executions and evaluations, and the indexes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..values import find, names
from .executions import Execution, of_orchestrator
from .indexes import Index
from .layout import SINCE_1_8
from .reading import History, Reader, read_events
from .records import Record, moment, name, number, part, requester, text
from .states import TERMINAL_JOBS, numbering

if TYPE_CHECKING:
    from ..contract import Path, Store
    from ..meter import Meter

INDEXES = (
    "idx_tags",
    "idx_namespaces",
    "idx_executions",
    "idx_evaluations",
    "idx_job_names",
    "idx_executions_by_node",
    "idx_inprogress",
    "idx_inprogress_executions",
)
_TYPES = ("batch", "daemon", "ops", "service")  # of jobs


@dataclass(slots=True)
class Evaluation:
    """An evaluation of a job; ``status`` is "" where the record can't be read."""

    id: str
    job: str
    status: str
    trigger: Any
    created: int | None
    misplaced: bool


@dataclass(slots=True)
class Job:
    """A job, with what its bucket holds. ``known``: its specification is there and can be read.

    ``before_1_5``: nothing was written to it since 1.5.0, whose histories are in
    another bucket, ``history``. ``rows`` are the rows of ``job_history``,
    ``last_version`` is the last key of ``versions``, ``bytes`` are those of the
    keys and values in its bucket.
    """

    id: str
    has_history: bool = False
    before_1_5: bool = False
    executions: list[Execution] = field(default_factory=list)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    rows: int = 0
    has_versions: bool = False
    last_version: int | None = None
    bytes: int = 0
    has_spec: bool = False
    known: bool = False
    name: str = ""
    namespace: str = ""
    requester: str = ""
    type: str = ""
    state: str = ""
    labels: list[str] = field(default_factory=list)
    count: int = 0
    version: int | None = None
    revision: int | None = None
    created: int | None = None
    modified: int | None = None
    misnamed: bool = False

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
        self.misnamed = bool(record) and text(record, "ID") != self.id

    @property
    def terminal(self) -> bool:
        return self.state in TERMINAL_JOBS


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
        self.indexes: dict[str, Index] = {}
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
        for index in INDEXES:
            store = find(db, index.encode())
            if store is not None:
                self.indexes[index] = Index.read(meter, store, index.encode())
        meter.rest(db)

    @property
    def all_executions(self) -> list[Execution]:
        """Every record of an execution, in the order of the jobs."""
        return [execution for job in self.jobs.values() for execution in job.executions]

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
        has_history, old = histories(store)
        job = self.jobs[name(key)] = Job(name(key), has_history, old)
        rows: dict[str, int] = {}
        for inner, value in reader.meter.read(store, path):
            inside = (*path, inner)
            if isinstance(value, bytes):
                if inner == b"spec":
                    job.describe(reader.record(path, inner, value))
            elif inner == b"executions":
                for raw, record, size in reader.records(value, inside):
                    id = name(raw)
                    numbers = numbering(record, id, old_store=self.old_store, old_job=old, upserts=self._upserts)
                    execution = of_orchestrator(id, job.id, record, size, numbers)
                    job.executions.append(execution)
                    self.executions[execution.id] = execution
            elif inner == b"evaluations":
                for raw, record, _ in reader.records(value, inside):
                    evaluation = _evaluation(name(raw), job.id, record)
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


def _evaluation(id: str, job: str, record: Record) -> Evaluation:
    misplaced = bool(record) and (text(record, "ID") != id or text(record, "JobID") != job)
    return Evaluation(
        id, job, text(record, "Status"), record.get("TriggeredBy"), number(record, "CreateTime"), misplaced
    )
