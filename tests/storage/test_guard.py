"""The watch over a mapping, with a kernel that only says what it is asked."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from boltcli.storage.guard import Guard, map_file
from boltcli.storage.source import Source


class Kernel(ModuleType):
    def __init__(self) -> None:
        super().__init__("kernel")
        self.watched: list[int] = []
        self.tripped = False

    def watch(self, mapping: mmap.mmap) -> int:
        self.watched.append(7)
        return 7

    def unwatch(self, number: int) -> None:
        self.watched.remove(number)

    def is_tripped(self, number: int) -> bool:
        return self.tripped


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    path = tmp_path / "db"
    path.write_bytes(bytes(8192))
    with Source(os.open(path, os.O_RDWR), str(path)) as opened:
        yield opened


@pytest.mark.parametrize("kernel", [Kernel(), None])
def test_a_file_that_is_cut(source: Source, kernel: Kernel | None) -> None:
    with mmap.mmap(source.fd, 8192, access=mmap.ACCESS_READ) as mapping:
        guard = Guard(mapping, source.fd, kernel)
        assert not guard.is_cut()
        os.truncate(source.fd, 8191)
        assert guard.is_cut()
        os.truncate(source.fd, 8192)
        assert not guard.is_cut()
        guard.release()


def test_a_file_that_was_cut_meanwhile_and_of_which_nothing_is_known(source: Source) -> None:
    kernel = Kernel()
    with mmap.mmap(source.fd, 8192, access=mmap.ACCESS_READ) as mapping:
        guard = Guard(mapping, source.fd, kernel)
        kernel.tripped = True
        assert guard.is_cut()
        kernel.tripped = False
        assert Guard(mapping, -1, None).is_cut()
        assert kernel.watched == [7]
        guard.release()
        assert kernel.watched == []
        guard.release()  # once more does nothing
        kernel.tripped = True
        assert not guard.is_cut()


def test_a_copy_of_our_own_needs_no_guard(source: Source) -> None:
    for own in (True, False):
        source.is_own_copy = own
        mapping, guard = map_file(source, 8192)
        assert (guard is None) == (own or os.name != "posix")
        if guard is not None:
            guard.release()
        mapping.close()
