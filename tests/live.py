"""A database that is written while a test reads it, without bbolt: the writer is a few lines that follow its rules."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import freelist, meta, page, pgid

PAD = 10  # the page where the bucket "pad" begins, whose one value makes the file large
_PAGE = 4096


class Writer:
    """Commits transactions to ``path`` as bbolt does: pages that are free, then the older meta page.

    In the state of transaction N the bucket "data" holds N under "n", and so
    does the bucket "more". ``size`` is the bytes of the file, at least.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        self.txid = 0
        overflow = max(size - PAD * _PAGE, 0) // _PAGE
        value = bytes(overflow * _PAGE)
        self.hwm = PAD + overflow + 1
        path.write_bytes(bytes(PAD * _PAGE) + page(PAD, 2, [(b"k", value)], overflow=overflow))
        self.commit()
        self.commit()

    def commit(self) -> None:
        """The next transaction. The pages of the previous one are used again."""
        self.txid += 1
        even = self.txid % 2 == 0
        # A branch, two leaves and a freelist, in two places by turns.
        root, left, right, free = (2, 3, 4, 5) if even else (6, 7, 8, 9)
        number = b"%d" % self.txid
        pages = {
            root: page(root, 1, [(b"data", pgid(left)), (b"more", pgid(right))]),
            left: page(left, 2, [(b"data", _inline(number), b"\1")]),
            right: page(right, 2, [(b"more", _inline(number), b"\1"), (b"pad", pgid(PAD) + pgid(0), b"\1")]),
            free: freelist(free, (6, 7, 8, 9) if even else (2, 3, 4, 5)),
        }
        with self.path.open("r+b") as file:
            for number_, content in pages.items():
                file.seek(number_ * _PAGE)
                file.write(content)
            file.flush()
            slot = self.txid % 2
            file.seek(slot * _PAGE)
            file.write(meta(slot, root=root, freelist=free, hwm=self.hwm, txid=self.txid))


def _inline(value: bytes) -> bytes:
    return struct.pack("<QQ", 0, 0) + page(0, 2, [(b"n", value)], page_size=0)


_HOLD = """
import fcntl, sys
file = open(sys.argv[1], sys.argv[2])
fcntl.flock(file, getattr(fcntl, sys.argv[3]))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: str | Path, mode: str = "LOCK_EX", how: str = "r+b") -> Iterator[int]:
    """Another process holds the lock of ``path``; its id."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), how, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield holder.pid
        finally:
            holder.communicate()
