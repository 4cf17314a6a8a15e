"""Stores of every layout, sound and with random faults, against the naive reader."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.apps.contract import INFO, Audit, AuditOptions
from boltcli.apps.ours import BACALHAU
from tests.apps import naive
from tests.apps.support import Opened, Sequence, Tree, make, tree_of
from tests.apps.worlds import COMPUTE_LAYOUTS, JOB_LAYOUTS, compute_store, damage, damage_index, job_store
from tests.support import run

NOW = 1_800_000_000_000_000_000


def audited(tree: Tree) -> tuple[Audit, str]:
    """The audit of a store and its layout; every view is read too."""
    with tempfile.TemporaryDirectory() as folder, Opened(make(Path(folder) / "store.db", tree)) as db:
        found = BACALHAU.audit(db, AuditOptions(NOW, 10**15, deletions=True))
        recognition = BACALHAU.recognise(db)
        assert found is not None
        assert recognition is not None
        found.deletions = list(found.deletions)
        for view in BACALHAU.views:
            for row in view.rows(db):
                assert len(row) == len(view.columns)
    return found, recognition.layout


def plain(answers: Any) -> Any:
    return json.loads(json.dumps(answers))


@pytest.mark.parametrize("layout", JOB_LAYOUTS)
def test_sound_job_stores(layout: str) -> None:
    for seed in range(3):
        tree = job_store(layout, seed, 6)
        found, recognised = audited(tree)
        assert recognised == f"orchestrator {layout}"
        assert plain(found.answers) == plain(naive.job_answers(tree))
        assert [finding.message for finding in found.findings if finding.severity != INFO] == []


@pytest.mark.parametrize("layout", COMPUTE_LAYOUTS)
def test_sound_compute_stores(layout: str) -> None:
    for seed in range(3):
        tree = compute_store(layout, seed, 9)
        found, recognised = audited(tree)
        assert recognised == f"compute {layout}"
        assert plain(found.answers) == plain(naive.compute_answers(tree))
        assert [finding.message for finding in found.findings if finding.severity != INFO] == []


def test_all_generations_side_by_side() -> None:
    tree = compute_store("1.0.4-1.4.0", 1, 8)
    compute_store("1.5.0-1.5.1", 2, 8, tree)
    compute_store("1.6.0-1.9.3", 3, 8, tree)
    found, recognised = audited(tree)
    assert recognised == "compute 1.6.0-1.9.3, with the older generations of 1.5.0-1.5.1 and 1.0.4-1.4.0"
    assert plain(found.answers) == plain(naive.compute_answers(tree))
    left = {finding.subject for finding in found.findings if finding.severity != INFO}
    assert left == {
        row["id"]
        for name in ("unversioned", "v1")
        for row in found.answers["generations"][name]["executions_not_terminal"]
    }


def test_an_upgrade_to_1_8_is_no_fault() -> None:
    """Jobs made before have no versions and aren't in the new indexes: notes, whose changes put them there."""
    old, new = job_store("1.5.2-1.7.0", 1, 5), job_store("1.8.0-1.9.3", 2, 0)
    for name in (b"idx_job_names", b"idx_inprogress_executions", b"idx_executions_by_node"):
        old[name] = new[name]
    found, recognised = audited(old)
    assert recognised == "orchestrator 1.8.0-1.9.3"
    assert {finding.severity for finding in found.findings} == {INFO}
    assert len(found.answers["jobs_without_versions_bucket"]) == 5
    questions = [finding.question for finding in found.findings]
    assert questions.count("jobs_without_versions_bucket") == 5
    assert questions.count("indexes.idx_job_names") == 5
    assert plain(found.answers) == plain(naive.job_answers(old))


