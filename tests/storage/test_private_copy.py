"""A copy that is made beside a writer: it goes from transaction to transaction, and is right for the last."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from boltcli.errors import Changed
from boltcli.ops.compare.diff import diff
from boltcli.storage import private_copy
from boltcli.storage.files import read_whole
from boltcli.storage.private_copy import CopyFile
from boltcli.storage.snapshot import Snapshot
from boltcli.storage.source import open_source
from boltcli.tree.page_map import free_pages
from tests.live import Writer
from tests.support import DATABASES

pytestmark = pytest.mark.skipif(os.name == "nt", reason="written by pwrite")


def copied(path: Path, wait: Callable[[], bool] = lambda: False) -> CopyFile:
    source = open_source(str(path), "none")
    copy = CopyFile(source, free_pages)
    source.close()
    try:
        copy.fill(wait)
    except BaseException:
        copy.close()
        raise
    return copy


@pytest.fixture(autouse=True)
def _no_clones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_every_fixture(path: Path) -> None:
    with copied(path) as copy, copy.snapshot() as there, Snapshot(str(path)) as here:
        assert there.meta.txid == here.meta.txid
        assert list(diff(here, there)) == []


@pytest.mark.parametrize("every", [1, 2, 3, 7, 20, 50])
@pytest.mark.parametrize("last", [3, 40])
def test_beside_a_writer(every: int, last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions between any two parts: each part is read once, but for what they wrote."""
    writer = Writer(tmp_path / "db", size=1 << 20)
    monkeypatch.setattr(private_copy, "_CHUNK", 16 << 10)
    read: list[int] = []

    def reading(fd: int, start: int, stop: int, path: str) -> bytes:
        content = read_whole(fd, start, stop, path)
        read.append(stop - start)
        if len(read) % every == 0 and writer.txid < last:
            writer.commit()
        return content

    monkeypatch.setattr(private_copy, "read_whole", reading)
    with copied(writer.path, lambda: True) as copy:
        monkeypatch.undo()
        with copy.snapshot() as there, Snapshot(str(writer.path)) as here:
            assert there.meta.txid == here.meta.txid == writer.txid > 2
            assert list(diff(here, there)) == []
    # A part is read again when a transaction came before its look, and the pages that it wrote are.
    assert sum(read) < (1 << 20) + (writer.txid - 2) * (16 + 20 << 10)


def test_missed_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "db", size=1 << 20)
    monkeypatch.setattr(private_copy, "_CHUNK", 64 << 10)
    left = [3]

    def reading(fd: int, start: int, stop: int, path: str) -> bytes:
        content = read_whole(fd, start, stop, path)
        if start > 500_000 and left[0]:
            left[0] -= 1
            writer.commit()
            writer.commit()
        return content

    monkeypatch.setattr(private_copy, "read_whole", reading)
    with copied(writer.path, lambda: True) as copy, copy.snapshot() as there, Snapshot(str(writer.path)) as here:
        assert there.meta.txid == 8
        assert list(diff(here, there)) == []


def test_a_writer_that_is_too_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "db", size=1 << 20)
    waited = []

    def reading(fd: int, start: int, stop: int, path: str) -> bytes:
        writer.commit()
        writer.commit()
        return read_whole(fd, start, stop, path)

    def wait() -> bool:
        waited.append(True)
        return len(waited) < 5

    monkeypatch.setattr(private_copy, "read_whole", reading)
    with pytest.raises(Changed, match="too fast to be copied"):
        copied(writer.path, wait)
    assert len(waited) == 5
