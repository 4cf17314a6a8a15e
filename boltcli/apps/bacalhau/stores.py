"""What the stores hold, read once: an orchestrator's jobs, and the generations of a compute node's executions."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial

from ...text.json import load_record
from ..contract import Path, Store
from ..meter import Meter
from ..values import buckets, find, names
from .events import read_events, subject_of
from .executions import Execution, numbering, of_compute_node, of_orchestrator, requester
from .indexes import read_indexes
from .layout import BARE_KEYS, JOB_INDEXES, SINCE_1_8, Generation, orchestrator_versions
from .records import History, Reader, Record, Stored, moment, name, number, part, records_in, text


class Evaluation(Stored):
    """An evaluation of a job; ``status`` is "" where the record can't be read."""

    kind = "evaluation"

    def __init__(self, bucket: Path, key: bytes, record: Record) -> None:
        super().__init__(bucket, key, key)
        self.job = name(bucket[1])
        self.status = text(record, "Status")
        self.trigger = record.get("TriggeredBy")
        self.created = number(record, "CreateTime")
        self.misplaced = bool(record) and (text(record, "ID"), text(record, "JobID")) != (self.id, self.job)


class Job(Stored):
    """A job, with what its bucket holds. ``known``: its specification is there and can be read.

    ``rows`` are those of ``job_history``, ``gaps`` missing rows by bucket, ``size`` the bytes of all keys and values.
    """

    kind = "job"
    size = 0

    def __init__(self, key: bytes, store: Store, reader: Reader, is_old: Callable[[bool, str, Record], bool | None]):
        super().__init__((b"jobs", key), b"spec", key)
        self.executions: list[Execution] = []
        self.evaluations: dict[str, Evaluation] = {}
        self.before_1_5 = has_old_history(store)
        self.has_spec = self.has_versions = False
        self.last_version: int | None = None
        self.gaps: dict[bytes, list[int]] = {}
        self.rows = 0
        spec: Record = {}
        by_execution: Counter[str] = Counter()  # rows of the history
        for inner, value in reader.meter.read(store, self.bucket):
            inside = (*self.bucket, inner)
            if isinstance(value, bytes):
                if inner == b"spec":
                    self.has_spec, spec = True, reader.record(self.bucket, inner, value)
            elif inner == b"executions":
                for raw, record, size in reader.records(value, inside):
                    old = is_old(self.before_1_5, name(raw), record)
                    self.executions.append(of_orchestrator(inside, raw, record, size, old).slim())
            elif inner == b"evaluations":
                for raw, record, _ in reader.records(value, inside):
                    self.evaluations[name(raw)] = Evaluation(inside, raw, record)
            elif inner in (b"job_history", b"execution_history", b"history"):
                rows = list(reader.records(value, inside))
                history = History(rows, value.sequence)
                if history.missing:
                    self.gaps[inner] = history.missing
                if inner == b"execution_history":
                    by_execution.update(text(record, "ExecutionID") for _, record, _ in rows)
                elif inner == b"job_history":
                    self.rows = history.numbered
            elif inner == b"versions":
                self.has_versions = True
                for version, _, _ in reader.records(value, inside):
                    self.last_version = int.from_bytes(version, "big")
            else:
                reader.meter.count(value, inside)
        for execution in self.executions:
            execution.rows, execution.since_1_8 = by_execution[execution.id], self.has_versions
        self.known = bool(spec)
        self.misplaced = self.known and text(spec, "ID") != self.id
        self.name = text(spec, "Name")
        self.namespace = text(spec, "Namespace")
        self.requester = requester({"Job": spec})
        self.type = text(spec, "Type")
        self.state = text(part(spec, "State"), "StateType")
        self.terminal = self.state in ("Completed", "Failed", "Stopped")
        self.labels = sorted({lower(label) for label in part(spec, "Labels")})
        self.count = number(spec, "Count") or 0
        self.version = number(spec, "Version")
        self.revision = number(spec, "Revision")
        self.created = number(spec, "CreateTime")
        self.modified = moment(spec, "ModifyTime")
        self.live = sum(not execution.terminal for execution in self.executions)
        self.places = [self.bucket]

    @property
    def finished(self) -> int | None:
        """When the last of it was finished; None if something isn't, or nothing says when."""
        if not self.terminal or self.modified is None or self.live:
            return None
        return max([self.modified, *(execution.modified_at or 0 for execution in self.executions)])


