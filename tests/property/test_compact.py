"""Compaction, by hypothesis: pages, free pages, and a copy that holds what its source holds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import boltcli
from boltcli.format.encode import leaf_page
from boltcli.ops.write.pager import Space
from tests.support import freelist, page, pgid, small

PAIRS = st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.binary(max_size=40)), min_size=1, max_size=40)


@pytest.mark.slow
@given(PAIRS, st.lists(st.booleans(), min_size=40, max_size=40))
def test_a_leaf_page_is_laid_out_as_bbolt_does_it(pairs: list[tuple[bytes, bytes]], buckets: list[bool]) -> None:
    flags = [int(flag) for flag, _ in zip(buckets, pairs)]
    made = b"".join(leaf_page(9, 2, flags, [key for key, _ in pairs], [value for _, value in pairs]))
    whole = page(9, 2, [(key, value, bytes([flag])) for (key, value), flag in zip(pairs, flags)], overflow=2)
    assert whole == made.ljust(len(whole), b"\0")


@pytest.mark.slow
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=60))
def test_free_pages_against_a_plain_list(steps: list[tuple[bool, int]]) -> None:
    """bbolt's array freelist: the first place where so many ids follow each other."""
    space, plain, pending = Space(1024, 2, 2048), list[int](), list[int]()
    used: list[tuple[int, int]] = []
    for allocate, pages in steps:
        if allocate or not used:
            top = space.hwm
            expected = next((p for p in plain if all(p + n in plain for n in range(pages))), top)
            assert space.allocate(pages) == expected
            assert space.hwm == (top + pages if expected == top else top)
            plain = [p for p in plain if not expected <= p < expected + pages]
            used.append((expected, pages))
        else:
            start, count = used.pop(len(used) // 2)
            space.release(start, count)
            pending += range(start, start + count)
        if pages == 4:
            space.begin()
            plain, pending = sorted(plain + pending), []
        free = [page for start, length in space.free_runs() for page in range(start, start + length)]
        assert free == sorted(plain + pending)


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
