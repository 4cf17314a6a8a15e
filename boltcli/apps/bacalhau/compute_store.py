"""What a compute node's execution store holds, read once: each generation of buckets by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..values import find
from .executions import Execution, of_compute_node
from .indexes import Index
from .layout import UNVERSIONED, Generation, generations
from .reading import Events, History, Reader, read_events
from .records import name

if TYPE_CHECKING:
    from ..contract import Store
    from ..meter import Meter


@dataclass(slots=True)
class StateHistory(History):
    """The history of an execution: also whether each state follows from the one before, and the last new state."""

    whole: bool = True
    end: Any = None


@dataclass
class ComputeGeneration:
    """All that an audit asks of one generation."""

    generation: Generation
    reader: Reader
    executions: dict[str, Execution] = field(default_factory=dict)
    histories: dict[str, StateHistory] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    events: Events | None = None
    sequences: dict[str, int | None] | None = None

    def __post_init__(self) -> None:
        self.indexes["job_index"] = Index(self.generation.by_job)


def read_compute_store(db: Store, meter: Meter) -> list[ComputeGeneration]:
    """Read a compute store, the oldest generation first; every bucket once."""
    found = [_read_generation(db, generation, Reader(meter)) for generation in generations(db)]
    meter.rest(db)
    return found


def _read_generation(db: Store, generation: Generation, reader: Reader) -> ComputeGeneration:
    found = ComputeGeneration(generation, reader)
    for key, record, size in reader.records(find(db, generation.executions), (generation.executions,)):
        execution = of_compute_node(name(key), generation, record, size)
        found.executions[execution.id] = execution
    histories = find(db, generation.history)
    if histories is not None:
        for key, rows in reader.meter.read(histories, (generation.history,)):
            if not isinstance(rows, bytes):
                history = found.histories[name(key)] = StateHistory()
                for record in history.read(reader, rows, (generation.history, key)):
                    if history.rows > 1 and record.get("PreviousState") != history.end:
                        history.whole = False
                    history.end = record.get("NewState")
    for id, execution in found.executions.items():
        execution.rows = found.histories[id].rows if id in found.histories else 0
    for index, bucket in (
        ("job_index", generation.by_job),
        ("live_index", generation.live),
        ("state_index", generation.by_state),
    ):
        store = find(db, bucket)
        if store is not None:
            found.indexes[index] = Index.read(reader.meter, store, bucket)
    if generation is not UNVERSIONED:
        found.events = read_events(reader, db, generation.events, generation.checkpoints)
    if generation.sequences and find(db, generation.sequences) is not None:
        found.sequences = reader.positions(db, generation.sequences)
    return found
