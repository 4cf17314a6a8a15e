"""Bacalhau stores made up from a seed, sound ones of every layout, and faults to put into them.

Written from the description of the layouts, with no code of the reader.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from tests.apps.support import Sequence, Tree

JOB_LAYOUTS = ("1.0.4-1.3.0", "1.3.1-1.4.0", "1.5.0-1.5.1", "1.5.2-1.7.0", "1.8.0-1.9.3")
COMPUTE_LAYOUTS = ("mid-2023", "1.0.4-1.4.0", "1.5.0-1.5.1", "1.5.2", "1.6.0-1.9.3")

_FIRST = ["Undefined", "New", "AskForBid", "AskForBidAccepted", "AskForBidRejected", "BidAccepted"]
OLD = [*_FIRST, "BidRejected", "Completed", "Failed", "Cancelled"]
NEW = [*_FIRST, "Running", "Publishing", "BidRejected", "Completed", "Failed", "Cancelled"]
LOCAL = ["Undefined", "Created", "BidAccepted", "Running", "Publishing", "Completed", "Failed", "Cancelled"]
EARLY = [
    "Undefined", "Created", "BidAccepted", "Running", "WaitingVerification", "ResultAccepted", "Publishing",
    "Completed", "Failed", "Cancelled",
]  # fmt: skip
DONE = ("AskForBidRejected", "BidRejected", "Completed", "Failed", "Cancelled")
START = 1_700_000_000_000_000_000  # nanoseconds


def dump(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def stamp(at: int) -> str:
    seconds, rest = divmod(at, 10**9)
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:09}".rstrip("0") if rest else "") + "Z"


# Parts of names that the audit's own text has between names, too, and what changes in lower case.
ODD = (" -> ", ":", " ", " (record: Running)", "0x41", "0xff", "\u039f\u03a3", "\u0130", "\n", "'", "-> ")


class Odd(Random):
    """Random numbers for a world whose names have such parts in them."""

    def name(self, text: str) -> str:
        parts = [text[: len(text) // 2], *self.sample(ODD, self.randint(0, 2)), text[len(text) // 2 :]]
        self.shuffle(parts)
        return "".join(parts)


def _id(random: Random, kind: str) -> str:
    return _name(random, f"{kind}-{random.getrandbits(32):08x}")


def _name(random: Random, text: str) -> str:
    return random.name(text) if isinstance(random, Odd) else text


def _lower(label: str) -> str:
    """As Go does it: each character by itself, one for one."""
    return "".join(char.lower()[0] for char in label)


def bucket(tree: Tree, *path: str) -> Tree:
    """The bucket at ``path``, made where it isn't there; / in a name is a level."""
    for part in path:
        for name in part.split("/"):
            inner = tree.setdefault(name.encode(), {})
            tree = inner.content if isinstance(inner, Sequence) else inner
    return tree


def job_store(layout: str, seed: int, jobs: int, *, odd: bool = False) -> Tree:
    """A sound job store; with ``odd`` its names have anything in them."""
    random = Odd(seed) if odd else Random(seed)
    version = JOB_LAYOUTS.index(layout)
    tree: Tree = {}
    indexes = ["idx_executions", "idx_evaluations", "idx_inprogress", "idx_namespaces", "idx_tags", "jobs"]
    if version >= 3:
        indexes += ["v1_checkpoints"]
        tree[b"v1_events"] = Sequence(0, {})
    if version >= 4:
        indexes += ["idx_job_names", "idx_inprogress_executions", "idx_executions_by_node"]
    for name in indexes:
        bucket(tree, name)
    for _ in range(jobs):
        _add_job(tree, version, random)
    if version >= 3:
        bucket(tree, "v1_checkpoints")[b"evaluation-watcher"] = u64(random.randint(0, tree[b"v1_events"].number))
    return tree


