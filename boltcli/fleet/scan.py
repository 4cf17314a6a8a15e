"""Find bolt databases by their meta pages, whatever their names."""

from __future__ import annotations

import os
import time

from ..apps.registry import recognised
from ..errors import BoltError, Changed
from ..storage.source import check_source
from ..text.times import time_text
from .find import databases_below, kind, nothing_in, why_not

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from ..storage.snapshot import Snapshot
    from .files import Files

_UNPACKED = 256 << 20  # packed bytes; a larger file is reported only with its name, size and age


def scan(named: Iterable[str], found: Files, looked: Callable[[], None] | None = None) -> Iterator[dict[str, Any]]:
    """Yield a description of each database in the folders (or files) ``named``; call ``looked()`` for each file.

    Fields: path, kind (bolt, gzip, zip, ...; None if it isn't recognised, though its name or place is that of a
    database), size, modified and age (seconds), lock (exclusive, shared or None), txid, page_size, application,
    layout, error (None, or the BoltError for which the others are None). ``found`` gets what was passed over, and the
    error for each name that is not there or without a database.
    """
    for name in named:
        count = 0
        try:
            for path in _paths(name, found, looked):
                try:
                    description = describe(path)
                except FileNotFoundError:
                    continue  # removed meanwhile
                count += 1
                yield description
        except BoltError as error:
            found.failed[name] = error
            continue
        if not count:
            found.failed[name] = nothing_in(name, found)


def _paths(name: str, found: Files, looked: Callable[[], None] | None) -> Iterator[str]:
    """Yield the databases in a folder, or a file that is one. Raises BoltError if there is neither."""
    if os.path.isdir(name):
        yield from databases_below(name, lambda reason: found.pass_over(name, reason), looked)
        return
    if looked is not None:
        looked()
    check_source(name)
    reason = why_not(name)
    if reason:
        found.pass_over(name, reason)
    else:
        yield name


def describe(path: str) -> dict[str, Any]:
    """Return a description of the database at ``path``, read without waiting for its lock. Raises FileNotFoundError."""
    status = os.stat(path)
    try:
        packing = kind(path)
    except OSError:
        packing = None  # opening it says why
    found: dict[str, Any] = {
        "path": path,
        "kind": packing,
        "size": status.st_size,
        "modified": time_text(status.st_mtime_ns),
        "age": max(time.time() - status.st_mtime, 0),
        "lock": _lock(path) if packing == "bolt" else None,
        "txid": None,
        "page_size": None,
        "application": None,
        "layout": None,
        "error": None,
    }
    if packing != "bolt" and status.st_size > _UNPACKED:
        return found | {"error": None if packing else BoltError("it is not recognised as a database")}
    try:
        found |= _look(path)
    except BoltError as error:
        found["error"] = error
    return found


def _look(path: str) -> dict[str, Any]:
    from ..storage.live import Live
    from ..storage.source import open_source

    def read(snapshot: Snapshot) -> dict[str, Any]:
        found: dict[str, Any] = {"txid": snapshot.meta.txid, "page_size": snapshot.page_size}
        try:
            application = recognised(snapshot)
        except Changed:
            raise
        except BoltError:
            application = None
        if application is not None:
            found["application"], found["layout"] = application.name, application.layout
        return found

    with Live(open_source(path, "none")) as live:
        return live.read(read)


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