def lower(text: str) -> str:
    """Return a text in lower case as Go's ``strings.ToLower`` does: each character by itself, as one character.

    >>> lower("Env"), lower("\u039f\u03a3") == "\u03bf\u03c3", lower("\u0130")
    ('env', True, 'i')
    """
    return text.lower() if text.isascii() else "".join(char.lower()[0] for char in text)


class JobStore:
    """All that an audit asks of a job store; every bucket is read once.

    ``old_store``: not opened by 1.5.2 or newer; ``bare_keys``: nor by 1.3.1, whose index of jobs in progress has types.
    Of several records of an id ``executions`` and ``evaluations`` have the last.
    """

    what = "jobs"

    def __init__(self, db: Store, meter: Meter) -> None:
        self.jobs = self.records = dict[str, Job]()
        present = set(names(db))
        self.since_1_8 = bool(present.intersection(SINCE_1_8))
        self.old_store = b"v1_events" not in present
        self.bare_keys = orchestrator_versions(db) == BARE_KEYS
        self.reader = Reader(meter)
        # Before the jobs, since events tell by which version an execution was written.
        self.events = read_events(self.reader, db, b"v1_events", b"v1_checkpoints")
        upserts = {} if self.events is None else self.events.upserts
        is_old = partial(numbering, self.old_store, lambda: upserts)
        for key, store in self.reader.buckets(db, b"jobs"):
            usage = meter.top[b"jobs"]
            before = usage.key_bytes + usage.value_bytes
            job = Job(key, store, self.reader, is_old)
            job.size = usage.key_bytes + usage.value_bytes - before
            self.jobs[job.id] = job
        self.executions = {each.id: each for job in self.jobs.values() for each in job.executions}
        self.evaluations = {each.id: each for job in self.jobs.values() for each in job.evaluations.values()}
        self.gaps = [(job, bucket, rows) for job in self.jobs.values() for bucket, rows in job.gaps.items()]
        self.indexes = read_indexes(db, meter, {index.decode(): index for index in JOB_INDEXES})

    @property
    def all_executions(self) -> Iterator[tuple[Job, Execution]]:
        """Every record of an execution, with the job under which it lies."""
        return ((job, execution) for job in self.jobs.values() for execution in job.executions)


def has_old_history(job: Store) -> bool:
    """Return whether nothing was written to a job since 1.5.0, whose histories are in another bucket."""
    new, *old = (find(job, bucket) is not None for bucket in (b"history", b"job_history", b"execution_history"))
    return not new and any(old)


def orchestrator_executions(db: Store) -> Iterator[Execution]:
    """Yield the executions of a job store with all that views show, reading as little as that takes."""

    @cache
    def upserts() -> set[str]:
        events = (event for _, event in records_in(db, b"v1_events"))
        return {subject_of(event)[0] for event in events if text(event, "objectType") == "ExecutionUpsert"}

    is_old = partial(numbering, find(db, b"v1_events") is None, upserts)
    for job_key, job in buckets(db, b"jobs"):
        old_job = has_old_history(job)
        owner = requester({"Job": load_record(job.get(b"spec"))})  # since 1.2.2 records don't have the job in them
        for key, record in records_in(job, b"executions"):
            old = is_old(old_job, name(key), record)
            execution = of_orchestrator((b"jobs", job_key, b"executions"), key, record, 0, old)
            execution.requester = execution.requester or owner
            yield execution


class ComputeGeneration:
    """All that an audit asks of one generation of a compute node's store; every bucket is read once."""

    what = "executions"

    def __init__(self, db: Store, generation: Generation, meter: Meter) -> None:
        self.generation = generation
        self.name = generation.name
        self.reader = reader = Reader(meter)
        self.executions = self.records = dict[str, Execution]()
        self.histories: dict[str, History] = {}
        for key, record, size in reader.records(find(db, generation.executions), (generation.executions,)):
            execution = of_compute_node(generation, key, record, size).slim()
            self.executions[execution.id] = execution
        for key, store in reader.buckets(db, generation.history):
            rows = list(reader.records(store, (generation.history, key)))
            history = self.histories[name(key)] = History(rows, store.sequence)
            if name(key) in self.executions:
                self.executions[name(key)].rows = history.rows
                self.executions[name(key)].size += history.size
        self.indexes = read_indexes(db, meter, generation.indexes)
        self.events = read_events(reader, db, generation.events, generation.checkpoints)
        tracked = find(db, generation.sequences) is not None
        self.sequences = reader.positions(db, generation.sequences) if tracked else None
