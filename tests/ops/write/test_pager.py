"""How a written file grows and which pages are free, as in bbolt's db.go and freelist; impossible meta pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from boltcli.errors import UnreadablePage
from boltcli.format.meta import Meta
from boltcli.ops.write.compact import _source_findings
from boltcli.ops.write.page_surgery import clear_elements, nonsense, revert_meta
from boltcli.ops.write.pager import Space, mmap_size
from boltcli.storage.raw import RawFile
from boltcli.storage.snapshot import Snapshot
from tests.support import freelist, meta, page, pgid, small

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("size", "mapped"),
    [
        (1, 32768), (32768, 32768), (32769, 65536), (65537, 131072), (GIB // 2 + 1, GIB), (GIB, GIB),
        (GIB + 1, 2 * GIB), (2 * GIB, 2 * GIB), (2 * GIB + 1, 3 * GIB),
    ],
)  # fmt: skip
def test_the_size_of_the_map(size: int, mapped: int) -> None:
    assert mmap_size(size, 4096) == mapped


def test_the_size_of_the_map_is_whole_pages() -> None:
    assert mmap_size(GIB + 1, 3 * 4096) == -(-2 * GIB // 12288) * 12288


def test_free_runs_are_joined_and_the_first_one_that_fits_is_taken() -> None:
    space = Space(4096, 20, 20 * 4096)
    for start, length in ((9, 1), (4, 2), (6, 1), (12, 3)):
        space.release(start, length)
    assert space.free_runs() == [(4, 3), (9, 1), (12, 3)]
    assert space.allocate(1) == 20  # not before the next transaction
    space.begin()
    assert [space.allocate(pages) for pages in (2, 2, 1, 1, 1, 1)] == [4, 12, 6, 9, 14, 21]
    assert space.free_runs() == []


def file_of(tmp_path: Path, *pages: bytes, **fields: int) -> RawFile:
    path = tmp_path / "db"
    path.write_bytes(small(freelist(2), *pages, **fields))
    return RawFile(str(path))


LEAF = page(3, 2, [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")])
NO_LIST = 0xFFFFFFFFFFFFFFFF


@pytest.mark.parametrize(
    ("fields", "why", "far"),
    [
        ({}, None, None),
        ({"page_size": 128}, "a page size of 128", None),
        ({"page_size": 256}, "a root page 3, which is not such a page", None),
        ({"page_size": 4095}, "a page size of 4095", None),
        ({"page_size": 1 << 24}, *["a root page 3, which is beyond the end of the file"] * 2),
        ({"page_size": 1 << 25}, "a page size of 33554432", None),
        ({"root": 1}, "a root page 1, with a high-water mark of 4", None),
        ({"root": 2}, "a root page 2, which is not such a page", None),
        ({"root": 4}, *["a root page 4, with a high-water mark of 4"] * 2),
        ({"root": 4, "hwm": 5}, *["a root page 4, which is beyond the end of the file"] * 2),
        ({"freelist": 3}, "a freelist page 3, which is not such a page", None),
        ({"freelist": 9}, *["a freelist page 9, with a high-water mark of 4"] * 2),
        ({"freelist": NO_LIST}, None, None),
    ],
)
def test_impossible_meta_pages(tmp_path: Path, fields: dict[str, int], why: str | None, far: str | None) -> None:
    with file_of(tmp_path, LEAF) as file:
        made = Meta.at(meta(0, **fields), 0)
        assert (nonsense(file, made), nonsense(file, made, only_beyond=True)) == (why, far)


def test_a_page_with_another_id_is_no_root(tmp_path: Path) -> None:
    with file_of(tmp_path, page(7, 2)) as file:
        assert nonsense(file, Meta.at(meta(0), 0)) == "a root page 3, which is not such a page"


@pytest.mark.parametrize(("txids", "source"), [((4, 5), 0), ((6, 5), 1), ((5, 5), 1)])
def test_the_older_meta_page_takes_the_place_of_the_newer_one(
    tmp_path: Path, txids: tuple[int, int], source: int
) -> None:
    path = tmp_path / "db"
    path.write_bytes(meta(0, txid=txids[0]) + meta(1, txid=txids[1]) + freelist(2) + LEAF)
    with RawFile(str(path)) as file:
        [(offset, content)] = revert_meta(file)
    assert offset == (1 - source) * 4096
    assert content[:8] == pgid(1 - source)
    assert Meta.at(content, 0).txid == txids[source]


def test_nothing_to_clear(tmp_path: Path) -> None:
    with file_of(tmp_path, page(3, 2)) as file:
        assert clear_elements(file, 3) == ([], False)


def test_a_branch_that_would_lead_to_itself(tmp_path: Path) -> None:
    """bbolt refuses to write an element that leads to its own page; without it the others are moved."""
    branch = page(3, 1, [(b"a", pgid(4)), (b"b", pgid(3)), (b"c", pgid(5))])
    with file_of(tmp_path, branch, hwm=6) as file:
        with pytest.raises(UnreadablePage, match="circular dependency"):
            clear_elements(file, 3, 0, 1)
        [(offset, content)], lost = clear_elements(file, 3, 1, 2)
    expected = page(3, 1, [(b"a", pgid(4)), (b"c", pgid(5))])
    assert (offset, content[:50], lost) == (3 * 4096, expected[:50], True)


@pytest.mark.parametrize(
    ("pages", "sound"),
    [
        ([freelist(2), LEAF], True),
        ([freelist(2), LEAF, page(4, 2)], True),  # neither in use nor free
        ([freelist(2, [3]), LEAF], True),
        ([page(2, 2), LEAF], True),  # no freelist: it isn't copied
        ([freelist(2), page(3, 2, [(b"b", b""), (b"a", b"")])], False),
        ([freelist(2), page(3, 4)], False),
    ],
)
def test_findings_about_what_is_not_copied(tmp_path: Path, pages: list[bytes], sound: bool) -> None:
    path = tmp_path / "db"
    path.write_bytes(small(*pages))
    with Snapshot(str(path)) as snapshot:
        assert _source_findings(snapshot)[1] == sound
