"""The stream of content: its order, and that a writer makes the same file however the pairs are grouped."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import boltcli
from boltcli.errors import ArgumentError, Corrupted
from boltcli.format.constants import MAX_KEY_SIZE
from boltcli.ops.read.content import LEAVE, Enter, Leave, Misplaced, Pairs, content, in_order, write
from boltcli.ops.write.dense import DenseWriter
from boltcli.ops.write.load import load
from boltcli.ops.write.pager import BboltFile
from boltcli.ops.write.transactions import BboltRefuses, BboltWriter
from boltcli.storage.snapshot import Snapshot
from tests.compat.goldens import sha256
from tests.support import fixture, freelist, page, pgid, run, small

Event = Enter | Pairs | Leave

ROOT_PAGE = page(3, 2, [(b"bucket", pgid(4) + pgid(0), b"\1")])


def pairs(*keys: bytes) -> Pairs:
    return Pairs(list(keys), [b""] * len(keys))


REFUSED: dict[str, tuple[list[Event], int]] = {
    "keys that descend": ([pairs(b"b", b"a")], 1),
    "a key twice": ([pairs(b"a", b"b", b"b")], 2),
    "a key of the stretch before": ([pairs(b"a", b"b"), pairs(b"b")], 0),
    "a key before a bucket": ([Enter(b"b", 0), LEAVE, pairs(b"a")], 0),
    "a bucket before a key": ([pairs(b"b"), Enter(b"a", 0)], 0),
    "a bucket twice": ([Enter(b"a", 0), pairs(b"z"), LEAVE, Enter(b"a", 0)], 0),
    "no key": ([pairs(b"", b"a")], 0),
    "no name": ([Enter(b"", 0)], 0),
    "a long key": ([pairs(b"a", b"b" * (MAX_KEY_SIZE + 1), b"c")], 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_stand_there(name: str) -> None:
    events, index = REFUSED[name]
    passed: list[Event] = []
    with pytest.raises(Misplaced) as caught:
        passed += in_order(events)
    assert caught.value.index == index


def test_what_can() -> None:
    events: list[Event] = [
        pairs(b"a", b"b" * MAX_KEY_SIZE),
        Enter(b"c", 0),
        pairs(b"a"),
        Enter(b"b", 1),
        LEAVE,
        LEAVE,
        pairs(b"d"),
    ]
    assert list(in_order(events)) == events


def _one_by_one(events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Pairs):
            yield from map(Pairs, ([key] for key in event.keys), ([value] for value in event.values))
        else:
            yield event


def _many_at_once(events: Iterator[Event]) -> Iterator[Event]:
    keys: list[bytes] = []
    values: list[bytes | memoryview] = []
    for event in events:
        if isinstance(event, Pairs):
            keys += event.keys
            values += event.values
            continue
        if keys:
            yield Pairs(keys, values)
            keys, values = [], []
        yield event


@pytest.mark.slow
@pytest.mark.parametrize("name", ["depth-4", "nested-8", "values"])
@pytest.mark.parametrize("limit", [None, -1, 0, 100, 5000], ids=str)
def test_the_file_is_the_same_however_pairs_are_grouped(name: str, limit: int | None, tmp_path: Path) -> None:
    written = set()
    for group in (iter, _one_by_one, _many_at_once):
        fd = os.open(tmp_path / "copy", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        writer = DenseWriter(fd, 1024) if limit is None else BboltWriter(BboltFile(fd, 1024), limit)
        with Snapshot(str(fixture(name))) as snapshot:
            counts = write(group(content(snapshot)), writer)
        os.close(fd)
        written.add((sha256(tmp_path / "copy"), writer.size, writer.transactions, *counts))
    assert len(written) == 1


def test_keys_in_any_order_are_put_at_their_places(tmp_path: Path) -> None:
    """Stretches that ascend, at the end or before it, and such that don't: the same as one by one."""
    source = random.Random(5)
    keys = [b"%05d" % number for number in source.sample(range(100_000), 4000)]
    cuts = sorted(source.sample(range(1, 4000), 300))
    events: list[Event] = [Enter(b"b", 0)]
    for start, stop in pairwise([0, *cuts, 4000]):
        part = keys[start:stop]
        events.append(pairs(*sorted(part)) if start % 2 else pairs(*part))
    hashes = set()
    for stream in (events, [*_one_by_one(iter(events))]):
        fd = os.open(tmp_path / "copy", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        write([*stream, LEAVE], BboltWriter(BboltFile(fd, 1024), 3000))
        os.close(fd)
        hashes.add(sha256(tmp_path / "copy"))
    assert len(hashes) == 1
    with boltcli.open(tmp_path / "copy") as db:
        assert list(db.check()) == []
        assert list(db.bucket("b")) == sorted(keys)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([Enter(b"a", 0), LEAVE, Enter(b"a", 0)], "bucket already exists"),
        ([pairs(b"a"), Enter(b"a", 0)], "incompatible value"),
        ([Enter(b"a", 0), LEAVE, pairs(b"a")], "incompatible value"),
        ([pairs(b"b", b"")], "key required"),
        ([pairs(b"b" * 40000)], "key too large"),
        ([Enter(b"", 0)], "bucket name required"),
    ],
    ids=range(6),
)
def test_what_bbolt_refuses(events: list[Event], words: str, tmp_path: Path) -> None:
    fd = os.open(tmp_path / "copy", os.O_RDWR | os.O_CREAT)
    with pytest.raises(BboltRefuses, match=words):
        write(events, BboltWriter(BboltFile(fd, 4096), 0))
    os.close(fd)


