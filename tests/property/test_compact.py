"""Compaction, by hypothesis: chunks are what lists of pairs are, and a copy holds what its source holds."""

from __future__ import annotations

import tempfile
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import boltcli
from boltcli.ops.write.compact import leaf_slices as chunks
from boltcli.ops.write.compact.free_runs import FreeRuns
from tests.support import freelist, page, pgid, small

PAIRS = st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.binary(max_size=40)), min_size=1, max_size=40)
UNIFORM = st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(min_size=7, max_size=7)), min_size=1)


def as_chunk(pairs: list[tuple[bytes, bytes]]) -> chunks.Chunk:
    """The pairs as they stand on a leaf page."""
    content = page(9, 2, pairs)
    table, count = 16, len(pairs)
    length = sum(len(key) + len(value) for key, value in pairs)
    return content, table, count, table + 16 * count, length


def pairs_of(chunk: chunks.Chunk) -> list[tuple[bytes, bytes]]:
    """Read back by the format's description: through a page made of the chunk."""
    content = b"".join(chunks.leaf_page(7, 0, chunk[2], [chunk]))
    found = []
    for index in range(chunk[2]):
        at = 16 + 16 * index
        pos, ksize, vsize = (int.from_bytes(content[at + place : at + place + 4], "little") for place in (4, 8, 12))
        start = at + pos
        found.append((content[start : start + ksize], content[start + ksize : start + ksize + vsize]))
    return found


@given(PAIRS, st.data())
def test_cut_and_joined_again(pairs: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    rest = as_chunk(pairs)
    parts = []
    while rest[2] > 1 and data.draw(st.booleans()):
        front, rest = chunks.cut(rest, data.draw(st.integers(1, rest[2] - 1)))
        parts.append(front)
    parts.append(rest)
    assert [pair for part in parts for pair in pairs_of(part)] == pairs
    assert b"".join(chunks.leaf_page(9, 0, len(pairs), parts)) == page(9, 2, pairs)[: 16 + 16 * len(pairs) + sum(
        len(key) + len(value) for key, value in pairs
    )]  # fmt: skip
    assert [chunks.first_key(part) for part in parts] == [pairs_of(part)[0][0] for part in parts]


@given(PAIRS | UNIFORM, st.integers(-5, 3000), st.sampled_from([0, 16]))
def test_how_many_fit(pairs: list[tuple[bytes, bytes]], room: int, header: int) -> None:
    ends = list(accumulate(len(key) + len(value) + header for key, value in pairs))
    assert chunks.fit(as_chunk(pairs), room, header) == sum(end <= room for end in ends)


@given(PAIRS)
def test_made_of_columns(pairs: list[tuple[bytes, bytes]]) -> None:
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    made = chunks.elements([0] * len(pairs), keys, values)
    assert pairs_of(made) == pairs
    headers = made[0][: 16 * len(pairs)]
    assert chunks.layout(bytes(headers), len(pairs)) == (made[4], 0)


@given(PAIRS, st.integers(0, 10**6), st.integers(1, 2**32 - 1))
def test_any_other_number_in_a_table_is_noticed(pairs: list[tuple[bytes, bytes]], place: int, change: int) -> None:
    """A layout is accepted only if it is bbolt's own; all that may differ is where a key ends and its value begins."""
    content = as_chunk(pairs)[0]
    table = bytearray(content[16 : 16 + 16 * len(pairs)])
    at = 4 * (place % (len(table) // 4))
    value = int.from_bytes(table[at : at + 4], "little") ^ change
    table[at : at + 4] = value.to_bytes(4, "little")
    laid = chunks.layout(bytes(table), len(pairs))
    field = at % 16 // 4
    if field == 0:
        assert laid is None or value == 1
    elif field == 1 or at < len(table) - 16:
        assert laid is None
    else:  # of the last element, the sizes alone say where the data ends
        sizes = [int.from_bytes(table[-8 + step : -4 + step or None], "little") for step in (0, 4)]
        data = sum(len(key) + len(value) for key, value in pairs[:-1])
        assert laid == ((data + sum(sizes), 0) if 1 <= sizes[0] <= 32768 else None)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=60))
def test_free_pages_against_a_plain_list(steps: list[tuple[bool, int]]) -> None:
    """bbolt's array freelist: the first place where so many ids follow each other."""
    runs, plain, pending = FreeRuns(), list[int](), list[int]()
    top = 2
    used: list[tuple[int, int]] = []
    for allocate, pages in steps:
        if allocate or not used:
            expected = next((p for p in plain if all(p + n in plain for n in range(pages))), 0)
            assert runs.allocate(pages) == expected
            if expected:
                plain = [p for p in plain if not expected <= p < expected + pages]
            used.append((expected or top, pages))
            top += 0 if expected else pages
        else:
            start, count = used.pop(len(used) // 2)
            runs.release(start, count)
            pending += range(start, start + count)
        if pages == 4:
            runs.begin()
            plain, pending = sorted(plain + pending), []
        assert runs.ids() == sorted(plain + pending)
        assert (runs.count, runs.pending_count) == (len(plain), len(pending))


NAMES = st.binary(min_size=1, max_size=6)
VALUES = st.binary(max_size=20) | st.integers(0, 6000).map(bytes)
# A page has room for so many of them.
TREES = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=6), max_size=6)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(TREES, st.sampled_from([0, 1, 40, 65536]), st.sampled_from([1024, 4096, 65536]))
def test_copies(tree: dict[bytes, dict[bytes, bytes]], tx_max_size: int, page_size: int) -> None:
    pages, elements = [], []
    at = 4
    for sequence, (name, pairs) in enumerate(sorted(tree.items())):
        elements.append((name, pgid(at) + pgid(sequence), b"\1"))
        size = 16 + sum(16 + len(key) + len(value) for key, value in pairs.items())
        overflow = (size - 1) // 4096
        pages.append(page(at, 2, sorted(pairs.items()), overflow=overflow))
        at += overflow + 1
    with tempfile.TemporaryDirectory() as folder:
        source, plain, dense = (Path(folder, name) for name in ("source", "plain", "dense"))
        source.write_bytes(small(freelist(2), page(3, 2, elements), *pages))
        boltcli.compact(source, plain, tx_max_size=tx_max_size, page_size=page_size, sync=False)
        boltcli.compact(source, dense, dense=True, page_size=page_size, sync=False)
        assert dense.stat().st_size <= plain.stat().st_size
        for copy in (plain, dense):
            with boltcli.open(copy) as db:
                assert list(db.check()) == []
                found = {name: bucket for name, bucket in db.items() if isinstance(bucket, boltcli.Bucket)}
                assert {name: dict(bucket) for name, bucket in found.items()} == tree
                assert [bucket.sequence for bucket in found.values()] == list(range(len(tree)))
