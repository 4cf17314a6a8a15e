"""Write bytes at a position, all of them: a system call may write fewer, and not every system has pwrite(2)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..format.page import Buffer


def write_all(fd: int, data: Buffer | bytearray | memoryview, at: int | None = None) -> None:
    """Write all of ``data`` to ``fd`` at the position ``at``; None: where the file stands. Raises OSError."""
    view = memoryview(data)
    if at is not None and not hasattr(os, "pwrite"):
        os.lseek(fd, at, os.SEEK_SET)
        at = None
    while view:
        done = os.write(fd, view) if at is None else os.pwrite(fd, view, at)
        view = view[done:]
        if at is not None:
            at += done
