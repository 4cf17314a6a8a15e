"""The format, by hypothesis: what is laid out by the format's description is read back as it was."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import boltcli
from boltcli.errors import BoltError, Corrupted
from boltcli.format.page import BranchElements, LeafElements
from tests.fuzz.target import read_everything
from tests.support import as_page, fixture, freelist, page, pgid, small

KEYS = st.binary(min_size=1, max_size=20)
PAIRS = st.dictionaries(KEYS, st.binary(max_size=40), max_size=30).map(lambda pairs: sorted(pairs.items()))
U32 = st.integers(0, 2**32 - 1)


@pytest.mark.slow
@given(PAIRS)
def test_leaf_pages(pairs: list[tuple[bytes, bytes]]) -> None:
    content = page(3, 2, pairs)
    leaf = LeafElements(as_page(content))
    assert list(zip(leaf.keys(), leaf.values())) == pairs
    assert [(leaf.key(i), leaf.value(i)) for i in range(len(pairs))] == pairs


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_pages_of_one_size(ksize: int, vsize: int, count: int) -> None:
    pairs = [(index.to_bytes(ksize + 1, "big"), bytes([index % 256]) * vsize) for index in range(count)]
    content = page(3, 2, pairs, page_size=16384)
    leaf = LeafElements(as_page(content))
    assert leaf.keys() == [key for key, _ in pairs]


@given(st.dictionaries(KEYS, st.integers(0, 2**64 - 1), max_size=30))
def test_branch_pages(children: dict[bytes, int]) -> None:
    content = page(3, 1, [(key, pgid(child)) for key, child in children.items()])
    branch = BranchElements(as_page(content))
    assert dict(zip(branch.keys(), branch.pgids)) == children


@given(st.lists(st.integers(0, 2**64 - 1), max_size=100))
def test_freelists(ids: list[int]) -> None:
    content = freelist(2, ids)
    assert as_page(content).freelist_ids() == ids


@pytest.mark.slow
@given(st.lists(st.tuples(U32, U32, U32, U32), min_size=1, max_size=20), st.integers(0, 400))
def test_elements_with_any_numbers(elements: list[tuple[int, int, int, int]], room: int) -> None:
    """Whatever an element says, what is read lies in the page, or reading refuses."""
    content = bytes(16) + b"".join(struct.pack("<IIII", *element) for element in elements) + bytes(room)
    leaf = LeafElements(as_page(content, len(elements)))
    for read in (leaf.keys, leaf.values):
        try:
            items = read()
        except Corrupted:
            continue
        sizes = leaf.key_sizes if read == leaf.keys else leaf.value_sizes
        assert [len(item) for item in items] == sizes


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(PAIRS)
def test_whole_files(pairs: list[tuple[bytes, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "test.db")
        bucket = pgid(4) + pgid(7)
        path.write_bytes(small(freelist(2), page(3, 2, [(b"b", bucket, b"\1")]), page(4, 2, pairs)))
        with boltcli.open(path) as db:
            assert list(db.bucket(b"b").items()) == pairs
            assert db.bucket(b"b").sequence == 7
            assert list(db.check()) == []


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 255)), min_size=1, max_size=12))
def test_files_with_any_bytes_changed(changes: list[tuple[int, int]]) -> None:
    content = bytearray(fixture("inline").read_bytes())
    for position, byte in changes:
        content[position % len(content)] = byte
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "test.db")
        path.write_bytes(content)
        try:
            with boltcli.open(path) as db:
                list(db.check())
                list(db.check(deep=True))
                db.stats()
                for bucket in db.values():
                    if isinstance(bucket, boltcli.Bucket):
                        dict(bucket.pairs())
        except BoltError:
            pass


class Damage(RuleBasedStateMachine):
    """Fields of a sound file's pages are set one after the other; after each step every reader answers."""

    def __init__(self) -> None:
        super().__init__()
        self.content = bytearray(fixture("page-1024").read_bytes())
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "test.db")

    @rule(pgid=st.integers(2, 38), field=st.sampled_from(((0, "Q"), (8, "H"), (10, "H"), (12, "I"))), value=U32)
    def set_header(self, pgid: int, field: tuple[int, str], value: int) -> None:
        self._set(1024 * pgid + field[0], field[1], value)

    @rule(pgid=st.integers(2, 38), index=st.integers(0, 60), field=st.integers(0, 3), value=U32 | st.integers(0, 40))
    def set_element(self, pgid: int, index: int, field: int, value: int) -> None:
        self._set(1024 * pgid + 16 + 16 * index + 4 * field, "I", value)

    @rule(come_from=st.integers(2, 38), go_to=st.integers(2, 38))
    def copy_page(self, come_from: int, go_to: int) -> None:
        self.content[1024 * go_to : 1024 * go_to + 1024] = self.content[1024 * come_from : 1024 * come_from + 1024]

    def _set(self, offset: int, form: str, value: int) -> None:
        size = struct.calcsize(form)
        self.content[offset : offset + size] = struct.pack("<Q", value)[:size]

    @invariant()
    def everything_answers(self) -> None:
        read_everything(self.path, bytes(self.content))

    def teardown(self) -> None:
        self.folder.cleanup()


TestDamage = Damage.TestCase
TestDamage.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
TestDamage.pytestmark = [pytest.mark.slow]  # type: ignore[attr-defined]
