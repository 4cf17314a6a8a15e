"""Surviving a mapped file that is cut short.

A mapped page past a file's end kills the process that touches it (SIGBUS), and
a file may be cut at any time: a lock hinders only those who ask for it. Python
can't handle such a signal, as its handlers run when the instruction is done,
and this one never is. So the handler is in C: the kernel's (``guard.c``), or a
callback of ctypes, which takes 2 ms to import. It puts zeros in the place of
the mapping and notes that it did; the instruction then succeeds, and the
reader finds out at its closing look. Only a file that is mapped needs a guard.
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
    """Watches one mapping of a file, in this process and in those that it forks."""

    __slots__ = ("_fd", "_length", "_watch")

    def __init__(self, mapping: mmap.mmap, fd: int) -> None:
        """``fd`` is the mapped file. Raises OSError where the handler can't be had."""
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
        """Stop watching, before the mapping goes."""
        self._watch.release()

    def is_cut(self) -> bool:
        """Whether the mapping has, or had, no file behind it, or a part of it.

        System calls that read from there notice without a signal, hence the file's size.
        """
        try:
            return self._watch.is_tripped() or os.fstat(self._fd).st_size < self._length
        except OSError:
            return True


class _KernelWatch:
    """Watches one mapping, by the kernel."""

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
