"""Reading in bulk finds what reading a page at a time finds: on sound files, on damaged ones, in many processes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.errors import BoltError
from boltcli.ops import bulk, check, keys_bulk, proof, stats, stats_bulk
from boltcli.ops.keys_bulk import written_keys
from boltcli.ops.listing import key_pages
from boltcli.render.formats import lines
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.batch import Irregular
from boltcli.tree.bucket import BucketRef, leaf_elements, leaf_pages, open_bucket, root_bucket
from tests.damage.test_damage import SOURCES, mutants
from tests.support import DATABASES, fixture

MUTANTS = 120
Findings = list[bytes]


@pytest.fixture
def many_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few pages, dealt out from the second page on: small files get to all the code."""
    monkeypatch.setattr(check, "FEW_PAGES", 0)
    monkeypatch.setattr(stats, "FEW_PAGES", 0)
    monkeypatch.setattr(bulk, "_WORTH", 1)
    monkeypatch.setattr(proof, "_LEAVES", 5)
    monkeypatch.setattr(proof, "_BRANCHES", 2)
    monkeypatch.setattr(proof, "_WIDE", 2)
    monkeypatch.setattr(stats_bulk, "_PAGES", 3)
    monkeypatch.setattr(keys_bulk, "_PAGES", 2)


def _never(*_: object, **__: object) -> bool:
    return False


def _irregular(*_: object, **__: object) -> None:
    raise Irregular


def _check(snapshot: Snapshot, jobs: int) -> Findings:
    return [finding.message() for finding in check.check(snapshot, jobs=jobs)]


def _stats(snapshot: Snapshot, jobs: int) -> object:
    try:
        count, total = stats.database_stats(snapshot, jobs=jobs)
    except BoltError as error:
        return str(error)
    return count, total.numbers()


def _buckets(snapshot: Snapshot) -> Iterator[BucketRef]:
    """As many buckets as can be read, each before those inside it; of a damaged file, a hundred at most."""
    todo = [root_bucket(snapshot)]
    for _ in range(100):
        if not todo:
            return
        bucket = todo.pop()
        yield bucket
        try:
            for leaf_page in leaf_pages(snapshot, bucket):
                leaf = leaf_elements(snapshot, leaf_page)
                for index in leaf.bucket_indexes():
                    todo.append(open_bucket(snapshot, leaf_page, leaf, index))
        except BoltError:
            continue


def _write(keys: list[bytes]) -> bytes:
    return lines(keys, "hex")


def _keys(snapshot: Snapshot, bucket: BucketRef, jobs: int) -> list[bytes | str]:
    written: list[bytes] = []
    try:
        for text in written_keys(snapshot, bucket, _write, jobs=jobs):
            written.append(text)
    except BoltError as error:
        return [b"".join(written), str(error)]
    return [b"".join(written)]


def _keys_one_by_one(snapshot: Snapshot, bucket: BucketRef) -> list[bytes | str]:
    written: list[bytes] = []
    try:
        for keys in key_pages(snapshot, bucket):
            written.append(_write(keys))
    except BoltError as error:
        return [b"".join(written), str(error)]
    return [b"".join(written)]


def _assert_same(path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        snapshot = Snapshot(str(path))
    except BoltError:
        return  # nothing to read
    with snapshot:
        quick = _check(snapshot, jobs), _stats(snapshot, jobs)
        with monkeypatch.context() as patch:
            patch.setattr(proof, "prove", _never)
            patch.setattr(stats_bulk, "bulk_stats", _irregular)
            careful = _check(snapshot, jobs), _stats(snapshot, jobs)
        assert quick == careful
        for bucket in _buckets(snapshot):
            if bucket.root:
                assert _keys(snapshot, bucket, jobs) == _keys_one_by_one(snapshot, bucket)


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("many_small_batches")
def test_sound_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for jobs in (1, 3):
        _assert_same(path, jobs, monkeypatch)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.usefixtures("many_small_batches")
def test_damaged_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Snapshot(str(fixture(name))) as snapshot:
        page_size = snapshot.page_size
        used = fixture(name).read_bytes()[: snapshot.meta.hwm * page_size]
    path = tmp_path / "mutant.db"
    damaged = mutants(used, page_size, random.Random(f"bulk {name}"))
    for number in range(MUTANTS):
        what, mutant = next(damaged)
        path.write_bytes(mutant)
        try:
            _assert_same(path, 2 if number % 10 == 0 else 1, monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"{name} mutant {number}: {what}") from error


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("many_small_batches")
def test_what_bbolt_wrote_is_read_in_bulk(path: Path) -> None:
    """A quick way that always gave up would pass the tests above."""
    with Snapshot(str(path)) as snapshot:
        pages = bytearray(snapshot.page_count)
        assert proof.prove(snapshot, pages, bytearray(pages)) == (path.stem not in WITH_EMPTY_LEAVES)
        stats_bulk.bulk_stats(snapshot, [root_bucket(snapshot)])


# A leaf without elements is the root of an empty tree; it's quickly looked at one by one.
WITH_EMPTY_LEAVES = {"empty", "all-deleted"}
