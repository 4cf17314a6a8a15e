"""The library: a mapping over real files."""

from __future__ import annotations

from typing import Literal

import pytest

import boltcli
from boltcli.errors import BucketNotFound, KeyNotFound
from tests.support import DATABASES, fixture


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
