"""Reading a database that another process is writing, without its lock.

bbolt never overwrites a page that the newest meta page reaches: transaction
N + 1 writes only to pages that are free as of N, then its meta page; the pages
that it frees are used again by N + 2 at the earliest. So what was read while N
was the newest transaction is the complete state of N. A look at the meta pages
before and after shows whether it was.

If it was not, everything read is discarded, and another try follows after a
pause. The first tries read the file itself, the later ones a private copy,
which takes less time to make than the command takes. If the file system can
clone files, the copy is of one moment, and is always consistent.
"""

from __future__ import annotations

import os
import time

from ..errors import BoltError, Changed, Corrupted, InvalidDatabase, OpenError
from ..format.page import HEADER, Page
from .files import clone, read_at, read_whole, unnamed_file, write_all
from .snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from .source import Source

    T = TypeVar("T")
    FreePages = Callable[[Snapshot], list[int]]  # of a state, ascending; raises Corrupted if they aren't known

# Seconds to wait before each try: the first ones read the file, the others a copy.
_DIRECT = (0.0, 0.01, 0.03)
_COPIES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
_PAUSES = _DIRECT + _COPIES
# After this many commits during one try, another try on the file would fail too.
_BUSY = 4

_LOOK_EVERY = 64  # pages read from the file between two looks at the meta pages
_CHUNK = 1 << 20  # bytes copied between two looks
_GAP = 1 << 20  # bytes; longer runs of free pages are not copied, and read as zeros


