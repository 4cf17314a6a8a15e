"""Follow a database that another process writes, without its lock, and report each committed change.

A private copy holds the state that was reported last. At each new transaction the new tree is compared with it; the
change is reported, and the pages written to the copy, only if the closing look at the meta pages finds no further
transaction. If the writer is faster than this, or the change is large, the file is copied as a whole first.
"""

import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from threading import Event

from ...errors import BucketNotFound, Changed, InvalidDatabase, OpenError, SourceNotFound
from ...format.meta import Meta, choose
from ...format.page import Page
from ...storage.files import read_at
from ...storage.private_copy import CopyFile, follows
from ...storage.snapshot import Snapshot
from ...storage.source import open_source
from ...tree.page_map import free_pages
from .change import Change
from .diff import diff

_META = 80  # bytes of a page header and a meta
_DIRECT = 2  # failed comparisons with the file itself before it is copied
_LARGE = 32 << 20  # bytes of changed pages that are kept in memory
_BUSY, _IDLE = 0.0005, 0.02  # seconds between two looks at the meta pages: after a commit, and the most


@dataclass(slots=True)
class Commit:
    """The changes of one transaction, or of several between two looks at the file.

    ``txid`` is the newest transaction, ``time`` when it was seen (UTC), ``skipped`` the number of those
    before it that were not seen one by one; ``changes`` is the net change, to be read once, before the next commit is
    requested. ``replaced``: another file is at the path. ``initial``: it is the content at the beginning.
    """

    txid: int
    changes: Iterable[Change] = field(repr=False)
    skipped: int = field(default=0, kw_only=True)
    replaced: bool = field(default=False, kw_only=True)
    initial: bool = field(default=False, kw_only=True)
    time: datetime = field(default_factory=lambda: datetime.now(UTC), init=False)


class Waiter:
    """Paces the looks at a file: soon after a commit, then less often, but every ``interval`` seconds in any case.

    Another thread or a signal handler ends it with :meth:`stop`; so do ``event``, once it is set, and ``timeout``,
    seconds after the beginning. It sleeps in short steps: a handler that sets an event must not interrupt a wait.
    """

    def __init__(self, interval: float, event: Event | None = None, timeout: float = inf) -> None:
        self.stopped = False
        self.step = _BUSY
        self._timeout = timeout
        self._deadline = inf
        self._longest = min(interval, _IDLE)
        self._event = event

    def begin(self) -> None:
        self._deadline = time.monotonic() + self._timeout

    def wait(self) -> bool:
        """Return when it is time for the next look; False once it was stopped."""
        if self.stopped or time.monotonic() >= self._deadline or (self._event is not None and self._event.is_set()):
            self.stopped = True
        else:
            time.sleep(self.step)
            self.step = min(2 * self.step, self._longest)
        return not self.stopped

    def stop(self) -> None:
        self.stopped = True


def watch(
    path: str,
    waiter: Waiter,
    bucket: Sequence[bytes] = (),
    *,
    start: bytes = b"",
    stop: bytes | None = None,
    initial: bool = False,
) -> Generator[Commit]:
    """Report each transaction of the database at ``path`` from now on, until ``waiter`` is stopped.

    ``bucket`` (a path; the bucket may come and go) limits the changes to one bucket, ``start`` and ``stop`` to a range
    of its keys; ``initial`` first reports the existing content. Raises SourceNotFound, InvalidDatabase or OpenError at
    the beginning, and Corrupted for damage.
    """
    waiter.begin()
    with closing(_Follower(path, waiter, bucket, start, stop)) as follower:
        yield from follower.run(initial)


