"""The library: a mapping over real files."""

from __future__ import annotations

import copy
import errno
import gzip
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest

import boltcli
from boltcli.errors import BoltError, BucketNotFound, KeyNotFound
from boltcli.storage.source import open_source
from boltcli.tree.bucket import descend
from tests.live import Writer, held
from tests.support import DATABASES, ROOT, error_line, fixture, freelist, page, pgid, run, small


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
            cursor = bucket.cursor()
            assert [key for key, _ in cursor] == keys
            assert [key for key, _ in bucket.range(reverse=True)] == keys[::-1]
            assert [cursor.key for _ in keys if cursor.prev()] == keys[::-1]
            for wanted in keys[:: max(len(keys) // 5, 1)]:
                at = keys.index(wanted)
                assert cursor.seek(wanted)
                assert [key for key, _ in cursor] == keys[at:]
                assert [key for key, _ in bucket.range(wanted)] == keys[at:]
                assert [key for key, _ in bucket.range(stop=wanted, reverse=True)] == keys[:at][::-1]
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
        return descend(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("boltcli.tree.lookup.descend", counting)
    return count


def test_going_through_a_bucket_looks_no_key_up(monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert count  # by keys
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
    changes = db.changes()
    begun += [iter(bucket.pairs()), iter(bucket.cursor()), db.pages(), iter(changes)]
    for iterator in begun:
        next(iterator)
    db.close()
    accesses: list[Callable[[], object]] = [
        *(lambda: bucket[b"x"], lambda: list(bucket), lambda: len(bucket), lambda: bucket.sequence, bucket.stats),
        *(lambda: list(bucket.items()), lambda: bucket.bucket("x"), lambda: b"x" in bucket, lambda: bucket.get(b"x")),
        *(lambda: db.txid, lambda: db.page_size, lambda: db.locked, lambda: db.warnings, lambda: list(db.pages())),
        *(db.stats, lambda: list(db.check()), lambda: list(db.check(deep=True)), lambda: db["x"], lambda: len(db)),
        *(lambda iterator=iterator: list(iterator) for iterator in begun),
        *(lambda: list(changes), changes.summary, db.changes, db.__enter__),
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
    with boltcli.open(fixture("one-bucket")) as db:
        db.close()


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
        boltcli.open(fixture("one-bucket").read_bytes(), **options)
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


def test_results_are_records() -> None:
    """They compare, sort and print as what they are, and a process pool can return them."""
    path = fixture("bacalhau-compute-1.4")
    change, other = boltcli.Change("add", (b"b",), b"k", None, b"v"), boltcli.Change("remove", (b"b",))
    assert eval(repr(change), {"Change": boltcli.Change}) == change
    assert sorted([change, other, boltcli.Change("add", (b"a",), b"z", None, b"")])[1:] == [other, change]
    keys = b"b", b"", None, b"a"
    assert [each.key for each in sorted(boltcli.Change("add", (), key) for key in keys)] == [None, b"", b"a", b"b"]
    match change:
        case boltcli.Change(op, bucket, key):
            assert (op, bucket, key) == ("add", (b"b",), b"k")
    one, two = (boltcli.Finding("key-order", page, "x") for page in (10, 9))
    assert sorted([one, two]) == [two, one]
    assert {one, boltcli.Finding("key-order", 10, "x")} == {one} != {two}
    with boltcli.open(path) as db:
        stats, audit, pages = db.stats(), db.audit(now=datetime(2024, 7, 1, tzinfo=UTC)), list(db.pages())
        assert stats == db.stats() != boltcli.BucketStats()
        assert repr(boltcli.BucketStats(keys=3)).count("keys=3") == 1
        assert audit == db.audit(now=datetime(2024, 7, 1, tzinfo=UTC))
        assert audit != db.audit()
        assert db.audit(older_than=timedelta(days=1)).retention is not None
        with pytest.raises(boltcli.ArgumentError, match="time zone"):
            db.audit(now=datetime(2024, 7, 1))
    for result in (change, one, stats, audit, pages):
        assert pickle.loads(pickle.dumps(result)) == result


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


def test_reading_needs_only_the_standard_library(tmp_path: Path) -> None:
    program = """if True:
        import sys
        first = {name.partition(".")[0] for name in sys.modules}
        sys.path.insert(0, sys.argv[1])
        import boltcli
        with boltcli.open(sys.argv[2]) as db:
            bucket = db["execution"]
            assert [*db.walk()] and [*bucket.pairs()] and bucket.cursor().last() and db.stats().keys and [*db.changes()]
            assert not [*db.check(), *db.check(deep=True), *boltcli.check(sys.argv[2]), *boltcli.diff(db, sys.argv[2])]
        boltcli.compact(sys.argv[2], sys.argv[3])
        boltcli.view(sys.argv[2], len)
        now = {name.partition(".")[0] for name in sys.modules}
        print(*sorted(now - first - sys.stdlib_module_names))
    """
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT), fixture("document"), tmp_path / "new.db"],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout == "boltcli\n"


@pytest.mark.parametrize("name", ["bacalhau-compute-1.4", "depth-4"])
def test_threads_read_one_database(name: str) -> None:
    with boltcli.open(fixture(name)) as db:
        pairs = [(path, key, value) for path, key, value in db.walk() if isinstance(value, bytes)]

    def read(seed: int) -> None:
        for path, key, value in Random(seed).choices(pairs, k=200):
            bucket = db.bucket(*path)
            cursor = bucket.cursor()
            assert bucket[key] == value
            assert cursor.seek(key)
            assert (cursor.key, cursor.value) == (key, value)
        assert sum(isinstance(value, bytes) for _, _, value in db.walk()) == len(pairs)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with boltcli.open(fixture(name)) as db, ThreadPoolExecutor(4) as pool:
            list(pool.map(read, range(8)))
    finally:
        sys.setswitchinterval(interval)


def test_nested_content_is_walked() -> None:
    with boltcli.open(fixture("document")) as db:
        walked = list(db.walk())
        assert walked[0][:2] == ((), b"execution")
        assert sum(isinstance(value, bytes) for _, _, value in walked) == db.stats().keys - db.stats().buckets + 3
        for path, key, value in walked:
            found = db.bucket(*path)[key]
            assert found == value
            assert not isinstance(value, boltcli.Bucket) or value.names == (*path, key)
        history = db["execution-history"]
        assert list(history.walk()) == [row for row in walked if row[0][:1] == history.names]
        (first, inner), *_ = history.buckets()
        assert list(inner.walk()) == [row for row in walked if row[0] == (b"execution-history", first)]
        assert [name for name, _ in db.buckets()] == list(db)
        assert [name for name, _ in inner.buckets()] == []
    with boltcli.open(fixture("bucket-and-key-mix")) as db:
        kinds = {type(value) for _, _, value in db.walk()}
        assert kinds == {bytes, boltcli.Bucket}
        for path, key, value in list(db.walk()):
            bucket = db.bucket(*path)
            assert ((key, value) in list(bucket.buckets())) == isinstance(value, boltcli.Bucket)
            if isinstance(value, bytes):
                assert db.value(*path, key) == bucket.value(key) == value
            else:
                with pytest.raises(KeyNotFound):
                    bucket.value(key)
        with pytest.raises(BucketNotFound):
            db.value("none", "key")
        with pytest.raises(KeyNotFound):
            db.value(next(iter(db)), "none")


@pytest.mark.parametrize("name", ["depth-4", "inline", "empty-bucket"])
def test_the_other_way_round(name: str) -> None:
    with boltcli.open(fixture(name)) as db:
        for _, bucket in db.buckets():
            assert list(reversed(bucket)) == list(bucket)[::-1]
            assert next(reversed(bucket), None) == max(bucket, default=None)


def _opened(**inputs: Any) -> dict[str, tuple[list[bytes], int]]:
    found = {}
    for name, given in inputs.items():
        with boltcli.open(given) as db:
            found[name] = list(db), db.txid
    return found


def test_what_is_given_is_opened_and_left_as_it_was(tmp_path: Path) -> None:
    content = fixture("document").read_bytes()
    (tmp_path / "a.db").write_bytes(content)
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    with (
        (tmp_path / "a.db").open("rb") as file, (tmp_path / "a.db").open("rb", buffering=0) as raw,
        (tmp_path / "a.gz").open("rb") as packed, gzip.open(tmp_path / "a.gz") as unpacked,
        subprocess.Popen(["cat", str(tmp_path / "a.db")], stdout=subprocess.PIPE) as pipe,
    ):  # fmt: skip
        files: list[Any] = [file, raw, packed, unpacked, io.BytesIO(content)]
        for each in files:
            each.seek(17)
        found = _opened(
            path=tmp_path / "a.db", bytes=content, bytearray=bytearray(content), view=memoryview(content),
            gzip=gzip.compress(content), pipe=pipe.stdout, **{str(place): each for place, each in enumerate(files)},
        )  # fmt: skip
        assert list(found.values()) == [found["path"]] * len(found)
        for each in files:
            assert each.tell() == 17
            assert not each.closed
        assert boltcli.view(file, len) == boltcli.view(content, len) == 3
        assert boltcli.compact(file, tmp_path / "copy.db").source_size == len(content)
        with pytest.raises(boltcli.DestinationIsSource):
            boltcli.compact(file, tmp_path / "a.db", replace=True)
        for given in (b"x" * 100 + content, io.BytesIO(b"x" * 100 + content)):
            assert boltcli.view(given, list, offset=100) == found["path"][0]
        # Its lock is the caller's: a writer can take it while the database is open.
        with boltcli.open(file) as db, held(tmp_path / "a.db"):
            assert not db.locked
    for wrong in (io.StringIO("x"), 5, None, [content]):
        with pytest.raises(boltcli.ArgumentError):
            boltcli.open(wrong)  # type: ignore[arg-type]
    with pytest.raises(boltcli.ArgumentError):
        boltcli.open(content, offset=-1)
    for damaged in (b"", content[:100], bytes(40000)):
        with pytest.raises(BoltError):
            boltcli.open(damaged)


@pytest.mark.parametrize("size", [0, 2 << 20])
def test_refresh_beside_a_writer(size: int, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.db", size)
    with boltcli.open(writer.path, lock="none") as db:
        data, more = db["data"], db["more"]
        assert not db.refresh()
        descriptors = len(os.listdir("/dev/fd"))
        begun = [iter(db), iter(db.range()), db.walk(), iter(db.items()), db.pages(), db.prefix(b"")]
        for each in begun:
            next(each)
        writer.commit()
        assert (data.value("n"), db.txid) == (b"2", 2)
        assert db.refresh()
        assert (data.value("n"), more.value("n"), db["data"].value("n"), db.txid) == (b"3", b"3", b"3", 3)
        for each in begun:
            with pytest.raises(boltcli.Changed, match="refreshed"):
                list(each)
        assert not db.refresh()
        assert len(os.listdir("/dev/fd")) == descriptors
        # Another file at the path, without the bucket.
        with pytest.raises(boltcli.SourceNotFound):
            (writer.path.rename(tmp_path / "gone"), db.refresh())
        assert data.value("n") == b"3"
        writer.path.write_bytes(fixture("document").read_bytes())
        assert db.refresh()
        assert "execution" in db
        with pytest.raises(BucketNotFound):
            data.value("n")
        assert "not there any more" in repr(data)
    with pytest.raises(boltcli.DatabaseClosed):
        db.refresh()
    with (
        boltcli.open(fixture("document").read_bytes()) as db,
        pytest.raises(boltcli.ArgumentError, match="by its path"),
    ):
        db.refresh()


def test_nothing_of_the_old_state_is_left_after_a_refresh(tmp_path: Path) -> None:
    """Not the page either on which the next key of a lookup in order would be."""

    def write(value: bytes, txid: int) -> None:
        leaf = page(4, 2, [(b"a", value), (b"b", value)])
        root = page(
            3, 2, [(b"x", pgid(4) + pgid(txid), b"\1"), (b"y", pgid(0) + pgid(txid) + page(0, 2, page_size=0), b"\1")]
        )
        (tmp_path / "new").write_bytes(small(freelist(2), root, leaf, txid=txid))
        (tmp_path / "new").replace(tmp_path / "a.db")

    write(b"old", 5)
    with boltcli.open(tmp_path / "a.db") as db:
        bucket = db["x"]
        assert bucket["a"] == b"old"
        write(b"new", 6)
        assert db.refresh()
        assert bucket["b"] == b"new"
        assert (db["y"].sequence, bucket.sequence) == (6, 6)


def test_pairs_of_a_range() -> None:
    with boltcli.open(fixture("bucket-and-key-mix")) as db:
        for bucket in (db, *(inner for _, inner in db.buckets())):
            plain = [(key, value) for key, value in bucket.range() if isinstance(value, bytes)]
            for start in [b"", *(key for key, _ in plain[1:4])]:
                assert list(bucket.pairs(start)) == [pair for pair in plain if pair[0] >= start]
                assert list(bucket.pairs(b"", start)) == [pair for pair in plain if pair[0] < start]
                assert list(bucket.pairs(prefix=start[:2])) == [pair for pair in plain if pair[0].startswith(start[:2])]
            assert list(bucket.pairs(reverse=True)) == plain[::-1]
            assert list(bucket.pairs(key=len, value=bytes.hex)) == [(len(key), value.hex()) for key, value in plain]
        assert plain


def test_refresh_does_not_wait_again_for_a_lock_that_was_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(fixture("document").read_bytes())
    ways: list[str] = []

    def opening(path: str, lock: Any, timeout: float) -> Any:
        ways.append(lock)
        return open_source(path, lock, timeout)

    monkeypatch.setattr("boltcli.storage.source.open_source", opening)
    with held(path), boltcli.open(path, timeout=0.01) as db:
        assert not db.refresh()
    with boltcli.open(path) as db:
        assert not db.refresh()
    assert ways == ["auto", "try", "auto", "auto"]


def test_refresh_of_the_state_before(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.db")
    with boltcli.open(writer.path, previous=True) as db:
        assert db.locked
        assert not db.refresh()
        writer.commit()  # it doesn't ask for the lock
        assert db.refresh()
        assert (db.txid, db.value("data", "n")) == (2, b"2")


def test_values_as_json_and_text(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    boltcli.write(path, {"b": {"a": '{"n": [1, "é"]}', "c": "2", "inner": {"x": b"\xff"}}, "bad": {"k": b"\xff"}})
    with boltcli.open(path) as db:
        parsed, texts = db["b"].values(json=True), db["b"].values(text=True)
        assert list(parsed) == list(parsed) == [{"n": [1, "é"]}, 2]
        assert list(texts) == ['{"n": [1, "é"]}', "2"]
        assert len(db["b"].values()) == 3
        with pytest.raises(boltcli.ArgumentError, match=r"the value of b'k' is no JSON: "):
            list(db["bad"].values(json=True))
        with pytest.raises(boltcli.ArgumentError, match=r"the value of b'k' is no text in UTF-8: "):
            list(db["bad"].values(text=True))
    with pytest.raises(boltcli.DatabaseClosed):
        list(parsed)
