"""Reading ahead: only of a large file that isn't in memory, and no longer than it's of use."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from boltcli.storage import readahead
from boltcli.storage.readahead import ReadAhead, available_memory, is_cold
from boltcli.storage.snapshot import Snapshot
from tests.bench.measure import can_drop, drop_from_cache
from tests.support import freelist, page, small

SIZE = 8 << 20


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that isn't in memory."""
    path = tmp_path / "large.db"
    path.write_bytes(small(freelist(2), page(3, 2)).ljust(SIZE, b"\1"))
    if not can_drop(path):
        pytest.skip("the page cache can't be dropped here, or doesn't tell")
    monkeypatch.setattr(readahead, "_WORTH", SIZE)
    drop_from_cache(path)
    return path


def _cold(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY)
    try:
        return is_cold(fd, path.stat().st_size)
    finally:
        os.close(fd)


def _children() -> bool:
    """Whether this process has children that it didn't have before: other tests' servers are none of ours."""
    return bool(_pids() - _OTHERS)


def _pids() -> set[bytes]:
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_bytes().split()}


_OTHERS: set[bytes] = set()


@pytest.fixture(autouse=True)
def _others() -> None:
    _OTHERS.clear()
    _OTHERS.update(_pids())


def test_a_file_in_memory_is_left_alone(large: Path) -> None:
    large.read_bytes()
    assert not _cold(large)
    with Snapshot(str(large)) as snapshot, ReadAhead(snapshot, True):
        assert not _children()


def test_a_cold_file_is_read_and_the_process_goes(large: Path) -> None:
    assert _cold(large)
    with Snapshot(str(large)) as snapshot:
        with ReadAhead(snapshot, True):
            give_up = time.monotonic() + 20
            while _cold(large) and time.monotonic() < give_up:
                time.sleep(0.01)
            assert not _cold(large)
        assert not _children()


def test_not_where_it_is_not_wanted(large: Path) -> None:
    with Snapshot(str(large)) as snapshot, ReadAhead(snapshot, False):
        assert not _children()
    assert _cold(large)


def test_a_file_larger_than_memory_is_read_as_it_comes(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readahead, "available_memory", lambda: SIZE)
    with Snapshot(str(large)) as snapshot, ReadAhead(snapshot, True):
        assert not _children()
        assert snapshot.page(3).flags == 2


def test_available_memory() -> None:
    if os.path.exists("/proc/meminfo"):
        assert 1 << 20 < available_memory() < 1 << 50
    else:
        assert available_memory() == 0
