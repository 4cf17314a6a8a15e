"""`check --deep`, the warnings of `check`, and `keys --skip-damaged`, on files with one defect each."""

from __future__ import annotations

import struct
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import boltcli
from boltcli.errors import ArgumentError, Corrupted
from boltcli.storage.live import Live
from boltcli.storage.source import open_source
from tests.apps.support import STORES
from tests.live import held
from tests.support import DATABASES, error_line, fixture, freelist, meta, page, pgid, run, small

if TYPE_CHECKING:
    from boltcli.storage.source import Way


def bucket(root: int, sequence: int = 0) -> bytes:
    return pgid(root) + pgid(sequence)


def inline(*elements: tuple[bytes, ...], flags: int = 2, number: int = 0) -> bytes:
    """The value of an inline bucket."""
    content = page(number, flags, elements).rstrip(b"\0")
    size = 16 + sum(16 + len(element[0]) + len(element[1]) for element in elements)
    return bucket(0) + content.ljust(size, b"\0")


FREE = freelist(2)
ROOT = page(3, 2, [(b"b", bucket(4), b"\1")])
LEAF = page(4, 2, [(b"k1", b"v1"), (b"k2", b"v2")])


def changed(content: bytes, offset: int, form: str, value: int | bytes) -> bytes:
    copy = bytearray(content)
    struct.pack_into("<" + form, copy, offset, value)
    return bytes(copy)


def deep(folder: Path, content: bytes) -> list[str]:
    """The lines of `check --deep` that `check` doesn't have."""
    path = folder / "test.db"
    path.write_bytes(content)
    plain = run("check", path)[1].decode().splitlines()[:-1]
    status, out, err = run("check", "--deep", path)
    lines = out.decode().splitlines()
    assert status == (lines != ["OK"])
    assert status == 0 or b"Error: invalid value" in err.split(b"\n")
    assert lines[: len(plain)] == plain
    return lines[len(plain) : -1]


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_what_bbolt_writes_is_ok(path: Path) -> None:
    assert run("check", "--deep", path) == (0, b"OK\n", b"")


def test_what_the_tests_write_is_ok(tmp_path: Path) -> None:
    assert deep(tmp_path, small(FREE, ROOT, LEAF)) == []
    assert deep(tmp_path, small(FREE, page(3, 2, [(b"b", inline((b"k", b"v"), (b"l", b"")), b"\1")]))) == []


def first(lines: list[str]) -> str:
    assert len(lines) == 1, lines
    return lines[0]


PLACE = "(bucket: 'b', stack: [4])"
ELEMENTS = [
    (4 * 4096 + 16, "I", 2, f"page 4 at offset 16384: element 0 has the flags 2, expected 0 or 1 {PLACE}"),
    (4 * 4096 + 20, "I", 33, "element 0 has its data at byte 49 of the page, expected at 48"),
    (4 * 4096 + 20, "I", 200, "element 0 has its data at byte 216 of the page, expected at 48"),
    (4 * 4096 + 36, "I", 10, "element 1 has its data at byte 42 of the page, expected at 52"),
    (4 * 4096 + 44, "I", 5000, "element 1 ends beyond its page, at byte 5054 of it"),
    (4 * 4096 + 44, "I", 1, "there are bytes after its 2 elements, which end at byte 55 of the page"),
    (4 * 4096 + 4000, "B", 7, "there are bytes after its 2 elements, which end at byte 56 of the page"),
]  # fmt: skip


@pytest.mark.parametrize(("offset", "form", "value", "words"), ELEMENTS, ids=lambda value: str(value)[:20])
def test_elements(offset: int, form: str, value: int, words: str, tmp_path: Path) -> None:
    lines = deep(tmp_path, changed(small(FREE, ROOT, LEAF), offset, form, value))
    assert any(words in line and line.endswith(PLACE) for line in lines), lines


