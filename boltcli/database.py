"""A database as a mapping of names to buckets, a bucket of keys to values or buckets: what applications read, too."""

from __future__ import annotations

import weakref
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from struct import Struct

from .errors import BucketNotFound, Corrupted, DatabaseClosed, KeyNotFound
from .format.bucket import BucketRef, open_bucket
from .format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE, PAGE_HEADER_SIZE
from .ops.read.select_items import items
from .tree.bucket import find_bucket, root_bucket, seek
from .tree.page_map import free_pages
from .tree.walk import Whole, bounds, leaf_pages, refuse_nested

_ELEMENT = 16  # bytes of an element in a leaf page's table
_TABLES = [Struct(f"<{4 * count}I") for count in range(17)]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, overload

    from .format.page import LeafElements, Page
    from .ops.stats import BucketStats
    from .storage.snapshot import Snapshot

    T = TypeVar("T")

    class Key(bytes):
        """What type checkers take a key for: bytes, with which ``in`` may compare a str, too."""

        __hash__ = bytes.__hash__

        def __eq__(self, other: object) -> bool: ...


def as_bytes(key: bytes | str) -> bytes:
    """Return ``key``, a str as UTF-8."""
    return key.encode() if isinstance(key, str) else key


class _Items(ItemsView["Key", "bytes | Bucket"]):
    """Read in order; the base class would look up each key."""

    _mapping: Bucket

    def __iter__(self) -> Iterator[tuple[Key, bytes | Bucket]]:
        return iter(self._mapping.range())  # type: ignore[arg-type]


class _Values(ValuesView["bytes | Bucket"]):
    _mapping: Bucket

    def __iter__(self) -> Iterator[bytes | Bucket]:
        return (value for _, value in self._mapping.range())

    def __contains__(self, value: object) -> bool:
        return any(each == value for each in self)


class Bucket(Mapping["Key", "bytes | Bucket"]):
    """A bucket: a mapping of keys, in byte order, to values (bytes) or nested buckets.

    Keys may be given as str, which is encoded as UTF-8. A missing key raises KeyNotFound, which is a KeyError. Reading
    a damaged page raises Corrupted.

    >>> import boltcli
    >>> with boltcli.open("fixtures/document.db") as db:
    ...     executions = db.bucket("execution")
    ...     len(executions), "e-0" in executions, executions.get("e-0")
    (4, False, None)
    """

    __slots__ = ("_last", "_ordered", "_owner", "_ref", "names")

    def __init__(self, owner: Database, ref: BucketRef, names: tuple[bytes, ...] = (), ordered: bool = False) -> None:
        self._owner = owner  # keeps the database open while there is a bucket of it
        self._ref = ref
        self._ordered = ordered
        self.names = names
        # The last element that was looked up: a caller that reads the keys in order finds the next one after it.
        self._last: tuple[LeafElements, int] | None = None

    @property
    def _snapshot(self) -> Snapshot:
        return self._owner._snapshot

    def _inner(self, ref: BucketRef, *names: bytes) -> Bucket:
        owner = self if isinstance(self, Database) else self._owner
        return Bucket(owner, refuse_nested(self._snapshot, ref), self.names + names, self._ordered)

    def __getitem__(self, key: bytes | str) -> bytes | Bucket:
        found = self._find(as_bytes(key))
        if found is None:
            raise KeyNotFound(as_bytes(key))
        return found

    def _find(self, wanted: bytes) -> bytes | Bucket | None:
        if self._ordered:  # a descent looks at few keys
            return next((value for _, value in self.range(wanted, wanted + b"\0")), None)
        leaf, index = self._seek(wanted)
        if index >= leaf.count or leaf.key(index) != wanted:
            return None
        self._last = leaf, index
        if leaf.flags[index] & BUCKET_LEAF_FLAG:
            return self._inner(open_bucket(leaf, index, wanted), wanted)
        return leaf.value(index)

    def __contains__(self, key: object) -> bool:
        """Return whether there is a key or a nested bucket of this name; a str is encoded as UTF-8."""
        return isinstance(key, (bytes, str)) and super().__contains__(key)

    if TYPE_CHECKING:

        @overload
        def get(self, key: bytes | str, /) -> bytes | Bucket | None: ...
        @overload
        def get(self, key: bytes | str, /, default: T) -> bytes | Bucket | T: ...

    def get(self, key: bytes | str, /, default: Any = None) -> Any:
        """Return the value of ``key``, or the nested bucket of this name; ``default`` if there is neither."""
        found = self._find(as_bytes(key))
        return default if found is None else found

    def _seek(self, wanted: bytes) -> tuple[LeafElements, int]:
        """Return the leaf and the index where ``wanted`` is or would be: next to the last lookup, else by a descent."""
        snapshot = self._snapshot  # raises if it is closed
        if self._last is not None:
            leaf, index = self._last
            try:
                if index + 1 < leaf.count and leaf.key(index + 1) == wanted:
                    return leaf, index + 1
            except Corrupted:
                pass  # the descent reports what is wrong
        return seek(snapshot, self._ref, wanted)

    def __iter__(self) -> Iterator[Key]:
        for part in self._while_open(items(self._snapshot, self._ref, values=False)):
            yield from part.keys  # type: ignore[misc]

    def _while_open(self, parts: Iterator[T]) -> Iterator[T]:
        """Yield ``parts``. Raises DatabaseClosed once the database is closed."""
        while True:
            self._snapshot  # noqa: B018 - raises
            try:
                part = next(parts, None)
            except ValueError:  # the file was unmapped
                self._snapshot  # noqa: B018
                raise
            if part is None:
                return
            yield part

    def items(self) -> ItemsView[Key, bytes | Bucket]:
        return _Items(self)

    def values(self) -> ValuesView[bytes | Bucket]:
        return _Values(self)

    def __repr__(self) -> str:
        shown = "/".join(repr(name)[2:-1] for name in self.names)
        if self._owner.closed:
            return f"<Bucket {shown!r} of a closed database>"
        page = self._ref.inline or self._snapshot.any_page(self._ref.root)
        count = f": {page.count} keys" if page.flags == LEAF_PAGE else ""
        return f"<Bucket {shown!r} of {self._owner.path!r}{count}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"a {type(self).__name__} can't be copied or pickled: it is a view of an open file")

    def __len__(self) -> int:
        """Return the number of keys and nested buckets; reads the headers of all leaf pages."""
        return sum(page.count for page in leaf_pages(self._snapshot, self._ref, guard=Whole(self._snapshot)))

    def bucket(self, *path: bytes | str) -> Bucket:
        """Return the bucket at ``path`` below this one; raises BucketNotFound."""
        names = tuple(map(as_bytes, path))
        try:
            return self._inner(find_bucket(self._snapshot, names, self._ref), *names)
        except BucketNotFound:
            raise BucketNotFound(self.names + names, self._snapshot.path) from None

    def cursor(self, seek: bytes | str = b"", *, reverse: bool = False) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets), starting at the first key that isn't below ``seek``.

        In ``reverse`` they start at the last key that isn't above ``seek`` (empty: at the last key).
        """
        if not reverse:
            return self.range(seek)
        # The smallest byte string after a key is the key with a zero byte appended.
        return self.range(stop=as_bytes(seek) + b"\0" if seek else None, reverse=True)

    def range(
        self, start: bytes | str = b"", stop: bytes | str | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets) from ``start`` to before ``stop`` (None: to the end)."""
        end = None if stop is None else as_bytes(stop)
        return self._range(self._snapshot, as_bytes(start), end, reverse)  # raises at once if it is closed

    def _range(
        self, snapshot: Snapshot, start: bytes, stop: bytes | None, reverse: bool
    ) -> Iterator[tuple[bytes, bytes | Bucket]]:
        page = self._ref.inline
        if page is not None and not (start or stop is not None or reverse or self._ordered):
            pairs = _small(page)
            if pairs is not None:
                yield from pairs
                return
        guard = Whole(snapshot, ordered=True) if self._ordered else None
        for part in self._while_open(items(snapshot, self._ref, start=start, stop=stop, reverse=reverse, guard=guard)):
            for key, value in zip(part.keys, part.values):
                yield key, self._inner(value, key) if isinstance(value, BucketRef) else value

    def prefix(self, prefix: bytes | str, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets) whose keys begin with ``prefix``."""
        start, stop = bounds(as_bytes(prefix))
        return self.range(start, stop, reverse=reverse)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in order, without the nested buckets."""
        return ((key, value) for key, value in self.range() if isinstance(value, bytes))

    @property
    def sequence(self) -> int:
        """The bucket's sequence number (``NextSequence`` in bbolt)."""
        self._snapshot  # noqa: B018 - raises if it is closed
        return self._ref.sequence

    def stats(self) -> BucketStats:
        """Return counts and sizes of this bucket and everything in it."""
        from .ops.stats.buckets import bucket_stats

        return bucket_stats(self._snapshot, self._ref)


