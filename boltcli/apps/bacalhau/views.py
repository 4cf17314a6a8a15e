"""Bacalhau's records as tables: the same views for both sides, with the columns that a side has not left empty."""

from __future__ import annotations

from ..contract import Column, View
from ..json_values import load_record
from ..store import find
from .compute_store import local_state, state_names
from .events import event_records, split_key, subject_of
from .job_store import row_number
from .layout import ORCHESTRATOR, V2, generations, side
from .records import job_of, moment, name, number, part, requester, text
from .states import compute_state, desired_state, numbering, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..store import Store
    from .records import Record

    Row = tuple[Any, ...]


def columns(spec: str) -> list[Column]:
    """Return columns from words ``name`` or ``name:type``."""
    return [Column(*word.split(":")) for word in spec.split()]


def buckets_in(store: Store | None) -> Iterator[tuple[bytes, Store]]:
    """Yield the nested buckets of a bucket."""
    for key, value in store.range() if store is not None else ():
        if not isinstance(value, bytes):
            yield key, value


def pairs_in(store: Store | None, *path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of the bucket at ``path``, none if it isn't there."""
    found = None if store is None else find(store, *path)
    for key, value in found.range() if found is not None else ():
        if isinstance(value, bytes):
            yield key, value


def jobs(db: Store) -> Iterator[Row]:
    for key, job in buckets_in(find(db, b"jobs")):
        record = load_record(job.get(b"spec")) or {}
        state = part(record, "State")
        executions = find(job, b"executions")
        yield (
            name(key), text(record, "Name"), text(record, "Namespace"), text(record, "Type"),
            text(state, "StateType"), text(state, "Message"), number(record, "Priority"), number(record, "Count"),
            number(record, "Version"), number(record, "Revision"),
            sum(1 for _ in executions.range()) if executions is not None else 0,
            part(record, "Labels"), len(tasks) if isinstance(tasks := record.get("Tasks"), list) else 0,
            moment(record, "CreateTime"), moment(record, "ModifyTime"),
        )  # fmt: skip


def executions(db: Store) -> Iterator[Row]:
    if side(db) == ORCHESTRATOR:
        yield from _orchestrator_executions(db)
        return
    for generation in generations(db):
        for key, value in pairs_in(db, generation.executions):
            record = load_record(value) or {}
            inner = record if generation is V2 else part(record, "Execution")
            number_, state = local_state(generation, record)
            yield _execution(
                name(key), job_of(record), inner, state, number_, generation.name,
                node=text(inner, "NodeID"),
                requester=requester(inner) if generation is V2 else text(record, "RequesterNodeID"),
                revision=number(record, "Revision") if "Revision" in record else number(record, "Version"),
                created=moment(record, "CreateTime"),
                modified=moment(record, "ModifyTime" if generation is V2 else "UpdateTime"),
                message=text(part(inner, "ComputeState"), "Message") or text(record, "LatestComment"),
                output=part(inner, "RunOutput") or part(record, "RunOutput"),
                result=part(inner, "PublishedResult") or part(record, "PublishedResult"),
            )  # fmt: skip


def _orchestrator_executions(db: Store) -> Iterator[Row]:
    old_store = find(db, b"v1_events") is None
    upserts: set[str] | None = None  # read when a record leaves it open by which version it was written
    for job_key, job in buckets_in(find(db, b"jobs")):
        old_job = find(job, b"history") is None and (
            find(job, b"job_history") is not None or find(job, b"execution_history") is not None
        )
        owner = requester({"Job": load_record(job.get(b"spec"))})  # since 1.2.2 records don't have the job in them
        for key, value in pairs_in(job, b"executions"):
            record = load_record(value) or {}
            old = numbering(record, old_store=old_store, old_job=old_job, upserted=False)
            if old is not False and not old_store:
                if upserts is None:
                    upserts = _upserts(db)
                old = numbering(record, old_store=False, old_job=old_job, upserted=name(key) in upserts)
            state = part(record, "ComputeState")
            yield _execution(
                name(key), name(job_key), record, compute_state(record, old=old), state.get("StateType"), "",
                node=text(record, "NodeID"), requester=requester(record) or owner, revision=number(record, "Revision"),
                created=moment(record, "CreateTime"), modified=moment(record, "ModifyTime"),
                message=text(state, "Message"), output=part(record, "RunOutput"),
                result=part(record, "PublishedResult"),
            )  # fmt: skip


def _execution(
    id: str, job: str, inner: Record, state: str, number_: object, generation: str, *, node: str, requester: str,
    revision: int | None, created: int | None, modified: int | None, message: str, output: Record, result: Record,
) -> Row:  # fmt: skip
    return (
        id, job, text(inner, "Namespace"), node, requester, state,
        number_ if isinstance(number_, int) else None, desired_state(inner) if "DesiredState" in inner else "",
        message, number(output, "ExitCode"), text(output, "ErrorMsg"), result or None, text(inner, "EvalID"),
        text(inner, "PreviousExecution"), number(inner, "JobVersion"), number(inner, "PartitionIndex"), revision,
        created, modified, generation,
    )  # fmt: skip


def _upserts(db: Store) -> set[str]:
    store = find(db, b"v1_events")
    found: set[str] = set()
    for _, _, record in event_records(store) if store is not None else ():
        if record is not None and record.get("objectType") == "ExecutionUpsert":
            found.add(subject_of(record)[0])
    return found


def evaluations(db: Store) -> Iterator[Row]:
    for job_key, job in buckets_in(find(db, b"jobs")):
        for key, value in pairs_in(job, b"evaluations"):
            record = load_record(value) or {}
            yield (
                name(key), name(job_key), text(record, "Namespace"), text(record, "TriggeredBy"),
                text(record, "Type"), text(record, "Status"), number(record, "Priority"), text(record, "Comment"),
                moment(record, "WaitUntil"), moment(record, "CreateTime"), moment(record, "ModifyTime"),
            )  # fmt: skip


def history(db: Store) -> Iterator[Row]:
    if side(db) == ORCHESTRATOR:
        for job_key, job in buckets_in(find(db, b"jobs")):
            for bucket in (b"job_history", b"execution_history", b"history"):
                for key, value in pairs_in(job, bucket):
                    yield _job_history(name(job_key), key, load_record(value) or {}, bucket.decode())
        return
    for generation in generations(db):
        # A record says which version's states a store has: those of mid-2023 lie in files of their own.
        first = next(pairs_in(db, generation.executions), None)
        names = state_names((load_record(first[1]) if first is not None else None) or {})
        for execution_key, rows in buckets_in(find(db, generation.history)):
            for key, value in pairs_in(rows):
                record = load_record(value) or {}
                if generation is V2:
                    yield (
                        None, name(execution_key), "", row_number(key), moment(record, "Timestamp"), "", "", None,
                        text(record, "Message"), text(record, "Topic"), part(record, "Details") or None,
                        generation.name,
                    )  # fmt: skip
                    continue
                revision = number(record, "NewRevision")
                yield (
                    None, name(execution_key), "", row_number(key), moment(record, "Time"),
                    state_name(record.get("PreviousState"), names), state_name(record.get("NewState"), names),
                    number(record, "NewVersion") if revision is None else revision,
                    text(record, "Comment"), "", None, generation.name,
                )  # fmt: skip


def _job_history(job: str, key: bytes, record: Record, bucket: str) -> Row:
    event = part(record, "Event")
    states = part(record, "JobState") or part(record, "ExecutionState")
    # Rows with states are of 1.4.0 or older, whose numbers are the old ones.
    before, after = (
        state if isinstance(state, str) else "" if state is None else compute_state_name(state)
        for state in (states.get("Previous"), states.get("New"))
    )
    return (
        job, text(record, "ExecutionID") or None, text(record, "Type"), row_number(key), moment(record, "Time"),
        before, after, number(record, "NewRevision"), text(event, "Message") or text(record, "Comment"),
        text(event, "Topic"), part(event, "Details") or None, bucket,
    )  # fmt: skip


def compute_state_name(number_: object) -> str:
    """Return the name of a ComputeState number of 1.5.1 or older."""
    return compute_state({"ComputeState": {"StateType": number_}}, old=True)


def events(db: Store) -> Iterator[Row]:
    for bucket in (b"v1_events", b"v2_events"):
        store = find(db, bucket)
        for key, value, found in event_records(store) if store is not None else ():
            record = found or {}
            seq, at = split_key(key) or (None, None)
            subject, inner = subject_of(record)
            kind = text(record, "objectType")
            before = after = ""
            if kind == "ExecutionUpsert":
                previous = part(part(record, "object"), "Previous")
                # What it was before may have been written by 1.5.1 or older.
                old = numbering(previous, old_store=False, old_job=False, upserted=True)
                before = compute_state(previous, old=old) if previous else ""
                after = compute_state(inner, old=False)
            elif kind == "Evaluation":
                after = text(inner, "Status")
            elif kind == "LocalStateHistory":
                names = state_names({"Execution": {}})
                before, after = (state_name(inner.get(field), names) for field in ("PreviousState", "NewState"))
            messages = [
                text(event, "Message")
                for event in part(record, "object").get("Events") or [inner]
                if isinstance(event, dict)
            ]
            yield (
                seq, at if at is not None else moment(record, "timestamp"), text(record, "operation"), kind,
                subject or None, text(inner, "JobID") or None, before, after, number(inner, "Revision"),
                "; ".join(filter(None, messages)), len(value), bucket.decode(),
            )  # fmt: skip


def checkpoints(db: Store) -> Iterator[Row]:
    for bucket, log in (
        (b"v1_checkpoints", b"v1_events"), (b"v2_checkpoints", b"v2_events"), (b"v2_sequence_tracking", b""),
    ):  # fmt: skip
        events_ = find(db, log) if log else None
        head = None
        if events_ is not None:
            last = next(events_.range(reverse=True), None)
            head = events_.sequence if last is None else (split_key(last[0]) or (events_.sequence,))[0]
        for key, value in pairs_in(db, bucket):
            seq = int.from_bytes(value, "big") if len(value) == 8 else None
            yield name(key), seq, None if seq is None or head is None else head - seq, bucket.decode()


def versions(db: Store) -> Iterator[Row]:
    for job_key, job in buckets_in(find(db, b"jobs")):
        for key, value in pairs_in(job, b"versions"):
            record = load_record(value) or {}
            yield (
                name(job_key), int.from_bytes(key, "big"), text(record, "Name"), text(record, "Namespace"),
                text(part(record, "State"), "StateType"), number(record, "Count"), number(record, "Revision"),
                part(record, "Labels"), moment(record, "CreateTime"), moment(record, "ModifyTime"),
            )  # fmt: skip


def namespaces(db: Store) -> Iterator[Row]:
    yield from _index(db, b"idx_namespaces")


def labels(db: Store) -> Iterator[Row]:
    yield from _index(db, b"idx_tags")


def _index(db: Store, index: bytes) -> Iterator[Row]:
    """Yield each name of an index with its jobs; a / in a name is a level of buckets."""
    pending: list[tuple[list[str], Store]] = [([], store)] if (store := find(db, index)) is not None else []
    there = find(db, b"jobs")
    while pending:
        path, bucket = pending.pop()
        found, gone, inner = 0, 0, []
        for key, value in bucket.range():
            if isinstance(value, bytes):
                found += 1
                gone += there is None or there.get(key) is None
            else:
                inner.append(([*path, name(key)], value))
        if path and (found or not inner):
            yield "/".join(path), found - gone, gone
        pending += reversed(inner)


VIEWS = (
    View("jobs", columns(
        "id name namespace type state message priority:integer count:integer version:integer revision:integer "
        "executions:integer labels:json tasks:integer create_time:time modify_time:time"
    ), jobs, "Jobs of the orchestrator"),
    View("executions", columns(
        "id job namespace node requester state state_number:integer desired_state message exit_code:integer "
            "error_message result:json evaluation previous_execution job_version:integer partition:integer "
            "revision:integer create_time:time modify_time:time generation"
    ), executions, "Executions, their states named by the version that wrote them"),
    View("evaluations", columns(
        "id job namespace triggered_by type status priority:integer comment wait_until:time create_time:time "
        "modify_time:time"
    ), evaluations, "Evaluations of the orchestrator's scheduler"),
    View("history", columns(
        "job execution type seq:integer time:time previous_state new_state revision:integer message topic "
        "details:json source"
    ), history, "What happened to jobs and executions"),
    View("events", columns(
        "seq:integer time:time operation type subject job previous_state new_state revision:integer message "
        "bytes:integer source"
    ), events, "The event store (1.5.0 and newer)"),
    View("checkpoints", columns("watcher seq:integer lag:integer source"), checkpoints,
         "How far each watcher has come, and other counters"),
    View("versions", columns(
        "job version:integer name namespace state count:integer revision:integer labels:json create_time:time "
        "modify_time:time"
    ), versions, "All versions of the jobs (1.8.0 and newer)"),
    View("namespaces", columns("namespace jobs:integer gone:integer"), namespaces,
         "Namespaces, with their jobs and with index entries whose job is gone"),
    View("labels", columns("label jobs:integer gone:integer"), labels,
         "Label keys, with their jobs and with index entries whose job is gone"),
)  # fmt: skip