def test_both_meta_pages(tmp_path: Path) -> None:
    broken = changed(small(FREE, ROOT, LEAF), 16 + 16, "Q", 9)
    assert first(deep(tmp_path, broken)) == "meta page 0: it is not valid: checksum error"
    two = meta(0, root=4, hwm=5, txid=2) + meta(1, hwm=5, txid=3) + FREE + ROOT + LEAF
    assert first(deep(tmp_path, two)) == (
        "meta page 0: transaction 2, the one before, is damaged: 1 error, the first: page 3: unreachable unfreed"
    )
    both = meta(0, root=4, hwm=5, txid=2) + meta(1, root=4, hwm=5, txid=3) + FREE + ROOT + LEAF
    assert "meta page 0: transaction 2, the one before, is damaged too: 1 error, the first: page 3: " in "".join(
        deep(tmp_path, both)
    )
    # bbolt's Tx.WriteTo: the newer one on page 0, whatever its number.
    for newer, older in ((2, 3), (3, 2), (4, 5), (5, 4)):
        backup = meta(0, hwm=5, txid=newer) + meta(1, hwm=5, txid=older) + FREE + ROOT + LEAF
        assert deep(tmp_path, backup) == []
    far = meta(0, hwm=5, txid=2) + meta(1, hwm=5, txid=9) + FREE + ROOT + LEAF
    assert "is not next to 9" in first(deep(tmp_path, far))
    assert deep(tmp_path, meta(0, hwm=9) + meta(1, hwm=9) + FREE + ROOT + LEAF)[0] == (
        "meta page 1: its high-water mark is page 9, at offset 36864, and the file ends at 20480"
    )


@pytest.mark.parametrize("long", [False, True])
def test_a_freelist_ends_with_its_ids(long: bool, tmp_path: Path) -> None:
    assert deep(tmp_path, small(freelist(2, [5], long=long), ROOT, LEAF, LEAF)) == []
    end = 2 * 4096 + 16 + 8 * (1 + long)
    for at in (end, 3 * 4096 - 1):
        found = deep(tmp_path, changed(small(freelist(2, [5], long=long), ROOT, LEAF, LEAF), at, "B", 1))
        assert found == ["page 2: there are bytes after the freelist's ids"]


def test_who_owns_what(tmp_path: Path) -> None:
    two = page(3, 2, [(b"a", bucket(4), b"\1"), (b"b", bucket(5), b"\1")])
    run_over = page(4, 2, [(b"k", b"v" * 5000)], overflow=1)
    lines = deep(tmp_path, small(FREE, two, run_over[:4096], page(5, 2, [(b"k", b"")])))
    assert "page 5: in bucket 'a' and in bucket 'b' (stack: [5])" in lines
    assert "page 4: in the free pages and in bucket 'b' (stack: [4])" in deep(
        tmp_path, small(freelist(2, [4]), ROOT, LEAF)
    )
    assert "page 9: freed, expected one in [2, 5)" in deep(tmp_path, small(freelist(2, [9]), ROOT, LEAF))
    assert "page 2: freed, and it holds the freelist" in deep(tmp_path, small(freelist(2, [2]), ROOT, LEAF))
    lost = deep(tmp_path, small(FREE, ROOT, LEAF, page(5, 2, [(b"k", b"")]), bytes(4096)))
    assert "page 5: it has no owner, and looks like a leaf page of 1 elements, 1 pages long" in lost
    assert "page 6: it has no owner, and its type is unknown" in lost


def test_inline_buckets(tmp_path: Path) -> None:
    def found(value: bytes) -> str:
        return first(deep(tmp_path, small(FREE, page(3, 2, [(b"b", value, b"\1")]))))

    assert "element 0, bucket 'b': in its inline page, 1 bytes follow the last element" in found(
        inline((b"k", b"")) + b"\0"
    )
    assert "in its inline page, the keys are out of order" in found(inline((b"l", b""), (b"k", b"")))
    assert "its inline page holds a bucket" in found(inline((b"k", bucket(0) + bytes(16), b"\1")))
    assert "has the id 7" in found(inline((b"k", b""), number=7))


def test_the_shape_of_trees(tmp_path: Path) -> None:
    branch = page(4, 1, [(b"a", pgid(5)), (b"m", pgid(6))])
    lower = page(6, 1, [(b"m", pgid(7)), (b"q", pgid(8))])
    leaves = page(5, 2, [(b"a", b"")]), page(7, 2, [(b"m", b"")]), page(8, 2)
    lines = deep(tmp_path, small(FREE, ROOT, branch, leaves[0], lower, *leaves[1:]))
    assert (
        "page 7 at offset 28672: a leaf on level 3, the first one is on level 2 (bucket: 'b', stack: [4 6 7])" in lines
    )
    assert "page 8 at offset 32768: a leaf without elements below a branch page (bucket: 'b', stack: [4 6 8])" in lines


def test_deep_is_of_the_whole_file() -> None:
    status, _, err = run("check", "--deep", "--from-page", "3", fixture("inline"))
    assert (status, error_line(err)) == (
        1, b"--deep checks the whole file, --from-page a part: they can't be combined",
    )  # fmt: skip
    with boltcli.open(fixture("inline")) as db, pytest.raises(ArgumentError):
        db.check(3, deep=True)


