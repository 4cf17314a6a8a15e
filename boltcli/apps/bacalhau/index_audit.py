"""Where indexes deviate from the records: the rules, one comparison, and for each index which rule an entry breaks."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any

from ..contract import ERROR, INFO, WARNING, Change, Path
from ..rules import SILENT, Deviation, Rule
from .executions import Execution
from .indexes import PAIRED, Entry, IndexRepair
from .layout import V2
from .records import name
from .stores import ComputeGeneration, Job, JobStore

# How an index deviates from the records: the answers have a list of each.
STRAY, DONE, LACKING, LEGACY, EMPTY = "stray", "done", "lacking", "legacy", "empty"


@dataclass(frozen=True, eq=False)
class IndexRule(Rule):
    """A rule about an entry of an index, or a bucket of it; ``kind`` is STRAY, ..."""

    kind: str = STRAY


def _by(mend: Callable[[IndexRepair, Path, bytes], list[Change]]) -> Callable[[Deviation], list[Change]]:
    return lambda each: mend(each.facts["repair"], each.bucket, each.key or b"")


# fmt: off
PATCH = (
    "Stop the node, then `boltcli audit --changes changes.ndjson FILE; boltcli patch --in-place FILE changes.ndjson`."
)
_LOST = f"Restore the record from a backup, or: {PATCH}"
_rule = partial(IndexRule, "{code}", answer="{place}")
_stray = partial(_rule, remedy=PATCH, repair=_by(IndexRepair.remove))
_done = partial(_stray, WARNING, kind=DONE)
_lacking = partial(_rule, remedy=PATCH, repair=_by(IndexRepair.add), kind=LACKING, answer="{subject}")
_trace = partial(_rule, INFO, remedy="None: Bacalhau itself leaves it behind; the change removes it.")
_empty = partial(_trace, repair=_by(IndexRepair.drop), kind=EMPTY, answer="{name}")
_remove_alone = _by(IndexRepair.remove_alone)

# An orchestrator's indexes of executions and evaluations by id.
_LEADS = "The index entry of {what} {subject} leads to job {entry}, but "
OLD_TRACE = _trace(_LEADS + "job {entry} is gone.", repair=_remove_alone)
EVALUATION_GONE = _trace(_LEADS + "the evaluation is gone from its job.", repair=_remove_alone)
TWICE = _rule(WARNING, _LEADS + "job {record.job} also has a record of it.",
              "Delete the record that is in the wrong place.")
ELSEWHERE = _rule(ERROR, _LEADS + "its last record is under job {record.job}.", _LOST, _remove_alone)
RECORD_LOST = replace(ELSEWHERE, message=_LEADS + "job {entry} has no such execution: its record is lost.")
NOT_BY_ID = _lacking(ERROR, "The {what} {subject} of job {entry} isn't in {index}: look-ups by its id don't find it.")
MISPLACED_NOT_BY_ID = replace(NOT_BY_ID, remedy="Delete the record: it is in the wrong place.", repair=None)
EMPTY_BUCKET = _empty("The index bucket of {what} {name} is empty.")

# Its indexes of jobs by namespace, label and name, and of executions by node.
JOB_GONE = _stray(WARNING, "The index entry of {what} {name} leads to job {entry}, which is gone.")
DROPPED = _trace("Job {entry} has dropped its label {name}, but is still found by it.", repair=_by(IndexRepair.remove))
NOT_ITS_OWN = _stray(WARNING, "Job {entry} is found by the {what} {name}, which it doesn't have.")
NOT_BY_NAME = _lacking(ERROR, "Job {subject} isn't found by its {what} {name}.")
NOT_BY_LABEL = replace(NOT_BY_NAME, answer="{place}")
OLD_NOT_BY_NAME = _lacking(INFO, "Job {subject} isn't found by its {what} {name}: it was made before 1.8.0.")
ON_NO_NODE = _stray(WARNING, "The node index has execution {subject} on node {name}, but it is gone.")
ON_OTHER_NODE = _stray(WARNING, "The node index has execution {subject} on node {name}, but it is on another node.")
NOT_BY_NODE = _lacking(ERROR, "Execution {subject} isn't found by its node {name}.")
OLD_NOT_BY_NODE = _lacking(INFO, "Execution {subject} isn't found by its node {name}: its job was made before 1.8.0.")

# Its indexes of what is in progress.
LISTED_GONE = _stray(ERROR, "The entry {entry} of jobs in progress leads to a job that is gone: listing them fails.")
LISTED_DONE = _done("Job {subject} is {record.state}, but is still listed as in progress.")
UNLISTED = _lacking(ERROR, "Job {subject} is {record.state}, but isn't listed as in progress: nobody will look"
                    " after it.")
BARE_KEY = _rule(INFO, "The entry of job {entry} has the form of 1.3.0 and before, which newer versions accept.",
                 "None.", kind=LEGACY)
LEGACY_KEY = replace(BARE_KEY, severity=SILENT)
_IS = "Execution {subject} is {record.state}, but isn't "
EXECUTION_LISTED_GONE = _stray(ERROR, "The entry {entry} of executions in progress leads to an execution that is gone.")
EXECUTION_LISTED_DONE = _done("Execution {subject} is {record.state} (wanted: {record.wanted}), but listed as in"
                              " progress.")
EXECUTION_UNLISTED = _lacking(ERROR, _IS + "listed as in progress.")
OLD_EXECUTION_UNLISTED = _lacking(INFO, _IS + "listed as in progress: its job was made before 1.8.0.")
# Bacalhau itself takes it out by then; what isn't terminal is only what its node has not yet said.
STOPPED_UNLISTED = _rule(INFO, _IS + "listed as in progress: it should be stopped, and its node has not confirmed"
                         " that.", "Check the execution on its node; nothing asks for it any more.", kind=LACKING,
                         answer="{subject}")

# A compute node's indexes.
_HAS = "The live index has execution {subject}, "
LIVE_GONE = _stray(ERROR, _HAS + "whose record is gone: the node won't start.")
OLD_LIVE_GONE = _stray(INFO, _HAS + "whose record is gone; nothing reads it any more.")
_STATE = "{place} (record: {record.state})"
NOT_LIVE = _done(_HAS + "which is {record.state}: the node resumes it.", answer=_STATE)
LIVE_UNLISTED = _lacking(ERROR, _IS + "in the live index: it won't be resumed.")
_SAYS = "The state index has execution {subject} as {name}, but its record "
STATE_GONE = _stray(WARNING, _SAYS + "is gone.")
STOPS_NODE = _stray(ERROR, _SAYS + "is gone: the node won't start.")
WRONG_STATE = _done(_SAYS + "says {record.state}.", answer=_STATE)
RESUMED_WRONGLY = _done(_SAYS + "says {record.state}: the node tries to resume it.", answer=_STATE)
NOT_BY_STATE = _lacking(WARNING, _IS + "in the state index as such.")
NOT_RESUMED = _lacking(ERROR, _IS + "in the state index as such: it won't be resumed.")
STATE_EMPTY = replace(EMPTY_BUCKET, message="No execution is {name} any more: its bucket is empty.",
                      remedy="None: every node has such buckets.", repair=None)
NOT_THERE = _rule(ERROR, "The job index has execution {subject} under job {name}, whose record is gone.",
                  _LOST, _remove_alone)
NOT_OF_JOB = replace(NOT_THERE, message="The job index has execution {subject} under job {name}, which belongs to job"
                     " {record.job}.")
NOT_BY_JOB = _lacking(ERROR, "Execution {subject} isn't found by its job {name}.")
JOB_EMPTY = _empty("The job index has no execution of job {name} any more.")

# What the answers call each kind.
_BY_NAME = {STRAY: "dangling", EMPTY: "empty_buckets", LACKING: "records_not_indexed"}
_ANSWERS = {
    "idx_executions": _BY_NAME,
    "idx_evaluations": _BY_NAME,
    "idx_namespaces": _BY_NAME | {EMPTY: "namespaces_without_jobs"},
    "idx_tags": _BY_NAME | {EMPTY: "tags_without_jobs"},
    "idx_job_names": _BY_NAME | {LACKING: "jobs_not_found_by_name"},
    "idx_executions_by_node": _BY_NAME,
    "idx_inprogress": {STRAY: "dangling", DONE: "terminal_jobs", LEGACY: "legacy_keys",
                       LACKING: "not_terminal_jobs_not_indexed"},
    "idx_inprogress_executions": {STRAY: "dangling", DONE: "terminal_executions",
                                  LACKING: "not_terminal_executions_not_indexed"},
    "job_index": _BY_NAME,
    "live_index": {STRAY: "dangling", DONE: "not_live", LACKING: "live_not_indexed"},
    "state_index": _BY_NAME | {DONE: "wrong_state"},
}
# fmt: on

LIVE = frozenset(("Running", "Publishing"))
# Entries of these states are resumed at the start, before anything else: one without a record stops the node.
_RESUMED = ("BidAccepted", "Running", "Publishing")


def index_answers(present: Container[str], deviations: Iterable[Deviation]) -> dict[str, dict[str, list[Any]]]:
    """Return the answers on each index: entries and records sorted, empty buckets as they lie in the file."""
    found: dict[str, dict[str, list[Any]]] = {
        index: {name: [] for name in sorted(names.values())} for index, names in _ANSWERS.items() if index in present
    }
    for each in deviations:
        if isinstance(each.rule, IndexRule):
            index = each.facts["index"]
            found[index][_ANSWERS[index][each.rule.kind]].append(each.answer())
    return {
        index: {name: told if name == _ANSWERS[index].get(EMPTY) else sorted(told) for name, told in answers.items()}
        for index, answers in found.items()
    }


# An entry that there should be: name and key, the record, and the rule that is broken without it.
Wanted = tuple[str | bytes, bytes, Any, IndexRule]
# Which rules an entry too many breaks, by its name, its key and its record, if there is one.
Stray = Callable[[str, str, Any], Iterable[IndexRule]]


def _either(gone: IndexRule, other: IndexRule, sure: Callable[[Any], Any] = bool) -> Stray:
    """Return ``gone`` for an entry without its record, ``other`` for one whose record, if ``sure``, says otherwise."""
    return lambda _name, _key, record: [gone] if record is None else [other] if sure(record) else []


def _compared(
    store: JobStore | ComputeGeneration,
    called: str,
    wanted: Iterable[Wanted],
    record_of: Callable[[str, str], Any],
    stray: Stray,
    empty: IndexRule = EMPTY_BUCKET,
    what: str = "",
) -> Iterator[Deviation]:
    """Compare an index, whose names are ``what``, with what is ``wanted``; ``record_of`` finds an entry's record."""
    index = store.indexes.get(called)
    if index is None:
        return
    expected = {index.entry(name, key): (record, rule) for name, key, record, rule in wanted}
    code = f"indexes.{called}" if called.startswith("idx_") else called
    facts = {"index": called, "code": code, "repair": IndexRepair(index), "what": what}

    def at(rule: IndexRule, path: Path, key: bytes | None, subject: str, record: Any = None) -> Deviation:
        shown, entry = _shown((path, key or b""))
        place = entry if index.flat else f"{shown} -> {entry}"
        return rule.at(path, key, subject, name=shown, entry=entry, place=place, record=record, **facts)

    by_id = what in ("execution", "evaluation")
    entries = {entry for entry in index.entries if len(entry[0]) == 1} if called == "live_index" else index.entries
    for path, key in sorted(entries - expected.keys(), key=_shown):
        bucket, entry = _shown((path, key))
        record = record_of(bucket, entry)
        id = bucket if by_id else entry.partition(":")[0] if called in PAIRED else entry
        for rule in stray(bucket, entry, record):
            yield at(rule, path, key, id if record is None else record.id, record)
    missing = sorted(expected.keys() - index.entries, key=_shown)
    for lacking in missing:
        record, rule = expected[lacking]
        yield at(rule, *lacking, record.id, record)
    # Where each record has a bucket of its own, what is missing says enough of one that is empty.
    filled = {path for path, _ in missing} if by_id else ()
    for path in index.empty:
        found = at(empty, path, None, _shown((path, b""))[0])
        found.severity = SILENT if path in filled else found.severity
        yield found