class _Follower:
    def __init__(self, path: str, waiter: Waiter, bucket: Sequence[bytes], start: bytes, stop: bytes | None) -> None:
        self._path = path
        self._waiter = waiter
        self._bucket = tuple(bucket)
        self._start, self._stop = start, stop
        self._source = open_source(path, "none")
        self._copy: CopyFile | None = None
        self._replaced = False
        self._page_size = 0
        self._seen = 0, 0  # txid and checksum of the meta page that was reported last

    def close(self) -> None:
        if self._copy is not None:
            self._copy.close()
        self._source.close()

    def run(self, initial: bool) -> Iterator[Commit]:
        self._copy = self._new_copy(first=True)
        if self._copy is None:
            return
        with self._copy.snapshot() as snapshot:
            content = self._commit(None, snapshot, self._diff(None, snapshot))
            if initial:
                yield content
        failures = 0
        while self._waiter.wait():
            self._follow_replacement()
            if not self._is_new():
                continue
            self._waiter.step = _BUSY
            if failures == _DIRECT:
                fresh = self._new_copy()
                if fresh is None:
                    return
                # Compare a new copy with the one before, which it replaces.
                with fresh.snapshot() as new, self._copy.snapshot() as old:
                    yield self._commit(old, new, self._diff(old, new))
                self._copy.close()
                self._copy = fresh
                failures = 0
            elif (commit := self._look_at_file()) is not None:
                yield commit
                failures = 0
            else:
                failures += 1

    def _follow_replacement(self) -> None:
        if self._is_replaced():
            try:
                source = open_source(self._path, "none")
            except (SourceNotFound, OpenError):
                return  # the file is gone again
            self._source.close()
            self._source = source
            self._replaced = True

    def _is_replaced(self) -> bool:
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._source.fd))
        except OSError:
            return False  # there is none at the moment: what is open is still there

    def _is_new(self) -> bool:
        """Return whether the file's newest transaction isn't the one that was reported."""
        fd = self._source.fd
        try:
            newest = choose(Meta.at(read_at(fd, 0, _META), 0), Meta.at(read_at(fd, self._page_size, _META), 1))
        except InvalidDatabase:
            return self._replaced  # the file is being overwritten: try again later
        return self._replaced or (newest.txid, newest.checksum) != self._seen

    def _look_at_file(self) -> Commit | None:
        """Compare the file with the copy, and update the copy; None if the file changed in the meantime."""
        assert self._copy is not None
        if self._replaced:
            return None
        parts: dict[int, bytes] = {}
        left = _LARGE

        def keep(_: Snapshot, page: Page) -> None:
            nonlocal left
            if page.file_offset not in parts:
                left -= page.end - page.offset
                if left < 0:
                    raise Changed("more pages than fit in memory", path=self._path)
                parts[page.file_offset] = bytes(page.buffer[page.offset : page.end])

        try:
            new = Snapshot(self._path, self._source.duplicate(), on_page=keep)
            with new, self._copy.snapshot() as old:
                if new.page_size != old.page_size:
                    return None
                found = list(self._diff(old, new))
                new.finish()
                commit = self._commit(old, new, found)
                size, heads = new.size, new.heads
        except (Changed, InvalidDatabase):
            return None
        self._copy.update(size, [*parts.items(), *((page * self._page_size, heads[page]) for page in (0, 1))])
        return commit

    def _diff(self, old: Snapshot | None, new: Snapshot) -> Iterator[Change]:
        is_next = old is not None and not self._replaced and follows(new, old.meta.txid, old.meta.checksum)
        with suppress(BucketNotFound):
            yield from diff(old, new, self._bucket, start=self._start, stop=self._stop, same_file=is_next)

    def _commit(self, old: Snapshot | None, new: Snapshot, changes: Iterable[Change]) -> Commit:
        txid, replaced = new.meta.txid, self._replaced
        skipped = 0 if replaced or old is None else max(txid - old.meta.txid - 1, 0)
        self._page_size, self._replaced = new.page_size, False
        self._seen = txid, new.meta.checksum
        return Commit(txid, changes, skipped=skipped, replaced=replaced, initial=old is None)

    def _new_copy(self, *, first: bool = False) -> CopyFile | None:
        """Return a copy of the file's newest state; None if the waiter is stopped before it can be had."""
        while True:
            copy = CopyFile(self._source, free_pages)
            try:
                copy.fill(lambda: self._waiter.wait() and not self._is_replaced())
                return copy
            except (Changed, InvalidDatabase, OpenError) as error:
                copy.close()
                if first and not isinstance(error, Changed):
                    raise
            if not self._waiter.wait():
                return None
            self._follow_replacement()
