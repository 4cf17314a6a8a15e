"""Compaction: a copy of a database without its free pages."""

from __future__ import annotations

import mmap
import os

from ...storage.destination import Destination
from ...tree.bucket import root_bucket
from .newfile import NewFile
from .parts import Child, Pairs, Source
from .replay import Replay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...storage.snapshot import Snapshot
    from .dense import Dense

TX_MAX_SIZE = 65536  # bytes; bbolt's default


def compact(snapshot: Snapshot, path: str, *, tx_max_size: int = TX_MAX_SIZE, page_size: int = 0, replace: bool = False, sync: bool = True, dense=False) -> int:
    with Destination(path, mode=os.stat(snapshot.path).st_mode, replace=replace, sync=sync) as destination:
        size = page_size or mmap.PAGESIZE
        source = Source(snapshot, size)
        if dense:
            from .dense import Dense
            w = Dense(destination.fd, size, 100)
        else:
            w = Replay(source, NewFile(destination.fd, size), tx_max_size)
        _copy(source, w)
        destination.commit()
        return w.size

def _copy(source, writer):
    pending = [source.parts(root_bucket(source.snapshot))]
    while pending:
            part = next(pending[-1], None)
            if part is None:
                pending.pop()
                if pending:
                    writer.leave()
            elif isinstance(part, Child):
                writer.enter(part)
                pending.append(part.parts)
            elif isinstance(part, Pairs):
                writer.pairs(part.chunks)
            else:
                writer.mixed(part.chunk, part.weights)
    writer.finish()
