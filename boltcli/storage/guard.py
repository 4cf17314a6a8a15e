"""Survive the truncation of a mapped file.

Reading a mapped page beyond the end of the file kills the process (SIGBUS), and
a file can be truncated at any time, as locks are advisory. Python can't handle
this signal: its handlers run after the instruction, which never completes. So
the handler is in C: the compiled kernel's (``guard.c``), or a ctypes callback,
which takes 2 ms to import. It replaces the mapping by zeros and records this;
the instruction then succeeds, and the closing look (:meth:`Snapshot.check_unchanged`)
reports the truncation. Only a mapped file needs a guard.
"""

from __future__ import annotations

import os

from ..kernel import load_kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap

    from ..kernel import Kernel
    from .ctypes_watch import CtypesWatch


class Guard:
    """Watches one mapping of a file, in this process and in its forked workers."""

    __slots__ = ("_fd", "_length", "_watch")

    def __init__(self, mapping: mmap.mmap, fd: int) -> None:
        """``fd`` is the mapped file. Raises OSError if the handler can't be installed."""
        self._fd = fd
        self._length = len(mapping)
        kernel = load_kernel()
        self._watch: _KernelWatch | CtypesWatch
        if kernel is not None:
            self._watch = _KernelWatch(kernel, mapping)
        else:
            from .ctypes_watch import CtypesWatch

            self._watch = CtypesWatch(mapping, fd)

    def release(self) -> None:
        """Stop watching; call this before unmapping."""
        self._watch.release()

    def is_cut(self) -> bool:
        """Return whether the file is, or was, shorter than the mapping.

        The size is checked too: system calls that read such a page fail without a signal.
        """
        try:
            return self._watch.is_tripped() or os.fstat(self._fd).st_size < self._length
        except OSError:
            return True


class _KernelWatch:
    """Watches one mapping with the compiled kernel's handler."""

    __slots__ = ("_id", "_kernel")

    def __init__(self, kernel: Kernel, mapping: mmap.mmap) -> None:
        self._kernel = kernel
        self._id = kernel.watch(mapping)

    def is_tripped(self) -> bool:
        return self._id != 0 and self._kernel.is_tripped(self._id)

    def release(self) -> None:
        if self._id:
            self._kernel.unwatch(self._id)
            self._id = 0
