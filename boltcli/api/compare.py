"""Compare databases, or two states of one."""

from __future__ import annotations

import os

from ..errors import ArgumentError, InvalidDatabase, OpenError
from ..ops.compare.diff import diff as compared
from ..results.rows import Rows
from ..text.columns import Again, Column
from ..tree.bucket import as_bytes, bucket_path
from ..tree.walk import bounds
from . import for_path, opened, while_open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from typing import Any, Unpack, overload

    from ..apps.contract import View
    from ..apps.view_diff import ViewChange
    from ..database import Database
    from ..ops.compare.change import BucketChanges, Change
    from ..storage.snapshot import Snapshot
    from . import Given, Opening, Progress

    Names = bytes | str | Sequence[bytes | str]
    Begun = tuple[Snapshot, Snapshot, Iterator[Change]]
    Compared = tuple[View, dict[str, Any], Iterator[ViewChange]]


class Changes(Rows["Change"]):
    """Changes from one state to another, in key order; each ``iter()`` compares anew, and data frames take them, too.

    The columns are those of :class:`Change`; numbers of a bucket's sequence are in two of their own.
    """

    def __init__(self, begin: Callable[[], Generator[Begun]], path: tuple[bytes, ...] = ()) -> None:
        """``begin`` yields both states, which are open until then, and the changes of the buckets below ``path``."""
        self._begin = begin
        self._path = path
        super().__init__(_COLUMNS, lambda: map(_cells, self._changes()), self._changes)

    def _changes(self) -> Iterator[Change]:
        for _, _, changes in self._begin():
            yield from changes

    def summary(self, depth: int = 0) -> list[BucketChanges]:
        """Return a row for each bucket with changes, to ``depth`` levels (0: all).

        >>> import boltcli
        >>> changes = boltcli.diff("fixtures/bacalhau-compute-1.4.db", "fixtures/bacalhau-compute-1.5.db")
        >>> [(row.bucket, row.added, row.removed, row.changed) for row in changes.summary(depth=1)][:2]
        [((), 1446, 1879, 193), ((b'execution',), 0, 238, 0)]
        """
        from ..ops.compare.change import summary

        rows: list[BucketChanges] = []
        for before, after, changes in self._begin():
            rows = summary(changes, before, after, self._path, depth)
        return rows


_COLUMNS = (
    Column("op"), Column("bucket", "names"), Column("key", "bytes"), Column("old", "bytes"), Column("new", "bytes"),
    Column("old_sequence", "unsigned"), Column("new_sequence", "unsigned"),
)  # fmt: skip


def _cells(change: Change) -> tuple[Any, ...]:
    both = change.old, change.new
    values = both if change.key is not None else (None, None)
    sequences = both if change.key is None else (None, None)
    return change.op, list(change.bucket), change.key, *values, *sequences


def _begin(
    old: Given, new: Given, path: tuple[bytes, ...], prefix: bytes, progress: Progress | None, opening: Opening
) -> Generator[Begun]:
    """Yield both states, which are open until then, and the changes: once."""
    start, stop = bounds(prefix)
    with opened(old, for_path(old, opening)) as before, opened(new, for_path(new, opening)) as after:
        follows = _follows(before, after)
        found = compared(before, after, path, start=start, stop=stop, same_file=follows, progress=progress)
        yield before, after, while_open(new, while_open(old, found))


class ViewChanges(Again["ViewChange"]):
    """The rows of a view that differ, as :class:`boltcli.ViewRows` has rows: ``old`` and ``new`` of each change, None
    where there is none. Each ``iter()`` compares anew."""

    def __init__(self, begin: Callable[[], Generator[Compared]]) -> None:
        """``begin`` yields the view, on which facts it is compared, and its changes."""
        self._begin = begin
        self._about: tuple[View, dict[str, Any]] | None = None
        super().__init__(self._records)

    def plain(self) -> Iterator[ViewChange]:
        """Yield the changes with rows as the view has them: times in nanoseconds since 1970."""
        for _, changes in self._started():
            yield from changes

    def _started(self) -> Iterator[tuple[View, Iterator[ViewChange]]]:
        for view, facts, changes in self._begin():
            self._about = view, facts
            yield view, changes

    def _records(self) -> Iterator[ViewChange]:
        from ..apps.view_diff import ViewChange
        from ..results.view_rows import as_records

        for view, changes in self._started():
            record = as_records(view.columns)
            for change in changes:
                yield ViewChange(*(None if row is None else record(row) for row in change))

    def _compared(self) -> tuple[View, dict[str, Any]]:
        if self._about is None:
            begun = self._begin()
            self._about = next(begun)[:2]
            begun.close()
        return self._about

    @property
    def view(self) -> View:
        """The view, which has ``name`` and ``columns``. Raises what comparing raises."""
        return self._compared()[0]

    @property
    def facts(self) -> dict[str, Any]:
        """At which revision, say, both files are compared. Raises what comparing raises."""
        return self._compared()[1]


