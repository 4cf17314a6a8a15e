"""The Python library: a database is a read-only mapping of names to buckets, a bucket of keys to values or buckets."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from .apps import ask
from .errors import ArgumentError, BucketNotFound, Corrupted, DatabaseClosed, KeyNotFound
from .format.bucket import BucketRef, open_bucket
from .format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from .format.page import type_name
from .mapping_views import Items, Values, as_bytes
from .ops.check.database_check import check, file_warnings
from .ops.check.deep_check import deep_check
from .ops.check.findings import Finding
from .ops.read.key_pages import keyed_leaves
from .ops.read.select_items import items
from .ops.space.pages import FREE, page_rows
from .ops.stats import BucketStats
from .ops.stats.buckets import bucket_stats, database_stats
from .ops.write.compact import FILL_PERCENT, TX_MAX_SIZE, Compaction
from .ops.write.compact import compact as compact_snapshot
from .storage.live import Live, open_state
from .storage.source import LOCK_PATIENCE, at_offset, open_source
from .tables.frames import ViewRows
from .tables.queryable import Queryable
from .tree.bucket import find_bucket, root_bucket, seek
from .tree.page_map import free_pages
from .tree.walk import Whole, bounds, leaf_pages, refuse_nested

if TYPE_CHECKING:
    from .apps.contract import Audit, Recognition
    from .format.page import LeafElements
    from .mapping_views import Key
    from .ops.compare.change import Change
    from .ops.read.select_items import Items as Part
    from .storage.snapshot import Snapshot
    from .storage.source import Source, Way

T = TypeVar("T")


def open(
    path: str | os.PathLike[str], *, lock: Way = "auto", timeout: float = LOCK_PATIENCE, previous: bool = False,
    offset: int = 0,
) -> Database:  # fmt: skip
    """Open the database file at ``path`` for reading, or the one in a program's data directory.

    ``lock`` says what to do if another process holds bbolt's lock: ``auto`` waits ``timeout`` seconds (0: for ever),
    then reads without the lock; ``wait`` waits, then fails; ``try`` doesn't wait and reads without the lock; ``none``
    doesn't lock. Without the lock a private copy of one transaction's state is opened, in memory or, above 64 MiB, in
    a temporary file; :func:`view` doesn't need the copy. ``previous`` opens the state before the last transaction,
    ``offset`` the database that begins at that byte of the file, as if the file began there.

    Raises :class:`~boltcli.errors.SourceNotFound`, :class:`~boltcli.errors.OpenError`,
    :class:`~boltcli.errors.InvalidDatabase` or, if the file is written to too fast to be copied,
    :class:`~boltcli.errors.Changed`. Use it in a ``with`` statement, or call :meth:`Database.close`.
    """
    return Database(open_state(_source(path, lock, timeout, offset), previous=previous), owns=True)


def _source(path: str | os.PathLike[str], lock: Way, timeout: float, offset: int) -> Source:
    """Open a file, or the database in a program's data directory."""
    from .apps.places import resolved

    return open_source(at_offset(resolved(os.fspath(path)), offset), lock, timeout)


def view(
    path: str | os.PathLike[str],
    read: Callable[[Database], T],
    *,
    lock: Way = "auto",
    timeout: float = LOCK_PATIENCE,
    previous: bool = False,
    offset: int = 0,
) -> T:
    """Call ``read`` with the open database and return its result; the other arguments are those of :func:`open`.

    Without the lock ``read`` is called again if the database was written to in the meantime, so it must have no side
    effects: its last result (or error) belongs to one transaction. It must not return the database or a bucket, as
    they are closed afterwards. Raises as :func:`open` does.
    """
    with Live(_source(path, lock, timeout, offset), previous=previous) as live:

        def attempt() -> T:
            with live.snapshot() as snapshot:
                return read(Database(snapshot))

        return live.run(attempt)


