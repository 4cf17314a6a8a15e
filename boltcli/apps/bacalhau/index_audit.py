"""Where indexes deviate from the records: one comparison, and for each index which rule an entry breaks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from operator import itemgetter
from typing import Any

from ..contract import INFO
from ..rules import SILENT, Deviation
from . import rules
from .compute_store import ComputeGeneration
from .indexes import Entry, Index, IndexRepair
from .job_store import Job, JobStore
from .layout import V2
from .rules import DONE, EMPTY, LACKING, LEGACY, STRAY, IndexRule

LIVE = frozenset(("Running", "Publishing"))
# Entries of these states are resumed at the start, before anything else: one without a record stops the node.
_RESUMED = ("BidAccepted", "Running", "Publishing")

# How the answers call each kind, and what they say of an entry.
_ARROW, _KEY, _ID, _NAME = "{name} -> {entry}", "{entry}", "{subject}", "{name}"
_BY_ID = {STRAY: ("dangling", _ARROW), EMPTY: ("empty_buckets", _NAME), LACKING: ("records_not_indexed", _ID)}
_ANSWERS: dict[str, dict[str, tuple[str, str]]] = {
    "idx_executions": _BY_ID,
    "idx_evaluations": _BY_ID,
    "idx_namespaces": {**_BY_ID, EMPTY: ("namespaces_without_jobs", _NAME)},
    "idx_tags": {**_BY_ID, EMPTY: ("tags_without_jobs", _NAME), LACKING: ("records_not_indexed", _ARROW)},
    "idx_job_names": {**_BY_ID, LACKING: ("jobs_not_found_by_name", _ID)},
    "idx_executions_by_node": _BY_ID,
    "idx_inprogress": {
        STRAY: ("dangling", _KEY),
        DONE: ("terminal_jobs", _KEY),
        LACKING: ("not_terminal_jobs_not_indexed", _ID),
        LEGACY: ("legacy_keys", _KEY),
    },
    "idx_inprogress_executions": {
        STRAY: ("dangling", _KEY),
        DONE: ("terminal_executions", _KEY),
        LACKING: ("not_terminal_executions_not_indexed", _ID),
    },
    "live_index": {
        STRAY: ("dangling", _KEY),
        DONE: ("not_live", "{entry} (record: {execution.state})"),
        LACKING: ("live_not_indexed", _ID),
    },
    "state_index": {**_BY_ID, DONE: ("wrong_state", "{name} -> {entry} (record: {execution.state})")},
    "job_index": _BY_ID,
}


def index_answers(present: Container[str], deviations: Iterable[Deviation]) -> dict[str, dict[str, list[str]]]:
    """Return the answers on each index, sorted: by entry where they begin with it, else as text."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = {
        index: {name: [] for name, _ in sorted(parts.values())} for index, parts in _ANSWERS.items() if index in present
    }
    for each in deviations:
        if isinstance(each.rule, IndexRule):
            index, kind = each.facts["index"], each.rule.kind
            name, template = _ANSWERS[index][kind]
            text = each.text(template)
            order = each.facts["entry"] if template.startswith(_KEY) else text
            found[index][name].append(("" if kind == EMPTY else order, text))  # buckets are as they lie in the file
    return {
        index: {name: [text for _, text in sorted(rows, key=itemgetter(0))] for name, rows in parts.items()}
        for index, parts in found.items()
    }


class _Compared:
    """An index beside the entries that it should have: what is stray and what lacks, and deviations about them."""

    def __init__(self, name: str, index: Index, wanted: Iterable[Entry], **facts: Any) -> None:
        self._index = index
        self._facts = {"index": name, "repair": IndexRepair(index), **facts}
        wanted = set(wanted)
        self.strays = sorted(index.entries - wanted)
        self.lacking = sorted(wanted - index.entries)

    def at(self, rule: IndexRule, entry: Entry, subject: str, **facts: Any) -> Deviation:
        """Return the deviation of an entry, which is there or should be."""
        name, key = entry
        path, raw, _ = (self._index.places(name, key) or [(self._index.path(name), key.encode(), b"")])[0]
        return rule.at(path, raw, subject, name=name, entry=key, **self._facts, **facts)

    def empty(self, rule: IndexRule, besides: Container[str] = ()) -> Iterator[Deviation]:
        """Yield the empty buckets; those called ``besides`` silently, since something is to come into them."""
        for name, path in self._index.empty:
            found = rule.at(path, None, name, name=name, entry="", **self._facts)
            if name in besides:
                found.severity = SILENT
            yield found


