"""The library: a mapping over real files."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

import boltcli
from boltcli.errors import BoltError, BucketNotFound, KeyNotFound
from boltcli.tree.bucket import seek
from tests.live import held
from tests.support import DATABASES, ROOT, error_line, fixture, needed, run


def test_a_bucket_is_a_mapping() -> None:
    with boltcli.open(fixture("one-bucket")) as db:
        (name,) = db
        bucket = db.bucket(name)
        assert len(bucket) == len(list(bucket)) == 3
        for key, value in bucket.items():
            assert bucket[key] == value
            assert key in bucket
        assert dict(bucket.pairs()) == dict(bucket.items())
        assert bucket.get(b"missing") is None
        assert b"missing" not in bucket
        with pytest.raises(KeyNotFound):
            bucket[b"missing"]
        with pytest.raises(KeyError):
            db[b"missing"]
        with pytest.raises(BucketNotFound):
            db.bucket(name, b"missing")


@pytest.mark.parametrize("small", [0, 1 << 30])
@pytest.mark.parametrize("lock", ["auto", "none"])
@pytest.mark.parametrize("use", [False, True])
def test_a_closed_database_cannot_be_read(
    small: int, lock: Literal["auto", "none"], use: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boltcli.storage.snapshot.SMALL", small)
    with boltcli.open(fixture("many-free"), lock=lock) as db:
        if use:
            assert len(db.bucket(next(iter(db)))) > 0
    for read in (lambda: db.get(b"x"), lambda: list(db), lambda: list(db.check()), db.stats):
        with pytest.raises(ValueError, match="the database is closed"):
            read()


def test_nested_buckets() -> None:
    with boltcli.open(fixture("nested-8")) as db:
        depth = 0
        bucket: boltcli.Bucket = db
        while True:
            inner = next((child for child in bucket.values() if isinstance(child, boltcli.Bucket)), None)
            if inner is None:
                break
            bucket, depth = inner, depth + 1
        assert depth == 8


def test_sequences_survive() -> None:
    with boltcli.open(fixture("sequences")) as db:
        found = {db.bucket(name).sequence for name in db}
    assert {0, 1, 2**63, 2**64 - 1} <= found


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_every_key_can_be_looked_up(path: str) -> None:
    """Iteration (columns of a page) and lookup (binary search) are different code: they must agree."""
    with boltcli.open(path) as db:
        assert list(db.check()) == []
        todo: list[boltcli.Bucket] = [db]
        while todo:
            bucket = todo.pop()
            keys = list(bucket)
            assert keys == sorted(set(keys))
            plain = dict(bucket.pairs())
            for key in keys:
                value = bucket[key]
                if isinstance(value, boltcli.Bucket):
                    todo.append(value)
                else:
                    assert plain[key] == value


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_cursors_and_ranges(path: str) -> None:
    with boltcli.open(path) as db:
        for bucket in [db, *(db.bucket(name) for name in list(db)[:3])]:
            keys = list(bucket)
            assert [key for key, _ in bucket.cursor()] == keys
            assert [key for key, _ in bucket.cursor(reverse=True)] == keys[::-1]
            for wanted in keys[:: max(len(keys) // 5, 1)]:
                at = keys.index(wanted)
                assert [key for key, _ in bucket.cursor(wanted)] == keys[at:]
                assert [key for key, _ in bucket.cursor(wanted, reverse=True)] == keys[at::-1]
                assert [key for key, _ in bucket.range(wanted, keys[-1])] == keys[at:-1]
                assert next(bucket.prefix(wanted))[0] == wanted
            for key, value in bucket.range():
                assert isinstance(value, boltcli.Bucket) or value == bucket[key]


def test_pages() -> None:
    with boltcli.open(fixture("large-branch")) as db:
        rows = list(db.pages())
        assert sum(1 + row.overflow for row in rows) == db._snapshot.meta.hwm
        assert {row.type for row in rows} >= {"meta", "branch", "leaf", "freelist"}


def _descents(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list whose length is the number of descents from here on."""
    count: list[int] = []

    def counting(*arguments: object, **options: object) -> object:
        count.append(1)
        return seek(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("boltcli.database.seek", counting)
    return count


def test_going_through_a_bucket_descends_once_a_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    with boltcli.open(fixture("depth-4")) as db:
        name = max(db, key=lambda name: len(db.bucket(name)))
        bucket = db.bucket(name)
        expected = list(bucket.range())
        assert len(expected) > 200
        count = _descents(monkeypatch)
        assert list(bucket.items()) == expected
        assert list(bucket.values()) == [value for _, value in expected]
        assert count == []
        assert dict(bucket) == dict(expected)
        assert len(count) < len(expected) // 2
        key, value = expected[5]
        assert (key, value) in bucket.items()
        assert (key, b"other") not in bucket.items()
        assert value in bucket.values()
        assert b"no such value" not in bucket.values()
        assert bucket.items() & {expected[3], (b"no", b"such")} == {expected[3]}


def test_after_the_end_every_access_is_an_error() -> None:
    db = boltcli.open(fixture("depth-4"))
    bucket = db.bucket(next(iter(db)))
    begun: list[Iterator[object]] = [iter(bucket), iter(bucket.items()), iter(bucket.values())]
    begun += [bucket.pairs(), bucket.cursor(), db.pages()]
    for iterator in begun:
        next(iterator)
    db.close()
    accesses: list[Callable[[], object]] = [
        *(lambda: bucket[b"x"], lambda: list(bucket), lambda: len(bucket), lambda: bucket.sequence, bucket.stats),
        *(lambda: list(bucket.items()), lambda: bucket.bucket("x"), lambda: b"x" in bucket, lambda: bucket.get(b"x")),
        *(lambda: db.txid, lambda: db.page_size, lambda: db.locked, lambda: db.warnings, lambda: list(db.pages())),
        *(db.stats, lambda: list(db.check()), lambda: list(db.check(deep=True)), lambda: db["x"], lambda: len(db)),
        *(lambda iterator=iterator: list(iterator) for iterator in begun),
    ]
    for access in accesses:
        with pytest.raises(boltcli.DatabaseClosed):
            access()
    assert db.closed
    assert db.path in repr(db)
    assert "closed" in repr(bucket)
    db.close()


def test_a_forgotten_database_is_closed_and_told_of() -> None:
    def descriptors() -> int:
        return len(os.listdir("/dev/fd"))

    before = descriptors()
    with pytest.warns(ResourceWarning, match=r"unclosed database .*one-bucket\.db"):
        boltcli.open(fixture("one-bucket"))
    assert descriptors() == before
    buckets = [boltcli.open(fixture("one-bucket")).bucket("widgets")]
    assert len(buckets[0]) == 3  # it stays open as long as there is a bucket of it
    assert descriptors() > before
    with pytest.warns(ResourceWarning):
        buckets.clear()
    assert descriptors() == before


@pytest.mark.filterwarnings("error")
def test_what_was_closed_is_not_told_of() -> None:
    with boltcli.open(fixture("one-bucket")) as db:
        list(db)
    del db
    assert boltcli.view(fixture("one-bucket"), lambda db: len(db)) == 1


def test_it_is_not_copied() -> None:
    with boltcli.open(fixture("one-bucket")) as db:
        for each in (db, db.bucket("widgets")):
            for copying in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="can't be copied or pickled"):
                    copying(each)


