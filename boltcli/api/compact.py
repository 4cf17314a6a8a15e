"""Compact a database."""

from __future__ import annotations

import os

from ..errors import ArgumentError
from ..ops.write.compact import FILL_PERCENT, TX_MAX_SIZE
from ..ops.write.compact import compact as copy
from . import growing, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Unpack

    from ..ops.write.compact import Compaction
    from . import Given, Opening, Progress


def compact(
    source: Given, destination: str | os.PathLike[str], *, tx_max_size: int = TX_MAX_SIZE, dense: bool = False,
    page_size: int = 0, fill_percent: int = FILL_PERCENT, replace: bool = False, sync: bool = True,
    progress: Progress | None = None, **opening: Unpack[Opening],
) -> Compaction:  # fmt: skip
    """Write a copy of the database ``source``, a path or an open database, without its free pages to ``destination``.

    It is the file that ``bbolt compact`` writes with transactions of at most ``tx_max_size`` bytes (0: one
    transaction; below 0: one for each pair); ``dense`` writes the smallest file instead, with pages filled up to
    ``fill_percent`` (10 to 100). ``page_size`` is that of the copy: a power of two from 1024 to 65536, 0 for the
    host's. ``replace`` replaces an existing file; without ``sync`` nothing is synced to the disk.
    ``progress(done, total)`` is called with pages of the source. The other arguments are those of :func:`boltcli.open`:
    the source may be in use.

    Raises what that raises, DamagedSource or Corrupted, DestinationExists, DestinationIsSource, DestinationError and
    ArgumentError; then no copy is written. It appears only when it is complete.

    >>> import boltcli, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.compact("fixtures/document.db", os.path.join(folder, "copy.db"), dense=True, page_size=4096)
    >>> done.source_size, done.size, done.pairs, done.buckets
    (262144, 32768, 21, 11)
    """
    if not isinstance(tx_max_size, int):
        raise ArgumentError(f"tx_max_size {tx_max_size!r}: must be a number of bytes")
    shown = growing(progress)
    return read(
        source,
        lambda snapshot: copy(
            snapshot, os.fspath(destination), tx_max_size=tx_max_size, dense=dense, page_size=page_size,
            fill_percent=fill_percent, replace=replace, sync=sync, progress=shown,
        ),
        opening,
    )  # fmt: skip