def test_an_upgraded_job_store_is_read_by_who_wrote_it() -> None:
    """The rules of the numbering, each by a record that only it decides."""
    tree = job_store("1.8.0-1.9.3", 5, 2)
    output, stopped = {"ExitCode": 0}, {"StateType": 2}
    records: dict[str, tuple[int, dict[str, Any], str]] = {
        # id: number, further fields, the state that is meant
        "e-a": (6, {"RunOutput": None}, "BidRejected"),
        "e-b": (8, {"RunOutput": None}, "Failed"),
        "e-c": (10, {"RunOutput": output}, "Failed"),
        "e-d": (6, {"RunOutput": output, "JobVersion": 1}, "Running"),
        "e-e": (9, {"RunOutput": output, "DesiredState": stopped, "PublishedResult": {"Type": "s3"}}, "Completed"),
        "e-f": (7, {"RunOutput": output, "DesiredState": stopped}, "Completed"),
        "e-g": (7, {"RunOutput": output, "DesiredState": {"StateType": 1}}, "Completed or Publishing"),
        "e-h": (9, {"RunOutput": output}, "Cancelled or Completed"),
        "e-i": (5, {"RunOutput": output}, "BidAccepted"),
    }
    executions = {
        id.encode(): json.dumps(
            {"ID": id, "JobID": "j-up", "NodeID": "n", "ComputeState": {"StateType": number}, "CreateTime": 1} | more
        ).encode()
        for id, (number, more, _) in records.items()
    }
    tree[b"jobs"][b"j-up"] = {b"executions": executions, b"history": {}}
    tree[b"jobs"][b"j-old"] = {
        b"executions": {b"e-z": executions[b"e-g"].replace(b"e-g", b"e-z")}, b"job_history": {},
    }  # fmt: skip
    found, _ = audited(tree)
    with tempfile.TemporaryDirectory() as folder, Opened(make(Path(folder) / "store.db", tree)) as db:
        view = BACALHAU.view("executions")
        assert view is not None
        names = [column.name for column in view.columns]
        rows = [dict(zip(names, row)) for row in view.rows(db)]
    states = {row["id"]: row["state"] for row in rows if row["job"] in ("j-up", "j-old")}
    assert states == {id: state for id, (_, _, state) in records.items()} | {"e-z": "Completed"}
    assert found.more["executions_that_later_versions_misread"] == ["e-a", "e-b", "e-f", "e-z"]
    assert plain(found.answers) == plain(naive.job_answers(tree))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    layout=st.sampled_from(JOB_LAYOUTS), seed=st.integers(0, 999), jobs=st.integers(0, 4),
    faults=st.lists(st.integers(0, 1 << 32), max_size=8),
)  # fmt: skip
def test_damaged_job_stores(layout: str, seed: int, jobs: int, faults: list[int]) -> None:
    tree = job_store(layout, seed, jobs)
    for fault in faults:
        damage(tree, fault)
    found, _ = audited(tree)
    assert plain(found.answers) == plain(naive.job_answers(tree))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    layouts=st.sets(st.sampled_from(COMPUTE_LAYOUTS), min_size=1, max_size=2), seed=st.integers(0, 999),
    count=st.integers(0, 8), faults=st.lists(st.integers(0, 1 << 32), max_size=8),
)  # fmt: skip
def test_damaged_compute_stores(layouts: set[str], seed: int, count: int, faults: list[int]) -> None:
    tree: Tree = {}
    for layout in sorted(layouts):
        compute_store(layout, seed, count, tree)
    for fault in faults:
        damage(tree, fault)
    found, _ = audited(tree)
    assert plain(found.answers) == plain(naive.compute_answers(tree))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    layout=st.sampled_from(JOB_LAYOUTS), seed=st.integers(0, 99), faults=st.lists(st.integers(0, 1 << 32), max_size=5)
)  # fmt: skip
def test_changes_can_be_applied(layout: str, seed: int, faults: list[int]) -> None:
    """Whatever the faults, ``patch`` takes the changes, and a second audit asks for none of them again."""
    tree = job_store(layout, seed, 3)
    for fault in faults:
        damage(tree, fault)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = make(folder / "store.db", tree)
        assert run("audit", path, "--verbose", "--changes", folder / "1.ndjson")[0] in (0, 1)
        first = (folder / "1.ndjson").read_bytes()
        if first:
            status, _, err = run("patch", path, folder / "1.ndjson", "-o", folder / "mended.db")
            assert status == 0, err
            run("audit", folder / "mended.db", "--verbose", "--changes", folder / "2.ndjson")
            again = set((folder / "2.ndjson").read_bytes().splitlines()) & set(first.splitlines())
            assert not again


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*JOB_LAYOUTS, *COMPUTE_LAYOUTS])
def test_names_that_look_like_the_answers_text(layout: str) -> None:
    """Names with " -> ", ":" and blanks: a sound store is sound."""
    store, answers = (job_store, naive.job_answers) if layout in JOB_LAYOUTS else (compute_store, naive.compute_answers)
    for seed in range(4):
        tree = store(layout, seed, 5, odd=True)
        found, _ = audited(tree)
        assert plain(found.answers) == plain(answers(tree))
        assert [finding.message for finding in found.findings if finding.severity != INFO] == []


INDEXES = (b"idx_", b"index")


