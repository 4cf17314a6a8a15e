"""Bacalhau's records as tables: the same views for both sides, with the columns that a side has not left empty."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from ...text.json import load_record
from ..codecs.integers import u64
from ..contract import ANY, Store
from ..values import buckets, find, pairs
from ..views import Item, Rows, big_endian, computed, integer, json, nested, records, text, time, view
from .events import subject_of
from .executions import LOCAL, OLD, Execution, compute_state, numbering, of_compute_node, state_name, state_names
from .layout import GENERATIONS, generations, is_orchestrator
from .records import Record, moment, name, number, part, records_in, row_number, split_key
from .records import text as word_of
from .stores import orchestrator_executions

_id = computed("text", lambda item: name(item.key))
_job = computed("text", lambda item: name(item.path[1]))
_word = partial(text, default="")


def _tasks(item: Item) -> int:
    tasks = item.field("spec.Tasks")
    return len(tasks) if isinstance(tasks, list) else 0


jobs = records("jobs", "Jobs of the orchestrator", at=(b"jobs",), read=nested,
    id=_id, name=_word("spec.Name"), namespace=_word("spec.Namespace"), type=_word("spec.Type"),
    state=_word("spec.State.StateType"), message=_word("spec.State.Message"), priority=integer("spec.Priority"),
    count=integer("spec.Count"), version=integer("spec.Version"), revision=integer("spec.Revision"),
    executions=computed("integer", lambda item: len(list(pairs(item.record, b"executions")))),
    labels=json("spec.Labels", {}), tasks=computed("integer", _tasks), create_time=time("spec.CreateTime"),
    modify_time=time("spec.ModifyTime"))  # fmt: skip
evaluations = records("evaluations", "Evaluations of the orchestrator's scheduler", at=(b"jobs", ANY, b"evaluations"),
    id=_id, job=_job, namespace=_word("Namespace"), triggered_by=_word("TriggeredBy"), type=_word("Type"),
    status=_word("Status"), priority=integer("Priority"), comment=_word("Comment"), wait_until=time("WaitUntil"),
    create_time=time("CreateTime"), modify_time=time("ModifyTime"))  # fmt: skip
versions = records("versions", "All versions of the jobs (1.8.0 and newer)", at=(b"jobs", ANY, b"versions"),
    job=_job, version=big_endian, name=_word("Name"), namespace=_word("Namespace"), state=_word("State.StateType"),
    count=integer("Count"), revision=integer("Revision"), labels=json("Labels", {}),
    create_time=time("CreateTime"), modify_time=time("ModifyTime"))  # fmt: skip


@view(
    "Executions, their states named by the version that wrote them",
    "id job namespace node requester state state_number:integer desired_state message exit_code:integer error_message"
    " result:json evaluation previous_execution job_version:integer partition:integer revision:integer"
    " create_time:time modify_time:time generation",
)
def executions(db: Store) -> Rows:
    if is_orchestrator(db):
        yield from (_row(execution, "") for execution in orchestrator_executions(db))
        return
    for generation in generations(db):
        for key, record in records_in(db, generation.executions):
            yield _row(of_compute_node(generation, key, record, 0), generation.name)


def _row(execution: Execution, generation: str) -> dict[str, Any]:
    facts = vars(execution)
    times = {"create_time": moment(facts, "created"), "modify_time": moment(facts, "modified_at")}
    return facts | times | {"generation": generation}


@view(
    "Events of jobs and executions over time",
    "job execution type seq:integer time:time previous_state new_state revision:integer message topic details:json"
    " source",
)
def history(db: Store) -> Rows:
    if is_orchestrator(db):
        for job, bucket in buckets(db, b"jobs"):
            for rows in (b"job_history", b"execution_history", b"history"):
                for key, record in records_in(bucket, rows):
                    # Rows with states are of 1.4.0 or older, whose numbers are the old ones.
                    yield {"job": name(job), **_history(key, record, OLD), "source": rows.decode()}
        return
    for generation in generations(db):
        # A record says which version's states a store has: those of mid-2023 lie in files of their own.
        names = state_names(next(records_in(db, generation.executions), (b"", {}))[1])
        for execution, bucket in buckets(db, generation.history):
            for key, record in records_in(bucket):
                row = _history(key, record, names)
                yield {**row, "execution": name(execution), "source": generation.name}


def _history(key: bytes, record: Record, names: tuple[str, ...]) -> dict[str, Any]:
    event = part(record, "Event") or record
    states = part(record, "JobState") or part(record, "ExecutionState")
    states = states or {"Previous": record.get("PreviousState"), "New": record.get("NewState")}
    before, after = (
        state if isinstance(state, str) else "" if state is None else state_name(state, names)
        for state in (states.get("Previous"), states.get("New"))
    )
    revision = number(record, "NewRevision")
    return {
        "execution": word_of(record, "ExecutionID") or None,
        "type": word_of(record, "Type"),
        "seq": row_number(key),
        "time": moment(record, "Time" if "Time" in record else "Timestamp"),
        "previous_state": before,
        "new_state": after,
        "revision": number(record, "NewVersion") if revision is None else revision,
        "message": word_of(event, "Message") or word_of(record, "Comment"),
        "topic": word_of(event, "Topic"),
        "details": part(event, "Details") or None,
    }


@view(
    "The event store (1.5.0 and newer)",
    "seq:integer time:time operation type subject job previous_state new_state revision:integer message bytes:integer"
    " source",
)
def events(db: Store) -> Rows:
    for bucket in (generation.events for generation in GENERATIONS):
        for key, value in pairs(db, bucket):
            record = load_record(value) or {}
            subject, inner = subject_of(record)
            kind = word_of(record, "objectType")
            before = after = ""
            if kind == "ExecutionUpsert":
                previous = part(part(record, "object"), "Previous")
                # What it was before may have been written by 1.5.1 or older.
                old = numbering(False, lambda: {""}, False, "", previous)
                before = compute_state(previous, old=old) if previous else ""
                after = compute_state(inner, old=False)
            elif kind == "Evaluation":
                after = word_of(inner, "Status")
            elif kind == "LocalStateHistory":
                before, after = (state_name(inner.get(field), LOCAL) for field in ("PreviousState", "NewState"))
            told = part(record, "object").get("Events") or [inner]
            messages = (word_of(each, "Message") for each in told if isinstance(each, dict))
            seq, at = split_key(key) or (None, moment(record, "timestamp"))
            yield (
                seq, at, word_of(record, "operation"), kind, subject or None, word_of(inner, "JobID") or None, before,
                after, number(inner, "Revision"), "; ".join(filter(None, messages)), len(value), bucket.decode(),
            )  # fmt: skip


@view("How far each watcher has come, and other counters", "watcher seq:integer lag:integer source")
def checkpoints(db: Store) -> Rows:
    logs = {each.checkpoints: each.events for each in GENERATIONS} | {each.sequences: b"" for each in GENERATIONS}
    for bucket, log in logs.items():
        events = find(db, log)
        head = None
        if events is not None:
            last = next(events.range(reverse=True), None)
            head = events.sequence if last is None else (split_key(last[0]) or (events.sequence,))[0]
        for key, value in pairs(db, bucket):
            seq = u64(value)
            yield name(key), seq, None if seq is None or head is None else head - seq, bucket.decode()


@view(
    "Namespaces, with their numbers of jobs and of index entries whose job is gone",
    "namespace jobs:integer gone:integer",
)
def namespaces(db: Store) -> Rows:
    yield from _names(db, find(db, b"idx_namespaces"), "")


@view(
    "Label keys, with their numbers of jobs and of index entries whose job is gone", "label jobs:integer gone:integer"
)
def labels(db: Store) -> Rows:
    yield from _names(db, find(db, b"idx_tags"), "")


def _names(db: Store, index: Store | None, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Yield each name of an index with its jobs; a / in a name is a level of buckets."""
    there = find(db, b"jobs")
    for key, bucket in buckets(index):
        called = prefix + name(key)
        entries = [entry for entry, value in bucket.range() if isinstance(value, bytes)]
        gone = sum(there is None or there.get(entry) is None for entry in entries)
        if entries or next(buckets(bucket), None) is None:
            yield called, len(entries) - gone, gone
        yield from _names(db, bucket, f"{called}/")


VIEWS = (jobs, executions, evaluations, history, events, checkpoints, versions, namespaces, labels)
