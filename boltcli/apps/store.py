"""What an application reads: a bucket of keys to values or further buckets, in key order and lazily."""

from __future__ import annotations

from ..database import Database
from .contract import Store as Store


def find(store: Store, *path: bytes) -> Store | None:
    """Return the bucket at ``path`` below ``store``, or None if there is none."""
    for name in path:
        child = store.get(name)
        if child is None or isinstance(child, bytes):
            return None
        store = child
    return store


def names(store: Store, limit: int = 256) -> list[bytes]:
    """Return the first ``limit`` keys of a store, of pairs and of buckets: enough to recognise one by."""
    found = []
    for key, _ in store.range():
        found.append(key)
        if len(found) >= limit:
            break
    return found


def space(db: Store) -> tuple[int, int] | None:
    """Return :meth:`Database.space` of ``db``; None for a store that isn't in a file."""
    return db.space() if isinstance(db, Database) else None
