"""What lies beside a store: files of the same program that say how far the store should be."""

import os
from collections.abc import Callable
from typing import TypeVar

from ..database import Database
from ..errors import BoltError
from ..storage.live import Live
from ..storage.source import begins_with_meta, is_elsewhere, open_for_reading, open_source
from .contract import Store

T = TypeVar("T")


def place_of(db: Store) -> str | None:
    """Return the path of the file of ``db``, links followed; None if it was unpacked, or isn't of this machine."""
    if not isinstance(db, Database) or is_elsewhere(db.path):
        return None
    try:
        path = os.path.realpath(db.path)
        fd = open_for_reading(path)
    except (BoltError, OSError, ValueError):
        return None
    try:
        return path if begins_with_meta(fd) else None
    finally:
        os.close(fd)


def read_database(path: str, read: Callable[[Store], T]) -> T | None:
    """Return what ``read`` returns of another database; None if there is none at ``path``, or it can't be read."""
    if not os.path.isfile(path):
        return None
    try:
        with Live(open_source(path, "try", 0)) as live:
            return live.read(lambda snapshot: read(Database(snapshot)))
    except BoltError:
        return None