def _shown(entry: Entry) -> tuple[str, str]:
    """Return the names of an entry's buckets in the index, joined by /, and its key."""
    return "/".join(map(name, entry[0][1:])), name(entry[1])


def job_indexes(store: JobStore) -> Iterator[Deviation]:
    yield from _by_id(store, "execution", store.executions, RECORD_LOST)
    yield from _by_id(store, "evaluation", store.evaluations, EVALUATION_GONE)
    yield from _by_name(store)
    there = {name(each.index_key): each for each in store.executions.values()}

    def on_node(_: str, key: str) -> Execution | None:
        return there.get(key) or store.executions.get(key.partition(":")[0])

    def unlisted(each: Execution) -> IndexRule:
        if each.wanted == "Stopped":
            return STOPPED_UNLISTED
        return EXECUTION_UNLISTED if each.since_1_8 else OLD_EXECUTION_UNLISTED

    nodes = (
        (each.node, each.index_key, each, NOT_BY_NODE if each.since_1_8 else OLD_NOT_BY_NODE) for each in there.values()
    )
    stray = _either(ON_NO_NODE, ON_OTHER_NODE)
    yield from _compared(store, "idx_executions_by_node", nodes, on_node, stray, what="node")
    if "idx_inprogress" in store.indexes:
        yield from _jobs_in_progress(store)
    live = (("", each.index_key, each, unlisted(each)) for each in there.values() if not each.terminal)
    stray = _either(EXECUTION_LISTED_GONE, EXECUTION_LISTED_DONE, attrgetter("terminal"))
    yield from _compared(store, "idx_inprogress_executions", live, lambda _, key: there.get(key), stray)