class Live:
    """The attempts to read one database. It owns ``source``; use as a context manager, or call :meth:`close`.

    ``tries`` counts the attempts, ``current`` is the snapshot of the last one.
    For a locked source one attempt is enough.
    """

    def __init__(self, source: Source, *, previous: bool = False) -> None:
        """Raises :class:`~boltcli.errors.OpenError` for ``previous`` while a writer holds the lock.

        The writer may be overwriting the pages that the last transaction
        freed, and no meta page would show it.
        """
        self.source = source
        self.previous = previous
        self.tries = 0
        self._step = 0  # index in _PAUSES
        self.began = time.monotonic()
        self.current: Snapshot | None = None
        self.first = self.last = 0  # ids of the first and last transaction seen
        self._copy: CopyFile | None = None
        self._final: BoltError | None = None
        if previous and not source.steady:
            from .holders import writer

            holder = writer(source)
            if holder is not None:
                self.close()
                what = f"{holder} may be overwriting the state before the last transaction"
                raise OpenError("lock", source.path, what)

    def run(self, job: Callable[[], T]) -> T:
        """Call ``job``, which opens and reads a :meth:`snapshot`, until what it read is consistent; return its result.

        Raises :class:`~boltcli.errors.Changed` after the last attempt, and what ``job`` raises.
        """
        while True:
            try:
                return job()
            except Changed as error:
                self._failed(error)

    def snapshot(self, *, copy: bool = False) -> Snapshot:
        """Return the snapshot for the next attempt, which the caller closes; ``copy``: a private copy.

        Raises as :class:`Snapshot` does, and :class:`~boltcli.errors.Changed` after the last attempt.
        """
        while True:
            if copy:
                self._step = max(self._step, len(_DIRECT))
            time.sleep(_PAUSES[self._step])
            self._step += 1
            self.tries += 1
            self.current = None  # a failure from here on isn't one of the attempt before
            if self.source.reason == "held" and self.tries > 1:
                self.source.try_lock()  # the holder may have ended
            try:
                self.current = self._open()
                return self.current
            except Changed as error:
                self._failed(error)
            except InvalidDatabase as error:
                if self.tries == 1:
                    raise
                self._failed(error)  # a writer may be in the middle of replacing the file

    def verify(self) -> None:
        """Raise :class:`~boltcli.errors.Changed` unless the current snapshot passed its closing look."""
        if self.current is not None:
            self.current.settle()

    def _open(self) -> Snapshot:
        source = self.source
        if source.steady or self.previous:
            return Snapshot(source.path, source.duplicate(), previous=self.previous)
        if self._step <= len(_DIRECT):
            return Snapshot(source.path, source.duplicate(), on_page=_look_again())
        if self._copy is None:
            self._copy = CopyFile(source, stored_free_pages, gap=_GAP)
        self._copy.fill()
        try:
            return self._copy.snapshot()
        finally:
            self._close_copy()  # its file is the snapshot's now

    def _close_copy(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _failed(self, error: BoltError) -> None:
        """Count a failed attempt; raise if it was the last one."""
        if error is self._final:
            raise error
        if isinstance(error, Changed) and error.after:
            self.first = self.first or error.before
            self.last = error.after
            if error.after - error.before >= _BUSY:
                self._step = max(self._step, len(_DIRECT))
        if self._step == len(_PAUSES):
            self._final = self._too_fast() if self.last > self.first else error
            raise self._final

    def _too_fast(self) -> Changed:
        return Changed(
            "the database is written to too fast to be read without the lock: "
            f"{self.last - self.first} transactions in {time.monotonic() - self.began:.1f} s, "
            f"and none of {self.tries} attempts fell between two of them; "
            "try again when its writer is less busy, or stopped",
            path=self.source.path, before=self.first, after=self.last,
        )  # fmt: skip

    def close(self) -> None:
        self._close_copy()
        self.source.close()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_state(source: Source, *, previous: bool = False) -> Snapshot:
    """Return a snapshot of ``source``, which it then owns; without the lock, of a private copy of one state.

    Raises as :class:`Snapshot` and :meth:`Live.snapshot` do.
    """
    if source.steady:
        return Snapshot(source.path, source, previous=previous)
    with Live(source, previous=previous) as live:
        return live.snapshot(copy=True)


def _look_again() -> Callable[[Snapshot, Page], None]:
    """Return what notices soon that another transaction was committed, when it is called with each page."""
    left = _LOOK_EVERY

    def on_page(snapshot: Snapshot, _page: Page) -> None:
        nonlocal left
        left -= 1
        if not left:
            left = _LOOK_EVERY
            snapshot.glance()

    return on_page


class CopyFile:
    """A private copy of a database in use, in an unnamed sparse file, which follows the source page by page.

    Use as a context manager, or call :meth:`close`.
    """

    __slots__ = ("_before", "_copied", "_fd", "_free_pages", "_gap", "_source")

    def __init__(self, source: Source, free_pages: FreePages, *, gap: int = 1) -> None:
        """The copy is empty until :meth:`fill`.

        ``free_pages`` returns the free pages of a state; those that are ``gap``
        bytes or more in a row are left out, and read as zeros.
        """
        self._source = source.duplicate()
        self._free_pages = free_pages
        self._gap = gap
        self._fd = -1
        self._copied = bytearray()  # for each page, whether its copy is valid
        # The state that ``_copied`` is for: txid, checksum, free pages.
        self._before: tuple[int, int, list[int]] | None = None

    def fill(self, wait: Callable[[], bool] = lambda: False) -> None:
        """Copy the newest state of the source.

        If the file system can clone files, the copy is of one moment. Else the
        file is copied in parts. When a transaction is committed meanwhile, the
        copy follows it: it wrote only to free pages, so the other pages copied
        so far are still valid. If two were committed, copying begins again.
        When it doesn't get on, it calls ``wait``; if that returns False, it
        gives up for now.

        Raises :class:`~boltcli.errors.Changed` when it gave up,
        :class:`~boltcli.errors.InvalidDatabase`, and
        :class:`~boltcli.errors.OpenError` if the disk is full.
        """
        most = self._copied.count(1)
        while not self._clone():
            changed = self._attempt()
            if changed is None:
                return
            done = self._copied.count(1)
            if (self._before is None or done <= most) and not wait():
                if not changed.after:  # the file was cut or overwritten
                    raise changed
                raise Changed(
                    "the database is written to too fast to be copied", path=self._source.path,
                    before=changed.before, after=changed.after,
                ) from changed  # fmt: skip
            most = done

    def _clone(self) -> bool:
        made = clone(self._source.fd, self._source.path)
        if made >= 0:
            self._take(made)
        return made >= 0

    def _take(self, fd: int) -> None:
        """Let ``fd`` be the copy."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        if hasattr(os, "fchmod"):  # results get the permissions of the source
            os.fchmod(fd, os.fstat(self._source.fd).st_mode & 0o7777)

    def _attempt(self) -> Changed | None:
        """Copy what is missing; return the error if the source changed meanwhile."""
        source = self._source
        with Snapshot(source.path, source.duplicate(), at_once=False) as state:
            if self._fd < 0:
                self._take(unnamed_file(state.size, source.path))
            try:
                free = self._free(state)
                if self._before is None or not _renew(self._copied, state, *self._before):
                    self._copied = bytearray()
                    self.update(0, ())
                self._copied.extend(bytes(max(state.page_count - len(self._copied), 0)))
                self._before = None if free is None else (state.meta.txid, state.meta.checksum, free)
                self._copy(state, free or [])
            except Changed as error:
                state.settled = True  # it is not read again
                return error
        return None

    def _free(self, state: Snapshot) -> list[int] | None:
        """Return the free pages of ``state``; None if they aren't known. Raises Changed."""
        try:
            free = self._free_pages(state)
        except Corrupted:
            state.verify()
            return None
        state.verify()
        return free

    def _copy(self, state: Snapshot, free: list[int]) -> None:
        """Copy the missing pages, looking at the meta pages after each part; then the meta pages. Raises Changed."""
        page_size, copied = state.page_size, self._copied
        self.update(state.size, ())
        stop = min(state.meta.hwm, state.page_count)
        left_out = _in_long_runs(free, stop, -(-self._gap // page_size))
        for first, last in _missing(copied, left_out, stop, max(_CHUNK // page_size, 1)):
            start, end = first * page_size, min(last * page_size, state.size)
            content = read_whole(self._source.fd, start, end, self._source.path)
            state.verify()
            self.update(state.size, [(start, content)])
            copied[first:last] = b"\1" * (last - first)
        state.settle()
        self.update(state.size, [(page * page_size, head) for page, head in enumerate(state.heads)])

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the copy; close it before the next :meth:`update`."""
        return Snapshot(self._source.path, self._source.copy(os.dup(self._fd)))

    def update(self, size: int, parts: Iterable[tuple[int, bytes]]) -> None:
        """Write ``parts`` at their offsets; ``size`` is the new size of the source. Raises OpenError."""
        try:
            os.truncate(self._fd, size)
            for position, content in parts:
                write_all(self._fd, content, position)
        except OSError as error:
            raise OpenError("copy", self._source.path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Delete the copy."""
        self._source.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> CopyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stored_free_pages(state: Snapshot) -> list[int]:
    """Return the free pages in the stored freelist, ascending, which is read by itself.

    Raises :class:`~boltcli.errors.Corrupted` if there is none, or if it is irregular.
    """
    meta, page_size = state.meta, state.page_size
    if not meta.has_freelist or meta.freelist >= meta.hwm:
        raise state.corrupted("no freelist is stored", meta.page)
    position = meta.freelist * page_size
    header = HEADER.unpack(read_at(state.fd, position, HEADER.size).ljust(HEADER.size, b"\0"))
    content = read_at(state.fd, position, min((header[3] + 1) * page_size, state.size))
    end = len(content)
    ids = sorted(set(Page(header, content, 0, end, end, position).freelist_ids(end, state.size // page_size + 1)))
    if ids and not 2 <= ids[0] <= ids[-1] < meta.hwm:
        raise state.corrupted("its freelist has impossible page ids", meta.freelist)
    return ids


def follows(new: Snapshot, txid: int, checksum: int) -> bool:
    """Return whether ``new`` is the transaction right after ``txid``, whose meta page must still be in the file."""
    before = new.metas[1 - new.meta.page]
    return (
        new.meta.txid == txid + 1
        and (before.txid, before.checksum) == (txid, checksum)
        and before.problem() is None
    )  # fmt: skip


def _renew(copied: bytearray, state: Snapshot, txid: int, checksum: int, free: list[int]) -> bool:
    """Update ``copied`` from the earlier state to ``state``; return False if that isn't possible."""
    if (state.meta.txid, state.meta.checksum) == (txid, checksum):
        return True
    if not follows(state, txid, checksum):
        return False
    for pgid in free:
        if pgid < len(copied):
            copied[pgid] = 0
    return True


def _in_long_runs(free: list[int], stop: int, gap: int) -> bytearray:
    """Return a byte for each page before ``stop``: 1 if it is in a run of at least ``gap`` free pages."""
    found = bytearray(stop)
    for pgid in free:
        if pgid < stop:
            found[pgid] = 1
    if gap > 1:
        start = found.find(1)
        while start >= 0:
            end = found.find(0, start)
            end = stop if end < 0 else end
            if end - start < gap:
                found[start:end] = bytes(end - start)
            start = found.find(1, end)
    return found


def _missing(copied: bytearray, left_out: bytearray, stop: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield the pages from 2 to before ``stop`` that are neither copied nor left out, at most ``most`` at a time."""
    both = int.from_bytes(copied[:stop], "little") | int.from_bytes(left_out, "little")
    done = both.to_bytes(stop, "little")
    first = done.find(0, 2)
    while first >= 0:
        last = done.find(1, first, min(first + most, stop))
        if last < 0:
            last = min(first + most, stop)
        yield first, last
        first = done.find(0, last)
