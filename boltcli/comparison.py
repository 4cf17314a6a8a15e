"""Compare and follow databases by path: the functions of the library."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from math import inf
from threading import Event, Lock, get_ident
from typing import TYPE_CHECKING, Any

from .errors import ArgumentError, InvalidDatabase, OpenError
from .ops.compare.change import Change
from .ops.compare.diff import diff as compare
from .ops.compare.watch import Commit, Waiter
from .ops.compare.watch import watch as follow
from .results.rows import Rows
from .storage.files import Closing
from .storage.live import open_state
from .storage.source import LOCK_PATIENCE, open_source
from .text.cells import Column
from .tree.bucket import bucket_path

if TYPE_CHECKING:
    from .storage.snapshot import Snapshot
    from .storage.source import Way


def diff(
    old: str | os.PathLike[str],
    new: str | os.PathLike[str],
    bucket: bytes | str | Sequence[bytes | str] = (),
    *,
    lock: Way = "auto",
    timeout: float = LOCK_PATIENCE,
) -> Changes:
    """Return the changes that turn the database ``old`` into the database ``new``, in key order: see :class:`Changes`.

    ``bucket`` (a name, or a path, outermost name first) limits them to one bucket. ``lock`` and ``timeout`` are those
    of :func:`boltcli.open`. Reading the changes raises what that raises, BucketNotFound if neither has the bucket, and
    Corrupted.

    >>> import boltcli
    >>> one, two = "fixtures/bacalhau-compute-1.4.db", "fixtures/bacalhau-compute-1.5.db"
    >>> change = next(iter(boltcli.diff(one, two, ["execution-live-index"])))
    >>> change.op, change.bucket, change.key[:6], change.old, change.new
    ('remove', (b'execution-live-index',), b'e-0b7c', b'', None)
    """
    path = bucket_path(bucket)

    def read() -> Iterator[Change]:
        with _open(old, lock, timeout) as before, _open(new, lock, timeout) as after:
            yield from compare(before, after, path)

    return Changes(read)


class Changes(Rows[Change]):
    """Changes from one state to another, in order; each ``iter()`` compares anew, and data frames take them, too.

    The columns are those of :class:`Change`; numbers of a bucket's sequence are in two of their own.
    """

    def __init__(self, changes: Callable[[], Iterator[Change]]) -> None:
        super().__init__(_COLUMNS, lambda: map(_cells, changes()), changes)


_COLUMNS = (
    Column("op"), Column("bucket", "names"), Column("key", "bytes"), Column("old", "bytes"), Column("new", "bytes"),
    Column("old_sequence", "unsigned"), Column("new_sequence", "unsigned"),
)  # fmt: skip


def _cells(change: Change) -> tuple[Any, ...]:
    both = change.old, change.new
    values = both if change.key is not None else (None, None)
    sequences = both if change.key is None else (None, None)
    return change.op, list(change.bucket), change.key, *values, *sequences


def watch(
    path: str | os.PathLike[str],
    bucket: bytes | str | Sequence[bytes | str] = (),
    *,
    initial: bool = False,
    interval: float = 0.5,
    timeout: float | None = None,
    stop: Event | None = None,
) -> Watch:
    """Yield each transaction that is committed to the database at ``path`` from now on, without its lock.

    ``bucket`` (a name, or a path, outermost name first) limits the changes to one bucket; ``initial`` first yields the
    existing content, as added. It looks every ``interval`` seconds, or more often. A commit has ``txid``, ``time``, the
    number of transactions ``skipped``, and ``changes``, which must be read before the next commit is requested.

    It ends ``timeout`` seconds after the first commit was requested (None: never), once the event ``stop`` is set, or
    after :meth:`Watch.close`, which any thread may call. ``async for`` takes commits, too, and waits for them in a
    thread. Raises SourceNotFound, OpenError, InvalidDatabase or Corrupted.

    >>> import boltcli
    >>> for commit in boltcli.watch("fixtures/document.db", ["execution"], initial=True):
    ...     commit.txid, [change.op for change in commit.changes]
    ...     break
    (14, ['add', 'add', 'add', 'add', 'add'])
    """
    if timeout is not None and not timeout >= 0:
        raise ArgumentError(f"timeout {timeout!r}: must be a number of seconds, 0 or more")
    waiter = Waiter(max(interval, 0.001), stop, inf if timeout is None else timeout)
    return Watch(waiter, follow(os.fspath(path), waiter, bucket_path(bucket), initial=initial))


class Watch(Closing, Iterator[Commit]):
    """The commits of a database that :func:`watch` follows: an iterator, and an asynchronous one."""

    def __init__(self, waiter: Waiter, commits: Generator[Commit]) -> None:
        self._waiter = waiter
        self._commits = commits
        self._running = Lock()
        self._thread = 0  # that asked for the last commit

    def __next__(self) -> Commit:
        with self._running:
            self._thread = get_ident()
            commit = next(self._commits, None)
            if commit is None or self._waiter.stopped:
                self._commits.close()
                raise StopIteration
            return commit

    def close(self) -> None:
        """End the watch: a thread that waits for the next commit gets none, and there are no others."""
        self._waiter.stop()
        # The changes of the last commit may still be read in the thread that asked for it.
        if self._thread in (0, get_ident()) and self._running.acquire(blocking=False):
            try:
                self._commits.close()
            finally:
                self._running.release()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Commit:
        from asyncio import get_running_loop

        try:
            commit = await get_running_loop().run_in_executor(None, next, self, None)
        except BaseException:
            self.close()  # a cancelled task must not leave a thread that waits
            raise
        if commit is None:
            raise StopAsyncIteration
        return commit

    async def aclose(self) -> None:
        self.close()


def changes(snapshot: Snapshot, *, previous: bool) -> Iterator[Change]:
    """Yield the changes of the last transaction of ``snapshot``, or without ``previous`` those made since then.

    Raises OpenError if a writer may be overwriting the state before it, InvalidDatabase if there is none.

    >>> import boltcli
    >>> with boltcli.open("fixtures/document.db") as db:
    ...     [(change.op, change.bucket[0], change.key is None) for change in db.changes()]
    [('add', b'execution-index', True), ('add', b'execution-index', False)]
    """
    if not previous:
        with _open(snapshot.path, "auto", LOCK_PATIENCE) as now:
            yield from compare(snapshot, now)
        return
    if not snapshot.locked:
        raise OpenError("lock", snapshot.path, "without the lock, the state before the last transaction is not safe")
    with snapshot.reopened(previous=True) as before:
        if before.meta.txid >= snapshot.meta.txid:
            raise InvalidDatabase("there is nothing before the state before the last transaction", path=snapshot.path)
        yield from compare(before, snapshot, same_file=True)


def _open(path: str | os.PathLike[str], lock: Way, timeout: float) -> Snapshot:
    return open_state(open_source(os.fspath(path), lock, timeout))