def _by_id(store: JobStore, what: str, there: Mapping[str, Any], lost: IndexRule) -> Iterator[Deviation]:
    def stray(id: str, job: str, record: Any) -> Iterator[IndexRule]:
        held = store.jobs[job].executions if what == "execution" and job in store.jobs else ()
        if any(each.id == id and not each.misplaced for each in held):
            yield TWICE
        elif job not in store.jobs:
            yield OLD_TRACE
        else:
            yield lost if record is None else ELSEWHERE

    rules = {True: MISPLACED_NOT_BY_ID, False: NOT_BY_ID}
    wanted = ((each.key, each.bucket[1], each, rules[each.misplaced]) for each in there.values())
    yield from _compared(store, f"idx_{what}s", wanted, lambda id, _: there.get(id), stray, what=what)


def _by_name(store: JobStore) -> Iterator[Deviation]:
    jobs = [job for job in store.jobs.values() if job.known]  # of the others nothing is known
    namespaces = [(job.namespace, job, NOT_BY_NAME) for job in jobs]
    labels = [(label, job, NOT_BY_LABEL) for job in jobs for label in job.labels]
    names = [(f"{job.name}:{job.namespace}", job, NOT_BY_NAME if job.has_versions else OLD_NOT_BY_NAME) for job in jobs]
    for index, what, wanted in (
        ("idx_namespaces", "namespace", namespaces), ("idx_tags", "label", labels), ("idx_job_names", "name", names),
    ):  # fmt: skip
        other = DROPPED if what == "label" and store.since_1_8 else NOT_ITS_OWN
        entries = [(each, job.bucket[1], job, rule) for each, job, rule in wanted]
        stray = _either(JOB_GONE, other, attrgetter("known"))
        yield from _compared(store, index, entries, lambda _, key: store.jobs.get(key), stray, what=what)


