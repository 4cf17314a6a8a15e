"""``patch``: from one state to another by changes, and what it refuses."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boltcli.errors import PatchMismatch
from boltcli.ops.compare.change import Change
from boltcli.ops.compare.diff import diff
from boltcli.ops.compare.patch import Overlay, patch
from boltcli.storage.snapshot import Snapshot
from tests.live import held
from tests.ops.compare.test_diff import TOPS, changes
from tests.schema import run_json
from tests.states import Content, State, database
from tests.support import DATABASES, error_line, fixture, run


def patched(old: Path, found: list[Change], to: Path, *, force: bool = False) -> Path:
    with Overlay(force=force) as overlay, Snapshot(str(old)) as snapshot:
        overlay.add(enumerate(found, 1))
        patch(snapshot, overlay, str(to), sync=False)
    return to


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(TOPS, TOPS, TOPS)
def test_patches_and_patches_of_patches(
    tmp_path_factory: pytest.TempPathFactory, one: Content, two: Content, three: Content
) -> None:
    folder = tmp_path_factory.mktemp("patch")
    first, second, third = (database(folder / name, content) for name, content in zip("abc", (one, two, three)))
    forth, on = changes(first, second), changes(second, third)
    middle = patched(first, forth, folder / "d")
    assert State.of(middle) == State.of(second)
    assert changes(middle, second) == []
    end = patched(middle, on, folder / "e")
    assert State.of(end) == State.of(third)
    # Both in one go, and back again.
    assert State.of(patched(first, forth + on, folder / "f")) == State.of(third)
    back = changes(third, first)
    assert State.of(patched(end, back, folder / "g")) == State.of(first)
    assert State.of(patched(first, forth + on + back, folder / "h")) == State.of(first)
    assert State.of(patched(first, on, folder / "i", force=True)).pairs.items() >= {
        (place, value) for place, value in State.of(third).pairs.items() if place not in State.of(second).pairs
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_from_nothing_and_to_nothing(path: Path, tmp_path: Path) -> None:
    """The difference to an empty database is the whole database, in both directions."""
    empty = database(tmp_path / "empty", {})
    full = patched(empty, changes(empty, path), tmp_path / "full")
    assert run("export", full)[1] == run("export", path)[1]
    assert run("check", full)[1] == b"OK\n"
    assert State.of(patched(path, changes(path, empty), tmp_path / "none")) == State.of(empty)


@pytest.mark.slow
def test_by_way_of_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")
    lines = run("diff", one, two, "--json")[1]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    status, records, _ = run_json("patch", one, "-", "-o", tmp_path / "c")
    assert status == 0
    assert records[0]["changes"] == lines.count(b"\n")
    assert run("export", tmp_path / "c")[1] == run("export", two)[1]
    assert run("info", tmp_path / "c")[1] == run("info", one)[1]  # the page size


OLD: Content = {
    b"t": (5, {b"a": b"1", b"b": b"2", b"in": (1, {b"x": b"1", b"deep": (0, {b"y": b"2"})})}),
    b"u": (0, {}),
}
LINES: list[tuple[list[dict[str, Any]], str]] = [
    ([{"op": "add", "bucket": ["t"], "key": "a", "new": "9"}], "line 1: key 'a' in bucket 't' already exists"),
    ([{"op": "remove", "bucket": ["t"], "key": "a", "old": "2"}], "line 1: key 'a' in bucket 't' has another value"),
    ([{"op": "change", "bucket": ["t"], "key": "c", "old": "2", "new": "3"}], "line 1: key 'c' in bucket 't' does"),
    ([{"op": "remove", "bucket": ["t"], "key": "z", "old": "2"}], "line 1: key 'z' in bucket 't' does not exist"),
    ([{"op": "remove", "bucket": ["u"]}, {"op": "remove", "bucket": ["t"]}], "line 2: bucket 't' holds key 'a'"),
    ([{"op": "remove", "bucket": ["v"]}], "line 1: bucket 'v' does not exist"),
    ([{"op": "add", "bucket": ["u"]}], "line 1: bucket 'u' already exists"),
    ([{"op": "add", "bucket": ["v"], "key": "a", "new": ""}], "line 1: bucket 'v' does not exist"),
    ([{"op": "add", "bucket": ["t", "a"]}], "line 1: key 'a' in bucket 't' is a pair and not a bucket"),
    ([{"op": "add", "bucket": ["t"], "key": "in", "new": ""}], "line 1: key 'in' in bucket 't' is a bucket"),
    ([{"op": "change", "bucket": ["t"], "sequence": True, "old": 4, "new": 6}], "line 1: the sequence of bucket"),
    ([{"op": "add", "bucket": ["v"]}, {"op": "change", "bucket": ["v"], "key": "a", "old": "1", "new": "2"}],
     "line 2: key 'a' in bucket 'v' does not exist"),
    ([{"op": "add", "bucket": ["v"]}, {"op": "add", "bucket": ["v"]}], "line 2: bucket 'v' was added before"),
    ([{"op": "add", "bucket": ["v"]}, {"op": "remove", "bucket": ["v", "w"]}], "line 2: bucket 'v' 'w' does not exist"),
    ([{"op": "add", "bucket": ["u"], "key": "a", "new": "1"}, {"op": "add", "bucket": ["u"], "key": "a", "new": "2"}],
     "line 2: key 'a' in bucket 'u' was added before"),
    ([{"op": "remove", "bucket": ["t"], "key": "a", "old": "1"}, {"op": "add", "bucket": ["t"], "key": "a", "new": "1"},
      {"op": "remove", "bucket": ["t"], "key": "a", "old": "2"}],
     "line 3: key 'a' in bucket 't' has another value since an earlier line"),
    ([{"op": "remove", "bucket": ["u"]}, {"op": "add", "bucket": ["u"], "key": "a", "new": "1"}],
     "line 2: bucket 'u' was removed before"),
    ([{"op": "add", "bucket": ["u"], "key": "a", "new": "1"}, {"op": "remove", "bucket": ["u"]}],
     "line 2: bucket 'u' is not empty"),
]  # fmt: skip


def _write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(("lines", "words"), LINES, ids=lambda value: value[:60] if isinstance(value, str) else "")
def test_what_does_not_fit(lines: list[dict[str, Any]], words: str, tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    before = path.read_bytes()
    source = _write(tmp_path / "lines", lines)
    for where in (["-o", str(tmp_path / "out")], ["--in-place"]):
        status, out, err = run("patch", path, source, *where)
        assert (status, out) == (1, b"")
        assert error_line(err).decode().startswith(words)
        assert error_line(err).endswith(b"nothing was written (--force skips this check)")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["db", "lines"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "line 1: not JSON: "),
        (b"[]", "line 1: not an object"),
        (b'\n{"op":"set","bucket":["a"]}', "line 2: op must be add, remove or change"),
        (b'{"op":"add","bucket":["a"],"more":1}', "line 1: unknown field 'more'"),
        (b'{"op":"add"}', "line 1: it must have either bucket (a list) or bucket_hex"),
        (b'{"op":"add","bucket":[1]}', "line 1: a bucket's name must be a string"),
        (b'{"op":"add","bucket":["a"],"key":"k"}', "line 1: there must be a new value"),
        (b'{"op":"add","bucket":["a"],"key":"k","old":"1","new":"1"}', "line 1: an addition has no old value"),
        (b'{"op":"remove","bucket":["a"],"key":"k","new":"1"}', "line 1: a removal has no new value"),
        (b'{"op":"remove","bucket":["a"],"key":"k"}', "line 1: the old value is missing"),
        (b'{"op":"remove","bucket":["a"],"key":"","old":""}', "line 1: a key of 0 bytes"),
        (b'{"op":"add","bucket":["a"],"key_hex":"0","new":"1"}', "line 1: '0' is not hexadecimal"),
        (b'{"op":"change","bucket":["a"],"old":1}', "line 1: a change without a key changes a bucket's sequence"),
        (b'{"op":"change","bucket":["a"],"old":-1,"new":1}', "line 1: a sequence must be a number of 64 bits"),
        (b'{"op":"change","bucket":["a"],"new":1}', "line 1: the old number is missing"),
        (
            b'{"op":"change","bucket":["a"],"key":"k","sequence":true,"new":"1"}',
            "line 1: a sequence belongs to a bucket",
        ),
        (b'{"op":"add","bucket":["a"],"new":"1"}', "line 1: an added or removed bucket has no values"),
        (b'{"op":"remove","bucket":[]}', "line 1: the root bucket always exists"),
        (b'{"op":"add","bucket":["a"],"key":"k","new":"1","new":"2"}', "line 1: the field 'new' is there twice"),
        (b'{"op":"add","op":"remove","bucket":["a"]}', "line 1: the field 'op' is there twice"),
    ],
)
def test_lines_that_are_no_changes(line: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(line)
    status, _, err = run("patch", database(tmp_path / "db", OLD), tmp_path / "lines", "-o", tmp_path / "out")
    assert status == 1
    assert error_line(err).decode().startswith(words)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_as_deep_as_buckets_nest(tmp_path: Path) -> None:
    path = database(tmp_path / "db", {})
    deepest = ["b"] * 1001
    source = _write(tmp_path / "lines", [{"op": "add", "bucket": deepest[: depth + 1]} for depth in range(1001)])
    assert run("patch", path, source, "-o", tmp_path / "out")[0] == 0
    assert run("tree", tmp_path / "out")[1].count(b"\n") == 1002
    source = _write(tmp_path / "lines", [{"op": "add", "bucket": deepest, "key": "k", "new": "v"}])
    assert run("patch", "--force", path, source, "-o", tmp_path / "forced")[1].startswith(
        b"1 change: 1 pairs in 1001 b"
    )
    source = _write(tmp_path / "lines", [{"op": "add", "bucket": [*deepest, "b"]}])
    status, _, err = run("patch", tmp_path / "out", source, "-o", tmp_path / "deeper")
    assert (status, error_line(err)) == (1, b"line 1: buckets are nested deeper than 1000 levels")


def test_both_forms_of_a_sequence(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    forms: list[dict[str, Any]] = [{"sequence": True, "old": 5, "new": 7}, {"sequence": {"old": 5, "new": 7}}]
    for number, form in enumerate(forms):
        source = _write(tmp_path / "lines", [{"op": "change", "bucket": ["t"], **form}])
        assert run("patch", path, source, "-o", tmp_path / str(number))[0] == 0
        assert State.of(tmp_path / str(number)).buckets[b"t",] == 7


def test_pairs_of_the_root_bucket(tmp_path: Path) -> None:
    """bbolt's API puts none there, but files with some exist."""
    one, two = database(tmp_path / "a", OLD), database(tmp_path / "b", {b"k": b"v", b"t": (5, {b"a": b"2"})})
    found = changes(one, two)
    assert Change("add", (), b"k", None, b"v") in found
    for old, new, result in ((one, two, "c"), (two, one, "d")):
        assert State.of(patched(old, changes(old, new), tmp_path / result)) == State.of(new)


