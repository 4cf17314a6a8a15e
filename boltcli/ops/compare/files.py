"""Compare and follow databases by path: the functions of the library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...errors import InvalidDatabase, OpenError
from ...storage.live import open_state
from ...storage.source import LOCK_PATIENCE, open_source
from ...tree.bucket import bucket_path
from .change import Change
from .diff import diff as compare
from .wait_for_write import Waiter
from .watch import Commit
from .watch import watch as follow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...storage.snapshot import Snapshot
    from ...storage.source import Way

__all__ = ["Change", "Commit", "changes", "diff", "watch"]


def diff(
    old: str | os.PathLike[str],
    new: str | os.PathLike[str],
    bucket: bytes | str | Sequence[bytes | str] = (),
    *,
    lock: Way = "auto",
    timeout: float = LOCK_PATIENCE,
) -> Iterator[Change]:
    """Yield the changes that turn the database ``old`` into the database ``new``, in key order.

    ``bucket`` (a name, or a path, outermost name first) limits them to one bucket. Both
    files are opened when the first change is requested, and closed after the
    last one; ``lock`` and ``timeout`` are those of :func:`boltcli.open`.

    Raises what that raises, :class:`~boltcli.errors.BucketNotFound` if neither
    has the bucket, and :class:`~boltcli.errors.Corrupted`.

    >>> import boltcli
    >>> one, two = "fixtures/bacalhau-compute-1.4.db", "fixtures/bacalhau-compute-1.5.db"
    >>> change = next(boltcli.diff(one, two, ["execution-live-index"]))
    >>> change.op, change.bucket, change.key[:6], change.old, change.new
    ('remove', (b'execution-live-index',), b'e-0b7c', b'', None)
    """
    with _open(old, lock, timeout) as before, _open(new, lock, timeout) as after:
        yield from compare(before, after, bucket_path(bucket))


def watch(
    path: str | os.PathLike[str],
    bucket: bytes | str | Sequence[bytes | str] = (),
    *,
    initial: bool = False,
    interval: float = 0.5,
) -> Iterator[Commit]:
    """Yield each transaction that is committed to the database at ``path`` from now on, without its lock.

    ``bucket`` (a name, or a path, outermost name first) limits the changes to one bucket;
    ``initial`` first yields the existing content, as added. It waits for ever,
    and looks every ``interval`` seconds, or at once where the system reports
    writes; leave the loop to end it. A commit has ``txid``, ``time``, the
    number of transactions ``skipped``, and ``changes``, which must be read
    before the next commit is requested.

    Raises :class:`~boltcli.errors.SourceNotFound`,
    :class:`~boltcli.errors.OpenError`,
    :class:`~boltcli.errors.InvalidDatabase` or :class:`~boltcli.errors.Corrupted`.

    >>> import boltcli
    >>> for commit in boltcli.watch("fixtures/document.db", ["execution"], initial=True):
    ...     commit.txid, [change.op for change in commit.changes]
    ...     break
    (14, ['add', 'add', 'add', 'add', 'add'])
    """
    name = os.fspath(path)
    with Waiter(name, max(interval, 0.001)) as waiter:
        yield from follow(name, waiter, bucket_path(bucket), initial=initial)


def changes(snapshot: Snapshot, *, previous: bool) -> Iterator[Change]:
    """Yield the changes of the last transaction of ``snapshot``, or without ``previous`` those made since then.

    Raises :class:`~boltcli.errors.OpenError` if a writer may be overwriting the
    state before it, :class:`~boltcli.errors.InvalidDatabase` if there is none.

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
