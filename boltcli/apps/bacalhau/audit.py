"""The audit of a store: read it once, find where it deviates, answer, say what could be deleted; and of a cluster."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...text.times import DAY, SECOND
from ..contract import ERROR, INFO, WARNING, Audit, AuditFinding, AuditOptions, Change, Path, Store
from ..meter import Meter
from ..rules import Deviation, Rule, findings
from ..values import find
from .index_audit import job_of_entry
from .indexes import PAIRED, IndexRepair
from .layout import generations, is_orchestrator, recognise
from .record_audit import compute_answers, compute_deviations, job_answers, job_deviations, misread
from .records import name, place
from .stores import ComputeGeneration, Job, JobStore

Parts = Sequence[JobStore | ComputeGeneration]

# fmt: off
STRANGERS = Rule("other_side", INFO,
                 "No execution here is in the store of node {nodes} ({subject}), and none of that node's is here: the"
                 " stores are of different clusters, or from different times.",
                 "None; audit the stores of one cluster together.")
NOT_ON_OTHER_SIDE = Rule("other_side", ERROR, "Execution {subject} is {record.state} here, but the store of its node"
                         " ({other}) doesn't have it: no node works on it.",
                         "Stop the job or let it be retried: the node lost the execution.")
FINISHED_THERE = Rule("other_side", WARNING, "Execution {subject} is {record.state} here, but {there.state} on its"
                      " node ({other}).", "Start both: the node then reports its state again; otherwise stop the job.")
NOBODY_WAITS = Rule("other_side", WARNING, "Execution {subject} is {record.state} here, but {how} of its orchestrator"
                    " ({other}), which doesn't wait for it.", "Start the node and its orchestrator; if the"
                    " execution stays, stop it on the node.")
# fmt: on


def audit(db: Store, options: AuditOptions) -> Audit | None:
    """Audit a store of either side; None if it is no store of Bacalhau."""
    recognition = recognise(db)
    if recognition is None:
        return None
    meter = Meter()
    found = _orchestrator(db, meter, options) if is_orchestrator(db) else _compute(db, meter, options)
    parts: Parts = found.facts
    found.layout = recognition.layout
    found.more = _space(db, meter, [path for part in parts for path in part.reader.undecodable]) | found.more
    if options.older_than is not None:
        before = options.now - options.older_than
        found.retention = {"older_than_seconds": options.older_than // SECOND, **_retention(parts, before, options.now)}
        if options.deletions:
            found.deletions = (change for part in parts for change in _removals(db, part, before))
    return found


def _orchestrator(db: Store, meter: Meter, options: AuditOptions) -> Audit:
    store = JobStore(db, meter)
    deviations = job_deviations(store, options.now)
    answers = job_answers(store, deviations)
    counts = [
        *_counts("jobs", answers["counts"], "jobs_by_state", nameless="without a state"),
        *_counts("executions", answers["counts"], "executions_by_state"),
        *_counts("evaluations", answers["counts"], "evaluations_by_status", nameless="unreadable"),
    ]
    return Audit("", answers, findings(deviations), counts=counts, more=misread(deviations), facts=[store])


def _compute(db: Store, meter: Meter, options: AuditOptions) -> Audit:
    parts = [ComputeGeneration(db, generation, meter) for generation in generations(db)]
    deviations = {part.name: compute_deviations(part, parts[-1], options.now) for part in parts}
    answers = {part.name: compute_answers(part, deviations[part.name]) for part in parts}
    counts: list[tuple[str, int]] = []
    for part in parts:
        suffix = "" if part is parts[-1] else f" (older generation {part.name})"
        counts += _counts("executions", answers[part.name]["counts"], "by_state", suffix=suffix)
    told = findings(each for part in deviations.values() for each in part)
    return Audit("", {"generations": answers}, told, counts=counts, facts=parts)


def _counts(
    what: str, counts: Mapping[str, Any], by: str, nameless: str = "", suffix: str = ""
) -> list[tuple[str, int]]:
    rows = [(f"{what} {state or nameless}{suffix}", number) for state, number in counts[by].items()]
    return [(f"{what}{suffix}", counts[what]), *rows]


def _space(db: Store, meter: Meter, undecodable: Iterable[Path]) -> dict[str, Any]:
    meter.rest(db)
    return {
        "largest_values": [{"path": place(path), "size": size} for path, size in meter.largest()],
        "top_buckets": {
            name(bucket): {"keys": usage.pairs, "sub_buckets": usage.buckets, "value_bytes": usage.value_bytes}
            for bucket, usage in sorted(meter.top.items())
        },
        "undecodable_values": sorted(map(place, undecodable)),
    }


_AGES = (7, 30, 90, 180, 365)  # days


def _retention(parts: Parts, before: int, now: int) -> dict[str, Any]:
    """Return how much that was finished ``before`` could be deleted, by state and by namespace, and all by age."""
    what = parts[0].what

    def row() -> dict[str, int]:
        return {what: 0, "bytes": 0}

    total = row() | ({"executions": 0} if what == "jobs" else {})
    by_state: dict[str, dict[str, int]] = defaultdict(row)
    by_namespace: dict[str, dict[str, int]] = defaultdict(row)
    by_age = {f"{days}d": row() for days in _AGES}
    for each in (each for part in parts for each in part.records.values()):
        if each.finished is None:
            continue
        rows = [by_age[f"{days}d"] for days in _AGES if now - each.finished > days * DAY]
        if each.finished < before:
            rows += [total, by_state[each.state], by_namespace[each.namespace]]
            if isinstance(each, Job):
                total["executions"] += len(each.executions)
        for found in rows:
            found[what] += 1
            found["bytes"] += each.size
    by_words = {"by_namespace": dict(sorted(by_namespace.items())), "by_state": dict(sorted(by_state.items()))}
    return {**total, "by_age": by_age, **by_words}


def _removals(db: Store, store: JobStore | ComputeGeneration, before: int) -> Iterator[Change]:
    """Yield the changes that delete what the report counts, with histories and index entries."""
    gone = {id for id, each in store.records.items() if each.finished is not None and each.finished < before}
    # Any part of an entry may have a : in it; what is there says where an execution's id ends.
    executions = store.all_executions if isinstance(store, JobStore) else ()
    jobs = {name(each.index_key): each.job for _, each in executions}
    for called, index in store.indexes.items():
        repair = IndexRepair(index)
        # Here each record has a bucket of its own, which goes with its last entry.
        alone = called in ("idx_executions", "idx_evaluations", "job_index")
        for entry in sorted(index.entries):
            id = name(entry[1])
            if called == "idx_inprogress":
                id = job_of_entry(id, store.records)
            elif called in PAIRED:
                id = jobs.get(id, id.partition(":")[2])
            if id in gone:
                yield from (repair.remove_alone if alone else repair.remove)(*entry)
    for id in sorted(gone):
        for path in store.records[id].places:
            parent = find(db, *path[:-1])
            yield from _removal(path, None if parent is None else parent.get(path[-1]))


def _removal(path: Path, value: bytes | Store | None) -> Iterator[Change]:
    """Yield the removal of the pair or bucket at ``path``, that of all in it first."""
    if isinstance(value, bytes):
        yield Change("remove", path[:-1], path[-1], value)
    elif value is not None:
        for key, inner in value.range():
            yield from _removal((*path, key), inner)
        yield Change("remove", path)


# States in which the orchestrator counts on the node: before them it has only asked it.
_ACCEPTED = ("BidAccepted", "Running", "Publishing")


def join(audits: Sequence[tuple[str, Audit]]) -> Iterator[tuple[str, AuditFinding]]:
    """Compare every orchestrator with every compute node that worked for it; yield findings with the path concerned."""
    stores = [(path, part) for path, audit in audits for part in audit.facts[:1] if isinstance(part, JobStore)]
    nodes = [(path, audit.facts) for path, audit in audits if isinstance(audit.facts[0], ComputeGeneration)]
    for job_path, store in stores:
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
        yield job_path, STRANGERS.at((), None, node_path, nodes=", ".join(sorted(node_ids)))
        return
    for id, execution in store.executions.items():
        if execution.node not in node_ids or execution.state not in _ACCEPTED or execution.wanted == "Stopped":
            continue
        there = local.get(id)
        if there is None or there.terminal:
            rule = NOT_ON_OTHER_SIDE if there is None else FINISHED_THERE
            yield job_path, execution.breaks(rule, there=there, other=node_path)
    for id, execution in parts[-1].executions.items():
        known = store.executions.get(id)
        if not execution.terminal and execution.requester in ours and (known is None or known.terminal):
            state = "isn't in the store" if known is None else f"is {known.state} in the store"
            yield node_path, execution.breaks(NOBODY_WAITS, how=state, other=job_path)