def _add_job(tree: Tree, version: int, random: Random) -> None:
    states = OLD if version < 3 else NEW
    id, namespace = _id(random, "j"), _name(random, random.choice(["default", "team/a", "ops"]))
    chosen = random.sample(["Env", "bacalhau.org/region", "gpu", "a:b"], random.randint(0, 3))
    labels = dict.fromkeys([_name(random, label) for label in chosen], "x")
    kind = random.choice(["batch", "service", "daemon", "ops"])
    created = START + random.randint(0, 10**15)
    state = random.choice(["Pending", "Running", "Completed", "Failed", "Stopped"])
    over = state in ("Completed", "Failed", "Stopped")
    name = _name(random, random.choice(["render", "etl", id]))
    spec = {
        "ID": id, "Name": name, "Namespace": namespace, "Type": kind, "Count": 0, "Labels": labels,
        "Meta": {"bacalhau.org/requester.id": "n-0"}, "State": {"StateType": state}, "Version": 1, "Revision": 1,
        "CreateTime": created, "ModifyTime": created + 10**12,
    }  # fmt: skip
    inside = bucket(tree, "jobs", id)
    evaluations, executions = bucket(inside, "evaluations"), bucket(inside, "executions")
    for _ in range(random.randint(1, 3)):
        found = _id(random, "v")
        evaluations[found.encode()] = dump({
            "ID": found, "JobID": id, "Namespace": namespace, "TriggeredBy": "job-register",
            "Status": random.choice(["complete", "failed", "cancelled", "pending", "blocked"]), "CreateTime": created,
        })  # fmt: skip
        bucket(tree, "idx_evaluations", found)[id.encode()] = b""
    rows: list[str] = []
    previous = ""
    for _ in range(random.randint(0, 4)):
        found, node = _id(random, "e"), _name(random, f"n-{random.randint(1, 3)}")
        number = random.choice([n for n, word in enumerate(states) if word in DONE or not over])
        word = states[number]
        stopped = word in DONE or random.random() < 0.2
        revision = random.randint(1, 4)
        record: dict[str, Any] = {
            "ID": found, "JobID": id, "Namespace": namespace, "NodeID": node,
            "EvalID": random.choice(list(evaluations)).decode(), "PreviousExecution": previous,
            "DesiredState": {"StateType": 2 if stopped else random.randint(0, 1)},
            "ComputeState": {"StateType": number, "Message": random.choice(["", "exit 1", "out of memory"])},
            "RunOutput": {"ExitCode": random.choice([0, 1, 137])} if version >= 3 or word == "Completed" else None,
            "Revision": revision, "CreateTime": created + random.randint(0, 10**12), "ModifyTime": created + 10**12,
        }  # fmt: skip
        if version >= 4:
            record["JobVersion"] = 1
            bucket(tree, "idx_executions_by_node", node)[f"{found}:{id}".encode()] = b""
            if not stopped and word not in DONE:
                bucket(tree, "idx_inprogress_executions")[f"{found}:{id}".encode()] = b""
        executions[found.encode()] = dump(record)
        bucket(tree, "idx_executions", found)[id.encode()] = b""
        rows += [found] * revision
        previous = random.choice([found, ""])
        if version >= 3:
            _add_event(tree, "v1_events", "ExecutionUpsert", {"Current": record, "Previous": None}, random)
    _add_histories(inside, version, id, rows, random)
    if version >= 4:
        inside[b"versions"] = {u64(1): dump(spec)}
        bucket(tree, "idx_job_names", f"{name}:{namespace}")[id.encode()] = b""
    inside[b"spec"] = dump(spec)
    bucket(tree, "idx_namespaces", namespace)[id.encode()] = b""
    for label in labels:
        bucket(tree, "idx_tags", _lower(label))[id.encode()] = b""
    if not over:
        bucket(tree, "idx_inprogress")[(id if version == 0 else f"{kind}:{id}").encode()] = b""


