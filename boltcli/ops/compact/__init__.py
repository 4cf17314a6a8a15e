"""Compaction: a copy of a database without its free pages."""

from __future__ import annotations

import mmap
import os

from ...errors import ArgumentError
from ...storage.destination import Destination
from ...tree.bucket import root_bucket
from .newfile import NewFile
from .parts import Source
from .replay import Replay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...storage.snapshot import Snapshot

TX_MAX_SIZE = 65536  # bytes; bbolt's default


def compact(snapshot: Snapshot, path: str, *, tx_max_size: int = TX_MAX_SIZE, page_size: int = 0, replace: bool = False, sync: bool = True) -> int:
    with Destination(path, mode=os.stat(snapshot.path).st_mode, replace=replace, sync=sync) as destination:
        size = page_size or mmap.PAGESIZE
        file = NewFile(destination.fd, size)
        source = Source(snapshot, size)
        replay = Replay(source, file, tx_max_size)
        replay.run(source.parts(root_bucket(snapshot)), lambda pairs: None)
        file.finish()
        destination.commit()
        return file.size
