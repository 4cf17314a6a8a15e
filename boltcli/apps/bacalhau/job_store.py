"""What an orchestrator's job store holds, read once: jobs with their executions and evaluations, and the indexes."""

from __future__ import annotations

from ..json_values import load_record
from ..store import find, names
from .events import read_events
from .layout import SINCE_1_8
from .records import moment, name, number, part, place, requester, text
from .states import TERMINAL_JOBS, compute_state, desired_state, is_terminal, numbering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract import Path
    from ..meter import Meter
    from ..store import Store
    from .events import Events
    from .records import Record

_TREES = (
    b"idx_tags",
    b"idx_namespaces",
    b"idx_executions",
    b"idx_evaluations",
    b"idx_job_names",
    b"idx_executions_by_node",
)
_FLAT = (b"idx_inprogress", b"idx_inprogress_executions")
_TYPES = ("batch", "daemon", "ops", "service")  # of jobs


class Evaluation:
    """An evaluation of a job; ``status`` is "" where the record can't be read."""

    __slots__ = ("created", "id", "job", "misplaced", "status", "trigger")

    def __init__(self, id: str, job: str, record: Record) -> None:
        self.id = id
        self.job = job
        self.status = text(record, "Status")
        self.trigger = record.get("TriggeredBy")
        self.created = number(record, "CreateTime")
        self.misplaced = bool(record) and (text(record, "ID") != id or text(record, "JobID") != job)


class Execution:
    """An execution of a job. ``old``: its state has the numbering of 1.5.1 and before; None: nothing tells."""

    __slots__ = (
        "created", "desired", "evaluation", "exit_code", "id", "job", "message", "misplaced", "modified", "node",
        "number", "old", "previous", "revision", "rows", "size", "state", "terminal",
    )  # fmt: skip

    def __init__(self, id: str, job: str, record: Record, size: int) -> None:
        self.id = id
        self.job = job
        self.node = text(record, "NodeID")
        self.evaluation = text(record, "EvalID")
        self.previous = text(record, "PreviousExecution")
        self.desired = desired_state(record)
        self.revision = number(record, "Revision")
        self.created = number(record, "CreateTime")
        self.modified = number(record, "ModifyTime")
        state = part(record, "ComputeState")
        self.number = state.get("StateType")
        self.message = text(state, "Message")
        output = part(record, "RunOutput")
        self.exit_code = number(output, "ExitCode")
        self.misplaced = bool(record) and (text(record, "ID") != id or text(record, "JobID") != job)
        self.size = size
        self.rows = 0  # of the job's execution_history
        self.old: bool | None = True
        self.state = ""
        self.terminal = False

    def name_state(self, record: Record, old: bool | None) -> None:
        """Name the state by the numbering that was found out."""
        self.old = old
        self.state = compute_state(record, old=old)
        self.terminal = is_terminal(self.state)


def lower(text: str) -> str:
    """Return a text in lower case as Go's ``strings.ToLower`` does: each character by itself, as one character.

    >>> lower("Env"), lower("\u039f\u03a3") == "\u03bf\u03c3", lower("\u0130")
    ('env', True, 'i')
    """
    return text.lower() if text.isascii() else "".join(char.lower()[0] for char in text)


class Job:
    """A job, with what its bucket holds. ``known``: its specification is there and can be read.

    ``rows`` are the rows of ``job_history`` (None: no such bucket), ``last_version``
    the last key of ``versions``. ``bytes`` are the keys and values in its bucket.
    """

    __slots__ = (
        "bytes", "count", "created", "evaluations", "executions", "has_execution_history", "has_history", "has_spec",
        "has_versions", "id", "known", "labels", "last_version", "misnamed", "modified", "name", "namespace",
        "requester", "revision", "rows", "state", "type", "version",
    )  # fmt: skip

    def __init__(self, id: str) -> None:
        self.id = id
        self.executions: list[Execution] = []
        self.evaluations: dict[str, Evaluation] = {}
        self.rows: int | None = None
        self.has_execution_history = False
        self.has_history = False
        self.has_versions = False
        self.has_spec = False
        self.last_version: int | None = None
        self.bytes = 0
        self.describe({})
        self.known = False

    def describe(self, record: Record) -> None:
        """Take over what the specification says."""
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

    @property
    def before_1_5(self) -> bool:
        """Whether nothing was written to it since 1.5.0, whose histories are in another bucket."""
        return not self.has_history and (self.rows is not None or self.has_execution_history)


