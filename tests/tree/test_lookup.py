"""Look-ups of one state share what was parsed, within bounds; the kernel takes part after the first few."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import boltcli
from boltcli.database import Database
from boltcli.errors import Changed, Corrupted
from boltcli.format.page import LeafElements, Page
from boltcli.storage.snapshot import Snapshot
from boltcli.tree import bucket as searches
from boltcli.tree import lookup
from boltcli.tree.lookup import lookups
from tests.conftest import HAS_KERNEL
from tests.support import fixture, freelist, page, pgid, small

EACH = 100


def _wide(path: Path, leaves: int, value: bytes = b"") -> list[bytes]:
    """A file with a tree of three levels below the root bucket's leaf, in the bucket "b"; returns its keys."""
    branches = -(-leaves // EACH)
    first = 5 + branches
    keys = [b"%08d" % number for number in range(leaves)]
    below = [
        page(
            5 + number, 1,
            [(keys[leaf], pgid(first + leaf)) for leaf in range(number * EACH, min((number + 1) * EACH, leaves))],
        )
        for number in range(branches)
    ]  # fmt: skip
    top = page(4, 1, [(keys[number * EACH], pgid(5 + number)) for number in range(branches)])
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    pages = [page(first + leaf, 2, [(key, value)]) for leaf, key in enumerate(keys)]
    path.write_bytes(small(freelist(2), root, top, *below, *pages))
    return keys


def _pages_read(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the pages that are read from here on."""
    read: list[int] = []
    page_of = snapshot.page

    def page(pgid: int, *more: object) -> Page:
        read.append(pgid)
        return page_of(pgid, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshot, "page", page)
    return read


def test_branch_pages_are_parsed_once_and_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOLTCLI_KERNEL", "0")
    path = tmp_path / "a.db"
    keys = _wide(path, 1000)
    with Snapshot(str(path)) as snapshot:
        bucket = Database(snapshot)["b"]
        read = _pages_read(snapshot, monkeypatch)
        for _ in range(3):
            read.clear()
            for number in range(lookup._FEW):
                assert bucket[keys[number * 7]] == b""
        assert len(read) == lookup._FEW  # the leaves
        shared = lookups(snapshot)
        assert shared._room == lookup._ROOM - 4 * 4096
        assert len(shared._branches) == 4  # the root, and three of those below it
        shared._room = 4095
        read.clear()
        assert bucket[keys[-1]] == b""
        assert len(read) == 2  # the last branch page, for which the others were forgotten, and the leaf
        assert shared._room == lookup._ROOM - 4096
        assert len(shared._branches) == 1
        shared._branches, shared._room = {}, 4095
        assert bucket[keys[0]] == b""
        assert shared._branches == {}
        assert shared._room == 4095


@pytest.mark.usefixtures("walks")
def test_a_branch_page_that_is_odd_is_searched_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of keys out of order, and of those that lie beyond the page, a search reads some: it depends on its steps."""
    path = tmp_path / "a.db"
    leaves = [page(5 + number, 2, [(key, b"v")]) for number, key in enumerate([b"a", b"b", b"c", b"d", b"e"])]
    for firsts, wanted, value in (
        ([b"a", b"b", b"c", b"x", b"e"], "e", None),
        ([b"a", b"b", b"c", b"d", b"e" * 5000], "a", b"v"),
    ):
        branch = page(4, 1, [(key, pgid(5 + number)) for number, key in enumerate(firsts)])[:4096]
        path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), branch, *leaves))
        with boltcli.open(path) as db:
            found = []
            for few in (-1, 1):
                db._snapshot.memo.clear()
                monkeypatch.setattr(lookup, "_FEW", few)
                found += [db["b"].get(wanted) for _ in range(3)]
            assert found == [value] * 6
            assert lookups(db._snapshot)._branches == {}


@pytest.mark.skipif(not HAS_KERNEL, reason="the kernel was not built")
def test_the_kernel_answers_after_the_first_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    keys = _wide(path, 300, b"v")
    monkeypatch.setenv("BOLTCLI_KERNEL", "1")
    with Snapshot(str(path)) as snapshot:
        bucket = Database(snapshot)["b"]
        read = _pages_read(snapshot, monkeypatch)
        for key in keys[: lookup._FEW - 1]:  # one was that of the bucket
            assert snapshot._pages._buffer is None  # type: ignore[union-attr]
            assert bucket.get(key) == b"v"
        assert read
        read.clear()
        cursor = bucket.cursor()
        for key in keys:
            assert bucket[key] == b"v"
            assert key + b"\0" not in bucket
            assert cursor.seek(key)
        assert not cursor.next()
        assert read == []
        assert lookups(snapshot) is lookups(snapshot)
    assert snapshot.memo == {}  # what was parsed goes with the file


def test_pages_that_somebody_is_told_of_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading beside a writer: each page may be the moment to look whether there is a new transaction."""
    path = tmp_path / "a.db"
    keys = _wide(path, 300)
    told: list[int] = []
    with Snapshot(str(path), on_page=lambda _, page: told.append(page.pgid)) as snapshot:
        bucket = Database(snapshot)["b"]
        for number in range(2 * lookup._FEW):
            told.clear()
            assert keys[number] in bucket
            assert len(told) == 3


@pytest.mark.slow
@pytest.mark.skipif(not HAS_KERNEL, reason="the kernel was not built")
def test_a_file_cut_while_keys_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOLTCLI_KERNEL", "1")
    path = tmp_path / "a.db"
    keys = _wide(path, 3000)

    def look() -> None:
        with Snapshot(str(path)) as snapshot:
            bucket = Database(snapshot)["b"]
            cursor = bucket.cursor()
            for key in keys[: 2 * lookup._FEW]:
                assert bucket[key] == b""
                assert cursor.seek(key)
            os.truncate(path, 4096 * 8)
            for ask in (lambda: bucket[keys[-1]], lambda: cursor.seek(keys[-1]), cursor.next):
                with pytest.raises(Corrupted):
                    ask()

    with pytest.raises(Changed):
        look()


@pytest.mark.parametrize("few", [1, -1])
@pytest.mark.usefixtures("walks")
def test_keys_one_after_the_other_parse_a_leaf_once(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_FEW", few)
    parsed: list[Page] = []

    class Counted(LeafElements):
        def __init__(self, page: Page) -> None:
            parsed.append(page)
            super().__init__(page)

    with boltcli.open(fixture("depth-4")) as db:
        name = max(db, key=lambda name: len(db.bucket(name)))
        bucket = db.bucket(name)
        keys = list(bucket)
        assert len(keys) > 200
        monkeypatch.setattr(searches, "LeafElements", Counted)
        for key in keys:
            assert key in bucket
        assert len(parsed) < len(keys) // 2