def _add_histories(inside: Tree, version: int, id: str, rows: list[str], random: Random) -> None:
    random.shuffle(rows)
    if version < 2:
        row = {"Type": "JobLevel", "JobID": id} | ({"Event": {"Message": "Job submitted"}} if version else {})
        inside[b"job_history"] = Sequence(1, {b"%016d" % 1: dump(row)})
        inside[b"execution_history"] = Sequence(
            len(rows), {b"%016d" % n: dump({"ExecutionID": row}) for n, row in enumerate(rows, 1)}
        )
    else:
        inside[b"history"] = Sequence(
            len(rows) + 1, {u64(n): dump({"ExecutionID": row}) for n, row in enumerate(["", *rows], 1)}
        )


def _add_event(tree: Tree, name: str, kind: str, value: dict[str, Any], random: Random) -> None:
    events = tree[name.encode()]
    events.number += 1
    at = START + random.randint(0, 10**15)
    events.content[u64(events.number) + u64(at)] = dump({
        "seqNum": events.number, "operation": random.choice(["CREATE", "UPDATE"]), "objectType": kind,
        "object": value, "timestamp": at,
    })  # fmt: skip


def compute_store(layout: str, seed: int, count: int, tree: Tree | None = None, *, odd: bool = False) -> Tree:
    """A sound execution store; with ``tree`` a further generation in it, with ``odd`` any names."""
    random = Odd(seed) if odd else Random(seed)
    tree = {} if tree is None else tree
    if layout in ("mid-2023", "1.0.4-1.4.0"):
        names = ["execution", "execution-history", "execution-index"]
        names += ["execution-live-index"] if layout != "mid-2023" else []
    else:
        prefix, history = (
            ("v1", "v1_execution_history") if layout.startswith("1.5.0") else ("v2", "v2_execution_events")
        )
        names = [f"{prefix}_executions", history, f"{prefix}_idx_executions_by_job_id",
                 f"{prefix}_idx_executions_by_state", f"{prefix}_checkpoints"]  # fmt: skip
        tree[f"{prefix}_events".encode()] = Sequence(0, {})
    for name in names:
        bucket(tree, name)
    if layout == "1.6.0-1.9.3":
        bucket(tree, "v2_sequence_tracking")[b"incoming-n-1"] = u64(random.randint(0, 99))
    jobs = [_id(random, "j") for _ in range(3)]
    for _ in range(count):
        _add_execution(tree, layout, names, random.choice(jobs), random)
    return tree


def _add_execution(tree: Tree, layout: str, names: list[str], job: str, random: Random) -> None:
    id, created = _id(random, "e"), START + random.randint(0, 10**15)
    states = {"mid-2023": EARLY, "1.0.4-1.4.0": LOCAL, "1.5.0-1.5.1": LOCAL}.get(layout, NEW)
    path = [0, *(random.randrange(1, len(states)) for _ in range(random.randint(1, 4)))]
    revision, state = len(path) - 1, path[-1]
    inner: dict[str, Any] = {
        "ID": id, "JobID": job, "Namespace": "default", "NodeID": "n-1", "Revision": revision,
        "Job": {"ID": job, "Meta": {"bacalhau.org/orchestrator.id": "n-0"}}, "CreateTime": created,
        "ModifyTime": created + 5,
    }  # fmt: skip
    local = {
        "RequesterNodeID": "n-0", "State": state, "CreateTime": stamp(created), "UpdateTime": stamp(created + 10**9),
        "Revision" if layout == "1.5.0-1.5.1" else "Version": revision,
    }  # fmt: skip
    record: dict[str, Any] = {"Execution": inner, **local}
    if layout == "mid-2023":
        record = {"ID": id, "Job": {"APIVersion": "V1beta2", "Metadata": {"ID": job}}, **local}
    elif states is NEW:
        record = {**inner, "ComputeState": {"StateType": state}, "RunOutput": {"ExitCode": 0}}
    bucket(tree, names[0])[id.encode()] = dump(record)
    rows = {}
    for number, (before, after) in enumerate(pairwise(path), 1):
        key = u64(number) if layout >= "1.5" and layout != "mid-2023" else b"%03d" % number
        rows[key] = dump(
            {"Message": "m", "Topic": "t", "Timestamp": stamp(created)}
            if states is NEW
            else {"ExecutionID": id, "PreviousState": before, "NewState": after, "Time": stamp(created)}
        )
    bucket(tree, names[1])[id.encode()] = Sequence(len(rows), rows)
    bucket(tree, names[2], job)[id.encode()] = b""
    if layout == "1.0.4-1.4.0" and states[state] in ("Running", "Publishing"):
        bucket(tree, names[3])[id.encode()] = b""
    if "by_state" in names[-2]:
        bucket(tree, names[3], states[state])[id.encode()] = b""
        events = names[0].split("_")[0] + "_events"
        kind, value = ("LocalStateHistory", {"ExecutionID": id}) if states is LOCAL else (
            "ExecutionUpsert", {"Current": record, "Previous": None}
        )  # fmt: skip
        _add_event(tree, events, kind, value, random)


