"""The compaction of sources that aren't sound: pair by pair, as bbolt does it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import boltcli
from boltcli.errors import Corrupted
from boltcli.ops.read.content import content, write
from boltcli.ops.write.pager import BboltFile
from boltcli.ops.write.transactions import BboltWriter
from boltcli.storage.snapshot import Snapshot
from tests.compat.goldens import sha256
from tests.support import FIXTURES, freelist, page, pgid, run, small

FILES = sorted(FIXTURES.glob("*.db"))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [65536, 1000, 0], ids=str)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_of_a_sound_source_it_is_the_same_file(path: Path, limit: int, tmp_path: Path) -> None:
    """The quick way, which is held against bbolt's own files, writes the same bytes."""
    quick = boltcli.compact(path, tmp_path / "quick", tx_max_size=limit, page_size=4096, sync=False)
    fd = os.open(tmp_path / "exact", os.O_RDWR | os.O_CREAT)
    try:
        with Snapshot(str(path)) as snapshot:
            writer = BboltWriter(BboltFile(fd, 4096), limit)
            pairs, buckets = write(content(snapshot), writer)
    finally:
        os.close(fd)
    assert sha256(tmp_path / "exact") == sha256(tmp_path / "quick")
    assert (pairs, buckets) == (quick.pairs, quick.buckets)
    assert (writer.size, writer.transactions) == (quick.size, quick.transactions)


ROOT_PAGE = page(3, 2, [(b"bucket", pgid(4) + pgid(0), b"\1")])
PAIRS = [(b"%04d" % number, b"value %d" % number) for number in range(90)]


def _shuffled() -> list[tuple[bytes, bytes]]:
    pairs = list(PAIRS)
    random.Random(1).shuffle(pairs)
    return pairs


def _without_count(content: bytes) -> bytes:
    """A page whose header says that it has no elements; they are there."""
    return content[:10] + bytes(2) + content[12:]


LEAVES = {
    "misordered": ([page(4, 2, _shuffled())], dict(PAIRS)),
    "duplicate": ([page(4, 2, [*PAIRS[:5], (PAIRS[4][0], b"the last one stays"), *PAIRS[5:]])],
                  dict(PAIRS) | {PAIRS[4][0]: b"the last one stays"}),
    "referenced twice": (
        [page(4, 1, [(b"a", pgid(5)), (b"b", pgid(5)), (b"c", pgid(6))]), page(5, 2, PAIRS[:40]),
         page(6, 2, PAIRS[40:])],
        dict(PAIRS),
    ),
    "pages misordered": (
        [page(4, 1, [(b"a", pgid(6)), (b"b", pgid(5))]), page(5, 2, PAIRS[:40]), page(6, 2, PAIRS[40:])], dict(PAIRS),
    ),
    # bbolt goes to the first element before it looks how many there are; what is below the others is left out.
    "no elements at the top": (
        [_without_count(page(4, 1, [(b"a", pgid(5)), (b"b", pgid(6))])), page(5, 2, PAIRS[:40]),
         page(6, 2, PAIRS[40:])],
        dict(PAIRS[:40]),
    ),
    "no elements below": (
        [page(4, 1, [(b"a", pgid(5)), (b"b", pgid(8))]), _without_count(page(5, 1, [(b"a", pgid(6)), (b"b", pgid(7))])),
         page(6, 2, PAIRS[:20]), page(7, 2, PAIRS[20:40]), page(8, 2, PAIRS[40:])],
        dict([*PAIRS[:20], *PAIRS[40:]]),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("walks")
@pytest.mark.parametrize("dense", [False, True], ids=["default", "dense"])
@pytest.mark.parametrize("limit", [0, 100, 65536], ids=str)
@pytest.mark.parametrize("name", LEAVES)
def test_all_pairs_come_and_in_order(name: str, limit: int, dense: bool, tmp_path: Path) -> None:
    pages, expected = LEAVES[name]
    source = tmp_path / "source.db"
    source.write_bytes(small(freelist(2), ROOT_PAGE, *pages))
    done = boltcli.compact(source, tmp_path / "copy", tx_max_size=limit, dense=dense, sync=False)
    assert done.warnings
    with boltcli.open(tmp_path / "copy") as db:
        assert list(db.check()) == []
        assert list(db) == [b"bucket"]
        assert dict(db.bucket("bucket").items()) == expected
    assert sorted(os.listdir(tmp_path)) == ["copy", "source.db"]


@pytest.mark.usefixtures("walks")
@pytest.mark.parametrize("dense", [False, True], ids=["default", "dense"])
def test_what_is_left_out_is_told(dense: bool, tmp_path: Path) -> None:
    """Also where nothing else is wrong: the pages that are left out may be in the freelist."""
    pages, _ = LEAVES["no elements at the top"]
    source = tmp_path / "source.db"
    source.write_bytes(small(freelist(2, [6]), ROOT_PAGE, *pages))
    status, _, err = run("compact", *["--dense"] * dense, "-o", tmp_path / "copy", source)
    assert status == 0
    assert b"warning: page 4: a branch page without elements" in err


def test_the_findings_are_warnings(tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    source.write_bytes(small(freelist(2), ROOT_PAGE, page(4, 2, _shuffled()[:3])))
    status, out, err = run("compact", "--page-size=4096", "-o", tmp_path / "copy", source)
    assert (status, out[:5]) == (0, b"20480"[:5])
    assert all(line.startswith(b"warning: key[") for line in err.splitlines())
    assert err


INSIDE = page(5, 2, PAIRS[:2])
REFUSED = {
    # bbolt's API refuses these, or it looks the bucket up by its name and does not find it.
    "a bucket that is there twice": [page(4, 2, [(b"x", pgid(5) + pgid(0), b"\1")] * 2), INSIDE],
    "a bucket and a pair": [page(4, 2, [(b"x", pgid(5) + pgid(0), b"\1"), (b"x", b"1")]), INSIDE],
    "found by its name": [
        page(4, 2, [(b"m", b""), (b"a", pgid(5) + pgid(0), b"\1"), (b"z", b"")]), INSIDE
    ],
    "nested in itself": [page(4, 2, [(b"x", pgid(4) + pgid(0), b"\1")])],
    "a branch page without elements": [page(4, 1, [(b"b", pgid(5)), (b"a", pgid(6))]), page(5, 1), INSIDE],
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_where_bbolt_fails_there_is_no_copy(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    source.write_bytes(small(freelist(2), ROOT_PAGE, *REFUSED[name]))
    for dense in (False, True):
        with pytest.raises(boltcli.BoltError):
            boltcli.compact(source, tmp_path / "copy", dense=dense)
    assert os.listdir(tmp_path) == ["source.db"]


@pytest.mark.slow
def test_paths_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty branch pages, each of which leads to the next one three times: 3**30 paths."""
    monkeypatch.setattr("boltcli.tree.walk._AS_BBOLT", 1000)
    levels = [page(4 + level, 1, [(key, pgid(5 + level)) for key in (b"a", b"b", b"c")]) for level in range(30)]
    source = tmp_path / "source.db"
    source.write_bytes(small(freelist(2), ROOT_PAGE, *levels, page(34, 2, PAIRS)))
    with pytest.raises(Corrupted, match="does not end"):
        boltcli.compact(source, tmp_path / "copy")
    assert os.listdir(tmp_path) == ["source.db"]
