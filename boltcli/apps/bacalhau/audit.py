"""The audit of a store: read it once, answer, find, say what could be deleted."""

from __future__ import annotations

from ..contract import Audit
from ..meter import Meter
from .compute_answers import compute_answers
from .compute_findings import compute_findings
from .compute_store import read_compute_store
from .index_findings import index_findings
from .job_answers import deviations, job_answers, misread_states
from .job_findings import job_findings
from .job_store import read_job_store, undecodable_places
from .layout import ORCHESTRATOR, recognise, side
from .records import name, place
from .retention import compute_deletions, compute_retention, job_deletions, job_retention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contract import AuditOptions, Path
    from ..store import Store


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a store of either side; None if it is no store of Bacalhau."""
    kind, recognition = side(db), recognise(db)
    if kind is None or recognition is None:
        return None
    found = _orchestrator(db, options) if kind == ORCHESTRATOR else _compute(db, options)
    found.layout = recognition.layout
    return found


def _orchestrator(db: Store, options: AuditOptions) -> Audit:
    meter = Meter()
    store = read_job_store(db, meter)
    found = deviations(store)
    answers = job_answers(store, found)
    counts, asked = answers["counts"], options.older_than is not None
    return Audit(
        "",
        answers,
        [*job_findings(store, answers, options.now), *index_findings(store, found)],
        counts=[
            ("jobs", counts["jobs"]),
            *((f"jobs {state or 'without a state'}", number) for state, number in counts["jobs_by_state"].items()),
            ("executions", counts["executions"]),
            *((f"executions {state}", number) for state, number in counts["executions_by_state"].items()),
            ("evaluations", counts["evaluations"]),
            *((f"evaluations {state or 'unreadable'}", n) for state, n in counts["evaluations_by_status"].items()),
        ],
        more=_space(meter, store.undecodable) | misread_states(store),
        facts=store,
        retention=job_retention(store, options) if asked else None,
        deletions=job_deletions(db, store, options) if asked and options.deletions else (),
    )


def _compute(db: Store, options: AuditOptions) -> Audit:
    meter = Meter()
    found = read_compute_store(db, meter)
    answers = compute_answers(found)
    counts: list[tuple[str, int]] = []
    asked = options.older_than is not None
    for part in found:
        given = answers["generations"][part.generation.name]["counts"]
        suffix = "" if part is found[-1] else f" (older generation {part.generation.name})"
        counts.append((f"executions{suffix}", given["executions"]))
        counts += [(f"executions {state}{suffix}", number) for state, number in given["by_state"].items()]
    return Audit(
        "",
        answers,
        compute_findings(found, answers, options.now),
        counts=counts,
        more=_space(meter, [entry for part in found for entry in part.undecodable]),
        facts=found,
        retention=compute_retention(found, options) if asked else None,
        deletions=compute_deletions(db, found, options) if asked and options.deletions else (),
    )


def _space(meter: Meter, undecodable: list[tuple[Path, bytes]]) -> dict[str, Any]:
    """Return what takes the space, and what can't be read."""
    return {
        "largest_values": [{"path": place(path), "size": size} for path, size in meter.largest()],
        "top_buckets": {
            name(bucket): {"keys": usage.pairs, "sub_buckets": usage.buckets, "value_bytes": usage.value_bytes}
            for bucket, usage in sorted(meter.top.items())
        },
        "undecodable_values": undecodable_places(undecodable),
    }