def _begin_view(old: Given, new: Given, name: str, opening: Opening) -> Generator[Compared]:
    from ..apps.view_diff import view_diff

    with opened(old, for_path(old, opening)) as before, opened(new, for_path(new, opening)) as after:
        view, facts, changes = view_diff(before, after, name)
        yield view, facts, while_open(new, while_open(old, changes))


if TYPE_CHECKING:

    @overload
    def diff(
        old: Given, new: Given, bucket: Names = (), *, prefix: bytes | str = b"", view: None = None,
        progress: Progress | None = None, **opening: Unpack[Opening],
    ) -> Changes: ...  # fmt: skip
    @overload
    def diff(old: Given, new: Given, *, view: str, **opening: Unpack[Opening]) -> ViewChanges: ...


def diff(
    old: Given, new: Given, bucket: Names = (), *, prefix: bytes | str = b"", view: str | None = None,
    progress: Progress | None = None, **opening: Unpack[Opening],
) -> Changes | ViewChanges:  # fmt: skip
    """Return the changes that turn the database ``old`` into the database ``new``, in key order: see :class:`Changes`.

    Both are paths or open databases. ``bucket`` (a name, or a path, outermost name first) limits the changes to one
    bucket, ``prefix`` to its keys that begin so. ``view`` compares the rows of an application's view instead.
    :meth:`Changes.summary` counts the changes by bucket. ``progress(done, total)`` is called with pages of both. The
    other arguments are those of :func:`boltcli.open`.

    Raises what that raises, BucketNotFound if neither has the bucket, ArgumentError if there is no such view, and
    Corrupted; all while the changes are read.

    >>> import boltcli
    >>> one, two = "fixtures/bacalhau-compute-1.4.db", "fixtures/bacalhau-compute-1.5.db"
    >>> change = next(iter(boltcli.diff(one, two, ["execution-live-index"])))
    >>> change.op, change.bucket, change.key[:6], change.old, change.new
    ('remove', (b'execution-live-index',), b'e-0b7c', b'', None)
    >>> [change.new.id[:6] for change in boltcli.diff(one, two, view="executions") if change.old is None][:2]
    ['e-002a', 'e-002d']
    """
    path, first = bucket_path(bucket), as_bytes(prefix)
    if view is None:
        return Changes(lambda: _begin(old, new, path, first, progress, opening), path)
    if path or first:
        raise ArgumentError("a view compares rows: it can't be combined with a bucket or a prefix")
    return ViewChanges(lambda: _begin_view(old, new, view, opening))


def changes(source: Database, *, previous: bool = True) -> Changes:
    """Return the changes of the last transaction of an open database, or without ``previous`` those made since then.

    Reading them raises OpenError if a writer may be overwriting the state before it, InvalidDatabase if there is none.

    >>> import boltcli
    >>> with boltcli.open("fixtures/document.db") as db:
    ...     [(change.op, change.bucket[0], change.key is None) for change in db.changes()]
    [('add', b'execution-index', True), ('add', b'execution-index', False)]
    """
    path = source._snapshot.path
    if not previous:
        return Changes(lambda: _begin(source, path, (), b"", None, {}))
    return Changes(lambda: _last_transaction(source))


def _last_transaction(source: Database) -> Generator[Begun]:
    now = source._snapshot
    if not now.locked:
        raise OpenError("lock", now.path, "without the lock, the previous state can't be read safely")
    with now.reopened(previous=True) as before:
        if before.meta.txid >= now.meta.txid:
            raise InvalidDatabase("there is no state before the previous one", path=now.path)
        yield before, now, source._while_open(compared(before, now, same_file=True))


def _follows(old: Snapshot, new: Snapshot) -> bool:
    """Return whether ``new`` is the transaction right after ``old`` in one file, both meta pages of which are valid."""
    same = old.heads == new.heads and os.path.samestat(os.fstat(old.fd), os.fstat(new.fd))
    return same and old.meta.txid < new.meta.txid