# What `check` passes over, as bbolt does, it says on stderr.


def warnings(folder: Path, content: bytes) -> list[str]:
    path = folder / "test.db"
    path.write_bytes(content)
    _, _, err = run("check", path)
    return [line.removeprefix("warning: ") for line in err.decode().splitlines() if line.startswith("warning: ")]


def test_warnings(tmp_path: Path) -> None:
    sound = meta(0, hwm=5, txid=2) + meta(1, hwm=5, txid=3) + FREE + ROOT + LEAF
    assert warnings(tmp_path, sound) == []
    assert warnings(tmp_path, sound + bytes(8 * 4096)) == []  # bbolt makes files grow ahead of need
    newer = changed(sound, 4096 + 16 + 16, "Q", 9)
    assert first(warnings(tmp_path, newer)) == (
        "meta page 1 at offset 4096 is not valid (checksum error); it would be the newer one; "
        "transaction 2 is read instead of 3"
    )
    noise = changed(sound, 4096 + 16, "64s", b"not a meta page, but long text" * 3)
    assert first(warnings(tmp_path, noise)) == (
        "meta page 1 at offset 4096 is not valid (invalid database); there is no other state than that of transaction 2"
    )
    far = meta(0, hwm=1 << 60, txid=4) + meta(1, hwm=5, txid=3) + FREE + ROOT + LEAF
    assert first(warnings(tmp_path, far)) == (
        "the file is cut short: it has 20480 bytes, and its high-water mark is page 1152921504606846976"
    )
    snapshot = sound + sha256(sound).digest()
    assert warnings(tmp_path, snapshot) == []
    assert "are not the SHA-256 of the rest" in first(warnings(tmp_path, sound + bytes(31) + b"x"))
    assert "are not the SHA-256" in first(warnings(tmp_path, changed(snapshot, 4 * 4096 + 4000, "B", 7)))
    older = changed(sound, 16 + 16, "Q", 9)
    assert "no other state than that of transaction 3" in first(warnings(tmp_path, older))
    assert first(warnings(tmp_path, sound[:-4096])) == (
        "the file is cut short: it has 16384 bytes, and its high-water mark is page 5, at offset 20480"
    )
    assert "ends inside a page" in first(warnings(tmp_path, sound + bytes(100)))
    assert "data beyond the high-water mark" in first(warnings(tmp_path, sound + LEAF))
    assert "longer than necessary" in first(warnings(tmp_path, sound + bytes(17 << 20)))


def test_data_that_a_writer_may_be_adding(tmp_path: Path) -> None:
    """bbolt writes the pages of a transaction before its meta page, and a check without the lock sees them there."""
    path = tmp_path / "a.db"
    path.write_bytes(meta(0, hwm=5, txid=2) + meta(1, hwm=5, txid=3) + FREE + ROOT + LEAF + LEAF)

    def warned(*argv: str) -> str:
        status, out, err = run("check", path, *argv)
        assert (status, out) == (0, b"OK\n")
        return err.decode().splitlines()[-1]

    def copied(lock: Way) -> bool:
        with Live(open_source(str(path), lock)) as live, live.snapshot(copy=True) as copy, copy.reopened() as again:
            assert copy.may_have_writer == again.may_have_writer
            return copy.may_have_writer

    begins = "warning: there are data beyond the high-water mark, page 5, at offset 20480: "
    assert warned() == begins + "no transaction uses them"
    with held(path):
        assert warned("--lock=try") == begins + "a transaction that is being written may use them"
        assert copied("try")
    assert copied("none")
    assert not copied("try")


def test_data_are_looked_for_at_both_ends_of_what_follows(tmp_path: Path) -> None:
    sound = meta(0, hwm=5, txid=2) + meta(1, hwm=5, txid=3) + FREE + ROOT + LEAF
    look = 1 << 20

    def warned(size: int, at: int) -> bool:
        found = warnings(tmp_path, changed(sound + bytes(size), len(sound) + at, "B", 1))
        assert all("data beyond the high-water mark" in warning for warning in found)
        return bool(found)

    for size in (4096, look, look + 4096, 3 * look + 4096):
        assert warned(size, 0)
        assert warned(size, size - 1)
    size = 3 * look + 4096
    assert warned(size, look - 1)
    assert warned(size, size - look)
    assert not warned(size, look)
    assert not warned(size, size - look - 1)


