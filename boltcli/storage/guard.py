"""Surviving a mapped file that is cut short.

A mapped page past a file's end kills the process that touches it (SIGBUS), and
a file may be cut at any time: a lock hinders only those who ask for it. Python
can't handle such a signal, as its handlers run when the instruction is done,
and this one never is. So the handler is a C callback. It puts zeros in the
place of the mapping and notes that it did; the instruction then succeeds, and
the reader finds out at its closing look.

Made with the bare ``_ctypes``: importing ctypes takes a third of the time that
Python takes to start.
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

_watched: list[Guard] = []
_lock = _thread.allocate_lock()  # around changes of the list and of the handler
_library: Any = None


class Guard:
    """Watches one mapping of a file, in this process and in those that it forks."""

    __slots__ = ("_address", "_fd", "_length", "_tripped", "blank")

    def __init__(self, mapping: mmap.mmap, fd: int) -> None:
        """``fd`` is the mapped file. Raises OSError where the handler can't be had."""
        self.blank = False
        self._tripped = mmap.mmap(-1, 1)  # one byte, which all of these processes share
        self._fd = fd
        self._length = len(mapping)
        library = _load()
        with _lock:
            self._address = library.address(mapping)
            if not _watched:
                library.install()
            _watched.append(self)

    def release(self) -> None:
        """Stop watching, before the mapping goes."""
        with _lock:
            if self in _watched:
                _watched.remove(self)
                if not _watched:
                    _library.uninstall()

    def is_cut(self) -> bool:
        """Whether the mapping has, or had, no file behind it, or a part of it.

        System calls that read from there notice without a signal, hence the file's size.
        """
        try:
            return self._tripped[0] != 0 or os.fstat(self._fd).st_size < self._length
        except OSError:
            return True

    def make_blank(self) -> None:
        """Put zeros in the place of the mapping."""
        self._tripped[0] = 1
        self.blank = True
        _library.zeros(self._address, self._length)


def _on_fault(_signal: int) -> None:
    guards = [guard for guard in _watched if not guard.blank]
    # None is cut: it grew again since, or the disk can't be read, and which one it was isn't known.
    for guard in [guard for guard in guards if guard.is_cut()] or guards:
        guard.make_blank()
    if not guards:  # none of ours: let it be what it would have been
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
    """The few C functions that it takes."""

    def __init__(self) -> None:
        ctypes: Any = __import__("_ctypes")
        base: Any = ctypes._SimpleCData
        integer = type("integer", (base,), {"_type_": "i"})
        size = type("size", (base,), {"_type_": "L"})
        pointer = type("pointer", (base,), {"_type_": "P"})
        thing = type("thing", (base,), {"_type_": "O"})
        flags = ctypes.FUNCFLAG_CDECL
        callback = type("callback", (ctypes.CFuncPtr,), {"_flags_": flags, "_argtypes_": (integer,), "_restype_": None})
        function: Any = type("function", (ctypes.CFuncPtr,), {"_flags_": flags, "_restype_": pointer})
        process = ctypes.dlopen(None, 0)

        def c_function(name: str, *arguments: Any) -> Any:
            made = function(ctypes.dlsym(process, name))
            made.argtypes = arguments
            return made

        self._mmap = c_function("mmap", pointer, size, integer, integer, integer, size)
        self._signal = c_function("signal", integer, callback)
        self._sigaction = c_function("sigaction", integer, pointer, pointer)
        self._get_buffer = c_function("PyObject_GetBuffer", thing, pointer, integer)
        self._release_buffer = c_function("PyBuffer_Release", pointer)
        self._handler: Any = callback(_on_fault)
        # Room for a Py_buffer or a sigaction, whatever they hold: nothing of the latter is looked at.
        self._scratch = type("scratch", (ctypes.Array,), {"_type_": pointer, "_length_": 64})()
        self._before = type(self._scratch)()
        self._addressof = ctypes.addressof

    def address(self, mapping: mmap.mmap) -> int:
        """Where ``mapping`` begins in memory."""
        room = self._addressof(self._scratch)
        self._get_buffer(mapping, room, 0)
        address = int(self._scratch[0])  # Py_buffer.buf
        self._release_buffer(room)
        return address

    def zeros(self, address: int, length: int) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANON | _MAP_FIXED
        if self._mmap(address, length, mmap.PROT_READ, flags, -1, 0) != address:
            self.uninstall()  # the instruction would fault for ever

    def install(self) -> None:
        self._sigaction(_SIGBUS, None, self._addressof(self._before))
        self._signal(_SIGBUS, self._handler)

    def uninstall(self) -> None:
        """The handler that was there before is there again."""
        self._sigaction(_SIGBUS, self._addressof(self._before), None)
