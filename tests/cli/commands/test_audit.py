"""``audit``: what it prints, its statuses, directories, both sides of a cluster, changes, what could be deleted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from boltcli.apps.ours import BACALHAU
from tests.apps.support import Opened, Sequence, Tree, make, tree_of
from tests.live import held
from tests.schema import run_json
from tests.support import error_line, fixture, run

COMPUTE, REQUESTER, NEWER = (fixture(f"bacalhau-{name}") for name in ("compute-1.4", "requester-1.4", "compute-1.5"))
NOW = ("--now", "2024-08-01T00:00:00Z")


def test_text_is_short_and_verbose_is_whole() -> None:
    status, out, err = run("audit", *NOW, COMPUTE)
    lines = out.decode().splitlines()
    assert (status, err) == (1, b"")
    assert lines[0].endswith("bacalhau-compute-1.4.db: 2 errors, 28 notes (bacalhau, compute 1.0.4-1.4.0)")
    assert [line.split(":")[0] for line in lines[1:5]] == ["error", "  remedy", "error", "note"]
    assert lines[4] == "note: executions_not_terminal: 28"
    verbose = run("audit", *NOW, "--verbose", COMPUTE)[1].decode().splitlines()
    assert sum(line.startswith("note: Execution ") for line in verbose) == 28
    assert any("is Running; it was created 49 days " in line for line in verbose)


def test_json_is_one_object_a_file() -> None:
    status, records, _ = run_json("audit", *NOW, COMPUTE, REQUESTER)
    assert status == 1
    assert [record["path"] for record in records] == [str(COMPUTE), str(REQUESTER)]
    for record in records:
        assert list(record)[:6] == ["path", "application", "layout", "ok", "answers", "findings"]
        ranks = [("error", "warning", "info").index(finding["severity"]) for finding in record["findings"]]
        assert ranks == sorted(ranks)
    assert records[0]["findings"][0] == {
        "question": "live_index",
        "severity": "error",
        "bucket": ["execution-live-index"],
        "key": "e-0b7c92d4-3e51-4f6a-8d27-95a1c40ef3b8",
        "subject": "e-0b7c92d4-3e51-4f6a-8d27-95a1c40ef3b8",
        "message": "The live index has execution e-0b7c92d4-3e51-4f6a-8d27-95a1c40ef3b8, whose record is gone: the node"
        " won't start.",
        "remedy": "Stop the node, then `boltcli audit --changes changes.ndjson FILE;"
        " boltcli patch --in-place FILE changes.ndjson`.",
    }


@pytest.mark.parametrize(
    ("path", "fail_on", "status"),
    [
        (COMPUTE, "error", 1), (COMPUTE, "info", 1), (REQUESTER, "error", 0), (REQUESTER, "warning", 1),
        (NEWER, "error", 0), (NEWER, "warning", 0), (NEWER, "info", 1),
    ],
)  # fmt: skip
def test_the_status_says_how_bad_it_is(path: Path, fail_on: str, status: int) -> None:
    assert run("audit", "--fail-on", fail_on, path)[0] == status


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fail-on", "bad", COMPUTE), b"--fail-on bad: must be one of error, warning, info"),
        (("--now", "soon", COMPUTE), b"--now takes a time"),
        (("--older-than", "old", COMPUTE), b"time: invalid duration"),
        (("nosuch.db",), b'source database file "nosuch.db" doesn\'t exist'),
        (("--app", "nosuch", COMPUTE), b"no known application"),
    ],
)
def test_what_makes_no_sense_is_told(words: tuple[Any, ...], message: bytes) -> None:
    status, _, err = run("audit", *words)
    assert status == 1
    assert message in error_line(err)


def test_other_files_are_audited_whatever_becomes_of_one(tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    status, records, failures = run_json("audit", fixture("inline"), missing, NEWER)
    assert status == 1
    assert [record.get("error", {}).get("kind") for record in records] == ["argument", "not-found", None]
    assert [failure["kind"] for failure in failures] == ["argument", "not-found"]
    status, out, err = run("audit", missing, NEWER)
    assert (status, err.count(b"\n")) == (1, 1)
    assert b"bacalhau-compute-1.5.db: " in out


def test_it_works_beside_a_server(tmp_path: Path) -> None:
    path = Path(shutil.copy(NEWER, tmp_path))
    with held(path):
        status, out, err = run("audit", "--timeout", "10ms", path)
    assert status == 0
    assert b"without it, reading transaction" in err
    assert out.replace(str(path).encode(), b"") == run("audit", NEWER)[1].replace(str(NEWER).encode(), b"")


@pytest.mark.slow
def test_a_node_directory_holds_its_stores(tmp_path: Path) -> None:
    node = tmp_path / "node"
    for place, source in (("orchestrator_store/jobs.db", REQUESTER), ("compute_store/executions.db", COMPUTE)):
        (node / place).parent.mkdir(parents=True)
        shutil.copy(source, node / place)
    (node / "compute_store" / "notes.db").write_text("no database")
    shutil.copy(fixture("inline"), node / "other.db")
    _, records, _ = run_json("audit", node)
    assert [record["path"] for record in records] == [
        str(node / "compute_store" / "executions.db"), str(node / "orchestrator_store" / "jobs.db"),
    ]  # fmt: skip
    loose = tmp_path / "loose"
    loose.mkdir()
    for source in (NEWER, fixture("inline")):
        shutil.copy(source, loose)
    assert [record["path"] for record in run_json("audit", loose)[1]] == [str(loose / NEWER.name)]
    _, records, _ = run_json("audit", node, loose, COMPUTE)
    assert len(records) == 4
    (tmp_path / "empty").mkdir()
    status, _, err = run("audit", tmp_path / "empty")
    assert status == 1
    assert error_line(err).startswith(b"no store of a known application in ")


@pytest.mark.slow
@pytest.mark.parametrize("place", BACALHAU.places)
def test_every_place_is_found(tmp_path: Path, place: str) -> None:
    path = tmp_path / place.replace("*", "n-1")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(NEWER, path)
    assert [record["path"] for record in run_json("audit", tmp_path)[1]] == [str(path)]


def job(state: str, namespace: str = "default", modified: int = 1) -> bytes:
    return json.dumps({
        "ID": "j-1", "Name": "n", "Namespace": namespace, "Type": "batch", "Count": 1, "Labels": {"a/b": "1"},
        "Meta": {"bacalhau.org/requester.id": "n-0"}, "State": {"StateType": state}, "Revision": 1,
        "CreateTime": 1, "ModifyTime": modified,
    }).encode()  # fmt: skip


def execution(id: str, state: int, desired: int = 1, node: str = "n-1") -> bytes:
    return json.dumps({
        "ID": id, "Namespace": "default", "NodeID": node, "JobID": "j-1", "EvalID": "", "Revision": 1,
        "DesiredState": {"StateType": desired}, "ComputeState": {"StateType": state}, "RunOutput": None,
        "CreateTime": 1, "ModifyTime": 1,
    }).encode()  # fmt: skip


def local(id: str, state: int) -> bytes:
    inner = json.loads(execution(id, 1))
    return json.dumps({
        "Execution": inner, "RequesterNodeID": "n-0", "State": state, "Version": 1,
        "CreateTime": "2024-01-01T00:00:00Z", "UpdateTime": "2024-01-01T00:00:00Z", "LatestComment": "",
    }).encode()  # fmt: skip


def job_store(executions: dict[str, bytes], spec: bytes) -> Tree:
    history = json.dumps({"ExecutionID": "", "Type": "JobLevel"}).encode()
    rows = {b"%016d" % number: json.dumps({"ExecutionID": id}).encode() for number, id in enumerate(executions, 1)}
    namespace = json.loads(spec)["Namespace"].encode()
    return {
        b"jobs": {b"j-1": {
            b"spec": spec, b"executions": {id.encode(): value for id, value in executions.items()},
            b"job_history": Sequence(1, {b"%016d" % 1: history}),
            b"execution_history": Sequence(len(rows), rows), b"evaluations": {},
        }},
        b"idx_executions": {id.encode(): {b"j-1": b""} for id in executions},
        b"idx_evaluations": {}, b"idx_namespaces": {namespace: {b"j-1": b""}},
        b"idx_tags": {b"a": {b"b": {b"j-1": b""}}},
        b"idx_inprogress": {b"batch:j-1": b""} if b"Running" in spec else {},
    }  # fmt: skip


def compute_store(records: dict[str, bytes], live: tuple[str, ...] = ()) -> Tree:
    histories = {}
    for id, value in records.items():
        row = {"PreviousState": 0, "NewState": json.loads(value)["State"]}
        histories[id.encode()] = Sequence(1, {b"001": json.dumps(row).encode()})
    return {
        b"execution": {id.encode(): value for id, value in records.items()},
        b"execution-history": histories,
        b"execution-index": {b"j-1": {id.encode(): b"" for id in records}} if records else {},
        b"execution-live-index": {id.encode(): b"" for id in live},
    }


def test_both_sides_are_compared(tmp_path: Path) -> None:
    orchestrator = make(tmp_path / "jobs.db", job_store(
        {"e-both": execution("e-both", 5), "e-lost": execution("e-lost", 5), "e-over": execution("e-over", 5),
         "e-done": execution("e-done", 7, 2), "e-else": execution("e-else", 5, node="n-2"),
         "e-asked": execution("e-asked", 2)}, job("Running"),
    ))  # fmt: skip
    node = make(tmp_path / "executions.db", compute_store(
        {"e-both": local("e-both", 3), "e-over": local("e-over", 5), "e-done": local("e-done", 3),
         "e-alone": local("e-alone", 4)}, ("e-both", "e-done", "e-alone"),
    ))  # fmt: skip
    for path in (orchestrator, node):  # alone each is in order
        assert [found for found in run_json("audit", path)[1][0]["findings"] if found["severity"] != "info"] == []
    status, (jobs, executions), _ = run_json("audit", orchestrator, node)
    assert status == 1
    assert {
        (found["subject"], found["severity"]) for found in jobs["findings"] if found["question"] == "other_side"
    } == {("e-lost", "error"), ("e-over", "warning")}
    assert {
        (found["subject"], found["severity"]) for found in executions["findings"] if found["question"] == "other_side"
    } == {("e-done", "warning"), ("e-alone", "warning")}


def test_stores_of_different_worlds_are_not_compared(tmp_path: Path) -> None:
    orchestrator = make(tmp_path / "jobs.db", job_store({"e-1": execution("e-1", 5)}, job("Running")))
    node = make(tmp_path / "executions.db", compute_store({"e-2": local("e-2", 3)}, ("e-2",)))
    status, (jobs, _), _ = run_json("audit", orchestrator, node)
    assert status == 0
    assert [found["severity"] for found in jobs["findings"] if found["question"] == "other_side"] == ["info"]


def test_changes_mend_what_they_can(tmp_path: Path) -> None:
    tree = job_store({"e-1": execution("e-1", 5)}, job("Running"))
    sound = make(tmp_path / "sound.db", tree)
    tree[b"idx_executions"] = {b"e-gone": {b"j-1": b""}}
    tree[b"idx_inprogress"] = {b"batch:j-none": b""}
    tree[b"idx_tags"] = {b"old": {b"j-none": b""}}
    tree[b"idx_namespaces"] = {b"other": {b"j-1": b""}}
    broken, changes, mended = make(tmp_path / "broken.db", tree), tmp_path / "c.ndjson", tmp_path / "mended.db"
    assert run("audit", broken, "--changes", changes)[0] == 1
    assert run("patch", broken, changes, "-o", mended)[0] == 0
    status, (record,), _ = run_json("audit", mended)
    assert status == 0
    assert {found["severity"] for found in record["findings"]} == {"info"}
    again = tmp_path / "again.ndjson"
    assert run("audit", mended, "--verbose", "--changes", again)[0] == 0
    tidy = tmp_path / "tidy.db"
    assert run("patch", mended, again, "-o", tidy)[0] == 0
    assert run("export", tidy)[1] == run("export", sound)[1]
    status, _, err = run("audit", broken, "--changes", changes)
    assert (status, b"already exists" in err) == (1, True)
    assert run("audit", broken, "--force", "--changes", changes)[0] == 1
    other = Path(shutil.copy(broken, tmp_path / "other.db"))
    status, _, err = run("audit", broken, other, "--changes", tmp_path / "two.ndjson")
    assert b"--changes takes one file" in err
    assert not (tmp_path / "two.ndjson").exists()


DAY = 86400 * 10**9


@pytest.mark.parametrize(
    ("age", "state", "gone"), [(31, "Completed", True), (29, "Completed", False), (31, "Running", False)]
)
def test_old_jobs_could_be_deleted(tmp_path: Path, age: int, state: str, gone: bool) -> None:
    now = 1_800_000_000 * 10**9
    spec = job(state, modified=now - age * DAY)
    path = make(tmp_path / "jobs.db", job_store({"e-1": execution("e-1", 7, 2)}, spec))
    words = ("audit", "--now", "1800000000", "--older-than", "30d", path)
    _, (record,), _ = run_json(*words)
    found = record["retention"]
    assert (found["jobs"], found["executions"], found["older_than_seconds"]) == (gone, gone, 30 * 86400)
    assert found["by_state"] == ({state: {"jobs": 1, "bytes": found["bytes"]}} if gone else {})
    assert found["by_age"]["7d"]["jobs"] == (state == "Completed")
    with Opened(path) as db:
        inside: Tree = tree_of(db)[b"jobs"].content[b"j-1"].content
    assert not gone or found["bytes"] == _bytes(inside)
    assert (b"1 jobs" in run(*words)[1]) == gone
    changes, smaller = tmp_path / "c.ndjson", tmp_path / "smaller.db"
    run(*words, "--changes", changes)
    assert run("patch", path, changes, "-o", smaller)[0] == 0
    with Opened(smaller) as db:
        left = tree_of(db)
    assert (b"j-1" not in left[b"jobs"].content) == gone
    if gone:
        _, (record,), _ = run_json("audit", smaller)
        assert record["answers"]["counts"]["jobs"] == 0
        assert [found for found in record["findings"] if found["severity"] != "info"] == []
        assert record["answers"]["indexes"]["idx_executions"] == {
            "dangling": [], "empty_buckets": [], "records_not_indexed": [],
        }  # fmt: skip


def _bytes(tree: Tree) -> int:
    total = 0
    for key, value in tree.items():
        if isinstance(value, bytes):
            total += len(key) + len(value)
        else:
            total += _bytes(value.content if isinstance(value, Sequence) else value)
    return total


def test_old_executions_could_be_deleted(tmp_path: Path) -> None:
    words = ("audit", "--now", "2024-08-01T00:00:00Z", "--older-than", "1w", COMPUTE)
    _, (record,), _ = run_json(*words)
    assert record["retention"]["executions"] == 120 + 33 + 56
    changes, smaller = tmp_path / "c.ndjson", tmp_path / "smaller.db"
    run(*words, "--changes", changes)
    assert run("patch", COMPUTE, changes, "-o", smaller)[0] == 0
    _, (after,), _ = run_json("audit", smaller)
    assert after["answers"]["generations"]["unversioned"]["counts"]["by_state"] == {
        "BidAccepted": 3, "Created": 5, "Publishing": 1, "Running": 19,
    }  # fmt: skip
    assert [found["question"] for found in after["findings"] if found["severity"] != "info"] == ["live_index"] * 2
    before = record["top_buckets"]
    freed = sum(before[name]["value_bytes"] - row["value_bytes"] for name, row in after["top_buckets"].items())
    assert 0 < freed < record["retention"]["bytes"]  # which counts keys too


@pytest.mark.slow
@pytest.mark.parametrize("source", [COMPUTE, REQUESTER, NEWER], ids=lambda path: path.stem)
def test_damaged_files_are_answered_or_refused(source: Path, tmp_path: Path) -> None:
    """Whatever the damage: an answer, or one line that says why not."""
    random, data = Random(7), source.read_bytes()
    path = tmp_path / "damaged.db"
    answered = 0
    for _ in range(25):
        broken = bytearray(data)
        for _ in range(random.randint(1, 6)):
            at = random.randrange(2 * 4096, len(broken) - 64)
            broken[at : at + random.choice([1, 4, 64])] = random.randbytes(1) * random.choice([1, 4, 64])
        path.write_bytes(broken[: len(data)])
        for words in (
            ("audit", "--json", path),
            ("view", path, "executions"),
            ("view", path),
            ("info", "--json", path),
        ):
            status, out, err = run(*words)
            assert status in (0, 1)
            if status == 0 or words[0] == "audit":
                answered += bool(out)
            else:
                assert err.startswith((b"Error: ", b"{")), err
    assert answered


def test_members_audited_one_by_one_are_not_said_to_agree(tmp_path: Path) -> None:
    """With -o and --engine no process sees all files; that must not look as if they had been compared."""
    results = tmp_path / "results.ndjson"
    _, _, err = run("audit", fixture("etcd-3.6"), fixture("document"), "-o", results)
    assert b"warning: with -o or --engine each file is audited alone; the members of a cluster are not compared" in err
    assert b"audited alone" not in run("audit", fixture("etcd-3.6"), "-o", tmp_path / "one.ndjson")[2]
    assert b"audited alone" not in run("audit", fixture("etcd-3.6"), fixture("document"))[2]
