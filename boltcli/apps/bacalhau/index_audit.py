"""Where indexes deviate from the records: one comparison, and for each index which rule an entry breaks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from operator import itemgetter
from typing import Any

from ..contract import INFO
from ..rules import SILENT, Deviation
from . import rules
from .executions import Execution
from .indexes import Entry, Index, IndexRepair
from .layout import V2
from .rules import DONE, EMPTY, LACKING, LEGACY, STRAY, IndexRule
from .stores import ComputeGeneration, Job, JobStore

LIVE = frozenset(("Running", "Publishing"))
# Entries of these states are resumed at the start, before anything else: one without a record stops the node.
_RESUMED = ("BidAccepted", "Running", "Publishing")

# What the answers call each kind, and what they say of an entry.
_ARROW, _KEY, _ID, _NAME = "{name} -> {entry}", "{entry}", "{subject}", "{name}"
_BY_ID = {STRAY: ("dangling", _ARROW), EMPTY: ("empty_buckets", _NAME), LACKING: ("records_not_indexed", _ID)}
# fmt: off
_ANSWERS: dict[str, dict[str, tuple[str, str]]] = {
    "idx_executions": _BY_ID,
    "idx_evaluations": _BY_ID,
    "idx_namespaces": _BY_ID | {EMPTY: ("namespaces_without_jobs", _NAME)},
    "idx_tags": _BY_ID | {EMPTY: ("tags_without_jobs", _NAME), LACKING: ("records_not_indexed", _ARROW)},
    "idx_job_names": _BY_ID | {LACKING: ("jobs_not_found_by_name", _ID)},
    "idx_executions_by_node": _BY_ID,
    "idx_inprogress": {STRAY: ("dangling", _KEY), DONE: ("terminal_jobs", _KEY), LEGACY: ("legacy_keys", _KEY),
                       LACKING: ("not_terminal_jobs_not_indexed", _ID)},
    "idx_inprogress_executions": {STRAY: ("dangling", _KEY), DONE: ("terminal_executions", _KEY),
                                  LACKING: ("not_terminal_executions_not_indexed", _ID)},
    "job_index": _BY_ID,
    "live_index": {STRAY: ("dangling", _KEY), DONE: ("not_live", "{entry} (record: {record.state})"),
                   LACKING: ("live_not_indexed", _ID)},
    "state_index": _BY_ID | {DONE: ("wrong_state", "{name} -> {entry} (record: {record.state})")},
}
# fmt: on


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


# What an entry too many breaks: rules, each with the id that it is about and its record, if there is one.
Strays = Iterator[tuple[IndexRule, str, Any]]


def _compared(
    name: str,
    index: Index,
    wanted: dict[Entry, Any],
    stray: Callable[[Entry], Strays],
    lacking: Callable[[Any], IndexRule],
    empty: IndexRule = rules.EMPTY_BUCKET,
    what: str = "",
) -> Iterator[Deviation]:
    """Compare an index with the entries that are ``wanted``, each with its record; ``what`` are its names."""
    code = f"indexes.{name}" if name in _COMPARE else name
    facts = {"index": name, "code": code, "repair": IndexRepair(index), "what": what}

    def at(rule: IndexRule, entry: Entry, subject: str, record: Any) -> Deviation:
        bucket, key = entry
        path, raw, _ = (index.places(bucket, key) or [(index.path(bucket), key.encode(), b"")])[0]
        return rule.at(path, raw, subject, name=bucket, entry=key, record=record, **facts)

    for entry in sorted(index.entries - wanted.keys()):
        for rule, subject, record in stray(entry):
            yield at(rule, entry, subject, record)
    missing = sorted(wanted.keys() - index.entries)
    for entry in missing:
        yield at(lacking(wanted[entry]), entry, wanted[entry].id, wanted[entry])
    # Where each record has a bucket of its own, what is missing says enough of one that is empty.
    filled = {bucket for bucket, _ in missing} if what in ("execution", "evaluation") else ()
    for bucket, path in index.empty:
        found = empty.at(path, None, bucket, name=bucket, entry="", **facts)
        found.severity = SILENT if bucket in filled else found.severity
        yield found


def job_indexes(store: JobStore) -> Iterator[Deviation]:
    """Compare each index of an orchestrator with the records."""
    for name, compare in _COMPARE.items():
        if name in store.indexes:
            yield from compare(name, store.indexes[name], store)


def _by_id(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    what = "execution" if name == "idx_executions" else "evaluation"
    there: dict[str, Any] = store.executions if what == "execution" else store.evaluations

    def stray(entry: Entry) -> Strays:
        id, job = entry
        if what == "execution" and store.holds(id, job):
            rule = rules.TWICE
        elif job not in store.jobs:
            rule = rules.OLD_TRACE
        elif id in there:
            rule = rules.ELSEWHERE
        else:
            rule = rules.EVALUATION_GONE if what == "evaluation" else rules.RECORD_LOST
        yield rule, id, there.get(id)

    def lacking(record: Any) -> IndexRule:
        return rules.MISPLACED_NOT_BY_ID if record.misplaced else rules.NOT_BY_ID

    yield from _compared(name, index, {(each.id, each.job): each for each in there.values()}, stray, lacking, what=what)


# What a job is found by, and its names of that kind.
_NAMES: dict[str, tuple[str, Callable[[Job], Iterable[str]]]] = {
    "idx_namespaces": ("namespace", lambda job: (job.namespace,)),
    "idx_tags": ("label", lambda job: job.labels),
    "idx_job_names": ("name", lambda job: (f"{job.name}:{job.namespace}",)),
}


def _by_name(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    what, names = _NAMES[name]

    def stray(entry: Entry) -> Strays:
        job = store.jobs.get(entry[1])
        if job is None:
            yield rules.JOB_GONE, entry[1], None
        elif job.known:  # of one whose specification can't be read nothing is known
            yield rules.DROPPED if what == "label" and store.since_1_8 else rules.NOT_ITS_OWN, job.id, job

    def lacking(job: Job) -> IndexRule:
        return rules.OLD_NOT_BY_NAME if what == "name" and not job.has_versions else rules.NOT_BY_NAME

    known = (job for job in store.jobs.values() if job.known)
    yield from _compared(name, index, {(each, job.id): job for job in known for each in names(job)}, stray, lacking,
                         what=what)  # fmt: skip


def _by_node(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    there = {f"{each.id}:{each.job}": each for each in store.executions.values()}

    def stray(entry: Entry) -> Strays:
        key = entry[1]
        id = there[key].id if key in there else key.partition(":")[0]
        yield rules.ON_OTHER_NODE if id in store.executions else rules.ON_NO_NODE, id, None

    def lacking(execution: Execution) -> IndexRule:
        return rules.NOT_BY_NODE if store.jobs[execution.job].has_versions else rules.OLD_NOT_BY_NODE

    wanted = {(each.node, key): each for key, each in there.items()}
    yield from _compared(name, index, wanted, stray, lacking, what="node")


def _jobs_in_progress(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    jobs, legacy = store.jobs, store.legacy_keys
    indexed = {job_of_entry(key, jobs) for _, key in index.entries}

    def stray(entry: Entry) -> Strays:
        key = entry[1]
        job = jobs.get(job_of_entry(key, jobs))
        if job is None:
            yield rules.LISTED_GONE, key, None
        elif job.terminal:
            yield rules.LISTED_DONE, job.id, job
        if ":" not in key or key in jobs:
            yield rules.LEGACY_KEY if legacy else rules.BARE_KEY, key, job

    unlisted = (job for job in jobs.values() if job.known and not job.terminal and job.id not in indexed)
    wanted = {("", job.id if legacy else f"{job.type}:{job.id}"): job for job in unlisted}
    yield from _compared(name, index, wanted, stray, lambda job: rules.UNLISTED)


def job_of_entry(key: str, jobs: Container[str]) -> str:
    """Return the job of an entry of ``idx_inprogress``: ``type:job``, or the bare job of 1.3.0 and before.

    >>> job_of_entry("batch:j-1", ["j-1"]), job_of_entry("j:1", ["j:1"]), job_of_entry("batch:j-2", ["j-1"])
    ('j-1', 'j:1', 'j-2')
    """
    return key if key in jobs else key.partition(":")[2] or key


def _executions_in_progress(name: str, index: Index, store: JobStore) -> Iterator[Deviation]:
    there = {f"{each.id}:{each.job}": each for each in store.executions.values()}
    present = {key for _, key in index.entries}

    def stray(entry: Entry) -> Strays:
        execution = there.get(entry[1])
        if execution is None:
            yield rules.EXECUTION_LISTED_GONE, entry[1].partition(":")[0], None
        elif execution.terminal:
            yield rules.EXECUTION_LISTED_DONE, execution.id, execution

    def lacking(execution: Execution) -> IndexRule:
        if execution.wanted == "Stopped":
            return rules.STOPPED_UNLISTED
        has_versions = store.jobs[execution.job].has_versions
        return rules.EXECUTION_UNLISTED if has_versions else rules.OLD_EXECUTION_UNLISTED

    wanted = {("", key): each for key, each in there.items() if not each.terminal and key not in present}
    yield from _compared(name, index, wanted, stray, lacking)


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
                if not in_use and each.severity != SILENT:
                    each.severity = INFO
                yield each
    yield from _by_job(part, part.indexes["job_index"])


def _live(part: ComputeGeneration, index: Index, in_use: bool) -> Iterator[Deviation]:
    def stray(entry: Entry) -> Strays:
        execution = part.executions.get(entry[1])
        if entry[0]:  # it isn't in the index itself
            return
        if execution is None:
            yield rules.LIVE_GONE if in_use else rules.OLD_LIVE_GONE, entry[1], None
        elif execution.state not in LIVE:
            yield rules.NOT_LIVE, entry[1], execution

    wanted = {("", id): each for id, each in part.executions.items() if each.state in LIVE}
    yield from _compared("live_index", index, wanted, stray, lambda execution: rules.LIVE_UNLISTED)


def _by_state(part: ComputeGeneration, index: Index, in_use: bool) -> Iterator[Deviation]:
    def stray(entry: Entry) -> Strays:
        state, id = entry
        execution = part.executions.get(id)
        if execution is not None:
            resumed = state in _RESUMED and execution.terminal
            yield rules.RESUMED_WRONGLY if resumed else rules.WRONG_STATE, id, execution
        else:
            stops = state in _RESUMED and (state != "BidAccepted" or part.generation is V2)
            yield rules.STOPS_NODE if stops and in_use else rules.STATE_GONE, id, None

    def lacking(execution: Execution) -> IndexRule:
        return rules.NOT_RESUMED if execution.state in _RESUMED else rules.NOT_BY_STATE

    wanted = {(each.state, id): each for id, each in part.executions.items()}
    yield from _compared("state_index", index, wanted, stray, lacking, rules.STATE_EMPTY)


def _by_job(part: ComputeGeneration, index: Index) -> Iterator[Deviation]:
    def stray(entry: Entry) -> Strays:
        execution = part.executions.get(entry[1])
        if execution is None:
            yield rules.NOT_THERE, entry[1], None
        elif execution.job:  # it is known where the record belongs
            yield rules.NOT_OF_JOB, entry[1], execution

    wanted = {(each.job, id): each for id, each in part.executions.items() if each.job}
    yield from _compared("job_index", index, wanted, stray, lambda execution: rules.NOT_BY_JOB, rules.JOB_EMPTY)
