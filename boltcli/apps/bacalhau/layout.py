"""Which Bacalhau wrote a store, by its buckets: what each version added, and which generations lie side by side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
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


def _numbered(name: str, history: bytes, sequences: bytes = b"") -> Generation:
    start = name.encode()
    return Generation(
        name=name,
        executions=start + b"_executions",
        history=start + history,
        by_job=start + b"_idx_executions_by_job_id",
        by_state=start + b"_idx_executions_by_state",
        events=start + b"_events",
        checkpoints=start + b"_checkpoints",
        sequences=sequences,
    )


UNVERSIONED = Generation(
    name="unversioned",
    executions=b"execution",
    history=b"execution-history",
    by_job=b"execution-index",
    live=b"execution-live-index",
)
V1 = _numbered("v1", b"_execution_history")
V2 = _numbered("v2", b"_execution_events", b"v2_sequence_tracking")
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
    inside, events = _peek(db)
    if b"history" in inside:
        return "1.5.0-1.5.1"
    index = find(db, b"idx_inprogress")
    keys = [] if index is None else names(index, _PEEK)
    # Since 1.3.1 keys are "type:job"; those that an upgrade found stay as they are, but not the rows of histories.
    newer = any(b":" in key for key in keys) or (events if events is not None else False if keys else None)
    if newer is None:
        return "1.0.4-1.4.0" if inside else "1.0.4-1.5.1"  # a store without jobs tells no more
    return "1.3.1-1.4.0" if newer else "1.0.4-1.3.0"


def _peek(db: Store) -> tuple[set[bytes], bool | None]:
    """Look at the first and the last jobs, for ids are random: what is in them, and whether history rows have an Event.

    1.3.1 added it; None: there are no rows among the first jobs.
    """
    jobs = find(db, b"jobs")
    inside: set[bytes] = set()
    events: bool | None = None
    if jobs is None:
        return inside, events
    for reverse in (False, True):
        for _, job in islice(jobs.range(reverse=reverse), _PEEK):
            if not isinstance(job, bytes):
                inside.update(names(job, 16))
                rows = find(job, b"job_history")
                if events is None and not reverse and rows is not None:
                    row = next((value for _, value in rows.range() if isinstance(value, bytes)), None)
                    events = None if row is None else b'"Event":' in row
    return inside, events