def job_indexes(store: JobStore) -> Iterator[Deviation]:
    """Compare each index of an orchestrator with the records."""
    for name, compare in _COMPARE.items():
        if name in store.indexes:
            yield from compare(name, store.indexes[name], store)


def _by_id(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    there: dict[str, Any] = store.executions if name == "idx_executions" else store.evaluations
    what = "execution" if name == "idx_executions" else "evaluation"
    found = _Compared(name, index, ((each.id, each.job) for each in there.values()), what=what)
    for id, job in found.strays:
        if what == "execution" and store.holds(id, job):
            rule = rules.TWICE
        elif job not in store.jobs:
            rule = rules.OLD_TRACE
        elif id in there:
            rule = rules.ELSEWHERE
        else:
            rule = rules.EVALUATION_GONE if what == "evaluation" else rules.RECORD_LOST
        yield found.at(rule, (id, job), id, other=there.get(id))
    for entry in found.lacking:
        rule = rules.MISPLACED_NOT_BY_ID if there[entry[0]].misplaced else rules.NOT_BY_ID
        yield found.at(rule, entry, entry[0])
    yield from found.empty(rules.EMPTY_BUCKET, {id for id, _ in found.lacking})


# What a job is found by, and its names of that kind.
_NAMES: dict[str, tuple[str, Callable[[Job], Iterable[str]]]] = {
    "idx_namespaces": ("namespace", lambda job: (job.namespace,)),
    "idx_tags": ("label", lambda job: job.labels),
    "idx_job_names": ("name", lambda job: (f"{job.name}:{job.namespace}",)),
}


def _by_name(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    what, names = _NAMES[name]
    known = (job for job in store.jobs.values() if job.known)
    found = _Compared(name, index, ((each, job.id) for job in known for each in names(job)), what=what)
    for entry in found.strays:
        job = store.jobs.get(entry[1])
        if job is None:
            yield found.at(rules.JOB_GONE, entry, entry[1])
        elif job.known:  # of one whose specification can't be read nothing is known
            dropped = what == "label" and store.since_1_8
            yield found.at(rules.DROPPED if dropped else rules.NOT_ITS_OWN, entry, job.id)
    for entry in found.lacking:
        old = what == "name" and not store.jobs[entry[1]].has_versions
        yield found.at(rules.OLD_NOT_BY_NAME if old else rules.NOT_BY_NAME, entry, entry[1])
    yield from found.empty(rules.EMPTY_BUCKET)


def _by_node(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    there = {f"{each.id}:{each.job}": each for each in store.executions.values()}
    found = _Compared(name, index, ((each.node, key) for key, each in there.items()), what="node")
    for entry in found.strays:
        key = entry[1]
        id = there[key].id if key in there else key.partition(":")[0]
        yield found.at(rules.NOT_ON_NODE, entry, id, where="elsewhere" if id in store.executions else "gone")
    for entry in found.lacking:
        execution = there[entry[1]]
        old = not store.jobs[execution.job].has_versions
        yield found.at(rules.OLD_NOT_BY_NODE if old else rules.NOT_BY_NODE, entry, execution.id)
    yield from found.empty(rules.EMPTY_BUCKET)


def _jobs_in_progress(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    jobs = store.jobs
    indexed = {job_of_entry(key, jobs) for _, key in index.entries}
    found = _Compared(name, index, ())
    at = [(entry, jobs.get(job_of_entry(entry[1], jobs))) for entry in found.strays]
    for entry, job in at:
        if job is None:
            yield found.at(rules.LISTED_GONE, entry, entry[1])
    for entry, job in at:
        if job is not None and job.terminal:
            yield found.at(rules.LISTED_DONE, entry, job.id, job=job)
    lacking = {
        ("", job.id if store.legacy_keys else f"{job.type}:{job.id}"): job
        for job in jobs.values()
        if job.known and not job.terminal and job.id not in indexed
    }
    for entry, job in sorted(lacking.items()):
        yield found.at(rules.UNLISTED, entry, job.id, job=job)
    for entry, job in at:
        if ":" not in entry[1] or (job is not None and job.id == entry[1]):
            legacy = found.at(rules.BARE_KEY, entry, entry[1])
            if store.legacy_keys:
                legacy.severity = SILENT
            yield legacy


def job_of_entry(key: str, jobs: Container[str]) -> str:
    """Return the job of an entry of ``idx_inprogress``: ``type:job``, or the bare job of 1.3.0 and before.

    >>> job_of_entry("batch:j-1", ["j-1"]), job_of_entry("j:1", ["j:1"]), job_of_entry("batch:j-2", ["j-1"])
    ('j-1', 'j:1', 'j-2')
    """
    return key if key in jobs else key.partition(":")[2] or key


def _executions_in_progress(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    there = {f"{each.id}:{each.job}": each for each in store.executions.values()}
    present = {key for _, key in index.entries}
    found = _Compared(name, index, ())
    for entry in found.strays:
        if entry[1] not in there:
            yield found.at(rules.EXECUTION_LISTED_GONE, entry, entry[1].partition(":")[0])
    for entry in found.strays:
        execution = there.get(entry[1])
        if execution is not None and execution.terminal:
            yield found.at(rules.EXECUTION_LISTED_DONE, entry, execution.id, execution=execution)
    for key, execution in sorted(there.items()):
        if not execution.terminal and key not in present:
            if execution.desired == "Stopped":
                rule = rules.STOPPED_UNLISTED
            else:
                versions = store.jobs[execution.job].has_versions
                rule = rules.EXECUTION_UNLISTED if versions else rules.OLD_EXECUTION_UNLISTED
            yield found.at(rule, ("", key), execution.id, execution=execution)


_COMPARE: dict[str, Callable[[str, Index, JobStore], Iterator[Deviation]]] = {
    "idx_executions": _by_id,
    "idx_evaluations": _by_id,
    "idx_namespaces": _by_name,
    "idx_tags": _by_name,
    "idx_job_names": _by_name,
    "idx_executions_by_node": _by_node,
    "idx_inprogress": _jobs_in_progress,
    "idx_inprogress_executions": _executions_in_progress,
}


def compute_indexes(part: ComputeGeneration, in_use: bool) -> Iterator[Deviation]:
    """Compare each index of a compute node with the records."""
    for name, compare in (("live_index", _live), ("state_index", _by_state)):
        if name in part.indexes:
            for each in compare(part, part.indexes[name], in_use):
                each.severity = each.severity if in_use else INFO
                yield each
    yield from _by_job(part, part.indexes["job_index"])


def _live(part: ComputeGeneration, index: Index, in_use: bool) -> Iterator[Deviation]:
    executions = part.executions
    entries = {entry for entry in index.entries if not entry[0]}
    found = _Compared("live_index", index, {("", id) for id, each in executions.items() if each.state in LIVE})
    for entry in sorted(entries):
        if entry[1] not in executions:
            yield found.at(rules.LIVE_GONE if in_use else rules.OLD_LIVE_GONE, entry, entry[1])
    for entry in sorted(entries):
        execution = executions.get(entry[1])
        if execution is not None and execution.state not in LIVE:
            yield found.at(rules.NOT_LIVE, entry, entry[1], execution=execution)
    for entry in found.lacking:
        yield found.at(rules.LIVE_UNLISTED, entry, entry[1], execution=executions[entry[1]])


def _by_state(part: ComputeGeneration, index: Index, in_use: bool) -> Iterator[Deviation]:
    executions = part.executions
    found = _Compared("state_index", index, ((each.state, id) for id, each in executions.items()))
    for state, id in found.strays:
        if id not in executions:
            stops = state in _RESUMED and (state != "BidAccepted" or part.generation is V2)
            effect = ": the node won't start." if stops and in_use else "."
            yield found.at(rules.STOPS_NODE if stops else rules.STATE_GONE, (state, id), id, effect=effect)
    for state, id in found.strays:
        if id in executions:
            resumed = state in _RESUMED and executions[id].terminal
            effect = ": the node tries to resume it." if resumed else "."
            yield found.at(rules.WRONG_STATE, (state, id), id, execution=executions[id], effect=effect)
    for state, id in found.lacking:
        yield found.at(rules.NOT_RESUMED if state in _RESUMED else rules.NOT_BY_STATE, (state, id), id)
    yield from found.empty(rules.STATE_EMPTY)


def _by_job(part: ComputeGeneration, index: Index) -> Iterator[Deviation]:
    executions = part.executions
    found = _Compared("job_index", index, ((each.job, id) for id, each in executions.items() if each.job))
    for job, id in found.strays:
        execution = executions.get(id)
        if execution is None:
            yield found.at(rules.NOT_THERE, (job, id), id)
        elif execution.job:  # it is known where the record belongs
            yield found.at(rules.NOT_OF_JOB, (job, id), id, execution=execution)
    for entry in found.lacking:
        yield found.at(rules.NOT_BY_JOB, entry, entry[1])
    yield from found.empty(rules.JOB_EMPTY)