def damage(tree: Tree, seed: int) -> None:
    """Put one fault into a store: a pair or bucket goes, comes, or changes."""
    random = Random(seed)
    places = list(_places(tree, ()))
    if not places:
        return
    parent, key = random.choice(places)
    what = random.randrange(6)
    value = parent[key]
    if what == 0 or not isinstance(value, bytes):
        del parent[key]
    elif what == 1 and value:
        parent[key] = value[: random.randrange(len(value))]
    elif what == 2:
        other, _ = random.choice(places)
        if all(isinstance(found, bytes) for found in other.values()):
            other[key] = value
    elif what == 3 and value[:1] == b"{":
        parent[key] = _changed(value, random)
    elif what == 4:
        _, other_key = random.choice(places)
        parent.setdefault(other_key, value or b"")
    else:
        parent[_id(random, random.choice("ejv")).encode()] = value


def damage_index(tree: Tree, seed: int) -> None:
    """Put one fault into an index: an entry goes, comes, or is in another bucket, under names made of those there."""
    random = Random(seed)
    names = [name for name in tree if b"idx_" in name or b"index" in name]
    if not names:
        return
    index = random.choice(names)
    flat = index in (b"idx_inprogress", b"idx_inprogress_executions", b"execution-live-index")
    places = [(parent, key) for parent, key in _places({index: tree[index]}, ()) if isinstance(parent[key], bytes)]
    if places and random.random() < 0.4:
        parent, key = random.choice(places)
        del parent[key]
        return
    known = [key for _, key in _places(tree, ()) if len(key) < 80] or [b"a"]
    name = random.choice([b"", b" -> ", b":", b" ", b"/", b"\xff"]).join(random.sample(known * 2, 2))
    parent, _ = random.choice(places) if places and random.random() < 0.5 else (tree[index], b"")
    if not flat and parent is tree[index]:
        bucket_name = random.choice(known)
        inner = parent.setdefault(bucket_name, {})
        parent = inner.content if isinstance(inner, Sequence) else inner
        if isinstance(parent, bytes):
            return
    parent.setdefault(random.choice([name, random.choice(known)]), b"")


def _places(tree: Tree, path: tuple[bytes, ...]) -> Any:
    for key, value in tree.items():
        if path:
            yield tree, key
        if not isinstance(value, bytes):
            yield from _places(value.content if isinstance(value, Sequence) else value, (*path, key))


def _changed(value: bytes, random: Random) -> bytes:
    try:
        record = json.loads(value)
    except ValueError:
        return value
    fields = [field for field in record if field != "Execution"]
    if fields:
        field = random.choice(fields)
        record[field] = random.choice([None, 42, "j-none", [], {}, {"StateType": 8}, 7, True, -1])
    return dump(record)
