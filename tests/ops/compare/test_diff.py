"""``diff``: what it finds, what it may pass over, and what it must not."""

from __future__ import annotations

import itertools
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boltcli.errors import BucketNotFound, Corrupted
from boltcli.format.page import BranchElements, Page
from boltcli.ops.compare.change import Change
from boltcli.ops.compare.diff import diff
from boltcli.storage.snapshot import Snapshot
from tests.live import Writer
from tests.states import Content, State, database
from tests.support import DATABASES, fixture, page, pgid, small

NAMES = st.one_of(st.sampled_from([b"a", b"b", b"c", b"\xff\0"]), st.binary(min_size=1, max_size=3))
VALUES = st.one_of(st.binary(max_size=4), st.integers(900, 3000).map(lambda size: bytes([size % 251]) * size))
BUCKETS: st.SearchStrategy[Content] = st.recursive(
    st.dictionaries(NAMES, VALUES, max_size=12),
    lambda inner: st.dictionaries(NAMES, st.one_of(VALUES, st.tuples(st.integers(0, 3), inner)), max_size=6),
    max_leaves=10,
)
TOPS = st.dictionaries(NAMES, st.tuples(st.integers(0, 2**64 - 1), BUCKETS), max_size=4)


def changes(old: Path, new: Path, *bucket: bytes, **how: bytes) -> list[Change]:
    with Snapshot(str(old)) as before, Snapshot(str(new)) as after:
        return list(diff(before, after, bucket, **how))  # type: ignore[arg-type]


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(TOPS, TOPS, st.sampled_from([(1024, 1024), (4096, 4096), (4096, 1024), (1024, 16384)]))
def test_random_pairs(
    tmp_path_factory: pytest.TempPathFactory, old: Content, new: Content, sizes: tuple[int, int]
) -> None:
    folder = tmp_path_factory.mktemp("diff")
    first, second = database(folder / "a", old, sizes[0]), database(folder / "b", new, sizes[1])
    before, after = State.of(first), State.of(second)
    found = changes(first, second)
    assert State.of(first).apply(found) == after
    back = changes(second, first)
    assert State.of(second).apply(back) == before
    if not ({(*way, key) for way, key in before.pairs} & after.buckets.keys()) and not (
        {(*way, key) for way, key in after.pairs} & before.buckets.keys()
    ):
        assert len(found) == before.count(after)
        places = [(*change.bucket, change.key) for change in found if change.key is not None]
        assert places == sorted(places)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_edited_copies(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes of leaf pages written over in place: what is shared is everything else."""
    path = data.draw(st.sampled_from([path for path in DATABASES if path.stem in ("depth-4", "values", "document")]))
    content = bytearray(path.read_bytes())
    before = State.of(path)
    edited = []
    for place in data.draw(st.lists(st.sampled_from(sorted(before.pairs)), min_size=1, max_size=5, unique=True)):
        value = before.pairs[place]
        if len(value) < 24 or place[1] in value:
            continue
        edited.append(place)
        at = -1
        # Wherever it stands, in free pages too.
        while (at := content.find(place[1] + value, at + 1)) >= 0:
            content[at + len(place[1])] ^= 0x55
    copy = tmp_path_factory.mktemp("edited") / "db"
    copy.write_bytes(content)
    found = changes(path, copy)
    assert State.of(path).apply(found) == State.of(copy)
    assert {(change.bucket, change.key) for change in found} >= set(edited)


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_the_same_file_twice(path: Path, tmp_path: Path) -> None:
    assert changes(path, Path(shutil.copy(path, tmp_path / "copy"))) == []


def test_files_of_one_program() -> None:
    one, two = fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")
    before, after = State.of(one), State.of(two)
    found = changes(one, two)
    assert len(found) == before.count(after) > 3000
    assert State.of(one).apply(found) == after


def branch(number: int, *children: tuple[bytes, int]) -> bytes:
    return page(number, 1, [(key, pgid(child)) for key, child in children])


def bucket_element(root: int, sequence: int = 0) -> tuple[bytes, bytes, bytes]:
    return b"bucket", pgid(root) + pgid(sequence), b"\1"


FREE = page(2, 0x10)


def test_a_parent_that_came_out_the_same_proves_nothing(tmp_path: Path) -> None:
    """A leaf was freed and written anew at its old place, under a branch page and a root with the same bytes."""
    upper = [FREE, page(3, 2, [bucket_element(4)]), branch(4, (b"a", 5), (b"m", 6))]
    last = page(6, 2, [(b"m", b"1")])
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(small(*upper, page(5, 2, [(b"a", b"1")]), last))
    new.write_bytes(small(*upper, page(5, 2, [(b"a", b"2")]), last))
    assert changes(old, new) == [Change("change", (b"bucket",), b"a", b"1", b"2")]
    # The same of the leaf that holds the bucket: it names the root page of a tree that changed.
    old.write_bytes(small(*upper[:2], page(4, 2, [(b"a", b"1"), (b"b", b"")])))
    new.write_bytes(small(*upper[:2], page(4, 2, [(b"a", b"2")])))
    assert [change.op for change in changes(old, new)] == ["change", "remove"]
    # And of the overflow pages of a leaf whose first page is the same.
    run = page(4, 2, [(b"a", bytes(9000))], overflow=2)
    old.write_bytes(small(*upper[:2], run))
    new.write_bytes(small(*upper[:2], run[:-5000] + b"x" + run[-4999:]))
    assert len(changes(old, new)) == 1


def test_equal_pages_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upper = [FREE, page(3, 2, [bucket_element(4)]), branch(4, (b"a", 5), (b"m", 6), (b"x", 7))]
    leaves = [page(5, 2, [(b"a", b"1")]), page(6, 2, [(b"m", b"1")]), page(7, 2, [(b"x", b"1")])]
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(small(*upper, *leaves))
    new.write_bytes(small(*upper, leaves[0], page(6, 2, [(b"m", b"2")]), leaves[2]))
    opened: list[int] = []
    genuine = Snapshot.page

    def spied(self: Snapshot, number: int, *rest: object, **more: bool) -> object:
        opened.append(number)
        return genuine(self, number, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Snapshot, "page", spied)
    assert len(changes(old, new)) == 1
    assert {5, 7}.isdisjoint(opened)
    assert 6 in opened


def test_a_branch_page_of_both_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upper = [FREE, page(3, 2, [bucket_element(4)]), branch(4, (b"a", 5), (b"m", 6))]
    path = tmp_path / "a"
    path.write_bytes(small(*upper, page(5, 2, [(b"a", b"1")]), page(6, 2, [(b"m", b"1")])))
    parsed: list[int] = []

    class Counted(BranchElements):
        def __init__(self, page: Page) -> None:
            parsed.append(page.pgid)
            super().__init__(page)

    monkeypatch.setattr("boltcli.ops.compare.diff.BranchElements", Counted)
    copy = tmp_path / "b"
    shutil.copy(path, copy)
    assert changes(path, copy) == []
    assert parsed == [4]


@pytest.mark.parametrize("again", [5, 6])
def test_a_page_that_both_skip_twice_is_damage(again: int, tmp_path: Path) -> None:
    """A leaf can't be in two places; with one of them below another branch page neither."""
    upper = [FREE, page(3, 2, [bucket_element(4)]), branch(4, (b"a", 7), (b"m", 8))]
    leaves = [page(5, 2, [(b"a", b"1")]), page(6, 2, [(b"m", b"1")])]
    lower = [branch(7, (b"a", 5), (b"b", again)), branch(8, (b"m", 6))]
    path, copy = tmp_path / "a", tmp_path / "b"
    path.write_bytes(small(*upper, *leaves, *lower))
    shutil.copy(path, copy)
    with pytest.raises(Corrupted, match=f"page {again} .*referenced more than once"):
        changes(path, copy)


def test_the_last_transaction(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    for _ in range(3):
        writer.commit()
        with Snapshot(str(writer.path), previous=True) as old, Snapshot(str(writer.path)) as new:
            found = list(diff(old, new, same_file=True))
        number, before = b"%d" % writer.txid, b"%d" % (writer.txid - 1)
        assert found == [Change("change", (name,), b"n", before, number) for name in (b"data", b"more")]


def test_shared_pages_of_one_file_are_not_read(tmp_path: Path) -> None:
    """What both transactions reach may be in any condition."""
    path = tmp_path / "db"
    writer = Writer(path)
    with path.open("r+b") as file:
        file.seek(10 * 4096)
        file.write(b"\xff" * 4096)  # the bucket "pad"
    writer.commit()
    with Snapshot(str(path), previous=True) as old, Snapshot(str(path)) as new:
        assert len(list(diff(old, new, same_file=True))) == 2


def test_leaves_split_and_join(tmp_path: Path) -> None:
    """Wherever leaves begin and end, and however high the trees are, equal pages are found again."""
    keys = [b"%04d" % number for number in range(300)]
    one = database(tmp_path / "a", {b"t": (0, dict.fromkeys(keys, b"v" * 30))}, 1024)
    for missing in (keys[:1], keys[100:101], keys[50:250], keys[-1:], keys[10:290:2], keys):
        other = database(tmp_path / "b", {b"t": (0, {key: b"v" * 30 for key in keys if key not in missing})}, 1024)
        assert [change.key for change in changes(one, other)] == missing
        assert [change.key for change in changes(other, one)] == missing
        (tmp_path / "b").unlink()


def test_parts(tmp_path: Path) -> None:
    inner: Content = {b"%02d" % number: b"x" for number in range(60)}
    one = database(tmp_path / "a", {b"t": (1, {b"in": (0, inner), b"k": b"1"}), b"u": (0, {b"k": b"1"})}, 1024)
    other: Content = dict.fromkeys(inner, b"y")
    two = database(tmp_path / "b", {b"t": (2, {b"in": (0, other), b"k": b"2"}), b"v": (0, {})}, 1024)
    assert len(changes(one, two, b"t")) == 62
    assert len(changes(one, two, b"t", b"in")) == 60
    assert [change.key for change in changes(one, two, b"t", b"in", start=b"10", stop=b"13")] == [b"10", b"11", b"12"]
    assert changes(one, two, b"u") == [Change("remove", (b"u",), b"k", b"1"), Change("remove", (b"u",))]
    assert changes(one, two, b"v") == [Change("add", (b"v",))]
    assert [change.bucket[0] for change in changes(one, two, start=b"u")] == [b"u", b"u", b"v"]
    with pytest.raises(BucketNotFound):
        changes(one, two, b"nosuch")


def test_a_pair_that_became_a_bucket(tmp_path: Path) -> None:
    one = database(tmp_path / "a", {b"t": (0, {b"k": b"1", b"l": (7, {b"x": b"1"})})})
    two = database(tmp_path / "b", {b"t": (0, {b"k": (7, {b"x": b"1"}), b"l": b"1"})})
    assert changes(one, two) == [
        Change("remove", (b"t",), b"k", b"1"),
        Change("add", (b"t", b"k")),
        Change("change", (b"t", b"k"), None, 0, 7),
        Change("add", (b"t", b"k"), b"x", None, b"1"),
        Change("remove", (b"t", b"l"), b"x", b"1"),
        Change("remove", (b"t", b"l")),
        Change("add", (b"t",), b"l", None, b"1"),
    ]


def test_deep_nests(tmp_path: Path) -> None:
    def nest(depth: int, value: bytes) -> Content:
        content: Content = {b"k": value}
        for _ in range(depth):
            content = {b"b": (0, content)}
        return content

    one, two = database(tmp_path / "a", nest(300, b"1")), database(tmp_path / "b", nest(300, b"2"))
    assert changes(one, two) == [Change("change", (b"b",) * 300, b"k", b"1", b"2")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["depth-4", "document", "large-branch", "nested-8"])
def test_damage_ends_in_an_error_or_an_answer(name: str, tmp_path: Path) -> None:
    """Pages that lead back to where they came from, and others that can't be what they should be."""
    sound = fixture(name).read_bytes()
    with Snapshot(str(fixture(name))) as snapshot:
        size, root = snapshot.page_size, snapshot.meta.root
    damaged = tmp_path / "db"
    failed = differed = 0
    for number, what in itertools.product(range(2, min(len(sound) // size, 12)), range(5)):
        content = bytearray(sound)
        at = number * size
        if what < 3:
            for field in range(at + 16, at + 160, 8):
                content[field : field + 8] = struct.pack("<Q", (root, number, 1 << 40)[what])
        elif what == 3:
            content[at + 10 : at + 12] = b"\xff\xff"
        else:
            content[at : at + size] = bytes(size)
        damaged.write_bytes(content)
        for pair in ((fixture(name), damaged), (damaged, fixture(name)), (damaged, damaged)):
            try:
                found = changes(*pair)
            except Corrupted:
                failed += 1
            else:
                assert not found or pair != (damaged, damaged)
                differed += bool(found)
    assert failed
    assert failed + differed < 3 * 50


def test_pages_are_compared_in_whole_chunks_and_in_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boltcli.ops.compare.diff._CHUNK", 4096)
    test_a_parent_that_came_out_the_same_proves_nothing(tmp_path)
