"""Find bolt databases by their meta pages, whatever their names."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from ..apps.registry import recognised
from ..errors import BoltError, Changed
from ..record import Record
from ..storage.holders import holders
from ..storage.live import Live
from ..storage.snapshot import Snapshot
from ..storage.source import Source, check_source, open_for_reading, open_source
from ..text.times import utc_time
from .files import Files
from .find import databases_below, kind, nothing_in, why_not

_UNPACKED = 256 << 20  # packed bytes; a larger file is reported only with its name, size and age


@dataclass(frozen=True, slots=True)
class Scanned(Record):
    """A database that was found. Of one that can't be read ``error`` says why, and what follows from reading is None.

    ``kind`` is bolt, gzip, zip, ...; None if it isn't recognised, though its name or place is that of a database.
    ``size`` is in bytes, ``modified_ns`` in nanoseconds since 1970, ``age`` in seconds; ``lock`` is the mode in which
    others hold it: exclusive, shared or None.
    """

    path: str
    kind: str | None
    size: int
    modified_ns: int
    age: float
    lock: str | None = None
    txid: int | None = None
    page_size: int | None = None
    application: str | None = None
    layout: str | None = None
    error: BoltError | None = None

    @property
    def modified(self) -> datetime:
        """When it was last written, in UTC."""
        return utc_time(self.modified_ns)


def scan(named: Iterable[str], found: Files, looked: Callable[[], object] = bool) -> Iterator[Scanned]:
    """Yield a description of each database in the folders (or files) ``named``; call ``looked()`` for each file.

    ``found`` gets what was passed over, and the error for each name that is not there or without a database.
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


def _paths(name: str, found: Files, looked: Callable[[], object]) -> Iterator[str]:
    """Yield the databases in a folder, or a file that is one. Raises BoltError if there is neither."""
    if os.path.isdir(name):
        yield from databases_below(name, partial(found.pass_over, name), looked)
        return
    looked()
    check_source(name)
    reason = why_not(name)
    if reason:
        found.pass_over(name, reason)
    else:
        yield name


def describe(path: str) -> Scanned:
    """Return a description of the database at ``path``, read without waiting for its lock. Raises FileNotFoundError."""
    status = os.stat(path)
    try:
        packing = kind(path)
    except OSError:
        packing = None  # opening it says why
    lock = _lock(path) if packing == "bolt" else None
    age = max(time.time() - status.st_mtime, 0)
    found = Scanned(path, packing, status.st_size, status.st_mtime_ns, age, lock)
    if packing != "bolt" and status.st_size > _UNPACKED:
        return found if packing else replace(found, error=BoltError("it was not recognised as a database"))
    try:
        with Live(open_source(path, "none")) as live:
            return replace(found, **live.read(_facts))
    except BoltError as error:
        return replace(found, error=error)


def _facts(snapshot: Snapshot) -> dict[str, Any]:
    try:
        known = recognised(snapshot)
    except Changed:
        raise
    except BoltError:
        known = None
    whose = {"application": known and known.name, "layout": known and known.layout}
    return {"txid": snapshot.meta.txid, "page_size": snapshot.page_size, **whose}


def _lock(path: str) -> str | None:
    """Return the mode in which others hold the lock of the file: exclusive or shared; None for none, or unknown."""
    try:
        with Source(open_for_reading(path), path) as source:
            return holders(source).mode
    except BoltError:
        return None