def entries(tree: Any, path: tuple[bytes, ...] = ()) -> set[tuple[bytes, ...]]:
    """Every pair of a store: the path with the key, and the value."""
    found: set[tuple[bytes, ...]] = set()
    for key, value in tree.items():
        if isinstance(value, bytes):
            found.add((*path, key, value))
        else:
            found |= entries(value.content if isinstance(value, Sequence) else value, (*path, key))
    return found


def split(tree: Tree) -> tuple[set[tuple[bytes, ...]], set[tuple[bytes, ...]]]:
    """The pairs of the indexes, and all others."""
    every = entries(tree)
    indexed = {pair for pair in every if any(part in pair[0] for part in INDEXES)}
    return indexed, every - indexed


def dangling(answers: Any) -> list[str]:
    """What any ``dangling`` and the like in the answers has."""
    found: list[str] = []
    for name, part in answers.items():
        if isinstance(part, dict):
            found += dangling(part)
        elif name in ("dangling", "terminal_jobs", "terminal_executions", "not_live", "wrong_state"):
            found += part
    return found


def mend_and_look(sound: Tree, broken: Tree, answers: Any, *words: str) -> Any:
    """Apply what the audit proposes; nothing sound may go. Return the naive answers about the mended file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = make(folder / "store.db", broken)
        assert run("audit", path, "--changes", folder / "1.ndjson", *words)[0] in (0, 1)
        status, _, err = run("patch", "--in-place", path, folder / "1.ndjson")
        assert status == 0, err
        with Opened(path) as db:
            mended = tree_of(db)
    (kept, records), (before, records_before) = split(mended), split(broken)
    assert records == records_before
    assert kept >= before & split(sound)[0]
    assert kept - before <= split(sound)[0]
    return answers(mended)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    layout=st.sampled_from((*JOB_LAYOUTS, *COMPUTE_LAYOUTS)), seed=st.integers(0, 999), odd=st.booleans(),
    faults=st.lists(st.integers(0, 1 << 32), min_size=1, max_size=6),
)  # fmt: skip
def test_repairs_take_names_as_they_are(layout: str, seed: int, odd: bool, faults: list[int]) -> None:
    """Stray and lost entries under any names: mended whole with ``--verbose``, without it what is grave."""
    make_store, answers = (
        (job_store, naive.job_answers) if layout in JOB_LAYOUTS else (compute_store, naive.compute_answers)
    )
    sound, broken = (make_store(layout, seed, 3, odd=odd) for _ in range(2))
    for fault in faults:
        damage_index(broken, fault)
    mend_and_look(sound, broken, answers)
    assert dangling(mend_and_look(sound, broken, answers, "--verbose")) == []
    found, _ = audited(broken)
    assert plain(found.answers) == plain(answers(broken))


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*JOB_LAYOUTS, *COMPUTE_LAYOUTS])
def test_deletions_take_names_as_they_are(layout: str, tmp_path: Path) -> None:
    """What is finished goes whole, with its entries under any names; what is left is as sound as before."""
    store, answers = (job_store, naive.job_answers) if layout in JOB_LAYOUTS else (compute_store, naive.compute_answers)
    tree = store(layout, 7, 9, odd=True)
    path = make(tmp_path / "store.db", tree)
    assert run("audit", path, "--older-than", "1s", "--changes", tmp_path / "gone.ndjson")[0] in (0, 1)
    status, _, err = run("patch", "--in-place", path, tmp_path / "gone.ndjson")
    assert status == 0, err
    with Opened(path) as db:
        left = tree_of(db)
    assert entries(left) < entries(tree)
    # Entries whose record is gone, and records whose entry is gone.
    found = json.dumps(answers(left))
    assert dangling(answers(left)) == []
    for lacking in ("records_not_indexed", "not_terminal_jobs_not_indexed", "live_not_indexed"):
        assert f'"{lacking}": ["' not in found


def test_a_stopped_execution_counts_by_its_own_state() -> None:
    """Missing among those in progress it is named, whatever was wanted of it; nothing is put back."""
    tree = job_store("1.8.0-1.9.3", 5, 1)
    (job,) = tree[b"jobs"]
    tree[b"idx_inprogress_executions"].clear()
    for id, number, desired in (("e-a", 5, 2), ("e-b", 42, 2), ("e-c", 9, 2), ("e-d", 6, 1)):
        record = {
            "ID": id, "JobID": job.decode(), "NodeID": "n", "JobVersion": 1, "RunOutput": {}, "Revision": 3,
            "ComputeState": {"StateType": number}, "DesiredState": {"StateType": desired}, "CreateTime": 1,
        }  # fmt: skip
        tree[b"jobs"][job][b"executions"][id.encode()] = json.dumps(record).encode()
    found, _ = audited(tree)
    answer = found.answers["indexes"]["idx_inprogress_executions"]
    assert [id for id in answer["not_terminal_executions_not_indexed"] if id[:3] in ("e-a", "e-b", "e-c", "e-d")] == [
        "e-a", "e-b", "e-d",
    ]  # fmt: skip
    about = {each.subject: each for each in found.findings if each.question == "indexes.idx_inprogress_executions"}
    assert {id: bool(about[id].changes) for id in ("e-a", "e-b", "e-d")} == {"e-a": False, "e-b": False, "e-d": True}
    assert about["e-a"].severity == INFO
    assert "e-c" not in about
    # In the index they are where they belong.
    for id in ("e-a", "e-b", "e-c", "e-d"):
        tree[b"idx_inprogress_executions"][f"{id}:{job.decode()}".encode()] = b""
    found, _ = audited(tree)
    answer = found.answers["indexes"]["idx_inprogress_executions"]
    assert answer["terminal_executions"] == [f"e-c:{job.decode()}"]
    assert plain(found.answers) == plain(naive.job_answers(tree))


def test_revisions_that_differ_from_the_last_event() -> None:
    tree = job_store("1.8.0-1.9.3", 3, 2)
    key, event = max(tree[b"v1_events"].content.items())
    changed = json.loads(event)
    id = changed["object"]["Current"]["ID"]
    revision = changed["object"]["Current"]["Revision"]
    changed["object"]["Current"]["Revision"] = revision + 4
    tree[b"v1_events"].content[key] = json.dumps(changed).encode()
    found, _ = audited(tree)
    assert found.answers["events"]["record_revision_differs_from_last_event"] == [
        {"execution": id, "revision": revision, "revision_in_last_event": revision + 4}
    ]
    (finding,) = [each for each in found.findings if each.question == "events" and each.subject == id]
    assert f"has revision {revision}, its last event {revision + 4}." in finding.message


def test_changes_without_the_lighter_ones_apply(tmp_path: Path) -> None:
    """Each change builds on those before it: the graver first, since the lighter ones may be left out."""
    tree = job_store("1.8.0-1.9.3", 4, 2)
    old, new = sorted(tree[b"jobs"])
    for job in (old, new):
        spec = json.loads(tree[b"jobs"][job][b"spec"]) | {"Name": "same", "Namespace": "ns"}
        tree[b"jobs"][job][b"spec"] = json.dumps(spec).encode()
    del tree[b"jobs"][old][b"versions"]  # its name is looked up by nobody: a note, and the other's an error
    tree[b"idx_job_names"].clear()
    tree[b"idx_evaluations"][b"v-x"] = {b"j-gone": b""}  # a note, which takes the bucket with it
    tree[b"jobs"][new][b"evaluations"][b"v-x"] = b"{}"
    path = make(tmp_path / "store.db", tree)
    for words in ((), ("--verbose",)):
        changes, mended = tmp_path / f"{len(words)}.ndjson", tmp_path / f"{len(words)}.db"
        run("audit", path, "--changes", changes, *words)
        status, _, err = run("patch", path, changes, "-o", mended)
        assert status == 0, err


def repaired(tree: Tree, folder: Path) -> Tree:
    """The store after all changes that its audit proposes."""
    path = make(folder / "store.db", tree)
    run("audit", path, "--verbose", "--changes", folder / "c.ndjson")
    status, _, err = run("patch", "--in-place", path, folder / "c.ndjson")
    assert status == 0, err
    with Opened(path) as db:
        return tree_of(db)


def indexed(tree: Any, name: bytes) -> set[tuple[bytes, ...]]:
    """The entries of an index, without the name of it and their values."""
    return {pair[1:-1] for pair in entries(tree) if pair[0] == name}


def test_entries_are_removed_where_they_lie(tmp_path: Path) -> None:
    """Not where their names as text would lead: a bucket with a slash in its name, bytes that aren't UTF-8."""
    tree = job_store("1.5.2-1.7.0", 2, 1)
    sound = {name: indexed(tree, name) for name in (b"idx_namespaces", b"idx_tags", b"idx_executions")}
    namespace = next(name for name, value in tree[b"idx_namespaces"].items() if not isinstance(value, bytes))
    tree[b"idx_namespaces"][namespace][b"j-\xff"] = b""
    tree[b"idx_namespaces"][b"team/x"] = {b"j-gone": b""}
    tree[b"idx_tags"][b"\xfe"] = {b"j-\xff": b"", b"0xfe": b""}
    tree[b"idx_executions"][b"e-gone"] = {b"j-gone": b"", b"inner": {b"j-gone": b""}}
    mended = repaired(tree, tmp_path)
    assert {name: indexed(mended, name) for name in sound} == sound


