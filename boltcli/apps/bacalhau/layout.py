"""Which Bacalhau wrote a store, by its buckets: what each version added, and which generations lie side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..contract import CERTAIN, LIKELY, Recognition
from ..values import find, names

if TYPE_CHECKING:
    from ..contract import Store

ORCHESTRATOR, COMPUTE = "orchestrator", "compute"

# Bacalhau 1.8.0 creates these when it opens a job store.
SINCE_1_8 = (b"idx_job_names", b"idx_inprogress_executions", b"idx_executions_by_node")
# All versions create these; a file needs two of them to be a job store, since "jobs" alone may be anybody's.
_JOB_STORE = (b"idx_executions", b"idx_evaluations", b"idx_inprogress", b"idx_namespaces", b"idx_tags")
_PEEK = 64  # jobs, and keys of an index, that are looked at


@dataclass(frozen=True, eq=False, kw_only=True)
class Generation:
    """One generation of a compute store: the names of its buckets, of which the newest generation is in use.

    ``name`` is as audits call it. ``by_state`` is the index whose Running,
    Publishing (and BidAccepted) entries the node resumes at its start; the
    oldest generation has the live index instead, and mid-2023 neither.
    """

    name: str
    executions: bytes
    history: bytes
    by_job: bytes
    live: bytes = b""
    by_state: bytes = b""
    events: bytes = b""
    checkpoints: bytes = b""
    sequences: bytes = b""


UNVERSIONED = Generation(
    name="unversioned",
    executions=b"execution",
    history=b"execution-history",
    by_job=b"execution-index",
    live=b"execution-live-index",
)
V1 = Generation(
    name="v1",
    executions=b"v1_executions",
    history=b"v1_execution_history",
    by_job=b"v1_idx_executions_by_job_id",
    by_state=b"v1_idx_executions_by_state",
    events=b"v1_events",
    checkpoints=b"v1_checkpoints",
)
V2 = Generation(
    name="v2",
    executions=b"v2_executions",
    history=b"v2_execution_events",
    by_job=b"v2_idx_executions_by_job_id",
    by_state=b"v2_idx_executions_by_state",
    events=b"v2_events",
    checkpoints=b"v2_checkpoints",
    sequences=b"v2_sequence_tracking",
)
GENERATIONS = (UNVERSIONED, V1, V2)


def side(db: Store) -> str | None:
    """Return ORCHESTRATOR or COMPUTE, or None for a file that isn't Bacalhau's."""
    present = set(names(db))
    if b"jobs" in present and len(present.intersection(_JOB_STORE)) >= 2:
        return ORCHESTRATOR
    return COMPUTE if _generations(present) else None


def generations(db: Store) -> list[Generation]:
    """Return the generations of a compute store, the oldest first."""
    return _generations(set(names(db)))


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is a store of Bacalhau, of which side and of which versions."""
    kind = side(db)
    if kind is None:
        return None
    present = set(names(db))
    if kind == ORCHESTRATOR:
        return Recognition("bacalhau", f"{kind} {_orchestrator_versions(db, present)}")
    found = _generations(present)
    versions = [_compute_versions(generation, present) for generation in found]
    older = f", with the older generations of {' and '.join(reversed(versions[:-1]))}" if versions[1:] else ""
    sure = CERTAIN if found[-1] is not UNVERSIONED or UNVERSIONED.live in present else LIKELY
    return Recognition("bacalhau", f"{kind} {versions[-1]}{older}", sure)


def _generations(present: set[bytes]) -> list[Generation]:
    # Beside its records a generation has a history or an index: "execution" alone may be anybody's.
    return [
        generation
        for generation in GENERATIONS
        if generation.executions in present and present.intersection((generation.history, generation.by_job))
    ]


def _compute_versions(generation: Generation, present: set[bytes]) -> str:
    if generation is UNVERSIONED:
        return "1.0.4-1.4.0" if generation.live in present else "mid-2023"
    if generation is V1:
        return "1.5.0-1.5.1"
    return "1.6.0-1.9.3" if generation.sequences in present else "1.5.2"


def _orchestrator_versions(db: Store, present: set[bytes]) -> str:
    if present.intersection(SINCE_1_8):
        return "1.8.0-1.9.3"
    if b"v1_events" in present:
        return "1.5.2-1.7.0"
    inside = _job_buckets(db)
    if b"history" in inside:
        return "1.5.0-1.5.1"
    newer = _composite_keys(db)
    if not newer:  # entries that an upgrade found stay as they are
        events = _rows_have_events(db)
        newer = newer if events is None else events
    if newer is None:
        return "1.0.4-1.4.0" if inside else "1.0.4-1.5.1"  # a store without jobs tells no more
    return "1.3.1-1.4.0" if newer else "1.0.4-1.3.0"


def _job_buckets(db: Store) -> set[bytes]:
    """Return the names of what is in the first and the last jobs: the newest may be either, ids being random."""
    jobs = find(db, b"jobs")
    found: set[bytes] = set()
    if jobs is not None:
        for reverse in (False, True):
            for number, (_, job) in enumerate(jobs.range(reverse=reverse)):
                if number >= _PEEK:
                    break
                if not isinstance(job, bytes):
                    found.update(names(job, 16))
    return found


def _rows_have_events(db: Store) -> bool | None:
    """Say whether history rows have an Event, which 1.3.1 added; None if there are none among the first jobs."""
    jobs = find(db, b"jobs")
    for number, (_, job) in enumerate(jobs.range() if jobs is not None else ()):
        if number >= _PEEK:
            break
        rows = find(job, b"job_history") if not isinstance(job, bytes) else None
        row = next((value for _, value in rows.range() if isinstance(value, bytes)), None) if rows is not None else None
        if row is not None:
            return b'"Event":' in row
    return None


def _composite_keys(db: Store) -> bool | None:
    """Say whether the in-progress index has keys of the form ``type:job``; None if it has no keys at all."""
    index = find(db, b"idx_inprogress")
    keys = [] if index is None else names(index, _PEEK)
    return any(b":" in key for key in keys) if keys else None
