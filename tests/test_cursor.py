"""A cursor moves by keys and by steps, says where it is, and never goes on behind damage as if nothing were missing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import boltcli
from boltcli.database import Database
from boltcli.kernel import load_kernel
from boltcli.storage.snapshot import Snapshot
from boltcli.tree import lookup
from tests.support import fixture, freelist, page, pgid, small

KEYS = [b"%03d" % number for number in range(0, 60, 2)]


def _tree(*leaves: list[bytes], below: list[bytes] | None = None) -> bytes:
    """A file with the bucket "b": a branch page above ``leaves``, whose keys are their values, too."""
    firsts = below or [leaf[0] for leaf in leaves]
    branch = page(4, 1, [(key, pgid(5 + number)) for number, key in enumerate(firsts)])
    pages = [page(5 + number, 2, [(key, key) for key in leaf]) for number, leaf in enumerate(leaves)]
    return small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), branch, *pages)


@pytest.fixture(params=["first look-ups", "many look-ups", "ordered"])
def opened(
    request: pytest.FixtureRequest, walks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A sound database, in all ways that a cursor may read it."""
    monkeypatch.setattr(lookup, "_FEW", 1 if request.param == "many look-ups" else -1)
    path = tmp_path / "a.db"
    path.write_bytes(_tree(KEYS[:10], KEYS[10:20], KEYS[20:]))
    with Snapshot(str(path)) as snapshot:
        yield Database(snapshot, ordered=request.param == "ordered")


def test_it_seeks_and_steps_as_the_keys_lie(opened: Database) -> None:
    cursor = opened["b"].cursor()
    for wanted in [b"%03d" % number for number in range(60)] + [b"", b"\xff", b"0", b"018\0"]:
        at = bisect_left(KEYS, wanted)
        assert cursor.seek(wanted) == (at < len(KEYS))
        assert cursor.key == cursor.value == (KEYS[at] if at < len(KEYS) else None)
        assert cursor.prev() == (at > 0)
        assert cursor.key == cursor.value == (KEYS[at - 1] if at else None)
        assert cursor.next() == (at < len(KEYS))
        assert cursor.next() == (at + 1 < len(KEYS))
        assert cursor.key == cursor.value == (KEYS[at + 1] if at + 1 < len(KEYS) else None)


def test_it_goes_from_end_to_end_and_back(opened: Database) -> None:
    cursor = opened["b"].cursor()
    assert cursor.key is cursor.value is None
    assert [cursor.key for _ in iter(cursor.next, False)] == KEYS
    assert not cursor.next()  # it stays after the last
    assert cursor.key is cursor.value is None
    assert [cursor.key for _ in iter(cursor.prev, False)] == KEYS[::-1]
    assert not cursor.prev()
    assert cursor.next()
    assert cursor.key == KEYS[0]
    fresh = opened["b"].cursor()
    assert fresh.prev()
    assert fresh.key == KEYS[-1]
    assert fresh.first()
    assert fresh.key == KEYS[0]
    assert fresh.last()
    assert fresh.key == KEYS[-1]


def test_iteration_begins_where_it_stands_and_takes_it_along(opened: Database) -> None:
    cursor = opened["b"].cursor()
    assert [*cursor] == [(key, key) for key in KEYS]
    assert [*cursor] == []  # it is after the last element
    assert cursor.seek("030")
    for key, _ in cursor:
        if key == b"034":
            break
    assert cursor.key == b"034"
    assert [key for key, _ in cursor] == KEYS[17:]


def test_nested_buckets_and_inline_ones(opened: Database) -> None:
    cursor = opened.cursor()
    assert cursor.first()
    assert cursor.key == b"b"
    assert isinstance(cursor.value, boltcli.Bucket)
    assert cursor.value.names == (b"b",)
    assert cursor.value is cursor.value
    assert len(cursor.value) == len(KEYS)
    assert not cursor.next()


