"""What an application reads: a bucket of keys to values or further buckets, in key order and lazily."""

from __future__ import annotations

from ..database import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Store(Protocol):
        """The part of a bucket that applications use; the public library's Bucket and Database are stores too.

        Reading a damaged page raises :class:`~boltcli.errors.Corrupted`.
        """

        @property
        def sequence(self) -> int:
            """The bucket's own counter (``NextSequence`` in bbolt)."""

        def get(self, key: bytes, /) -> bytes | Store | None:
            """Return the value or the bucket of ``key``, or None."""

        def range(
            self, start: bytes = b"", stop: bytes | None = None, *, reverse: bool = False
        ) -> Iterator[tuple[bytes, bytes | Store]]:
            """Yield keys that are at least ``start`` and below ``stop``, each with its value or bucket, in order."""

        def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes | Store]]:
            """Yield the keys that begin with ``prefix``, as :meth:`range` does."""


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
