"""A database as a mapping of names to buckets, a bucket of keys to values or buckets: what applications read, too."""

from __future__ import annotations

import weakref
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from struct import Struct
from typing import Any, TypeVar

from .cursor import Cursor
from .errors import ArgumentError, BucketNotFound, Changed, DatabaseClosed, KeyNotFound
from .format.bucket import BucketRef, open_bucket
from .format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE, PAGE_HEADER_SIZE
from .ops.read.select_items import items
from .results.rows import Rows
from .text.columns import Again, Column
from .tree.bucket import as_bytes, find_bucket, root_bucket
from .tree.lookup import lookups
from .tree.page_map import free_pages
from .tree.walk import Whole, bounds, leaf_pages, refuse_nested

_ELEMENT = 16  # bytes of an element in a leaf page's table
_TABLES = [Struct(f"<{4 * count}I") for count in range(17)]

K = TypeVar("K")
V = TypeVar("V")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Reversible
    from typing import Literal, overload

    from .format.page import Page
    from .ops.read.select_items import Items
    from .ops.stats import BucketStats
    from .storage.snapshot import Snapshot

    T = TypeVar("T")

    class _Mapping(Reversible[bytes]):
        """What type checkers take for a bucket's base: mypy lets nobody look for a str in a Container[bytes]."""

        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool: ...
else:
    _Mapping = Mapping


def _said(key: bytes, value: bytes, is_json: bool) -> Any:
    """Return what a value says as JSON, or as text. Raises ArgumentError."""
    from json import loads

    try:
        return loads(value) if is_json else value.decode()
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"the value of {key!r} is no {'JSON' if is_json else 'text in UTF-8'}: {error}") from None


class _Items(ItemsView[bytes, "bytes | Bucket"]):
    """Read in order; the base class would look up each key."""

    _mapping: Bucket

    def __iter__(self) -> Iterator[tuple[bytes, bytes | Bucket]]:
        return iter(self._mapping.range())


class _Values(ValuesView["bytes | Bucket"]):
    _mapping: Bucket

    def __iter__(self) -> Iterator[bytes | Bucket]:
        return (value for _, value in self._mapping.range())

    def __contains__(self, value: object) -> bool:
        return any(each == value for each in self)


class Pairs(Rows[tuple[K, V]]):
    """Pairs of a bucket in key order, without nested buckets: rows of ``key`` and ``value``, read anew by each iter().

    In Arrow both are binary; what was decoded is text, JSON where it isn't str.
    """

    def __init__(
        self, parts: Callable[[], Iterator[Items]], key: Callable[[bytes], K] | None,
        value: Callable[[bytes], V] | None,
    ) -> None:  # fmt: skip
        self._parts = parts
        self._key, self._value = key, value
        columns = Column("key", "bytes" if key is None else "text"), Column("value", "text" if value else "bytes")
        super().__init__(columns, self._pairs, self._pairs)

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        for keys, values in self._columns():
            yield from zip(keys, values)

    def _columns(self) -> Iterator[tuple[Iterator[Any], Iterator[Any]]]:
        for part in self._parts():
            keys, values = part.keys, part.values
            if BucketRef in set(map(type, values)):
                keys = [key for key, value in zip(keys, values) if isinstance(value, bytes)]
                values = [value for value in values if isinstance(value, bytes)]
            yield (
                iter(keys) if self._key is None else map(self._key, keys),
                iter(values) if self._value is None else map(self._value, values),  # type: ignore[arg-type]
            )

    def _batches(self) -> Iterator[tuple[int, dict[str, list[Any]]]]:
        from .results.arrow import gathered
        from .text.cells import cell

        key, value = ((lambda part: cell(part, "text")) if each.type == "text" else None for each in self.columns)
        found = ({"key": list(map(key, keys) if key else keys), "value": list(map(value, values) if value else values)}
                 for keys, values in self._columns())  # fmt: skip
        return gathered(part for part in found if part["key"])


