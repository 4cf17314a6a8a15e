"""Surgery copies the holes of a file as holes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import fixture, run

_LARGE = 1 << 30  # bytes


def _sparse(tmp_path: Path) -> Path:
    """A database with a hole inside of it and one at its end."""
    path = tmp_path / "sparse.db"
    path.write_bytes(fixture("document").read_bytes())
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size + _LARGE)
        file.write(b"the end")
        file.truncate(size + 2 * _LARGE)
    return path


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="the system does not tell of holes")
@pytest.mark.parametrize("missing", [(), ("copy_file_range",)], ids=["in the kernel", "here"])
def test_holes_stay_holes(missing: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in missing:
        monkeypatch.delattr(os, name, raising=False)
    source, copy = _sparse(tmp_path), tmp_path / "copy.db"
    if os.stat(source).st_blocks * 512 > _LARGE // 2:
        pytest.skip("the file system has no holes")
    assert run("surgery", "freelist", "abandon", source, "-o", copy)[0] == 0
    assert os.stat(copy).st_size == os.stat(source).st_size
    assert os.stat(copy).st_blocks * 512 < 1 << 24
    size = fixture("document").stat().st_size
    with open(source, "rb") as theirs, open(copy, "rb") as ours:
        for start, length in (32768, size - 32768), (size, 1 << 20), (size + _LARGE - 100, 200):
            theirs.seek(start)
            ours.seek(start)
            assert ours.read(length) == theirs.read(length)


def test_without_word_of_holes_all_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SEEK_DATA", raising=False)
    assert run("surgery", "freelist", "abandon", fixture("document"), "-o", tmp_path / "copy.db")[0] == 0
    assert (tmp_path / "copy.db").read_bytes()[32768:] == fixture("document").read_bytes()[32768:]