def compact(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    tx_max_size: int = TX_MAX_SIZE,
    dense: bool = False,
    page_size: int = 0,
    fill_percent: int = FILL_PERCENT,
    replace: bool = False,
    sync: bool = True,
    progress: Callable[[int, int], None] | None = None,
    lock: Way = "auto",
    timeout: float = LOCK_PATIENCE,
    previous: bool = False,
    offset: int = 0,
) -> Compaction:
    """Write a copy of the database ``source`` without its free pages to ``destination``.

    The copy appears there only when it is complete. It is the file that
    ``bbolt compact`` writes with transactions of at most ``tx_max_size`` bytes
    (0: one transaction); ``dense`` writes the smallest file instead, with pages
    filled up to ``fill_percent`` (10 to 100). ``page_size`` is the page size of
    the copy: a power of two from 1024 to 65536, 0 for the host's. ``replace``
    replaces an existing file; without ``sync`` nothing is synced to the disk.
    ``progress(done, total)`` is called from time to time, with pages of the
    source. The other arguments are those of :func:`open`: the source may be in use.

    Raises what :func:`open` raises, :class:`~boltcli.errors.DamagedSource` or
    :class:`~boltcli.errors.Corrupted` for a damaged source,
    :class:`~boltcli.errors.DestinationExists`,
    :class:`~boltcli.errors.DestinationIsSource`,
    :class:`~boltcli.errors.DestinationError` and
    :class:`~boltcli.errors.ArgumentError`; then no copy is written.

    >>> import boltcli, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = boltcli.compact("fixtures/document.db", os.path.join(folder, "copy.db"), dense=True, page_size=4096)
    >>> done.source_size, done.size, done.pairs, done.buckets
    (262144, 32768, 21, 11)
    """
    if not isinstance(tx_max_size, int) or tx_max_size < 0:
        raise ArgumentError(f"tx_max_size {tx_max_size!r}: must be a number of bytes, 0 or more")
    with Live(_source(source, lock, timeout, offset), previous=previous) as live:

        def attempt() -> Compaction:
            with live.snapshot() as snapshot:
                return compact_snapshot(
                    snapshot,
                    os.fspath(destination),
                    tx_max_size=tx_max_size,
                    dense=dense,
                    page_size=page_size,
                    fill_percent=fill_percent,
                    replace=replace,
                    sync=sync,
                    progress=progress,
                )

        return live.run(attempt)


class PageRow(NamedTuple):
    """A page: its id, type (free, branch, leaf, meta, freelist), number of elements and of overflow pages."""

    page: int
    type: str
    elements: int
    overflow: int


