"""Map a file, and survive its truncation.

Reading a mapped page beyond the end of the file kills the process (SIGBUS), and a file can be truncated at any time.
Python can't handle this signal: its handlers run after the instruction, which never completes. So the handler is the
compiled kernel's (``guard.c``): it replaces the mapping by zeros and records this; the instruction then succeeds, and
the closing look reports the truncation. Without the kernel a file is mapped under the lock only, as bbolt does it.
"""

import mmap
import os
from types import ModuleType

from ..errors import os_error
from ..kernel import load_kernel
from .files import cut, unnamed_copy
from .source import Source


class Guard:
    """Watches one mapping of the file ``fd``, in this process and in its forked workers."""

    def __init__(self, mapping: mmap.mmap, fd: int, kernel: ModuleType | None) -> None:
        self._fd = fd
        self._length = len(mapping)
        self._kernel = kernel
        self._id = kernel.watch(mapping) if kernel is not None else 0

    def release(self) -> None:
        """Stop watching; call this before unmapping."""
        if self._kernel is not None and self._id:
            self._kernel.unwatch(self._id)
            self._id = 0

    def is_cut(self) -> bool:
        """Return whether the file is, or was, shorter: system calls that read such a page fail without a signal."""
        try:
            if self._kernel is not None and self._id and self._kernel.is_tripped(self._id):
                return True
            return os.fstat(self._fd).st_size < self._length
        except OSError:
            return True


def _advise(fd: int) -> None:
    """Let the system read ahead: bbolt's advice, random access, makes a walk over a cold file 6 to 40 times as long."""
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    except (AttributeError, OSError):
        pass  # not every system, or file system, takes advice


def map_file(source: Source, size: int) -> tuple[mmap.mmap, Guard | None]:
    """Map the first ``size`` bytes of ``source``, or a copy. Raises Changed, OpenError."""
    needs_guard = os.name == "posix" and not source.is_own_copy  # Windows doesn't allow truncating a mapped file
    kernel = load_kernel() if needs_guard else None
    try:
        if needs_guard and kernel is None and not source.locked:
            copy = unnamed_copy(source.fd, source.path)
            try:
                mapping = mmap.mmap(copy, size, access=mmap.ACCESS_READ)
            finally:
                os.close(copy)
        else:
            mapping = mmap.mmap(source.fd, size, access=mmap.ACCESS_READ)
            _advise(source.fd)
        return mapping, Guard(mapping, source.fd, kernel) if needs_guard else None
    except ValueError:  # the file is shorter now
        raise cut(source.path) from None
    except OSError as error:
        raise os_error("mmap", source.path, error) from error
