"""A SIGBUS handler in ctypes, for mapped files where the compiled kernel is missing.

The handler is a C callback that runs Python. It replaces the mapping by zeros
and records this in a byte that forked processes share.
"""

from __future__ import annotations

import _thread
import mmap
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SIGBUS = 7 if sys.platform == "linux" else 10
_MAP_FIXED = 0x10

_watched: list[CtypesWatch] = []
_lock = _thread.allocate_lock()  # held while the list or the handler is changed
_library: Any = None


class CtypesWatch:
    """Watches one mapping."""

    __slots__ = ("_address", "_fd", "_length", "_tripped", "blank")

    def __init__(self, mapping: mmap.mmap, fd: int) -> None:
        """``fd`` is the mapped file. Raises OSError if the handler can't be installed."""
        self.blank = False
        self._tripped = mmap.mmap(-1, 1)
        self._fd = fd
        self._length = len(mapping)
        library = _load()
        with _lock:
            self._address = library.address(mapping)
            if not _watched:
                library.install()
            _watched.append(self)

    def release(self) -> None:
        """Stop watching."""
        with _lock:
            if self in _watched:
                _watched.remove(self)
                if not _watched:
                    _library.uninstall()

    def is_tripped(self) -> bool:
        """Return whether the mapping was replaced by zeros."""
        return self._tripped[0] != 0

    def is_cut(self) -> bool:
        """Return whether the file is now shorter than the mapping, so that a signal must concern it."""
        try:
            return self.is_tripped() or os.fstat(self._fd).st_size < self._length
        except OSError:
            return True

    def make_blank(self) -> None:
        """Replace the mapping by zeros."""
        self._tripped[0] = 1
        self.blank = True
        _library.zeros(self._address, self._length)


def _on_fault(_signal: int) -> None:
    watchs = [watch for watch in _watched if not watch.blank]
    # No file is cut: one grew again in the meantime, or the disk failed. It isn't known which one.
    for watch in [watch for watch in watchs if watch.is_cut()] or watchs:
        watch.make_blank()
    if not watchs:  # no mapping of ours: let the signal have its default effect
        _library.uninstall()


def _load() -> Any:
    global _library
    if _library is None:
        try:
            _library = _Library()
        except (ImportError, AttributeError) as error:
            raise OSError(f"no handler for SIGBUS: {error}") from error
    return _library


class _Library:
    """The C functions that the handler needs."""

    def __init__(self) -> None:
        import ctypes
        from ctypes import c_int, c_long, c_size_t, c_void_p

        # Own handles, so that the argument types set here don't affect other users of ctypes.
        libc, python = ctypes.CDLL(None), ctypes.PyDLL(None)
        handler = ctypes.CFUNCTYPE(None, c_int)
        self._mmap, self._signal, self._sigaction = libc.mmap, libc.signal, libc.sigaction
        self._mmap.restype = c_void_p
        self._mmap.argtypes = c_void_p, c_size_t, c_int, c_int, c_int, c_long
        self._signal.restype = c_void_p
        self._signal.argtypes = c_int, handler
        self._sigaction.argtypes = c_int, c_void_p, c_void_p
        self._get_buffer, self._release_buffer = python.PyObject_GetBuffer, python.PyBuffer_Release
        self._get_buffer.argtypes = ctypes.py_object, c_void_p, c_int
        self._release_buffer.argtypes = (c_void_p,)
        self._release_buffer.restype = None
        self._handler = handler(_on_fault)
        # Space for a Py_buffer or a sigaction; the content of a sigaction is never read.
        self._scratch, self._before = (c_size_t * 64)(), (c_size_t * 64)()

    def address(self, mapping: mmap.mmap) -> int:
        """Return where ``mapping`` begins in memory."""
        self._get_buffer(mapping, self._scratch, 0)
        address = self._scratch[0]  # Py_buffer.buf
        self._release_buffer(self._scratch)
        return address

    def zeros(self, address: int, length: int) -> None:
        """Map zeros at ``address``."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANON | _MAP_FIXED
        if self._mmap(address, length, mmap.PROT_READ, flags, -1, 0) != address:
            self.uninstall()  # else the instruction would fault for ever

    def install(self) -> None:
        """Have SIGBUS call :func:`_on_fault`."""
        self._sigaction(_SIGBUS, None, self._before)
        self._signal(_SIGBUS, self._handler)

    def uninstall(self) -> None:
        """Put back the handler that was there before."""
        self._sigaction(_SIGBUS, self._before, None)