def test_what_bacalhau_could_not_name_is_not_added(tmp_path: Path) -> None:
    """A job whose id isn't UTF-8, and one without a namespace: an entry made of the audit's text would be wrong."""
    tree = job_store("1.5.2-1.7.0", 2, 1)
    (spec,) = (json.loads(job[b"spec"]) for job in tree[b"jobs"].values())
    tree[b"jobs"][b"j-\xff"] = {b"spec": json.dumps(spec | {"ID": "j", "Namespace": "n", "Labels": {}}).encode()}
    tree[b"jobs"][b"j-n"] = {b"spec": json.dumps(spec | {"ID": "j-n", "Namespace": "", "Labels": {}}).encode()}
    before = indexed(tree, b"idx_namespaces")
    assert indexed(repaired(tree, tmp_path), b"idx_namespaces") == before


@pytest.mark.parametrize(("layout", "start"), [("1.0.4-1.3.0", b""), ("1.3.1-1.4.0", b"batch:")])
def test_a_job_in_progress_is_added_as_its_version_does(layout: str, start: bytes, tmp_path: Path) -> None:
    """Without any entry the history rows say which; a job's id may have a : in it."""
    tree = job_store(layout, 2, 1)
    (job,) = tree[b"jobs"].values()
    spec = json.loads(job[b"spec"]) | {"ID": "a:b", "Type": "batch", "State": {"StateType": "Running"}, "Labels": {}}
    tree[b"jobs"] = {b"a:b": {**job, b"spec": json.dumps(spec).encode()}}
    tree[b"idx_inprogress"] = {b"odd:one": b"", start + b"a:b": b""}
    mended = repaired(tree, tmp_path)
    assert indexed(mended, b"idx_inprogress") == {(start + b"a:b",)}
    tree[b"idx_inprogress"] = {b"odd:one": b""}
    (tmp_path / "c.ndjson").unlink()
    (tmp_path / "store.db").unlink()
    assert indexed(repaired(tree, tmp_path), b"idx_inprogress") == {(start + b"a:b",)}