class Index:
    """An index as it lies in the file: entries (names down to the bucket joined by /, key), and empty buckets.

    ``values`` has those values of entries that aren't empty, as they should be.
    Where names as text don't lead back to the bytes in the file (they aren't
    UTF-8, or one has a / in it), :meth:`places` and :meth:`empty_paths` know.
    """

    __slots__ = ("_empty", "_odd", "bucket", "empty", "entries", "values")

    def __init__(self, bucket: bytes = b"") -> None:
        self.bucket = bucket
        self.entries: set[tuple[str, str]] = set()
        self.values: dict[tuple[str, str], bytes] = {}
        self.empty: list[str] = []
        self._odd: dict[tuple[str, str], list[tuple[Path, bytes, bytes]]] = {}
        self._empty: dict[str, list[Path]] = {}

    def add(self, path: Path, prefix: str, key: bytes, value: bytes, *, exact: bool) -> None:
        """Take in the entry ``key`` of the bucket at ``path``; ``exact``: its names joined, ``prefix``, lead there."""
        text = name(key)
        entry = prefix, text
        if not exact or (text.startswith("0x") and text.encode() != key) or entry in self.entries:
            self._odd[entry] = [*self.places(*entry), (path, key, value)]
        elif value:
            self.values[entry] = value
        self.entries.add(entry)

    def add_empty(self, path: Path) -> None:
        """Take in a bucket that has nothing in it."""
        self._empty.setdefault("/".join(map(name, path[1:])), []).append(path)

    def places(self, bucket: str, key: str) -> list[tuple[Path, bytes, bytes]]:
        """Return where an entry lies in the file, by bucket and key, with its value; nothing if it isn't there."""
        entry = bucket, key
        if entry not in self.entries:
            return []
        return self._odd.get(entry) or [(path_of(self.bucket, bucket), key.encode(), self.values.get(entry, b""))]

    def empty_paths(self, bucket: str) -> list[Path]:
        """Return the empty buckets that are called ``bucket``."""
        return self._empty.get(bucket, [])

    def buckets(self) -> Iterator[tuple[Path, int]]:
        """Yield the buckets that have entries or nothing in them, with the number of entries."""
        counts: dict[Path, int] = {}
        paths: dict[str, Path] = {}
        for entry in self.entries:
            if entry in self._odd:
                for path, _, _ in self._odd[entry]:
                    counts[path] = counts.get(path, 0) + 1
                continue
            bucket = entry[0]
            known = paths.get(bucket)
            if known is None:
                known = paths[bucket] = path_of(self.bucket, bucket)
            counts[known] = counts.get(known, 0) + 1
        yield from counts.items()
        for found in self._empty.values():
            yield from ((path, 0) for path in found)


def path_of(index: bytes, bucket: str) -> Path:
    """Return the bucket called ``bucket`` in an index, where Bacalhau puts it: every / in its name is a level."""
    return (index, *(part.encode() for part in bucket.split("/"))) if bucket else (index,)


class JobStore:
    """All that an audit asks of a job store. ``gaps`` are missing history rows, by ``job/bucket``."""

    __slots__ = (
        "evaluations",
        "events",
        "executions",
        "gaps",
        "indexes",
        "jobs",
        "old_store",
        "rows_have_events",
        "since_1_8",
        "undecodable",
    )

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.executions: dict[str, Execution] = {}  # of several records of one id the last
        self.evaluations: dict[str, Evaluation] = {}
        self.indexes: dict[str, Index] = {}
        self.gaps: dict[str, list[int]] = {}
        self.events: Events | None = None
        self.old_store = False
        self.rows_have_events: bool | None = None  # the first row that can be read; None: there is none
        self.since_1_8 = False
        self.undecodable: list[tuple[Path, bytes]] = []

    @property
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


def read_job_store(db: Store, meter: Meter) -> JobStore:
    """Read a job store; every bucket once."""
    found = JobStore()
    present = set(names(db))
    found.since_1_8 = bool(present.intersection(SINCE_1_8))
    found.old_store = b"v1_events" not in present
    # Before the jobs, since events tell by which version an execution was written.
    found.events = read_events(db, meter, b"v1_events", b"v1_checkpoints")
    if found.events is not None:
        found.undecodable += [((b"v1_events",), key) for key in found.events.undecodable]
    jobs = find(db, b"jobs")
    if jobs is not None:
        for key, value in meter.read(jobs, (b"jobs",)):
            if not isinstance(value, bytes):
                _read_job(found, meter, key, value)
    for bucket in (*_TREES, *_FLAT):
        store = find(db, bucket)
        if store is not None:
            found.indexes[bucket.decode()] = read_index(meter, store, bucket)
    meter.rest(db)
    return found


