"""Buckets nest 1000 deep in a top-level one: that many are read by everything, and one more is one clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import boltcli
from boltcli.errors import ArgumentError
from boltcli.ops.read.content import Pairs
from boltcli.ops.write.load import load
from boltcli.tree.walk import flat
from tests.support import fixture, freelist, page, pgid, run, small

if TYPE_CHECKING:
    from pathlib import Path

    from boltcli.tree.walk import Nested

COMMANDS = (
    ("inspect", "FILE"), ("inspect", "--json", "FILE"), ("items", "--recursive", "FILE"), ("tree", "FILE"),
    ("items", "--recursive", "--reverse", "FILE"), ("export", "FILE"),
    ("export", "--format=sqlite", "-o", "OUT", "FILE"),
    ("stats", "FILE"), ("du", "FILE"), ("top", "FILE"), ("diff", "EMPTY", "FILE"), ("diff", "FILE", "EMPTY"),
    ("grep", "nosuch", "FILE"), ("compact", "-o", "OUT", "FILE"), ("compact", "--dense", "-o", "OUT", "FILE"),
    ("patch", "-o", "OUT", "FILE", "/dev/null"), ("metrics", "--deep", "FILE"),
)  # fmt: skip


def nest(path: Path, levels: int) -> Path:
    """Write a database of ``levels`` buckets in one another, each with a page of its own."""
    leaves = [page(3 + level, 2, [(b"b", pgid(4 + level) + pgid(0), b"\1")]) for level in range(levels)]
    path.write_bytes(small(freelist(2), *leaves, page(3 + levels, 2, [(b"k", b"v")])))
    return path


@pytest.mark.sampled(5)
@pytest.mark.slow
@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_thousand_levels_and_one_more(argv: tuple[str, ...], tmp_path: Path, walks: str) -> None:
    words: dict[str, str | Path] = {"OUT": tmp_path / "out", "EMPTY": fixture("empty")}
    words["FILE"] = nest(tmp_path / "a.db", 1001)
    status, _, err = run(*[words.get(word, word) for word in argv])
    assert (status, err) == (1 if argv[0] == "grep" or argv[0] == "diff" else 0, b"")
    (tmp_path / "out").unlink(missing_ok=True)
    words["FILE"] = nest(tmp_path / "b.db", 1002)
    status, _, err = run(*[words.get(word, word) for word in argv])
    assert status != 0
    assert b"page 1004 at offset 4112384: buckets are nested deeper than 1000 levels" in err
    assert not (tmp_path / "out").exists()


def test_no_file_that_cannot_be_read_is_written(tmp_path: Path) -> None:
    load([((b"b",) * 1001, Pairs([b"k"], [b"v"]))], str(tmp_path / "a.db"), page_size=4096)
    with pytest.raises(ArgumentError, match="row 1: buckets are nested deeper than 1000 levels"):
        load([((b"b",) * 1002, Pairs([b"k"], [b"v"]))], str(tmp_path / "b.db"), page_size=4096)


def test_the_library_says_so(tmp_path: Path) -> None:
    with boltcli.open(nest(tmp_path / "a.db", 1002)) as db:
        last = db.bucket(*["b"] * 1001)
        with pytest.raises(boltcli.Corrupted, match="deeper than 1000 levels"):
            last["b"]


def test_what_recursive_generators_yield_comes_in_order() -> None:
    def count(start: int, levels: int) -> Nested[int]:
        yield start
        if levels:
            yield count(start + 1, levels - 1)
        yield -start

    assert list(flat(count(0, 5000))) == [*range(5001), *range(-5000, 1)]


@pytest.mark.slow
def test_what_is_recovered_can_be_read(tmp_path: Path) -> None:
    """What is deeper is left out, and said to be lost."""
    status, out, _ = run("recover", nest(tmp_path / "a.db", 1001), "-o", tmp_path / "whole.db")
    assert (status, out.startswith(b"1 pair in 1001 buckets recovered")) == (0, True)
    status, out, _ = run("recover", nest(tmp_path / "b.db", 1002), "-o", tmp_path / "part.db")
    assert (status, out.startswith(b"0 pairs in 1001 buckets recovered")) == (2, True)
    assert b"b: buckets are nested deeper than 1000 levels; this one was left out with its content" in out
    assert run("export", tmp_path / "part.db")[0] == 0