def test_a_row_that_is_wrong_comes_before_a_line_that_is(tmp_path: Path) -> None:
    def parts() -> Iterator[tuple[tuple[bytes, ...], Pairs]]:
        yield from (((b"b",), pairs(key)) for key in (b"b", b"a", b"c"))
        raise ArgumentError("line 4: not JSON")

    with pytest.raises(ArgumentError, match="row 2: the key b'a' must come after"):
        load(parts(), str(tmp_path / "db"), page_size=4096)


@pytest.mark.parametrize("changes", ["", '{"op":"remove","bucket":["bucket"],"key":"x","old":"v"}\n'])
def test_a_database_that_is_out_of_order_is_not_patched(changes: str, tmp_path: Path) -> None:
    """Nor if the changes remove the key that is out of place: they were applied to another database."""
    leaf = page(4, 2, [(key, b"v") for key in (b"a", b"b", b"x", b"d", b"z")])
    (tmp_path / "bad.db").write_bytes(small(freelist(2), ROOT_PAGE, leaf))
    (tmp_path / "changes").write_text(changes)
    status, _, err = run("patch", "-o", tmp_path / "out.db", tmp_path / "bad.db", tmp_path / "changes")
    assert (status, (tmp_path / "out.db").exists()) == (1, False)
    assert b"must come after the one before it" in err


def test_values_that_overlap_are_not_copied(tmp_path: Path) -> None:
    """Three elements of one value: read as views of the file."""
    leaf = bytearray(page(4, 2, [(b"a", b""), (b"b", b""), (b"c", b"v" * 3000)]))
    for index in (0, 1):
        leaf[16 + 16 * index + 12 : 16 + 16 * index + 16] = (3000).to_bytes(4, "little")
    (tmp_path / "a.db").write_bytes(small(freelist(2), ROOT_PAGE, bytes(leaf)))
    with Snapshot(str(tmp_path / "a.db")) as snapshot:
        events = list(content(snapshot))
        values = [value for event in events if isinstance(event, Pairs) for value in event.values]
        assert [type(value) for value in values] == [memoryview] * 3
        assert bytes(values[0])[2:] == b"v" * 2998
        del events, values


def test_what_is_refused_before_damage_is_said_first(tmp_path: Path) -> None:
    """Of two elements of one page that can't be copied the first one decides, as in bbolt."""
    leaf = bytearray(page(4, 2, [(b"a", b"1"), (b"b", b"2")]))
    leaf[16 + 16 + 12 : 16 + 16 + 16] = (1 << 20).to_bytes(4, "little")
    (tmp_path / "a.db").write_bytes(small(freelist(2), ROOT_PAGE, bytes(leaf)))
    found: list[Event] = []
    with Snapshot(str(tmp_path / "a.db")) as snapshot, pytest.raises(Corrupted, match="value 1 ends"):
        found += content(snapshot)
    with Snapshot(str(tmp_path / "a.db")) as snapshot:
        events = content(snapshot)
        next(events)
        first = next(events)
        assert isinstance(first, Pairs)
        assert first.keys == [b"a"]


def test_buckets_in_inline_ones_are_always_looked_up(tmp_path: Path) -> None:
    """No check looks at the order of their keys; bbolt doesn't find this one."""
    inside = page(0, 2, [(b"z", b"1"), (b"a", bytes(16) + page(0, 2)[:16], b"\1")])[:100]
    (tmp_path / "a.db").write_bytes(small(freelist(2), page(3, 2, [(b"in", bytes(16) + inside, b"\1")])))
    with Snapshot(str(tmp_path / "a.db")) as snapshot, pytest.raises(Corrupted, match="cannot be found by its name"):
        list(content(snapshot, is_sound=True))
