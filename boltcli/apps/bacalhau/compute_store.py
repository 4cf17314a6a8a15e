"""What a compute node's execution store holds, read once: each generation of buckets by itself."""

from __future__ import annotations

from ..json_values import load_record
from ..store import find
from .events import read_checkpoints, read_events
from .job_store import Index, gaps, pairs, read_index, row_number
from .layout import UNVERSIONED, V2, generations
from .records import job_of, moment_of, name, number, part, requester, text
from .states import EARLY, LOCAL, NEW, TERMINAL, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contract import Path
    from ..meter import Meter
    from ..store import Store
    from .events import Events
    from .layout import Generation
    from .records import Record


class LocalExecution:
    """A record of a compute node. ``created`` and ``modified`` are as they stand there."""

    __slots__ = (
        "created", "id", "job", "misplaced", "modified", "namespace", "node", "number",
        "requester", "revision", "size", "state", "terminal",
    )  # fmt: skip

    def __init__(self, id: str, generation: Generation, record: Record, size: int) -> None:
        self.id = id
        self.size = size
        self.job = job_of(record)
        inner = part(record, "Execution") or record
        self.namespace = text(inner, "Namespace")
        self.node = text(inner, "NodeID")
        self.misplaced = bool(record) and text(inner, "ID") != id
        self.number, self.state = local_state(generation, record)
        self.terminal = self.state in TERMINAL
        self.created = record.get("CreateTime")
        if generation is V2:
            self.revision = number(record, "Revision")
            self.requester = requester(record)
            self.modified = record.get("ModifyTime")
        else:
            self.revision = number(record, "Revision" if "Revision" in record else "Version")
            self.requester = text(record, "RequesterNodeID")
            self.modified = record.get("UpdateTime")

    @property
    def created_at(self) -> int | None:
        """Nanoseconds since 1970."""
        return moment_of(self.created)

    @property
    def modified_at(self) -> int | None:
        """Nanoseconds since 1970."""
        return moment_of(self.modified)


class History:
    """The rows of an execution: how many, their bytes, and whether each state follows from the one before."""

    __slots__ = ("bytes", "end", "rows", "whole")

    def __init__(self) -> None:
        self.bytes = 0
        self.rows = 0
        self.whole = True
        self.end: object = None  # the last new state


class ComputeGeneration:
    """All that an audit asks of one generation. ``gaps`` are missing history rows, by execution."""

    __slots__ = (
        "early", "events", "executions", "gaps", "generation", "histories", "jobs_index", "live_index", "sequences",
        "state_index", "undecodable",
    )  # fmt: skip

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.executions: dict[str, LocalExecution] = {}
        self.histories: dict[str, History] = {}
        self.gaps: dict[str, list[int]] = {}
        self.jobs_index = Index(generation.by_job)
        self.live_index: Index | None = None
        self.state_index: Index | None = None
        self.events: Events | None = None
        self.sequences: dict[str, int | None] | None = None
        self.undecodable: list[tuple[Path, bytes]] = []
        self.early = False


def local_state(generation: Generation, record: Record) -> tuple[Any, str]:
    """Return the number and the name of a record's state."""
    if generation is V2:
        number = part(record, "ComputeState").get("StateType")
        return number, state_name(number, NEW)
    return record.get("State"), state_name(record.get("State"), state_names(record))


def state_names(record: Record) -> tuple[str, ...]:
    """Return the names of the states of a record that has its own State: mid-2023 had others."""
    return EARLY if record and "Execution" not in record else LOCAL


def read_compute_store(db: Store, meter: Meter) -> list[ComputeGeneration]:
    """Read a compute store, the oldest generation first; every bucket once."""
    found = [_read_generation(db, meter, generation) for generation in generations(db)]
    meter.rest(db)
    return found


def _read_generation(db: Store, meter: Meter, generation: Generation) -> ComputeGeneration:
    found = ComputeGeneration(generation)
    store = find(db, generation.executions)
    if store is not None:
        path: Path = (generation.executions,)
        for key, value in pairs(meter, store, path):
            record = load_record(value)
            if record is None:
                found.undecodable.append((path, key))
                record = {}
            execution = LocalExecution(name(key), generation, record, len(key) + len(value))
            found.executions[execution.id] = execution
            found.early = found.early or state_names(record) is EARLY
    store = find(db, generation.history)
    if store is not None:
        _read_histories(found, meter, store)
    store = find(db, generation.by_job)
    if store is not None:
        found.jobs_index = read_index(meter, store, generation.by_job)
    store = find(db, generation.live)
    if store is not None:
        found.live_index = read_index(meter, store, generation.live)
    store = find(db, generation.by_state)
    if store is not None:
        found.state_index = read_index(meter, store, generation.by_state)
    if generation is not UNVERSIONED:
        found.events = read_events(db, meter, generation.events, generation.checkpoints)
        if found.events is not None:
            found.undecodable += [((generation.events,), key) for key in found.events.undecodable]
    if generation.sequences and find(db, generation.sequences) is not None:
        found.sequences = read_checkpoints(db, meter, generation.sequences)
    return found


def _read_histories(found: ComputeGeneration, meter: Meter, store: Store) -> None:
    path: Path = (found.generation.history,)
    for key, bucket in meter.read(store, path):
        if isinstance(bucket, bytes):
            continue
        id = name(key)
        history = found.histories[id] = History()
        seen: list[int] = []
        for row, value in pairs(meter, bucket, (*path, key)):
            record = load_record(value)
            if record is None:
                found.undecodable.append(((*path, key), row))
                record = {}
            history.rows += 1
            history.bytes += len(row) + len(value)
            if history.rows > 1 and record.get("PreviousState") != history.end:
                history.whole = False
            history.end = record.get("NewState")
            seq = row_number(row)
            if seq is not None:
                seen.append(seq)
        missing = gaps(seen, bucket.sequence)
        if missing:
            found.gaps[id] = missing