def _jobs_in_progress(store: JobStore) -> Iterator[Deviation]:
    jobs, bare = store.jobs, store.bare_keys
    indexed = {job_of_entry(name(key), jobs) for _, key in store.indexes["idx_inprogress"].entries}

    def stray(_: str, key: str, job: Job | None) -> Iterator[IndexRule]:
        if job is None or job.terminal:
            yield LISTED_GONE if job is None else LISTED_DONE
        if ":" not in key or key in jobs:
            yield LEGACY_KEY if bare else BARE_KEY

    unlisted = (job for job in jobs.values() if job.known and not job.terminal and job.id not in indexed)
    wanted = [("", (b"" if bare else f"{job.type}:".encode()) + job.bucket[1], job, UNLISTED) for job in unlisted]
    yield from _compared(store, "idx_inprogress", wanted, lambda _, key: jobs.get(job_of_entry(key, jobs)), stray)


def job_of_entry(key: str, jobs: Container[str]) -> str:
    """Return the job of an entry of ``idx_inprogress``: ``type:job``, or the bare job of 1.3.0 and before.

    >>> job_of_entry("batch:j-1", ["j-1"]), job_of_entry("j:1", ["j:1"]), job_of_entry("batch:j-2", ["j-1"])
    ('j-1', 'j:1', 'j-2')
    """
    return key if key in jobs else key.partition(":")[2] or key


def compute_indexes(part: ComputeGeneration, in_use: bool) -> Iterator[Deviation]:
    executions = part.executions

    def by_state(state: str, _: str, execution: Execution | None) -> Iterator[IndexRule]:
        if execution is not None:
            yield RESUMED_WRONGLY if state in _RESUMED and execution.terminal else WRONG_STATE
        else:
            stops = state in _RESUMED and (state != "BidAccepted" or part.generation is V2)
            yield STOPS_NODE if stops and in_use else STATE_GONE

    compared = partial(_compared, part, record_of=lambda _, id: executions.get(id))
    live = (("", each.key, each, LIVE_UNLISTED) for each in executions.values() if each.state in LIVE)
    not_live = _either(LIVE_GONE if in_use else OLD_LIVE_GONE, NOT_LIVE)
    states = (
        (each.state, each.key, each, NOT_RESUMED if each.state in _RESUMED else NOT_BY_STATE)
        for each in executions.values()
    )
    by_state_and_live = (
        *compared("live_index", live, stray=not_live),
        *compared("state_index", states, stray=by_state, empty=STATE_EMPTY),
    )
    for each in by_state_and_live:
        if not in_use and each.severity != SILENT:
            each.severity = INFO
        yield each
    jobs = ((each.job, each.key, each, NOT_BY_JOB) for each in executions.values() if each.job)
    stray = _either(NOT_THERE, NOT_OF_JOB, attrgetter("job"))  # of the others isn't known where they belong
    yield from compared("job_index", jobs, stray=stray, empty=JOB_EMPTY)