class Database(Bucket):
    """An open database: its root bucket. In an ``ordered`` one keys out of order are damage wherever they are read."""

    def __init__(self, snapshot: Snapshot, *, ordered: bool = False) -> None:
        self._file = snapshot
        # A reference to itself would keep it until the garbage collector runs.
        super().__init__(weakref.proxy(self), root_bucket(snapshot), (), ordered)

    if TYPE_CHECKING:
        # Programs put only buckets there. (A pair in the root bucket, which bbolt reads too, is bytes.)
        def __getitem__(self, key: bytes | str) -> Bucket: ...

    @property
    def _snapshot(self) -> Snapshot:
        if self._file.closed:
            raise DatabaseClosed
        return self._file

    @property
    def path(self) -> str:
        """The path of the file, as it was given."""
        return self._file.path

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._file.closed

    @property
    def page_size(self) -> int:
        """The size of a page, in bytes."""
        return self._snapshot.page_size

    @property
    def txid(self) -> int:
        """The id of the transaction whose state is read."""
        return self._snapshot.meta.txid

    def space(self) -> tuple[int, int]:
        """Return the bytes of the database's pages, and those of its free ones; without a stored freelist by a walk."""
        size = self.page_size
        return self._snapshot.meta.hwm * size, len(free_pages(self._snapshot)) * size


def _small(page: Page) -> list[tuple[bytes, bytes]] | None:
    """Return the pairs of an inline bucket; None if they aren't few, or anything is odd: then others look closer."""
    count = page.count
    if page.flags != LEAF_PAGE or count >= len(_TABLES):
        return None
    base, end, buffer = page.offset + PAGE_HEADER_SIZE, page.end, page.buffer
    if base + count * _ELEMENT > end:
        return None
    table = _TABLES[count].unpack_from(buffer, base)
    pairs = []
    for flags, position, key_size, value_size in zip(table[::4], table[1::4], table[2::4], table[3::4]):
        start = base + position
        middle = start + key_size
        if flags or middle + value_size > end:
            return None
        pairs.append((buffer[start:middle], buffer[middle : middle + value_size]))
        base += _ELEMENT
    return pairs
