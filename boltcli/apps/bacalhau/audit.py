"""The audit of a store: read it once, find where it deviates, answer, and say what could be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract import Audit
from ..meter import Meter
from ..rules import findings
from .compute_audit import compute_answers, compute_deviations
from .compute_store import read_compute_store
from .job_audit import job_answers, job_deviations, misread
from .job_store import JobStore
from .layout import ORCHESTRATOR, recognise, side
from .records import name, place
from .retention import finished_executions, finished_jobs, removal_of_executions, removal_of_jobs, retention

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contract import AuditOptions, Path, Store


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
    store = JobStore(db, meter)
    deviations = job_deviations(store, options.now)
    answers = job_answers(store, deviations)
    counts = answers["counts"]
    found = Audit(
        "",
        answers,
        findings(deviations),
        counts=[
            ("jobs", counts["jobs"]),
            *((f"jobs {state or 'without a state'}", number) for state, number in counts["jobs_by_state"].items()),
            ("executions", counts["executions"]),
            *((f"executions {state}", number) for state, number in counts["executions_by_state"].items()),
            ("evaluations", counts["evaluations"]),
            *((f"evaluations {state or 'unreadable'}", n) for state, n in counts["evaluations_by_status"].items()),
        ],
        more=_space(meter, store.reader.undecodable) | misread(deviations),
        facts=store,
    )
    if options.older_than is not None:
        found.retention = retention(finished_jobs(store), options, "jobs")
        found.deletions = removal_of_jobs(db, store, options) if options.deletions else ()
    return found


def _compute(db: Store, options: AuditOptions) -> Audit:
    meter = Meter()
    store = read_compute_store(db, meter)
    deviations = {part.generation.name: compute_deviations(part, store[-1], options.now) for part in store}
    answers = {part.generation.name: compute_answers(part, deviations[part.generation.name]) for part in store}
    counts: list[tuple[str, int]] = []
    for part in store:
        given = answers[part.generation.name]["counts"]
        suffix = "" if part is store[-1] else f" (older generation {part.generation.name})"
        counts.append((f"executions{suffix}", given["executions"]))
        counts += [(f"executions {state}{suffix}", number) for state, number in given["by_state"].items()]
    found = Audit(
        "",
        {"generations": answers},
        findings(each for part in deviations.values() for each in part),
        counts=counts,
        more=_space(meter, (entry for part in store for entry in part.reader.undecodable)),
        facts=store,
    )
    if options.older_than is not None:
        found.retention = retention(
            (each for part in store for each in finished_executions(part)), options, "executions"
        )
        found.deletions = removal_of_executions(db, store, options) if options.deletions else ()
    return found


def _space(meter: Meter, undecodable: Iterable[tuple[Path, bytes]]) -> dict[str, Any]:
    """Return what takes the space, and what can't be read."""
    return {
        "largest_values": [{"path": place(path), "size": size} for path, size in meter.largest()],
        "top_buckets": {
            name(bucket): {"keys": usage.pairs, "sub_buckets": usage.buckets, "value_bytes": usage.value_bytes}
            for bucket, usage in sorted(meter.top.items())
        },
        "undecodable_values": sorted(place(path, key) for path, key in undecodable),
    }