class Bucket(_Mapping):
    """A bucket: a mapping of keys, in byte order, to values (bytes) or nested buckets.

    Keys may be given as str, which is encoded as UTF-8. A missing key raises KeyNotFound, which is a KeyError. Reading
    a damaged page raises Corrupted, reading after the database was closed DatabaseClosed. After
    :meth:`boltcli.Database.refresh` a bucket shows the newer state, and raises BucketNotFound if it isn't there.
    ``names`` is its path from the root bucket.

    >>> import boltcli
    >>> with boltcli.open("fixtures/document.db") as db:
    ...     executions = db.bucket("execution")
    ...     len(executions), "e-0" in executions, executions.get("e-0")
    (4, False, None)
    """

    __slots__ = ("_ordered", "_owner", "_ref", "_state", "names")

    def __init__(self, owner: Database, ref: BucketRef, names: tuple[bytes, ...] = (), ordered: bool = False) -> None:
        self._owner = owner  # keeps the database open while there is a bucket of it
        self._state = owner._snapshot
        self._ref = ref  # of that state
        self._ordered = ordered
        self.names = names

    @property
    def _snapshot(self) -> Snapshot:
        snapshot = self._owner._snapshot
        if snapshot is not self._state:  # the database was refreshed
            self._ref = refuse_nested(snapshot, find_bucket(snapshot, self.names))
            self._state = snapshot
        return snapshot

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
        snapshot, ref = self._snapshot, self._ref
        shared = lookups(snapshot)
        value: bytes | None = shared.get(ref.root, wanted)
        if value is not NotImplemented:
            return value
        found = shared.find(snapshot, ref, wanted)
        if found is None:
            return None
        leaf, index = found
        if leaf.flags[index] & BUCKET_LEAF_FLAG:
            return self._inner(open_bucket(leaf, index, wanted), wanted)
        return leaf.value(index)

    def __contains__(self, key: object) -> bool:
        """Return whether there is a key or a nested bucket of this name; a str is encoded as UTF-8."""
        return isinstance(key, (bytes, str)) and self._find(as_bytes(key)) is not None

    if TYPE_CHECKING:

        @overload
        def get(self, key: bytes | str, /) -> bytes | Bucket | None: ...
        @overload
        def get(self, key: bytes | str, /, default: T) -> bytes | Bucket | T: ...

    def get(self, key: bytes | str, /, default: Any = None) -> Any:
        """Return the value of ``key``, or the nested bucket of this name; ``default`` if there is neither."""
        found = self._find(as_bytes(key))
        return default if found is None else found

    def __iter__(self) -> Iterator[bytes]:
        return self._keys(reverse=False)

    def __reversed__(self) -> Iterator[bytes]:
        """Yield the keys from the last to the first; reads only the pages that it needs."""
        return self._keys(reverse=True)

    def _keys(self, *, reverse: bool) -> Iterator[bytes]:
        for part in self._parts(reverse=reverse, values=False):
            yield from part.keys

    def _while_open(self, parts: Iterator[T]) -> Iterator[T]:
        """Yield ``parts`` of the present state. Raises DatabaseClosed once it is closed, Changed after a refresh."""
        return self._of_state(self._snapshot, parts)

    def _of_state(self, snapshot: Snapshot, parts: Iterator[T]) -> Iterator[T]:
        while True:
            self._require(snapshot)
            try:
                part = next(parts, None)
            except ValueError:  # the file was unmapped
                self._require(snapshot)
                raise
            if part is None:
                return
            yield part

    def _require(self, snapshot: Snapshot) -> None:
        if self._owner._snapshot is not snapshot:
            raise Changed("the database was refreshed: begin anew to iterate", path=snapshot.path)

    def keys(self) -> KeysView[bytes]:
        """Return a view of the keys, the names of nested buckets among them, in order."""
        return KeysView(self)

    def items(self) -> ItemsView[bytes, bytes | Bucket]:
        """Return a view of keys with values or nested buckets, in order."""
        return _Items(self)

    if TYPE_CHECKING:

        @overload
        def values(self) -> ValuesView[bytes | Bucket]: ...
        @overload
        def values(self, *, json: Literal[True]) -> Iterable[Any]: ...
        @overload
        def values(self, *, text: Literal[True]) -> Iterable[str]: ...

    def values(self, *, json: bool = False, text: bool = False) -> Any:
        """Return a view of the values and nested buckets, in the order of their keys.

        With ``json`` or ``text`` it has the values alone, parsed or as text in UTF-8; then reading raises ArgumentError
        for one that isn't that.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     [record["State"] for record in db["execution"].values(json=True)]
        [8, 3, 3, 8]
        """
        if not (json or text):
            return _Values(self)
        pairs = self.pairs()
        return Again(lambda: (_said(key, value, json) for key, value in pairs))

    def __repr__(self) -> str:
        shown = "/".join(repr(name)[2:-1] for name in self.names)
        if self._owner.closed:
            return f"<Bucket {shown!r} of a closed database>"
        try:
            snapshot = self._snapshot
        except BucketNotFound:
            return f"<Bucket {shown!r}, not there any more, of {self._owner.path!r}>"
        page = self._ref.inline or snapshot.any_page(self._ref.root)
        count = f": {page.count} keys" if page.flags == LEAF_PAGE else ""
        return f"<Bucket {shown!r} of {self._owner.path!r}{count}>"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"a {type(self).__name__} can't be copied or pickled: it is a view of an open file")

    def __len__(self) -> int:
        """Return the number of keys and nested buckets; reads the headers of all leaf pages."""
        return sum(page.count for page in leaf_pages(self._snapshot, self._ref, guard=Whole(self._snapshot)))

    def bucket(self, *path: bytes | str) -> Bucket:
        """Return the bucket at ``path`` below this one, outermost name first; raises BucketNotFound."""
        names = tuple(map(as_bytes, path))
        try:
            return self._inner(find_bucket(self._snapshot, names, self._ref), *names)
        except BucketNotFound:
            raise BucketNotFound(self.names + names, self._snapshot.path) from None

    def value(self, name: bytes | str, /, *more: bytes | str) -> bytes:
        """Return the value at a path below this bucket: names of buckets, if any, then the key.

        Raises BucketNotFound for the buckets, KeyNotFound if there is no such key or it is a bucket.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     len(db.value("execution", "e-9a937556-ac83-49ec-b794-a94c3aa068b2"))
        1358
        """
        *names, key = map(as_bytes, (name, *more))
        found = (self.bucket(*names) if names else self)._find(key)
        if not isinstance(found, bytes):
            raise KeyNotFound(key)
        return found

    def buckets(self) -> Iterator[tuple[bytes, Bucket]]:
        """Yield the names of the nested buckets, in order, and the buckets; values are not read."""
        for part in self._parts(values=False):
            for key, value in zip(part.keys, part.values):
                if isinstance(value, BucketRef):
                    yield key, self._inner(value, key)

    def walk(self) -> Iterator[tuple[tuple[bytes, ...], bytes, bytes | Bucket]]:
        """Yield (path, key, value) for everything in this bucket and in the buckets inside it, in key order.

        ``path`` is the bucket's, from the root bucket: ``db.bucket(*path)[key]`` is the value. A nested bucket is
        yielded as a value, and what is in it follows at once.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     sum(isinstance(value, bytes) for _, _, value in db.walk()), max(len(path) for path, _, _ in db.walk())
        (21, 2)
        """
        for part in self._parts(recursive=True):
            for key, value in zip(part.keys, part.values):
                yield part.path, key, self._at(part.path, key, value) if isinstance(value, BucketRef) else value

    def _at(self, path: tuple[bytes, ...], key: bytes, ref: BucketRef) -> Bucket:
        """Return the nested bucket ``ref``, called ``key`` in the bucket at ``path``."""
        return self._inner(ref, *path[len(self.names) :], key)

    def cursor(self) -> Cursor[Bucket]:
        """Return a cursor, which moves by keys and by steps; it isn't at an element yet."""
        return Cursor(self)

    def range(
        self, start: bytes | str = b"", stop: bytes | str | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets) from ``start`` to before ``stop`` (None: to the end)."""
        end = None if stop is None else as_bytes(stop)
        first = as_bytes(start)
        self._snapshot  # noqa: B018 - raises if it is closed
        page = self._ref.inline
        if page is not None and not (first or end is not None or reverse or self._ordered):
            pairs = _small(page)
            if pairs is not None:
                return iter(pairs)
        return self._elements(self._parts(first, end, reverse))

    def _parts(
        self, start: bytes = b"", stop: bytes | None = None, reverse: bool = False, *, values: bool = True,
        recursive: bool = False,
    ) -> Iterator[Items]:  # fmt: skip
        """Return what is in a range of keys, a page's worth at a time. Raises at once if the database is closed."""
        snapshot = self._snapshot
        found = items(
            snapshot, self._ref, self.names, start=start, stop=stop, reverse=reverse, recursive=recursive,
            values=values, guard=Whole(snapshot, ordered=True) if self._ordered else None,
        )  # fmt: skip
        return self._of_state(snapshot, found)

    def _elements(self, parts: Iterator[Items]) -> Iterator[tuple[bytes, bytes | Bucket]]:
        for part in parts:
            if BucketRef not in set(map(type, part.values)):
                yield from zip(part.keys, part.values)
                continue
            for key, value in zip(part.keys, part.values):
                yield key, self._inner(value, key) if isinstance(value, BucketRef) else value

    def prefix(self, prefix: bytes | str, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets) whose keys begin with ``prefix``."""
        start, stop = bounds(as_bytes(prefix))
        return self.range(start, stop, reverse=reverse)

    if TYPE_CHECKING:

        @overload
        def pairs(
            self, start: bytes | str = b"", stop: bytes | str | None = None, *, prefix: bytes | str = b"",
            reverse: bool = False,
        ) -> Pairs[bytes, bytes]: ...  # fmt: skip
        @overload
        def pairs(
            self, start: bytes | str = b"", stop: bytes | str | None = None, *, prefix: bytes | str = b"",
            reverse: bool = False, key: Callable[[bytes], K],
        ) -> Pairs[K, bytes]: ...  # fmt: skip
        @overload
        def pairs(
            self, start: bytes | str = b"", stop: bytes | str | None = None, *, prefix: bytes | str = b"",
            reverse: bool = False, value: Callable[[bytes], V],
        ) -> Pairs[bytes, V]: ...  # fmt: skip
        @overload
        def pairs(
            self, start: bytes | str = b"", stop: bytes | str | None = None, *, prefix: bytes | str = b"",
            reverse: bool = False, key: Callable[[bytes], K], value: Callable[[bytes], V],
        ) -> Pairs[K, V]: ...  # fmt: skip

    def pairs(
        self, start: bytes | str = b"", stop: bytes | str | None = None, *, prefix: bytes | str = b"",
        reverse: bool = False, key: Any = None, value: Any = None,
    ) -> Pairs[Any, Any]:  # fmt: skip
        """Return keys and values without the nested buckets, which data frames take, too: see :class:`Pairs`.

        Keys are at least ``start``, below ``stop`` (None: to the end) and begin with ``prefix``. ``key`` and ``value``
        are called with the bytes of each and return what is to be there instead: ``bytes.decode``, ``json.loads``.

        >>> import boltcli, json
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     executions = dict(db["execution"].pairs(prefix="e-9", key=bytes.decode, value=json.loads))
        >>> [(key[:6], record["State"]) for key, record in executions.items()]
        [('e-9a93', 3)]
        """
        self._snapshot  # noqa: B018 - raises if it is closed
        first, last = bounds(as_bytes(prefix), as_bytes(start), None if stop is None else as_bytes(stop))
        return Pairs(lambda: self._parts(first, last, reverse), key, value)

    @property
    def sequence(self) -> int:
        """The bucket's sequence number (``NextSequence`` in bbolt)."""
        self._snapshot  # noqa: B018 - raises if it is closed
        return self._ref.sequence

    def _repr_html_(self) -> str:
        from .results.notebook import elements, page

        return page(repr(self)[1:-1], "" if self._owner.closed else elements(self.range()))

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
        @overload
        def get(self, key: bytes | str, /) -> Bucket | None: ...
        @overload
        def get(self, key: bytes | str, /, default: T) -> Bucket | T: ...
        def get(self, key: bytes | str, /, default: Any = None) -> Any: ...

    @property
    def _snapshot(self) -> Snapshot:
        if self._file.closed:
            raise DatabaseClosed
        return self._file

    def _move(self, snapshot: Snapshot) -> None:
        """Show another state from now on; the caller closes the one before."""
        self._file = self._state = snapshot
        self._ref = root_bucket(snapshot)

    @property
    def path(self) -> str:
        """The path of the file, or what else was opened."""
        return self._file.path

    @property
    def closed(self) -> bool:
        """Whether it was closed: then every other access raises DatabaseClosed."""
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
