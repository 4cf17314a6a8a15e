"""deleted on etcd's stores, whose pairs are revisions of keys: by the key inside the value, decoded, counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boltcli.apps.etcd.codecs import version_of
from tests.apps.encoders import put
from tests.apps.support import STORES, make
from tests.apps.test_etcd import record, revision, store
from tests.schema import run_json
from tests.support import page, run

FAULT = STORES.parent / "faults" / "etcd-deleted-then-compacted.db"
# Compacted away: x twice and deleted, y once, z twice, the first revision of a, which exists; a delete alone.
GONE = {
    revision(20): record(b"x", 20, 20, 1, b"x one"),
    revision(21): record(b"y", 21, 21, 1, b"y one"),
    revision(22): record(b"x", 20, 22, 2, b"x two"),
    revision(23): record(b"\xfe", 23, 23, 1, b"\xff"),
    revision(24, tombstone=True): put(1, b"x"),
    revision(25): record(b"a", 25, 25, 1, b"a before"),
    revision(26, tombstone=True): put(1, b"x"),
    revision(27, tombstone=True): put(1, b"only its delete"),
    revision(28)[:-1]: b"no revision",
}
# So many that the bucket has a page of its own: by the usual length of its keys the lost page is its.
MANY = {revision(100 + n): record(b"many/%d" % n, 100 + n, 100 + n, 1, b"x" * 50) for n in range(20)}


@pytest.fixture(scope="module")
def leftovers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a page beyond its high-water mark that has revisions which its tree no longer has."""
    return leave(make(tmp_path_factory.mktemp("deleted") / "etcd.db", store(key=MANY)))


def leave(path: Path, copies: int = 2) -> Path:
    """Add pages beyond the high-water mark; what is there twice is listed once."""
    content = path.read_bytes()
    number = len(content) // 4096
    lost = sorted(GONE.items())
    path.write_bytes(content + b"".join(page(number + n, 2, lost) for n in range(copies)))
    return path


def listed(*words: Any) -> tuple[list[dict[str, Any]], str]:
    status, rows, err = run_json("deleted", *words)
    assert status == 0
    return rows, "".join(notice["message"] for notice in err)


def names(rows: list[dict[str, Any]]) -> list[tuple[str | None, int | None]]:
    """The keys inside the values, each with its revision."""
    return [
        (row.get("version_of", row.get("version_of_hex")), row["key_decoded"]["main"])
        for row in rows if isinstance(row.get("key_decoded"), dict)
    ]  # fmt: skip


def test_the_newest_version_of_each_key(leftovers: Path) -> None:
    rows, err = listed(leftovers)
    assert names(rows) == [("y", 21), ("x", 22), ("fe", 23), ("a", 25)]  # in the order in which import takes them
    assert "bucket key: 4 distinct keys, 3 of them deleted, 1 with a newer version" in err
    assert rows[1]["value_decoded"] == {
        "key": "x", "create_revision": 20, "mod_revision": 22, "version": 2, "lease": 0, "value": "x two",
    }  # fmt: skip
    assert bytes.fromhex(rows[1]["key_hex"]) == revision(22)
    odd = [row for row in rows if "version_of" not in row and "version_of_hex" not in row]
    assert [bytes.fromhex(row["key_hex"]) for row in odd] == [revision(28)[:-1]]  # it is no revision, but it is there


def test_all_versions(leftovers: Path) -> None:
    rows, _ = listed("--versions", leftovers)
    assert names(rows) == [
        ("a", 25), ("only its delete", 27), ("x", 26), ("x", 24), ("x", 22), ("x", 20), ("y", 21), ("fe", 23),
    ]  # fmt: skip


def test_history_and_filters_are_by_the_key_inside(leftovers: Path) -> None:
    rows, _ = listed("--history", "a", leftovers)
    assert [(number, row["certainty"] == "live") for (_, number), row in zip(names(rows), rows)] == [
        (25, False), (8, True), (6, True), (4, True), (2, True),
    ]  # fmt: skip
    assert names(listed("--prefix", "x", leftovers)[0]) == [("x", 22)]
    assert names(listed("--from", "b", "--to", "y", leftovers)[0]) == [("x", 22)]
    assert names(listed("--grep", "y one", leftovers)[0]) == [("y", 21)]
    assert names(listed("--limit", "2", leftovers)[0]) == [("y", 21), ("x", 22)]


