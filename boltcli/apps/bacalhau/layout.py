"""Which Bacalhau wrote a store, by its buckets: what each version added, and which generations lie side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from ..contract import CERTAIN, LIKELY, Recognition, Store
from ..values import find, names, pairs

JOB_INDEXES = (
    b"idx_tags", b"idx_namespaces", b"idx_executions", b"idx_evaluations", b"idx_job_names", b"idx_executions_by_node",
    b"idx_inprogress", b"idx_inprogress_executions",
)  # fmt: skip
# Bacalhau 1.8.0 creates these when it opens a job store, all versions the others.
SINCE_1_8 = frozenset((b"idx_job_names", b"idx_executions_by_node", b"idx_inprogress_executions"))
BARE_KEYS = "1.0.4-1.3.0"  # the versions whose index of jobs in progress has keys without a type
_PEEK = 64  # jobs, and keys of an index, that are looked at


@dataclass(frozen=True, eq=False)
class Generation:
    """One generation of a compute store: the names of its buckets, of which the newest generation is in use.

    ``name`` is as audits call it, ``indexes`` are by the names that audits give them. The node resumes at its start
    what is in the ``live_index``, or what ``state_index`` has as Running, Publishing (and BidAccepted).
    """

    name: str
    executions: bytes
    history: bytes
    indexes: Mapping[str, bytes]
    events: bytes = b""
    checkpoints: bytes = b""
    sequences: bytes = b""


def _numbered(name: bytes, history: bytes, sequences: bytes = b"") -> Generation:
    by_job, by_state = name + b"_idx_executions_by_job_id", name + b"_idx_executions_by_state"
    return Generation(
        name.decode(), name + b"_executions", name + history, {"job_index": by_job, "state_index": by_state},
        name + b"_events", name + b"_checkpoints", sequences,
    )  # fmt: skip


_LIVE = b"execution-live-index"
UNVERSIONED = Generation(
    "unversioned", b"execution", b"execution-history", {"job_index": b"execution-index", "live_index": _LIVE}
)
V1 = _numbered(b"v1", b"_execution_history")
V2 = _numbered(b"v2", b"_execution_events", b"v2_sequence_tracking")
GENERATIONS = (UNVERSIONED, V1, V2)


def is_orchestrator(db: Store) -> bool:
    """Say whether ``db`` is a job store: it has two of the indexes of all versions, "jobs" alone may be anybody's."""
    present = set(names(db))
    return b"jobs" in present and len(present.intersection(JOB_INDEXES) - SINCE_1_8) >= 2


def generations(db: Store) -> list[Generation]:
    """Return the generations of a compute store, the oldest first."""
    present = set(names(db))
    # Beside its records a generation has a history or an index: "execution" alone may be anybody's.
    return [
        generation
        for generation in GENERATIONS
        if generation.executions in present
        and present.intersection((generation.history, generation.indexes["job_index"]))
    ]


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is a store of Bacalhau, of which side and of which versions."""
    present = set(names(db))
    if is_orchestrator(db):
        return Recognition("bacalhau", f"orchestrator {orchestrator_versions(db)}")
    found = generations(db)
    if not found:
        return None
    *older, newest = (_compute_versions(generation, present) for generation in found)
    beside = f", with the older generations of {' and '.join(reversed(older))}" if older else ""
    sure = LIKELY if found[-1] is UNVERSIONED and _LIVE not in present else CERTAIN
    return Recognition("bacalhau", f"compute {newest}{beside}", sure)


def _compute_versions(generation: Generation, present: set[bytes]) -> str:
    if generation is UNVERSIONED:
        return "1.0.4-1.4.0" if _LIVE in present else "mid-2023"
    if generation is V1:
        return "1.5.0-1.5.1"
    return "1.6.0-1.9.3" if generation.sequences in present else "1.5.2"


def orchestrator_versions(db: Store) -> str:
    """Return which versions have written a job store, as far as its first and last jobs tell: their ids are random."""
    present = set(names(db))
    if present.intersection(SINCE_1_8):
        return "1.8.0-1.9.3"
    if b"v1_events" in present:
        return "1.5.2-1.7.0"
    jobs = find(db, b"jobs")
    ends = (islice(jobs.range(reverse=each), _PEEK) if jobs is not None else () for each in (False, True))
    first, last = ([job for _, job in end if not isinstance(job, bytes)] for end in ends)
    inside = {key for job in (*first, *last) for key in names(job, 16)}
    if b"history" in inside:
        return "1.5.0-1.5.1"
    row = next((row for job in first for row in islice(pairs(job, b"job_history"), 1)), None)
    keys = [key for key, _ in islice(pairs(db, b"idx_inprogress"), _PEEK)]
    # 1.3.1 added the type to the keys of that index, and Event to the rows of histories; what an upgrade found stays.
    if any(_has_type(db, key) for key in keys) or (row is not None and b'"Event":' in row[1]):
        return "1.3.1-1.4.0"
    if keys or row is not None:
        return BARE_KEYS
    return "1.0.4-1.4.0" if inside else "1.0.4-1.5.1"  # a store without jobs tells no more


def _has_type(db: Store, key: bytes) -> bool:
    """Say whether a key of ``idx_inprogress`` is "type:job"; a job's id may have a : in it."""
    kind, _, id = key.partition(b":")
    if find(db, b"jobs", key) is not None:
        return False
    return find(db, b"jobs", id) is not None or (id != b"" and kind in (b"batch", b"daemon", b"ops", b"service"))
