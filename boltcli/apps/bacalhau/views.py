"""Bacalhau's records as tables: the same views for both sides, with the columns that a side has not left empty."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from ...text.json import load_record
from ..contract import ANY, Store
from ..values import buckets_at, find, pairs, pairs_at
from ..views import Item, Rows, big_endian, computed, integer, json, records, text, time, view
from .executions import Execution, of_compute_node, of_orchestrator, state_names
from .job_store import histories
from .layout import ORCHESTRATOR, V2, Generation, generations, side
from .reading import Events, row_number, split_key, subject_of
from .records import Record, moment, name, number, part, requester
from .records import text as word_of
from .states import compute_state, numbering, state_name

_id = computed("text", lambda item: name(item.key))
_job = computed("text", lambda item: name(item.path[1]))
_word = partial(text, default="")


def _specification(key: bytes, job: Any) -> Record | None:
    return None if isinstance(job, bytes) else load_record(job.get(b"spec")) or {}


def _executions_of(item: Item) -> int:
    assert not isinstance(item.value, bytes)
    found = find(item.value, b"executions")
    return 0 if found is None else sum(1 for _ in found.range())


def _tasks(item: Item) -> int:
    tasks = item.field("Tasks")
    return len(tasks) if isinstance(tasks, list) else 0


jobs = records(
    "jobs", "Jobs of the orchestrator", at=(b"jobs",), read=_specification,
    id=_id, name=_word("Name"), namespace=_word("Namespace"), type=_word("Type"), state=_word("State.StateType"),
    message=_word("State.Message"), priority=integer("Priority"), count=integer("Count"), version=integer("Version"),
    revision=integer("Revision"), executions=computed("integer", _executions_of), labels=json("Labels", {}),
    tasks=computed("integer", _tasks), create_time=time("CreateTime"), modify_time=time("ModifyTime"),
)  # fmt: skip
evaluations = records(
    "evaluations", "Evaluations of the orchestrator's scheduler", at=(b"jobs", ANY, b"evaluations"),
    id=_id, job=_job, namespace=_word("Namespace"), triggered_by=_word("TriggeredBy"), type=_word("Type"),
    status=_word("Status"), priority=integer("Priority"), comment=_word("Comment"), wait_until=time("WaitUntil"),
    create_time=time("CreateTime"), modify_time=time("ModifyTime"),
)  # fmt: skip
versions = records(
    "versions", "All versions of the jobs (1.8.0 and newer)", at=(b"jobs", ANY, b"versions"),
    job=_job, version=big_endian, name=_word("Name"), namespace=_word("Namespace"), state=_word("State.StateType"),
    count=integer("Count"), revision=integer("Revision"), labels=json("Labels", {}),
    create_time=time("CreateTime"), modify_time=time("ModifyTime"),
)  # fmt: skip


@view(
    "Executions, their states named by the version that wrote them",
    "id job namespace node requester state state_number:integer desired_state message exit_code:integer error_message"
    " result:json evaluation previous_execution job_version:integer partition:integer revision:integer"
    " create_time:time modify_time:time generation",
)
def executions(db: Store) -> Rows:
    if side(db) == ORCHESTRATOR:
        yield from _orchestrators(db)
        return
    for generation in generations(db):
        for key, value in pairs_at(db, generation.executions):
            record = load_record(value) or {}
            execution = of_compute_node(name(key), generation, record, 0)
            yield _execution(execution, record, generation.name, moment(record, _modified(generation)))


def _modified(generation: Generation) -> str:
    return "ModifyTime" if generation is V2 else "UpdateTime"


def _orchestrators(db: Store) -> Iterator[dict[str, Any]]:
    @cache
    def upserts() -> dict[str, int | None]:
        found = Events(0)
        for key, value in pairs_at(db, b"v1_events"):
            found.add(key, load_record(value) or {})
        return found.upserts

    old_store = find(db, b"v1_events") is None
    for job_key, job in buckets_at(db, b"jobs"):
        _, old_job = histories(job)
        owner = requester({"Job": load_record(job.get(b"spec"))})  # since 1.2.2 records don't have the job in them
        for key, value in pairs_at(job, b"executions"):
            record, id = load_record(value) or {}, name(key)
            old = numbering(record, id, old_store=old_store, old_job=old_job, upserts=upserts)
            execution = of_orchestrator(id, name(job_key), record, 0, old)
            execution.requester = execution.requester or owner
            yield _execution(execution, record, "", moment(record, "ModifyTime"))


def _execution(execution: Execution, record: Record, generation: str, modified: int | None) -> dict[str, Any]:
    inner = part(record, "Execution") or record
    output = part(inner, "RunOutput") or part(record, "RunOutput")
    return {
        "id": execution.id,
        "job": execution.job,
        "namespace": execution.namespace,
        "node": execution.node,
        "requester": execution.requester,
        "state": execution.state,
        "state_number": execution.number if isinstance(execution.number, int) else None,
        "desired_state": execution.desired if "DesiredState" in inner else "",
        "message": execution.message,
        "exit_code": execution.exit_code,
        "error_message": word_of(output, "ErrorMsg"),
        "result": part(inner, "PublishedResult") or part(record, "PublishedResult") or None,
        "evaluation": execution.evaluation,
        "previous_execution": execution.previous,
        "job_version": number(inner, "JobVersion"),
        "partition": number(inner, "PartitionIndex"),
        "revision": execution.revision,
        "create_time": moment(record, "CreateTime"),
        "modify_time": modified,
        "generation": generation,
    }


@view(
    "What happened to jobs and executions",
    "job execution type seq:integer time:time previous_state new_state revision:integer message topic details:json"
    " source",
)
def history(db: Store) -> Rows:
    if side(db) == ORCHESTRATOR:
        for job_key, job in buckets_at(db, b"jobs"):
            for bucket in (b"job_history", b"execution_history", b"history"):
                for key, value in pairs_at(job, bucket):
                    yield {"job": name(job_key), "seq": row_number(key), "source": bucket.decode()} | _job_row(
                        load_record(value) or {}
                    )
        return
    for generation in generations(db):
        # A record says which version's states a store has: those of mid-2023 lie in files of their own.
        first = next(pairs_at(db, generation.executions), None)
        names = state_names((load_record(first[1]) if first is not None else None) or {})
        for execution, rows in buckets_at(db, generation.history):
            for key, value in pairs(rows):
                record = load_record(value) or {}
                row = {"execution": name(execution), "type": "", "seq": row_number(key), "source": generation.name}
                yield row | (_event_row(record) if generation is V2 else _state_row(record, names))


def _job_row(record: Record) -> dict[str, Any]:
    states = part(record, "JobState") or part(record, "ExecutionState")
    # Rows with states are of 1.4.0 or older, whose numbers are the old ones.
    before, after = (
        state if isinstance(state, str) else "" if state is None else compute_state_name(state)
        for state in (states.get("Previous"), states.get("New"))
    )
    return {
        "execution": word_of(record, "ExecutionID") or None,
        "type": word_of(record, "Type"),
        "time": moment(record, "Time"),
        "previous_state": before,
        "new_state": after,
        "revision": number(record, "NewRevision"),
        "message": word_of(part(record, "Event"), "Message") or word_of(record, "Comment"),
        "topic": word_of(part(record, "Event"), "Topic"),
        "details": part(part(record, "Event"), "Details") or None,
    }


def compute_state_name(number: object) -> str:
    """Return the name of a ComputeState number of 1.5.1 or older."""
    return compute_state({"ComputeState": {"StateType": number}}, old=True)


def _event_row(record: Record) -> dict[str, Any]:
    return {
        "time": moment(record, "Timestamp"),
        "previous_state": "",
        "new_state": "",
        "message": word_of(record, "Message"),
        "topic": word_of(record, "Topic"),
        "details": part(record, "Details") or None,
    }


def _state_row(record: Record, names: tuple[str, ...]) -> dict[str, Any]:
    revision = number(record, "NewRevision")
    return {
        "time": moment(record, "Time"),
        "previous_state": state_name(record.get("PreviousState"), names),
        "new_state": state_name(record.get("NewState"), names),
        "revision": number(record, "NewVersion") if revision is None else revision,
        "message": word_of(record, "Comment"),
        "topic": "",
    }


@view(
    "The event store (1.5.0 and newer)",
    "seq:integer time:time operation type subject job previous_state new_state revision:integer message bytes:integer"
    " source",
)
def events(db: Store) -> Rows:
    for bucket in (b"v1_events", b"v2_events"):
        for key, value in pairs_at(db, bucket):
            record = load_record(value) or {}
            seq, at = split_key(key) or (None, None)
            subject, inner = subject_of(record)
            kind = word_of(record, "objectType")
            before = after = ""
            if kind == "ExecutionUpsert":
                previous = part(part(record, "object"), "Previous")
                # What it was before may have been written by 1.5.1 or older.
                old = numbering(previous, "", old_store=False, old_job=False, upserts=lambda: {""})
                before = compute_state(previous, old=old) if previous else ""
                after = compute_state(inner, old=False)
            elif kind == "Evaluation":
                after = word_of(inner, "Status")
            elif kind == "LocalStateHistory":
                names = state_names({"Execution": {}})
                before, after = (state_name(inner.get(field), names) for field in ("PreviousState", "NewState"))
            told = part(record, "object").get("Events") or [inner]
            messages = (word_of(each, "Message") for each in told if isinstance(each, dict))
            yield {
                "seq": seq,
                "time": at if at is not None else moment(record, "timestamp"),
                "operation": word_of(record, "operation"),
                "type": kind,
                "subject": subject or None,
                "job": word_of(inner, "JobID") or None,
                "previous_state": before,
                "new_state": after,
                "revision": number(inner, "Revision"),
                "message": "; ".join(filter(None, messages)),
                "bytes": len(value),
                "source": bucket.decode(),
            }


@view("How far each watcher has come, and other counters", "watcher seq:integer lag:integer source")
def checkpoints(db: Store) -> Rows:
    for bucket, log in (
        (b"v1_checkpoints", b"v1_events"),
        (b"v2_checkpoints", b"v2_events"),
        (b"v2_sequence_tracking", b""),
    ):
        events = find(db, log)
        head = None
        if events is not None:
            last = next(events.range(reverse=True), None)
            head = events.sequence if last is None else (split_key(last[0]) or (events.sequence,))[0]
        for key, value in pairs_at(db, bucket):
            seq = int.from_bytes(value, "big") if len(value) == 8 else None
            lag = None if seq is None or head is None else head - seq
            yield {"watcher": name(key), "seq": seq, "lag": lag, "source": bucket.decode()}


@view("Namespaces, with their jobs and with index entries whose job is gone", "namespace jobs:integer gone:integer")
def namespaces(db: Store) -> Rows:
    yield from _names(db, find(db, b"idx_namespaces"), "")


@view("Label keys, with their jobs and with index entries whose job is gone", "label jobs:integer gone:integer")
def labels(db: Store) -> Rows:
    yield from _names(db, find(db, b"idx_tags"), "")


def _names(db: Store, index: Store | None, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Yield each name of an index with its jobs; a / in a name is a level of buckets."""
    there = find(db, b"jobs")
    for key, bucket in buckets_at(index) if index is not None else ():
        called = prefix + name(key)
        entries = [entry for entry, value in bucket.range() if isinstance(value, bytes)]
        gone = sum(there is None or there.get(entry) is None for entry in entries)
        if entries or next(buckets_at(bucket), None) is None:
            yield called, len(entries) - gone, gone
        yield from _names(db, bucket, f"{called}/")


VIEWS = (jobs, executions, evaluations, history, events, checkpoints, versions, namespaces, labels)
