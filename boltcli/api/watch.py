"""Follow a database that another process writes."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from math import inf
from threading import Event, Lock, get_ident

from ..errors import ArgumentError
from ..ops.compare.watch import Commit, Waiter
from ..ops.compare.watch import watch as follow
from ..storage.files import Closing
from ..tree.bucket import as_bytes, bucket_path
from ..tree.walk import bounds
from . import file_at

_SHORTEST = 0.001  # seconds between two looks


def watch(
    path: str | os.PathLike[str],
    bucket: bytes | str | Sequence[bytes | str] = (),
    *,
    prefix: bytes | str = b"",
    initial: bool = False,
    interval: float = 0.5,
    timeout: float | None = None,
    stop: Event | None = None,
) -> Watch:
    """Yield each transaction that is committed to the database at ``path`` from now on, without its lock.

    ``bucket`` (a name, or a path, outermost name first) limits the changes to one bucket, ``prefix`` to its keys that
    begin so; ``initial`` first yields the existing content, as added. It looks every ``interval`` seconds, or more
    often. A commit has ``txid``, ``time``, the number of transactions ``skipped``, and ``changes``, which must be read
    before the next commit is requested.

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
    if not interval >= 0:
        raise ArgumentError(f"interval {interval!r}: must be a number of seconds, 0 or more")
    waiter = Waiter(max(interval, _SHORTEST), stop, inf if timeout is None else timeout)
    first, last = bounds(as_bytes(prefix))
    return Watch(waiter, follow(file_at(path), waiter, bucket_path(bucket), start=first, stop=last, initial=initial))


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

    @property
    def stopped(self) -> bool:
        """Whether the watch was ended, and there are no commits but the one that is being read."""
        return self._waiter.stopped

    def stop(self) -> None:
        """End the watch after the commit that is being read. A signal handler may call this."""
        self._waiter.stop()

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
        """End the watch, as :meth:`close`."""
        self.close()