def test_text(leftovers: Path) -> None:
    _, out, _ = run("deleted", leftovers, "key")
    lines = out.decode().splitlines()
    assert [line.split("\t")[2:4] for line in lines[:-1]][-4:] == [
        ["key", "a"],
        ["key", "x"],
        ["key", "y"],
        ["key", "0xfe"],
    ]
    assert json.loads(lines[-3].split("\t")[4])["value"] == "y one"
    assert lines[-1] == "bucket key: 4 distinct keys, 3 of them deleted, 1 with a newer version"


def test_undecoded(leftovers: Path) -> None:
    """As they lie in the file, and what import takes."""
    status, rows, err = run_json("deleted", "--decode", "off", leftovers)
    assert (status, len(rows)) == (0, len(GONE))
    assert not any("version_of" in row or "key_decoded" in row for row in rows)
    assert not err
    assert run("deleted", "--decode", "json", leftovers)[0] == 1


def test_import_takes_decoded_rows(leftovers: Path, tmp_path: Path) -> None:
    _, out, _ = run("deleted", "--json", leftovers)
    (tmp_path / "rows").write_bytes(out)
    assert run("import", "-o", tmp_path / "new.db", tmp_path / "rows")[0] == 0
    _, items, _ = run_json("items", tmp_path / "new.db", "key")
    newest = [revision(number) for number in (21, 22, 23, 25)]
    assert [bytes.fromhex(row["key_hex"]) for row in items] == [*newest, revision(28)[:-1]]


def test_a_page_whose_bucket_is_not_known(tmp_path: Path) -> None:
    rows, err = listed(leave(make(tmp_path / "small.db", store()), copies=1))
    assert {row["bucket"][0] for row in rows if "key_decoded" in row} == {"lost+found"}
    assert names(rows) == [("y", 21), ("x", 22), ("fe", 23), ("a", 25)]
    assert "bucket key: 4 distinct keys, 3 of them deleted, 1 with a newer version" in err


def test_packed_files_are_decoded_too(leftovers: Path, tmp_path: Path) -> None:
    import gzip

    packed = tmp_path / "e.db.gz"
    packed.write_bytes(gzip.compress(leftovers.read_bytes()))
    folder = tmp_path / "member" / "snap"
    folder.mkdir(parents=True)
    (folder / "db").write_bytes(leftovers.read_bytes())
    for named in (packed, tmp_path):
        assert names(listed(named)[0]) == names(listed(leftovers)[0])


def test_what_is_a_version() -> None:
    assert version_of(revision(2), record(b"k", 2, 2, 1, b"v")) == (b"k", False)
    assert version_of(revision(2, tombstone=True), put(1, b"k")) == (b"k", True)
    assert version_of(b"odd", record(b"k", 2, 2, 1, b"v")) is None
    assert version_of(revision(2), b"\xff") is None


@pytest.mark.skipif(not FAULT.exists(), reason="the shared files are not here")
def test_the_shared_store() -> None:
    rows, err = listed(FAULT)
    found = [name for name, _ in names(rows)]
    assert len(found) == len(set(found)) == 174
    assert "174 distinct keys, 174 of them deleted" in err
    rows, _ = listed("--versions", FAULT)
    assert len(names(rows)) == 237


def test_a_long_string_inside_of_what_is_decoded_is_not_the_value(tmp_path: Path) -> None:
    row = {"bucket": ["key"], "key": "k", "value": "v", "value_decoded": {"value": "x" * (3 << 20)}}
    (tmp_path / "rows").write_text(json.dumps(row))
    status, _, err = run("import", "--partial", "-o", tmp_path / "new.db", tmp_path / "rows")
    assert status == 1
    assert b"--decode off" in err
