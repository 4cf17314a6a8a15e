"""The lock of bbolt: flock(2) here, and what is asked of Windows there, as bolt_windows.go asks it."""

from __future__ import annotations

import ctypes
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from boltcli.storage.files import release_lock, take_lock
from tests.live import held
from tests.support import fixture


def test_shared_and_exclusive(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(fixture("inline").read_bytes())
    one, other = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)
    try:
        take_lock(one)
        take_lock(other)
        with pytest.raises(BlockingIOError):
            take_lock(other, exclusive=True)
        release_lock(one)
        take_lock(other, exclusive=True)
        with pytest.raises(BlockingIOError):
            take_lock(one)
        release_lock(other)
        with held(path), pytest.raises(BlockingIOError):
            take_lock(one)
    finally:
        os.close(one)
        os.close(other)


class _Kernel:
    """Windows' kernel32, as far as it is called; ``error`` is what its functions fail with, 0: they don't."""

    def __init__(self, error: int = 0) -> None:
        self.error = error
        self.calls: list[tuple[Any, ...]] = []

    def LockFileEx(self, handle: Any, flags: Any, reserved: Any, low: Any, high: Any, overlapped: Any) -> int:
        byte = overlapped._obj
        self.calls.append(("lock", handle.value, flags.value, low.value, high.value, byte.offset, byte.offset_high))
        assert (reserved.value, byte.event) == (0, None)
        return int(not self.error)

    def UnlockFileEx(self, handle: Any, reserved: Any, low: Any, high: Any, overlapped: Any) -> int:
        byte = overlapped._obj
        self.calls.append(("unlock", handle.value, low.value, high.value, byte.offset, byte.offset_high))
        return int(not self.error)


def _on_windows(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    msvcrt = types.ModuleType("msvcrt")
    msvcrt.get_osfhandle = lambda fd: fd + 1000  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: kernel.error, raising=False)
    monkeypatch.setattr(ctypes, "FormatError", lambda number: f"error {number}", raising=False)


ONES = (1 << 32) - 1


def test_on_windows_it_is_the_byte_that_bbolt_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = _Kernel()
    _on_windows(kernel, monkeypatch)
    take_lock(7)
    take_lock(7, exclusive=True)
    release_lock(7)
    assert kernel.calls == [
        ("lock", 1007, 1, 1, 0, ONES, ONES),
        ("lock", 1007, 3, 1, 0, ONES, ONES),
        ("unlock", 1007, 1, 0, ONES, ONES),
    ]


@pytest.mark.parametrize(("error", "kind"), [(33, BlockingIOError), (997, BlockingIOError), (5, OSError)])
def test_refusals_on_windows(error: int, kind: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    _on_windows(_Kernel(error), monkeypatch)
    with pytest.raises(kind) as caught:
        take_lock(7)
    assert type(caught.value) is kind
    if kind is OSError:
        assert caught.value.strerror == "error 5"