class Bucket(Mapping["Key", "bytes | Bucket"]):
    """A bucket: a mapping of keys, in byte order, to values (bytes) or nested buckets.

    Keys may be given as str, which is encoded as UTF-8. A missing key raises
    :class:`~boltcli.errors.KeyNotFound`, which is a KeyError. Reading a
    damaged page raises :class:`~boltcli.errors.Corrupted`.

    >>> import boltcli
    >>> with boltcli.open("fixtures/document.db") as db:
    ...     executions = db.bucket("execution")
    ...     len(executions), "e-0" in executions, executions.get("e-0")
    (4, False, None)
    """

    def __init__(self, owner: Database, ref: BucketRef, names: tuple[bytes, ...] = ()) -> None:
        self._owner: Database = owner  # keeps the database open while there is a bucket of it
        self._ref = ref
        self.names = names
        # The last element that was looked up: a caller that reads the keys in order finds the next one after it.
        self._last: tuple[LeafElements, int] | None = None

    @property
    def _snapshot(self) -> Snapshot:
        return self._owner._snapshot

    def _inner(self, ref: BucketRef, *names: bytes) -> Bucket:
        return Bucket(self._owner, refuse_nested(self._snapshot, ref), self.names + names)

    def __getitem__(self, key: bytes | str) -> bytes | Bucket:
        wanted = as_bytes(key)
        leaf, index = self._seek(wanted)
        if index >= leaf.count or leaf.key(index) != wanted:
            raise KeyNotFound(wanted)
        self._last = leaf, index
        if leaf.flags[index] & BUCKET_LEAF_FLAG:
            return self._inner(open_bucket(leaf, index, wanted), wanted)
        return leaf.value(index)

    def __contains__(self, key: object) -> bool:
        """Return whether there is a key or a nested bucket of this name; a str is encoded as UTF-8."""
        return isinstance(key, (bytes, str)) and super().__contains__(key)

    @overload
    def get(self, key: bytes | str, /) -> bytes | Bucket | None: ...
    @overload
    def get(self, key: bytes | str, /, default: T) -> bytes | Bucket | T: ...

    def get(self, key: bytes | str, /, default: Any = None) -> Any:
        """Return the value of ``key``, or the nested bucket of this name; ``default`` if there is neither."""
        try:
            return self[key]
        except KeyNotFound:
            return default

    def _seek(self, wanted: bytes) -> tuple[LeafElements, int]:
        """Return the leaf and the index where ``wanted`` is or would be: next to the last lookup, else by a descent."""
        snapshot = self._snapshot
        if self._last is not None:
            leaf, index = self._last
            try:
                if index + 1 < leaf.count and leaf.key(index + 1) == wanted:
                    return leaf, index + 1
            except Corrupted:
                pass  # the descent reports what is wrong
        return seek(snapshot, self._ref, wanted)

    def __iter__(self) -> Iterator[Key]:
        for _, keys in self._while_open(keyed_leaves(self._snapshot, self._ref, Whole(self._snapshot))):
            yield from keys  # type: ignore[misc]

    def _while_open(self, parts: Iterator[T]) -> Iterator[T]:
        """Yield ``parts``. Raises :class:`~boltcli.errors.DatabaseClosed` once the database is closed."""
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
        """Return keys and values (or nested buckets), in order."""
        return Items(self)

    def values(self) -> ValuesView[bytes | Bucket]:
        """Return values (or nested buckets), in the order of the keys."""
        return Values(self)

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
        """Return the bucket at ``path`` below this one; raises :class:`~boltcli.errors.BucketNotFound`."""
        names = tuple(map(as_bytes, path))
        try:
            return self._inner(find_bucket(self._snapshot, names, self._ref), *names)
        except BucketNotFound:
            raise BucketNotFound(self.names + names, self._snapshot.path) from None

    def cursor(self, seek: bytes | str = b"", *, reverse: bool = False) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets), starting at the first key that isn't below ``seek``.

        With ``reverse`` they come backwards, starting at the last key that isn't
        above ``seek`` (if that is empty, at the last key). Pages are read as needed.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     key, value = next(db.bucket("execution").cursor("e-9"))
        >>> key, len(value)
        (b'e-9a937556-ac83-49ec-b794-a94c3aa068b2', 1358)
        """
        if not reverse:
            return self.range(seek)
        # The smallest byte string after a key is the key with a zero byte appended.
        return self.range(stop=as_bytes(seek) + b"\0" if seek else None, reverse=True)

    def range(
        self, start: bytes | str = b"", stop: bytes | str | None = None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets) from ``start`` to before ``stop`` (None: to the end).

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     [key[:6] for key, _ in db.bucket("execution").range("e-9", "e-f", reverse=True)]
        [b'e-d810', b'e-9a93']
        """
        end = None if stop is None else as_bytes(stop)
        parts = items(self._snapshot, self._ref, start=as_bytes(start), stop=end, reverse=reverse)
        return self._elements(self._while_open(parts))

    def _elements(self, parts: Iterator[Part]) -> Iterator[tuple[bytes, bytes | Bucket]]:
        for part in parts:
            for key, value in zip(part.keys, part.values):
                yield key, self._inner(value, key) if isinstance(value, BucketRef) else value

    def prefix(self, prefix: bytes | str, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """Yield keys and values (or nested buckets) whose keys begin with ``prefix``.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     history = db.bucket("execution-history")
        ...     [(key[:10], len(bucket)) for key, bucket in history.prefix("e-4")]
        [(b'e-42bdab56', 4)]
        """
        start, stop = bounds(as_bytes(prefix))
        return self.range(start, stop, reverse=reverse)

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in order, without the nested buckets; reads a page at a time."""
        for leaf, keys in self._while_open(keyed_leaves(self._snapshot, self._ref, Whole(self._snapshot))):
            for key, value, flag in zip(keys, leaf.values(), leaf.flags):
                if not flag & BUCKET_LEAF_FLAG:
                    yield key, value

    @property
    def sequence(self) -> int:
        """The bucket's sequence number (``NextSequence`` in bbolt).

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     db.bucket("execution").sequence
        0
        """
        self._snapshot  # noqa: B018 - raises if it is closed
        return self._ref.sequence

    def stats(self) -> BucketStats:
        """Return counts and sizes of this bucket and everything in it.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     stats = db.bucket("execution").stats()
        >>> stats.keys, stats.depth, stats.leaf_inuse
        (4, 1, 5664)
        """
        return bucket_stats(self._snapshot, self._ref)


class Database(Queryable, Bucket):
    """An open database: its root bucket, which holds the top-level buckets. See :func:`open`.

    >>> import boltcli
    >>> with boltcli.open("fixtures/document.db") as db:
    ...     list(db), db.page_size, db.txid
    ([b'execution', b'execution-history', b'execution-index'], 16384, 14)
    """

    def __init__(self, snapshot: Snapshot, *, owns: bool = False) -> None:
        """With ``owns`` the file is closed, with a ResourceWarning, when the last reference to this is gone."""
        self._file = snapshot
        self._owns = owns
        # A reference to itself would delay that until the garbage collector runs.
        super().__init__(weakref.proxy(self), root_bucket(snapshot))

    if TYPE_CHECKING:
        # Programs put only buckets there. (A pair in the root bucket, which bbolt reads too, is bytes.)
        def __getitem__(self, key: bytes | str) -> Bucket: ...

    @property
    def _snapshot(self) -> Snapshot:
        if self._file.closed:
            raise DatabaseClosed
        return self._file

    def _inner(self, ref: BucketRef, *names: bytes) -> Bucket:
        return Bucket(self, refuse_nested(self._snapshot, ref), names)

    def close(self) -> None:
        """Unmap the file and release its lock; its buckets can't be read any more."""
        self._file.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)

    def __del__(self) -> None:
        if not getattr(self, "_owns", False) or self._file.closed:
            return
        if sys is None or sys.is_finalizing():  # modules can't be imported any more; the system closes the file
            return
        try:
            import warnings

            warnings.warn(f"unclosed database {self.path!r}", ResourceWarning, stacklevel=2, source=self)
        finally:
            self._file.close()

    def __repr__(self) -> str:
        if self.closed:
            return f"<Database {self.path!r}, closed>"
        lock = "locked" if self.locked else "not locked"
        return f"<Database {self.path!r}: transaction {self.txid}, pages of {self.page_size} bytes, {lock}>"

    @property
    def path(self) -> str:
        """The path of the file, as it was given."""
        return self._file.path

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._file.closed

    @property
    def warnings(self) -> list[str]:
        """Warnings about a file whose database is sound: an invalid meta page, an unexpected length.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     db.warnings
        []
        """
        return list(file_warnings(self._snapshot))

    @property
    def page_size(self) -> int:
        """The page size in bytes."""
        return self._snapshot.page_size

    @property
    def txid(self) -> int:
        """The id of the transaction whose state is read."""
        return self._snapshot.meta.txid

    @property
    def locked(self) -> bool:
        """Whether this process holds the shared lock; if not, this is a private copy or belongs to :func:`view`."""
        return self._snapshot.locked

    def check(self, from_page: int = 0, *, deep: bool = False) -> Iterator[Finding]:
        """Yield the findings of ``boltcli check``; none if the file is sound.

        ``deep`` also checks what bbolt's check doesn't; it can't be combined with ``from_page``.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     [finding.message for finding in db.check()]
        []
        """
        if not deep:
            return self._while_open(check(self._snapshot, from_page))
        if from_page:
            raise ArgumentError("a deep check reads the whole file: leave out from_page")
        return self._while_open(deep_check(self._snapshot))

    def pages(self) -> Iterator[PageRow]:
        """Yield all pages below the high-water mark, as ``boltcli pages`` lists them, without overflow pages.

        >>> import boltcli
        >>> with boltcli.open("fixtures/document.db") as db:
        ...     [row.page for row in db.pages() if row.type == "free"]
        [3, 7, 8]
        """
        for rows in self._while_open(page_rows(self._snapshot, free_pages(self._snapshot))):
            for page, head in rows:
                if head == FREE:
                    yield PageRow(page, "free", 0, 0)
                else:
                    yield PageRow(page, type_name(head & 0xFFFF), head >> 16 & 0xFFFF, head >> 32)

    def changes(self, *, previous: bool = True) -> Iterator[Change]:
        """Yield the changes of the last transaction, or without ``previous`` those since this was opened."""
        from .comparison import changes

        return self._while_open(changes(self._snapshot, previous=previous))

    @property
    def application(self) -> Recognition | None:
        """The application that wrote the file: ``name``, ``layout``, ``certainty``; None if it isn't known."""
        return ask.recognition(self)

    def view(self, name: str, **options: str) -> ViewRows:
        """Return the rows of a view of the application's records, as named tuples; times are nanoseconds since 1970.

        ``to_pandas()`` of the result makes a data frame. Raises
        :class:`~boltcli.errors.ArgumentError` if there is no such view or option.

        >>> import boltcli
        >>> with boltcli.open("fixtures/bacalhau-compute-1.4.db") as db:
        ...     [row.id for row in db.view("executions") if row.state == "Publishing"]
        ['e-1b8464a8-75db-42ca-99fe-f2b34538a9d2']
        """
        columns, rows = ask.named_rows(self, name, options)
        return ViewRows(self._while_open(rows), columns)

    def audit(self, *, now: int | None = None, older_than: int | None = None) -> Audit:
        """Audit the application's records: answers by name, and findings with remedies.

        Nanoseconds; ``now`` since 1970 (None: the current time). Raises ArgumentError if no known application wrote it.
        """
        return ask.audit(self, now, older_than)

    def stats(self, prefix: bytes | str = b"") -> BucketStats:
        """Return the summed statistics of the top-level buckets whose name begins with ``prefix``."""
        return database_stats(self._snapshot, as_bytes(prefix))[1]