@pytest.mark.parametrize("few", [1, -1])
@pytest.mark.usefixtures("walks")
def test_an_inline_bucket_and_an_empty_one(few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_FEW", few)
    inline, other = (
        pgid(0) + pgid(0) + page(0, 2, [(key, value), (b"c", b"2")], page_size=64)
        for key, value in ((b"a", b"1"), (b"b", b"3"))
    )
    root = page(3, 2, [(b"empty", pgid(4) + pgid(0), b"\1"), (b"inline", inline, b"\1"), (b"other", other, b"\1")])
    path = tmp_path / "a.db"
    path.write_bytes(small(freelist(2), root, page(4, 2)))
    with boltcli.open(path) as db:
        bucket = db["inline"]
        for _ in range(2):
            assert bucket.get("a") == b"1"
            assert db["other"].get("b") == b"3"
            assert bucket.get("b") is None
        cursor = db["inline"].cursor()
        assert cursor.seek("b")
        assert (cursor.key, cursor.value) == (b"c", b"2")
        assert cursor.prev()
        assert not cursor.prev()
        assert not cursor.seek("d")
        cursor = db["empty"].cursor()
        assert not any(move() for move in (cursor.first, cursor.last, cursor.next, cursor.prev))
        assert not cursor.seek("")
        assert [*cursor] == []


def test_values_above_a_mebibyte(tmp_path: Path, walks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_FEW", 1)
    value = bytes(range(256)) * 4097
    leaf = page(4, 2, [(b"k", value), (b"l", b"")], overflow=len(value) // 4096 + 1)
    path = tmp_path / "a.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), leaf))
    with boltcli.open(path) as db:
        cursor = db["b"].cursor()
        for _ in range(2):
            assert db["b"]["k"] == value
            assert cursor.first()
            assert cursor.value == value
        kernel = load_kernel()
        if kernel is not None:  # which holds the interpreter's lock: it leaves them to Python
            file = db._snapshot.buffer, 4096, db._snapshot.page_count, 4
            assert kernel.get(*file, b"k") is NotImplemented
            assert kernel.get(*file, b"l") == b""
            assert kernel.seek(*file, b"k") == ((4,), (0,), b"k", NotImplemented)


FIRSTS = [KEYS[0], KEYS[10], KEYS[20]]
DAMAGED = {
    "an emptied leaf": (_tree(KEYS[:10], [], KEYS[20:], below=FIRSTS), "a leaf without elements"),
    "keys out of order": (_tree([b"000", b"004", b"002"], KEYS[20:]), "its keys are out of order"),
    "equal keys out of order": (_tree([b"000", b"002", b"002"], KEYS[20:]), "its keys are out of order"),
    "leaves out of order": (_tree(KEYS[10:12], KEYS[:10], KEYS[20:], below=KEYS[:3]), "its keys are out of order"),
    "a page above itself": (
        _tree(KEYS[:3], KEYS[3:6], KEYS[6:]).replace(pgid(6), pgid(4), 1), "its child 4 is its own ancestor",
    ),
    "a free page": (_tree(KEYS[:3], KEYS[3:6]).replace(pgid(6), pgid(2), 1), "a tree cannot hold a page of its type"),
}  # fmt: skip


@pytest.mark.parametrize("few", [1, -1])
@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.usefixtures("walks")
def test_it_stops_at_damage_and_stays(name: str, few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_FEW", few)
    content, problem = DAMAGED[name]
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with boltcli.open(path) as db:
        bucket = db["b"]
        cursor = bucket.cursor()
        seen = []

        def forward() -> None:
            while cursor.next():
                seen.append(cursor.key)

        def backward() -> None:
            cursor.last()
            while cursor.prev():
                pass

        def after_a_look_up() -> None:
            bucket.get(KEYS[10] + b"\0")  # the newest leaf is the damaged one
            backward()

        def sought() -> None:
            for key in KEYS:
                cursor.seek(key + b"\0")

        moves: list[Callable[[], object]] = [
            forward,
            cursor.next,
            backward,
            after_a_look_up,
            lambda: list(bucket.cursor()),
        ]
        if "out of order" not in name:  # a search meets few keys
            moves.append(sought)
        for move in moves:
            with pytest.raises(boltcli.Corrupted, match=problem):
                move()
            if move == cursor.next:
                assert seen
                assert cursor.key == seen[-1]


def test_a_seek_that_lands_below_is_damage(tmp_path: Path, walks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The leaf after the one where the key would be has smaller ones."""
    path = tmp_path / "a.db"
    path.write_bytes(_tree([b"a", b"b"], [b"c"], below=[b"a", b"m"]))
    for few in (1, -1):
        monkeypatch.setattr(lookup, "_FEW", few)
        with boltcli.open(path) as db:
            cursor = db["b"].cursor()
            assert cursor.seek("b")
            with pytest.raises(boltcli.Corrupted, match="its keys are out of order"):
                cursor.seek("d")
            assert cursor.key == b"b"


def test_after_closing_it_cannot_move() -> None:
    with boltcli.open(fixture("depth-4")) as db:
        cursor = db.cursor()
        cursor.first()
    for move in (cursor.first, cursor.last, cursor.next, cursor.prev, lambda: cursor.seek("a"), lambda: cursor.value):
        with pytest.raises(boltcli.DatabaseClosed):
            move()


def test_a_place_in_one_state_is_none_in_another(tmp_path: Path, walks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database may go on to another transaction: then steps go by the key."""
    monkeypatch.setattr(lookup, "_FEW", 1)
    path = tmp_path / "a.db"
    path.write_bytes(_tree(KEYS[:10], KEYS[10:]))
    other = tmp_path / "b.db"
    other.write_bytes(_tree([*KEYS[:5], b"009"], [b"0185", *KEYS[10:]]))
    with Snapshot(str(path)) as old, Snapshot(str(other)) as new:
        db = Database(old)
        bucket = db["b"]
        cursor = bucket.cursor()
        assert cursor.seek("008")
        db._file = new
        assert cursor.next()
        assert (cursor.key, cursor.value) == (b"009", b"009")
        assert cursor.next()
        assert cursor.key == b"0185"
        assert cursor.prev()
        assert cursor.key == b"009"
        db._file = old
        assert cursor.next()
        assert cursor.key == KEYS[5]
        assert cursor.seek(KEYS[10])
        db._file = new
        assert cursor.value == KEYS[10]  # which is at another place now


def test_an_ordered_database_verifies_what_it_steps_on(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(_tree([b"000", b"004", b"002"], KEYS[20:]))
    with Snapshot(str(path)) as snapshot:
        for ordered in (False, True):
            db = Database(snapshot, ordered=ordered)
            cursor = db["b"].cursor()
            assert cursor.seek(KEYS[25])
            for move in (cursor.first, lambda: cursor.seek("")):  # noqa: B023
                if ordered:
                    with pytest.raises(boltcli.Corrupted, match="out of order"):
                        move()
                else:
                    assert move()