def test_warnings_change_neither_stdout_nor_status(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    path.write_bytes(small(FREE, ROOT, LEAF) + LEAF)
    status, out, err = run("check", path)
    assert (status, out) == (0, b"OK\n")
    assert err.startswith(b"warning: ")


# Up to the damage, and beyond it when asked to.

BRANCH = page(4, 1, [(b"a", pgid(5)), (b"g", pgid(6)), (b"m", pgid(7))])


def three_leaves(folder: Path, middle: bytes) -> Path:
    path = folder / "test.db"
    leaves = page(5, 2, [(b"a", b"1"), (b"b", b"2")]), middle, page(7, 2, [(b"m", b"5"), (b"n", b"6")])
    path.write_bytes(small(FREE, ROOT, BRANCH, *leaves))
    return path


def test_keys_up_to_the_damage(tmp_path: Path) -> None:
    path = three_leaves(tmp_path, page(9, 2, [(b"g", b"3"), (b"h", b"4")]))
    status, out, err = run("keys", path, "b")
    assert (status, out) == (1, b"a\nb\n")
    assert error_line(err) == (
        b"page 6 at offset 24576: the page identifies itself as page 9 (bucket: 'b', stack: [4 6])"
    )


@pytest.mark.slow
def test_keys_of_a_page_up_to_the_damage(tmp_path: Path) -> None:
    middle = changed(page(6, 2, [(b"g", b"3"), (b"h", b"4"), (b"i", b"4")]), 16 + 16 + 8, "I", 1 << 20)
    path = three_leaves(tmp_path, middle)
    status, out, err = run("keys", path, "b")
    assert (status, out) == (1, b"a\nb\ng\n")
    assert error_line(err).startswith(b"page 6 at offset 24576: key 1 ends ")
    with boltcli.open(path) as db, pytest.raises(Corrupted) as caught:
        list(db.bucket(b"b"))
    assert caught.value.bucket == (b"b",)
    assert caught.value.page == 6


def test_keys_beyond_the_damage(tmp_path: Path) -> None:
    lost = three_leaves(tmp_path, page(9, 2, [(b"g", b"3"), (b"h", b"4")]))
    assert run("keys", "--skip-damaged", lost, "b") == (
        1, b"a\nb\nm\nn\n",
        b"warning: skipped page 6 at offset 24576: the page identifies itself as page 9 (bucket: 'b', stack: [4 6])\n"
        b"Error: 1 damaged place was skipped: keys may be missing\n",
    )  # fmt: skip
    middle = changed(page(6, 2, [(b"g", b"3"), (b"h", b"4"), (b"i", b"4")]), 16 + 16 + 8, "I", 1 << 20)
    status, out, err = run("keys", "--skip-damaged", three_leaves(tmp_path, middle), "b")
    assert (status, out) == (1, b"a\nb\ng\ni\nm\nn\n")
    assert b"skipped page 6 at offset 24576: key 1 ends " in err


def test_skipping_nothing_is_no_failure() -> None:
    for path in (fixture("after-deletes"), fixture("large-branch"), fixture("inline")):
        bucket_name = run("buckets", path)[1].split(b"\n")[0].decode()
        assert run("keys", "--skip-damaged", path, bucket_name) == run("keys", path, bucket_name)


def test_names_in_errors(tmp_path: Path) -> None:
    """A bucket's name may be any bytes; the error is one line all the same."""
    path = tmp_path / "test.db"
    path.write_bytes(small(FREE, page(3, 2, [(b"a\n\xff", bucket(4), b"\1")]), page(9, 2)))
    with boltcli.open(path) as db, pytest.raises(Corrupted) as caught:
        list(db.bucket(b"a\n\xff"))
    assert str(caught.value) == (
        "page 4 at offset 16384: the page identifies itself as page 9 (bucket: 'a\\n\\xff', stack: [4])"
    )


@pytest.mark.skipif(not STORES.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", ["etcd-3.6-k8s-snapshot", "storm-json", "etcd-3.6-k8s", "containerd-meta-v2.2.9"])
def test_healthy_backups_are_sound(name: str) -> None:
    assert run("check", "--deep", STORES / f"{name}.db") == (0, b"OK\n", b"")


@pytest.mark.parametrize(("root", "wrong"), [(1, True), (4, False), (5, True), (6, True)])
def test_root_pages_outside_the_database(tmp_path: Path, root: int, wrong: bool) -> None:
    top = page(3, 2, [(b"b", pgid(root) + pgid(0), b"\1")])
    content = small(freelist(2), top, page(4, 2, [(b"k", b"")]), page(5, 2, [(b"k", b"")]), hwm=5)
    words = f"its root is page {root}, expected one in [2, 5)"
    assert any(words in found for found in deep(tmp_path, content)) == wrong