def test_labels_in_lower_case_are_those_of_go() -> None:
    """Each character by itself: Python's own rule has another sigma at the end of a word."""
    tree = job_store("1.5.2-1.7.0", 2, 1)
    (job,) = tree[b"jobs"].values()
    job[b"spec"] = json.dumps(json.loads(job[b"spec"]) | {"Labels": {"ΟΣ": "", "İ": ""}}).encode()
    tree[b"idx_tags"] = {"οσ".encode(): {next(iter(tree[b"jobs"])): b""}, b"i": {next(iter(tree[b"jobs"])): b""}}
    found, _ = audited(tree)
    assert found.answers["indexes"]["idx_tags"] == {
        "dangling": [], "records_not_indexed": [], "tags_without_jobs": [],
    }  # fmt: skip


def test_a_bucket_goes_only_with_all_that_is_in_it(tmp_path: Path) -> None:
    """The entries of job a/b are in a bucket of those of job a."""
    tree = compute_store("1.6.0-1.9.3", 1, 1)
    ((id, record),) = tree[b"v2_executions"].items()
    tree[b"v2_executions"][id] = record.replace(json.dumps(json.loads(record)["JobID"]).encode(), b'"a/b"')
    tree[b"v2_idx_executions_by_job_id"] = {b"a": {b"e-gone": b"", b"b": {id: b""}}}
    assert indexed(repaired(tree, tmp_path), b"v2_idx_executions_by_job_id") == {(b"a", b"b", id)}


def test_only_entries_of_the_live_index_itself_count() -> None:
    tree = compute_store("1.0.4-1.4.0", 1, 6)
    tree[b"execution-live-index"] = {b"inner": dict(tree[b"execution-live-index"])}
    found, _ = audited(tree)
    live = found.answers["generations"]["unversioned"]["live_index"]
    assert live["dangling"] == []
    assert live["live_not_indexed"] == naive.compute_answers(tree)["generations"]["unversioned"]["live_index"][
        "live_not_indexed"
    ]  # fmt: skip