def test_a_bucket_that_becomes_a_pair_and_a_bucket_again(tmp_path: Path) -> None:
    one = database(tmp_path / "a", {b"c": (0, {b"a": (0, {b"x": b"1"})})})
    two = database(tmp_path / "b", {b"c": (0, {b"a": b""})})
    there, back = changes(one, two), changes(two, one)
    assert State.of(patched(one, there + back, tmp_path / "c")) == State.of(one)
    assert State.of(patched(two, back + there, tmp_path / "d")) == State.of(two)


def test_force(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    lines: list[dict[str, Any]] = [
        {"op": "add", "bucket": ["t"], "key": "a", "new": "9"},
        {"op": "remove", "bucket": ["t"], "key": "b"},
        {"op": "remove", "bucket": ["t"], "key": "nosuch", "old": "x"},
        {"op": "add", "bucket": ["t", "in"]},
        {"op": "change", "bucket": ["t", "in"], "new": 8},
        {"op": "remove", "bucket": ["t", "in", "deep"]},
        {"op": "add", "bucket": ["v", "w"], "key": "k", "new": "1"},
        {"op": "remove", "bucket": ["nosuch"]},
    ]
    assert run("patch", "--force", path, _write(tmp_path / "lines", lines), "-o", tmp_path / "out")[0] == 0
    expected = database(
        tmp_path / "expected",
        {b"t": (5, {b"a": b"9", b"in": (8, {b"x": b"1"})}), b"u": (0, {}), b"v": (0, {b"w": (0, {b"k": b"1"})})},
    )
    assert State.of(tmp_path / "out") == State.of(expected)


def test_a_bucket_removed_first_and_its_pairs_after(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    lines: list[dict[str, Any]] = [
        {"op": "remove", "bucket": ["t", "in"]},
        {"op": "remove", "bucket": ["t", "in", "deep"]},
        {"op": "remove", "bucket": ["t", "in", "deep"], "key": "y", "old": "2"},
        {"op": "remove", "bucket": ["t", "in"], "key": "x", "old": "1"},
    ]
    assert run("patch", path, _write(tmp_path / "lines", lines), "-o", tmp_path / "out")[0] == 0
    assert (b"t", b"in") not in State.of(tmp_path / "out").buckets
    status, _, err = run("patch", path, _write(tmp_path / "lines", lines[:3]), "-o", tmp_path / "out2")
    assert error_line(err).startswith(b"line 1: bucket 't' 'in' holds key 'x'")
    assert status == 1


def test_in_place(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD, 1024)
    path.chmod(0o640)
    before = path.read_bytes()
    forth = [{"op": "change", "bucket": ["t"], "key": "a", "old": "1", "new": "2"}]
    status, out, err = run("patch", path, _write(tmp_path / "lines", forth), "--in-place")
    assert (status, err) == (0, b"")
    assert out.endswith(f"; the old file is {path}.bak\n".encode())
    assert (tmp_path / "db.bak").read_bytes() == before
    assert State.of(path).pairs[(b"t",), b"a"] == b"2"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert run("check", path)[1] == b"OK\n"
    back = _write(tmp_path / "lines", [{"op": "change", "bucket": ["t"], "key": "a", "old": "2", "new": "1"}])
    status, records, _ = run_json("patch", path, back, "--in-place")
    assert records[0]["backup"] == f"{path}.bak.1"
    assert State.of(path) == State.of(tmp_path / "db.bak")
    again = _write(tmp_path / "lines", forth)
    assert run("patch", path, again, "--in-place", "--no-backup")[0] == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["db", "db.bak", "db.bak.1", "lines"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_in_place_keeps_the_owner(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    os.chown(path, 12345, 54321)
    lines = _write(tmp_path / "lines", [{"op": "remove", "bucket": ["u"]}])
    assert run("patch", path, lines, "--in-place", "--no-backup")[0] == 0
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_in_place_through_a_link(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    (tmp_path / "link").symlink_to("db")
    lines = _write(tmp_path / "lines", [{"op": "remove", "bucket": ["u"]}])
    assert run("patch", tmp_path / "link", lines, "--in-place")[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert (b"u",) not in State.of(path).buckets


@pytest.mark.parametrize("mode", ["LOCK_EX", "LOCK_SH"])
def test_never_beside_another(mode: str, tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    lines = _write(tmp_path / "lines", [{"op": "remove", "bucket": ["u"]}])
    before = path.read_bytes()
    with held(path, mode) as pid:
        status, _, err = run("patch", path, lines, "--in-place", "--timeout", "60ms")
        assert status == 1
        assert f"process {pid} ".encode() in error_line(err)
        assert run("patch", path, lines, "--timeout", "10ms", "-o", tmp_path / "out")[0] == 0
    assert path.read_bytes() == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who has a file open is told by /proc")
def test_never_beside_one_that_has_it_open(tmp_path: Path) -> None:
    """Without the lock by now: it may be waiting for it, and would go on with the old file."""
    path = database(tmp_path / "db", OLD)
    lines = _write(tmp_path / "lines", [{"op": "remove", "bucket": ["u"]}])
    with held(path, "LOCK_UN"):
        status, _, err = run("patch", path, lines, "--in-place")
    assert status == 1
    assert b"has the database open; stop it first" in error_line(err)


def test_arguments(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    lines = _write(tmp_path / "lines", [])
    assert error_line(run("patch", path, lines)[2]) == b"either --output or --in-place is required"
    assert error_line(run("patch", path, lines, "-o", tmp_path / "x", "--in-place")[2]).startswith(b"either --output")
    assert error_line(run("patch", path, lines, "--in-place", "--previous")[2]).startswith(b"--in-place changes")
    assert b"is the source database" in error_line(run("patch", path, lines, "-o", path)[2])
    assert error_line(run("patch", path, lines, "-o", lines)[2]).endswith(b"is one of the files that are read")
    assert error_line(run("patch", path, tmp_path / "nosuch", "-o", tmp_path / "x")[2]).startswith(b"read ")
    assert run("patch", path, lines, "-o", tmp_path / "same")[1].startswith(b"0 changes: 4 pairs in 4 buckets -> ")


def test_a_mismatch_knows_its_line(tmp_path: Path) -> None:
    path = database(tmp_path / "db", OLD)
    with pytest.raises(PatchMismatch) as caught:
        patched(path, [Change("remove", (b"u",)), Change("remove", (b"t",), b"a", b"x")], tmp_path / "out")
    assert caught.value.line == 2


def test_many_values_go_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boltcli.ops.compare.patch._IN_MEMORY", 100)
    one, two = fixture("values"), fixture("document")
    with Snapshot(str(one)) as old, Snapshot(str(two)) as new:
        found = list(diff(old, new))
    assert State.of(patched(one, found, tmp_path / "out")) == State.of(two)


PATHS = st.lists(st.lists(st.sampled_from([b"a", b"b"]), max_size=4).map(tuple), max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATHS, st.integers(0, 8))
def test_changes_by_bucket(
    tmp_path_factory: pytest.TempPathFactory, paths: list[tuple[bytes, ...]], removed: int
) -> None:
    """With force, what is put into a bucket that was removed before, or that nobody added, is in it."""
    folder = tmp_path_factory.mktemp("force")
    found = [Change("add", path, b"k%d" % number, None, b"") for number, path in enumerate(paths)]
    if removed < len(paths) and paths[removed]:
        found.append(Change("remove", paths[removed]))
    found += [Change("add", path, b"new", None, b"") for path in paths]
    state = State.of(patched(database(folder / "old", {}), found, folder / "new", force=True))
    assert all(state.pairs[path, b"new"] == b"" for path in paths)