def _read_job(found: JobStore, meter: Meter, key: bytes, store: Store) -> None:
    job = found.jobs[name(key)] = Job(name(key))
    usage = meter.top[b"jobs"]
    before = usage.key_bytes + usage.value_bytes
    path = (b"jobs", key)
    records: list[Record] = []
    rows: dict[str, int] = {}
    for inner, value in meter.read(store, path):
        if isinstance(value, bytes):
            if inner == b"spec":
                job.has_spec = True
                job.describe(_decoded(found, path, inner, value))
        elif inner == b"executions":
            records = _read_executions(found, meter, job, value, (*path, inner))
        elif inner == b"evaluations":
            for id, raw in pairs(meter, value, (*path, inner)):
                evaluation = Evaluation(name(id), job.id, _decoded(found, (*path, inner), id, raw))
                job.evaluations[evaluation.id] = found.evaluations[evaluation.id] = evaluation
        elif inner in (b"job_history", b"execution_history", b"history"):
            _read_history(found, meter, job, inner, value, (*path, inner), rows)
        elif inner == b"versions":
            job.has_versions = True
            for version, raw in pairs(meter, value, (*path, inner)):
                _decoded(found, (*path, inner), version, raw)
                job.last_version = int.from_bytes(version, "big")
        else:
            meter.count(value, (*path, inner))
    job.bytes = usage.key_bytes + usage.value_bytes - before
    upserts = found.events.upserts if found.events is not None else {}
    for execution, record in zip(job.executions, records):
        execution.rows = rows.get(execution.id, 0)
        old = numbering(record, old_store=found.old_store, old_job=job.before_1_5, upserted=execution.id in upserts)
        execution.name_state(record, old)


def _read_executions(found: JobStore, meter: Meter, job: Job, store: Store, path: Path) -> list[Record]:
    records = []
    for key, value in pairs(meter, store, path):
        record = _decoded(found, path, key, value)
        execution = Execution(name(key), job.id, record, len(key) + len(value))
        job.executions.append(execution)
        found.executions[execution.id] = execution
        records.append(record)
    return records


def _read_history(
    found: JobStore, meter: Meter, job: Job, bucket: bytes, store: Store, path: Path, rows: dict[str, int]
) -> None:
    seen: list[int] = []
    for key, value in pairs(meter, store, path):
        record = _decoded(found, path, key, value)
        seq = row_number(key)
        if seq is not None:
            seen.append(seq)
        if found.rows_have_events is None and bucket == b"job_history" and record:
            found.rows_have_events = "Event" in record
        if bucket == b"execution_history":
            execution = text(record, "ExecutionID")
            rows[execution] = rows.get(execution, 0) + 1
    if bucket == b"history":
        job.has_history = True
    elif bucket == b"job_history":
        job.rows = len(seen)
    else:
        job.has_execution_history = True
    missing = gaps(seen, store.sequence)
    if missing:
        found.gaps[f"{job.id}/{bucket.decode()}"] = missing


_MOST_GAPS = 100_000


def gaps(seen: list[int], sequence: int) -> list[int]:
    """Return the numbers from 1 to ``sequence`` that aren't in ``seen``; a false sequence makes no list without end."""
    if len(seen) == sequence and (not seen or seen[-1] == sequence):
        return []
    have = set(seen)
    missing = []
    for wanted in range(1, min(sequence, len(seen) + _MOST_GAPS) + 1):
        if wanted not in have:
            missing.append(wanted)
    return missing


def row_number(key: bytes) -> int | None:
    """Return the number of a history row: its key is decimal digits, or since 1.5.0 a big-endian number of 8 bytes."""
    if len(key) == 8 and not key.isdigit():
        return int.from_bytes(key, "big")
    return int(key) if key.isdigit() and len(key) <= 20 else None


def read_index(meter: Meter, store: Store, bucket: bytes) -> Index:
    """Read the index ``bucket``, whose buckets may nest: a name with / in it is several."""
    index = Index(bucket)
    empty: list[Path] = []
    pending: list[tuple[Path, Store]] = [((bucket,), store)]
    while pending:
        path, inside = pending.pop()
        prefix = "/".join(map(name, path[1:]))
        exact = path == path_of(bucket, prefix)
        filled = False
        for key, value in meter.read(inside, path):
            filled = True
            if isinstance(value, bytes):
                index.add(path, prefix, key, value, exact=exact)
            else:
                pending.append(((*path, key), value))
        if not filled and prefix:
            empty.append(path)
    for path in sorted(empty):
        index.add_empty(path)
        index.empty.append("/".join(map(name, path[1:])))
    return index


def pairs(meter: Meter, store: Store, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of a bucket; buckets inside, which don't belong there, are only counted."""
    for key, value in meter.read(store, path):
        if isinstance(value, bytes):
            yield key, value
        else:
            meter.count(value, (*path, key))


def _decoded(found: JobStore, path: Path, key: bytes, value: bytes) -> Record:
    record = load_record(value)
    if record is None:
        found.undecodable.append((path, key))
        return {}
    return record


def undecodable_places(found: list[tuple[Path, bytes]]) -> list[str]:
    """Return the places of values that aren't JSON objects."""
    return sorted(place(path, key) for path, key in found)