@pytest.mark.parametrize(
    "options", [{"lock": "maybe"}, {"lock": None}, {"timeout": -1}, {"timeout": float("nan")}, {"timeout": "1s"}]
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(boltcli.ArgumentError):
        boltcli.open(fixture("one-bucket"), **options)
    with pytest.raises(boltcli.ArgumentError):
        boltcli.view(fixture("one-bucket"), len, **options)


@pytest.mark.parametrize("size", [1.5, "64k", None])
def test_a_bad_size_of_transactions_is_refused(size: Any, tmp_path: Path) -> None:
    with pytest.raises(boltcli.ArgumentError):
        boltcli.compact(fixture("one-bucket"), tmp_path / "copy.db", tx_max_size=size)
    assert not list(tmp_path.iterdir())


def test_names_may_be_str() -> None:
    with boltcli.open(fixture("document")) as db:
        assert db.stats("execution-").keys == db.stats(b"execution-").keys > 0


def test_public_names() -> None:
    assert set(dir(boltcli)) == set(boltcli.__all__)
    for name in boltcli.__all__:
        assert getattr(boltcli, name) is not None
    with boltcli.open(fixture("document")) as db:
        assert isinstance(db.stats(), boltcli.BucketStats)


def test_errors_are_those_that_python_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        boltcli.open(tmp_path / "missing.db")
    assert missing.value.filename == str(tmp_path / "missing.db")
    assert isinstance(missing.value, BoltError)
    assert str(missing.value).endswith("missing.db' doesn't exist")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        with pytest.raises(PermissionError) as denied:
            boltcli.open(fixture("document"))
    assert isinstance(denied.value, boltcli.OpenError)
    path = tmp_path / "held.db"
    path.write_bytes(fixture("document").read_bytes())
    with held(path), pytest.raises(TimeoutError, match="holds the database open for writing") as locked:
        boltcli.open(path, lock="wait", timeout=0.01)
    assert isinstance(locked.value, boltcli.Locked)
    assert locked.value.holder in str(locked.value)


def test_reprs() -> None:
    path = str(fixture("document"))
    with boltcli.open(path) as db:
        assert repr(db) == f"<Database {path!r}: transaction 14, pages of 16384 bytes, locked>"
        assert repr(db.bucket("execution")) == f"<Bucket 'execution' of {path!r}: 4 keys>"
        history = db.bucket("execution-history")
        name = next(iter(history))
        assert repr(history[name]) == f"<Bucket 'execution-history/{name.decode()}' of {path!r}: 4 keys>"
        assert history.bucket(name).names == (b"execution-history", name)
        assert db.path == path
        assert db.warnings == []


def test_findings_are_text(tmp_path: Path) -> None:
    path = tmp_path / "cut.db"
    path.write_bytes(fixture("document").read_bytes() + bytes(100))
    with boltcli.open(path) as db:
        (warning,) = db.warnings
        assert "ends inside a page" in warning
    finding = boltcli.Finding("key-order", 5, "key \0 is out of order", (b"\xff",))
    assert finding.message == "key ff is out of order"
    assert repr(finding) == "<Finding key-order at page 5: key ff is out of order>"


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    path = fixture("document")
    with boltcli.open(path) as db:
        with pytest.raises(boltcli.BucketNotFound) as missing:
            db.bucket("execution", "none")
        assert (missing.value.bucket, missing.value.path) == ((b"execution", b"none"), str(path))
        assert str(missing.value) == f"bucket not found: 'execution' 'none' in {str(path)!r}"
        with pytest.raises(KeyError) as inner:
            db.bucket("execution-history").bucket(b"no\n")
        assert inner.value.bucket == (b"execution-history", b"no\n")  # type: ignore[attr-defined]
        assert "\n" not in str(inner.value)
    with pytest.raises(boltcli.BucketNotFound, match="'no'"):
        list(boltcli.diff(path, path, ["no"]))
    with pytest.raises(OSError) as absent:
        boltcli.open(tmp_path / "none")
    assert absent.value.errno == errno.ENOENT
    assert absent.value.strerror == os.strerror(errno.ENOENT)
    assert error_line(run("keys", path, "no")[2]) == b"bucket not found"


def test_keys_are_bytes_or_str() -> None:
    with boltcli.open(fixture("document")) as db:
        assert "execution" in db
        assert b"execution" in db
        assert 5 not in db
        assert None not in db
        assert db.get("none") is None
        assert db["execution"].get("none", 3) == 3
        assert db["execution"].get(b"none", b"") == b""
        assert isinstance(db.get("execution"), boltcli.Bucket)


SAMPLE = """
import boltcli
with boltcli.open("x") as db:
    found: bytes | boltcli.Bucket | None = db["x"].get("k")
    other: bytes | boltcli.Bucket | int = db["x"].get(b"k", 1)
    there: bool = "k" in db["x"]
    inner: bytes | boltcli.Bucket = db["x"]["k"]
    names: list[bytes] = list(db)
    first: bytes = sorted(db)[0]
    values = {name.decode(): value for name, value in db["x"].items()}
for commit in boltcli.watch("x", timeout=1):
    print(commit.txid)
findings: list[boltcli.Finding] = list(boltcli.check("x", lock="none"))
verdicts: list[bool] = [found.ok for found in boltcli.verify(["x", "y"], deep=True)]
hits: list[tuple[bytes, ...]] = [hit.bucket for hit in boltcli.grep("a", "x", previous=True)]
rows = boltcli.diff("x", "y", view="executions").facts
summary: int = boltcli.diff("x", "y", "b").summary()[0].added
alone: boltcli.Audit = boltcli.audit("x")
together: list[boltcli.Audit] = boltcli.audit(["x", "y"])
size: int = boltcli.write("x", {"a": {"b": "c"}}, sequences={"a": 1}).size
boltcli.write("x", [("a", "k", b"v")])
async def follow() -> None:
    async for commit in boltcli.watch("x"):
        print(commit.txid)
"""


@pytest.mark.slow
def test_types_of_a_users_program(tmp_path: Path) -> None:
    needed("mypy")
    (tmp_path / "sample.py").write_text(SAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", "sample.py"],
        cwd=tmp_path, capture_output=True, env=os.environ | {"MYPYPATH": str(ROOT)},
    )  # fmt: skip
    assert b"sample.py" not in done.stdout, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        "db = boltcli.open(PATH); bucket = db['execution']",
        "class A: pass\na = A(); a.a = a; a.db = boltcli.open(PATH); a.i = iter(a.db['execution'].items()); next(a.i)",
        "import builtins; builtins.kept = boltcli.open(PATH)",
        "db = boltcli.open(PATH); watched = boltcli.watch(PATH, initial=True); next(watched)",
    ],
)
@pytest.mark.parametrize("warned", [["-W", "error"], ["-X", "dev"], []])
def test_the_end_of_the_interpreter_is_silent(program: str, warned: list[str]) -> None:
    script = f"import boltcli\nPATH = {str(fixture('document'))!r}\n{program}"
    done = subprocess.run(
        [sys.executable, *warned, "-c", script], capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stderr) == (0, b"")
