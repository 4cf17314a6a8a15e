"""The audit of a store: read it once, find where it deviates, answer, say what could be deleted; and of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contract import Audit
from ..meter import Meter
from ..rules import findings
from . import rules
from .layout import ORCHESTRATOR, generations, recognise, side
from .record_audit import compute_answers, compute_deviations, job_answers, job_deviations, misread
from .records import name, place
from .retention import finished_executions, finished_jobs, removal_of_executions, removal_of_jobs, retention
from .rules import about
from .stores import ComputeGeneration, JobStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..contract import AuditFinding, AuditOptions, Path, Store
    from ..rules import Deviation


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
    store = [ComputeGeneration(db, generation, meter) for generation in generations(db)]
    meter.rest(db)
    deviations = {part.name: compute_deviations(part, store[-1], options.now) for part in store}
    answers = {part.name: compute_answers(part, deviations[part.name]) for part in store}
    counts: list[tuple[str, int]] = []
    for part in store:
        given = answers[part.name]["counts"]
        suffix = "" if part is store[-1] else f" (older generation {part.name})"
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


# States in which the orchestrator counts on the node: before them it has only asked it.
_ACCEPTED = ("BidAccepted", "Running", "Publishing")


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Compare every orchestrator with every compute node that worked for it; yield findings with the path concerned."""
    orchestrators = [(path, audit.facts) for path, audit in audits if isinstance(audit.facts, JobStore)]
    nodes = [(path, audit.facts) for path, audit in audits if isinstance(audit.facts, list)]
    for job_path, store in orchestrators:
        ours = {job.requester for job in store.jobs.values() if job.requester}
        for node_path, parts in nodes:
            if any(execution.requester in ours for part in parts for execution in part.executions.values()):
                for path, found in _compare(job_path, store, node_path, parts, ours):
                    yield path, found.finding()


def _compare(
    job_path: str, store: JobStore, node_path: str, parts: list[ComputeGeneration], ours: set[str]
) -> Iterator[tuple[str, Deviation]]:
    local = {id: execution for part in parts for id, execution in part.executions.items()}
    node_ids = {execution.node for execution in local.values() if execution.node}
    if not local.keys() & store.executions.keys():
        yield job_path, rules.STRANGERS.at((), None, node_path, nodes=", ".join(sorted(node_ids)))
        return
    for id, execution in store.executions.items():
        if execution.node not in node_ids or execution.state not in _ACCEPTED or execution.wanted == "Stopped":
            continue
        there = local.get(id)
        if there is None or there.terminal:
            rule = rules.NOT_ON_OTHER_SIDE if there is None else rules.FINISHED_THERE
            yield job_path, about(rule, execution, there=there, other=node_path)
    for id, execution in parts[-1].executions.items():
        known = store.executions.get(id)
        if not execution.terminal and execution.requester in ours and (known is None or known.terminal):
            state = "isn't in the store" if known is None else f"is {known.state} in the store"
            yield node_path, about(rules.NOBODY_WAITS, execution, how=state, other=job_path)
