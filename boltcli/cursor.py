"""A cursor: a place in a bucket that moves by keys and by steps, as bbolt's Cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from .format.bucket import open_bucket
from .format.constants import BUCKET_LEAF_FLAG
from .tree.bucket import as_bytes
from .tree.lookup import lookups

B = TypeVar("B")  # nested buckets

if TYPE_CHECKING:
    from types import NotImplementedType
    from typing import Protocol

    from .format.bucket import BucketRef
    from .storage.snapshot import Snapshot
    from .tree.lookup import Ids, Lookups, Spot

    C = TypeVar("C", covariant=True)

    class Readable(Protocol[C]):
        """The bucket that a cursor is of."""

        _ref: BucketRef
        _ordered: bool

        @property
        def _snapshot(self) -> Snapshot: ...
        def _inner(self, ref: BucketRef, *names: bytes) -> C: ...
        def get(self, key: bytes, /) -> bytes | C | None: ...
        def range(
            self, start: bytes, stop: bytes | None, *, reverse: bool = False
        ) -> Iterator[tuple[bytes, bytes | C]]: ...


class Cursor(Generic[B]):
    """A place in a bucket, which moves by keys and by steps; ``key`` and ``value`` are those of the element there.

    :meth:`first`, :meth:`last`, :meth:`seek`, :meth:`next` and :meth:`prev` move it and return whether there is an
    element; if not, ``key`` and ``value`` are None. A new cursor is before the first element and after the last one at
    once: ``next`` goes to the first, ``prev`` to the last. After the last element ``prev`` goes back to it, and before
    the first one ``next``. Iteration yields keys and values from the current element on, a new cursor's from the first.

    Each move raises Corrupted at a damaged page, and DatabaseClosed; the cursor then stays where it was.

    >>> import boltcli
    >>> with boltcli.open("fixtures/one-bucket.db") as db:
    ...     cursor = db.bucket("widgets").cursor()
    ...     cursor.seek("bay"), cursor.key, cursor.value
    ...     cursor.prev(), cursor.key, cursor.prev()
    (True, b'baz', b'three')
    (True, b'bar', False)
    """

    __slots__ = ("_bucket", "_ended", "_ids", "_indexes", "_key", "_lookups", "_value")

    _ids: Ids
    _indexes: Ids

    def __init__(self, bucket: Readable[B]) -> None:
        self._bucket = bucket
        self._key: bytes | None = None
        self._value: bytes | B | NotImplementedType | None = None
        self._ended: bool | None = None  # without an element: after the last one, or before the first one
        self._lookups: Lookups | None = None  # those that found the place

    @property
    def key(self) -> bytes | None:
        """The key of the current element; None if there is none."""
        return self._key

    @property
    def value(self) -> bytes | B | None:
        """The value of the current element, or the nested bucket; None if there is no element. Raises Corrupted."""
        if self._value is NotImplemented:
            self._value = self._read()
        return self._value

    def first(self) -> bool:
        """Go to the first element; return whether there is one."""
        return self._move(True, None)

    def last(self) -> bool:
        """Go to the last element; return whether there is one."""
        return self._move(False, None)

    def next(self) -> bool:
        """Go to the element after the current one; return whether there is one."""
        if self._key is None and self._ended:
            return False
        return self._move(True, self._key)

    def prev(self) -> bool:
        """Go to the element before the current one; return whether there is one."""
        if self._key is None and self._ended is False:
            return False
        return self._move(False, self._key)

    def seek(self, key: bytes | str) -> bool:
        """Go to the first element whose key isn't below ``key``; return whether there is one."""
        wanted = as_bytes(key)
        bucket = self._bucket
        snapshot = bucket._snapshot
        if bucket._ordered:
            return self._jump(wanted, None, True)
        found = lookups(snapshot)
        return self._arrive(found.seek(snapshot, bucket._ref, wanted), found, True)

    def __iter__(self) -> Iterator[tuple[bytes, bytes | B]]:
        """Yield keys and values from the current element on; the cursor moves along."""
        if self._key is None and self._ended is None:
            self.first()
        while self._key is not None:
            yield self._key, self.value  # type: ignore[misc]
            self.next()

    def _move(self, forward: bool, key: bytes | None) -> bool:
        """Go to the element next to ``key``, the current one; None: from outside."""
        bucket = self._bucket
        snapshot = bucket._snapshot
        found = lookups(snapshot)
        if bucket._ordered or (key is not None and self._lookups is not found):  # the place is one of another state
            after = b"" if key is None or not forward else key + b"\0"
            return self._jump(after, None if forward else key, forward)
        ids, indexes = ((), ()) if key is None else (self._ids, self._indexes)
        return self._arrive(found.step(snapshot, bucket._ref, ids, indexes, forward), found, forward)

    def _jump(self, start: bytes, stop: bytes | None, forward: bool) -> bool:
        """Go to the first element of a range, or the last one, by a descent that verifies what it reads."""
        key, value = next(self._bucket.range(start, stop, reverse=not forward), (None, None))
        self._lookups, self._ended = None, forward
        self._key, self._value = key, value
        return key is not None

    def _arrive(self, spot: Spot | None, found: Lookups, forward: bool) -> bool:
        self._lookups, self._ended = found, forward
        if spot is None:
            self._key = self._value = None
            return False
        self._ids, self._indexes, self._key, self._value = spot
        return True

    def _read(self) -> bytes | B | None:
        """Return the value of the current element, which wasn't read yet."""
        bucket, key = self._bucket, self._key
        snapshot = bucket._snapshot
        assert key is not None
        found = lookups(snapshot)
        if self._lookups is not found:
            return bucket.get(key)
        leaf, index = found.leaf(snapshot, bucket._ref, self._ids), self._indexes[-1]
        if leaf.flags[index] & BUCKET_LEAF_FLAG:
            return bucket._inner(open_bucket(leaf, index, key), key)
        return leaf.value(index)
