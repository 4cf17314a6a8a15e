"""Find bolt databases by their meta pages, whatever their names."""

from __future__ import annotations

import os
import time

from ..errors import BoltError, Changed
from .find import kind, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ..storage.snapshot import Snapshot

_UNPACKED = 256 << 20  # packed bytes; a larger file is reported only with its name, size and age


def scan(folders: Iterable[str], looked: Any = None) -> Iterator[dict[str, Any]]:
    """Yield a description of each database under ``folders`` (or files); call ``looked()`` for each file.

    Fields: path, kind (bolt, gzip, zip, ...), size, modified and age (seconds),
    lock (exclusive, shared or None), txid, page_size, application, layout,
    error (None, or why the others are None). Raises OpenError for a folder
    that can't be read.
    """
    for folder in folders:
        for path in walk(folder) if os.path.isdir(folder) else [folder]:
            if looked is not None:
                looked()
            try:
                found = kind(path)
            except OSError:
                continue
            if found is not None:
                yield describe(path, found)


def describe(path: str, packing: str) -> dict[str, Any]:
    """Return a description of the database at ``path``, read without waiting for its lock."""
    status = os.stat(path)
    found: dict[str, Any] = {
        "path": path,
        "kind": packing,
        "size": status.st_size,
        "modified": status.st_mtime,
        "age": max(time.time() - status.st_mtime, 0),
        "lock": _lock(path) if packing == "bolt" else None,
        "txid": None,
        "page_size": None,
        "application": None,
        "layout": None,
        "error": None,
    }
    if packing != "bolt" and status.st_size > _UNPACKED:
        return found
    try:
        found |= _look(path)
    except BoltError as error:
        found["error"] = str(error)
    return found


def _look(path: str) -> dict[str, Any]:
    from ..storage.live import Live
    from ..storage.open_source import open_source

    def read(snapshot: Snapshot) -> dict[str, Any]:
        from ..apps.registry import recognise
        from ..apps.store import SnapshotStore

        found: dict[str, Any] = {"txid": snapshot.meta.txid, "page_size": snapshot.page_size}
        try:
            application = recognise(SnapshotStore(snapshot))
        except Changed:
            raise
        except BoltError:
            application = None
        if application is not None:
            found["application"], found["layout"] = application[1].name, application[1].layout
        return found

    with Live(open_source(path, "none")) as live:

        def attempt() -> dict[str, Any]:
            with live.snapshot() as snapshot:
                return read(snapshot)

        return live.run(attempt)


def _lock(path: str) -> str | None:
    from ..storage.holders import holders
    from ..storage.source import Source, open_for_reading

    try:
        source = Source(open_for_reading(path), path)
    except BoltError:
        return None
    try:
        modes = {holder.mode for holder in holders(source) if not holder.waits}
    finally:
        source.close()
    return "exclusive" if "exclusive" in modes else "shared" if modes else None
