"""Who holds the lock of a database."""

from __future__ import annotations

import os

from ..storage.holders import Holder, Holders, holders
from ..storage.source import open_source
from . import file_at

__all__ = ["Holder", "Holders", "lock"]


def lock(path: str | os.PathLike[str]) -> Holders:
    """Return the other processes that hold the lock of the database at ``path``, or wait for it.

    ``mode`` of the result is exclusive (a writer), shared (readers) or None. The lock isn't taken. Raises
    SourceNotFound and OpenError.

    >>> import boltcli, os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.write(os.path.join(folder, "own.db"), {"users": {}})
    ...     print(boltcli.lock(os.path.join(folder, "own.db")).mode)
    None
    """
    with open_source(file_at(path), "none") as source:
        return holders(source)
