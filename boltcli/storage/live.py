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

import mmap
import os
import time

from ..errors import BoltError, Changed, Corrupted, InvalidDatabase, OpenError
from ..format.page import HEADER, Page
from .open_snapshot import open_snapshot
from .positions import write_all
from .snapshot import Snapshot
from .source import Source, read_at, read_or_raise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from ..format.page import Owner

    T = TypeVar("T")

# Seconds to wait before each try: the first ones read the file, the others a copy.
_DIRECT = (0.0, 0.01, 0.03)
_COPIES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
_PAUSES = _DIRECT + _COPIES
# After this many commits during one try, another try on the file would fail too.
_BUSY = 4

_LOOK_EVERY = 64  # pages read from the file between two looks at the meta pages
_CHUNK = 4 << 20  # bytes copied between two looks
_IN_MEMORY = 64 << 20  # bytes; larger copies are temporary files
_GAP = 1 << 20  # bytes; longer runs of free pages are not copied, and read as zeros
_FICLONE = 0x40049409  # ioctl_ficlone(2)


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
        self._copy = _Room()
        self._final: BoltError | None = None
        if previous and not source.is_stable:
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

    def check_unchanged(self) -> None:
        """Raise :class:`~boltcli.errors.Changed` unless the current snapshot passed its closing look."""
        if self.current is not None:
            self.current.finish()

    def _open(self) -> Snapshot:
        source = self.source
        if source.is_stable:
            return open_snapshot(source.duplicate(), previous=self.previous)
        if self.previous:
            return _Previous(source.path, source.duplicate())
        if self._step <= len(_DIRECT):
            return _Watched(source.path, source.duplicate())
        clone = _clone(source)
        if clone is not None:
            return Snapshot(source.path, clone)
        return _Copy(source.path, source.duplicate(), self._copy)

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
        self._copy.close()
        self.source.close()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Watched(Snapshot):
    """A snapshot of the file itself; its reader notices soon when another transaction is committed."""

    __slots__ = ("_countdown",)

    def any_page(self, pgid: int, stack: Sequence[int] = (), bucket: Owner | None = None) -> Page:
        countdown = getattr(self, "_countdown", _LOOK_EVERY) - 1
        if countdown <= 0:
            self.poll()
            countdown = _LOOK_EVERY
        self._countdown = countdown
        return super().any_page(pgid, stack, bucket)

    def glance(self) -> None:
        self.verify()


class _Previous(Snapshot):
    """The state before the last transaction. A writer may reuse its pages without changing a meta page."""

    __slots__ = ("_written",)

    def __init__(self, path: str, source: Source) -> None:
        self._written = os.fstat(source.fd).st_mtime_ns
        super().__init__(path, source, previous=True)

    def check_unchanged(self) -> None:
        super().verify()
        if not self.settled:
            from .holders import writer

            if writer(self._source) is not None or os.fstat(self._source.fd).st_mtime_ns != self._written:
                raise Changed(
                    "the file was written to while the state before the last transaction was read", path=self.path
                )


class _Copy(Snapshot):
    """A snapshot of a private copy, which is verified when it is made."""

    __slots__ = ("_room",)

    def __init__(self, path: str, source: Source, room: _Room) -> None:
        self._room = room
        super().__init__(path, source)

    def _read(self) -> None:
        room = self._room
        room.prepare(self.size, self.path)
        end = 0
        for start, stop in self._used():
            room.clear(end, start)
            end = stop
            for position in range(start, stop, _CHUNK):
                room.copy(self._source.fd, position, min(position + _CHUNK, stop))
                self.verify()
        room.clear(end, self.size)
        self.finish()
        self._buffer = room.take()

    def _used(self) -> Iterator[tuple[int, int]]:
        """Return the ranges of bytes that this transaction uses: all except the free pages, if those are known."""
        page_size = self.page_size
        start = 0
        for free, after in self._free_runs():
            if (after - free) * page_size >= _GAP:
                yield start, free * page_size
                start = after * page_size
        stop = min(self.meta.hwm * page_size, self.size)
        if start < stop:
            yield start, stop

    def _free_runs(self) -> list[tuple[int, int]]:
        """Return the free pages as ascending runs (first, after the last); none if the freelist is irregular."""
        hwm = min(self.meta.hwm, self.size // self.page_size)
        try:
            ids = self._free_ids()
        except Corrupted:
            return []
        if ids and not 2 <= ids[0] <= ids[-1] < hwm:
            return []
        runs: list[tuple[int, int]] = []
        for pgid in ids:
            if runs and runs[-1][1] == pgid:
                runs[-1] = runs[-1][0], pgid + 1
            else:
                runs.append((pgid, pgid + 1))
        return runs

    def _free_ids(self) -> list[int]:
        if not self.meta.has_freelist or self.meta.freelist >= self.meta.hwm:
            return []
        fd, position = self._source.fd, self.meta.freelist * self.page_size
        header = HEADER.unpack(read_at(fd, position, HEADER.size).ljust(HEADER.size, b"\0"))
        content = read_at(fd, position, min((header[3] + 1) * self.page_size, self.size))
        end = len(content)
        page = Page(header, content, 0, end, end, position)
        return sorted(set(page.freelist_ids(end, self.size // self.page_size + 1)))


class _Room:
    """The place for copies: memory, or an unnamed temporary file; the next attempt uses it again."""

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        self._fd = -1
        self._size = 0
        self._path = ""
        self._used = False  # by an earlier attempt, whose bytes are still there

    def prepare(self, size: int, path: str) -> None:
        """Make room for ``size`` bytes; ``path`` is what errors name."""
        if size == self._size:
            self._used = True
            return
        self.close()
        self._used = False
        self._size = size
        self._path = path
        if size <= _IN_MEMORY:
            # Private memory: pages of shared memory take longer to allocate.
            flags = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANON} if os.name == "posix" else {}
            self._memory = mmap.mmap(-1, size, **flags)
            return
        from tempfile import TemporaryFile

        try:
            with TemporaryFile(prefix="boltcli-") as file:
                self._fd = os.dup(file.fileno())
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise self._error(error) from error

    def copy(self, fd: int, start: int, stop: int) -> None:
        """Copy the bytes from ``start`` to ``stop`` of ``fd`` to the same place here, all of them.

        Raises :class:`~boltcli.errors.OpenError` if they can't be read, :class:`~boltcli.errors.Changed` if there are
        fewer: bytes of an earlier attempt must not stay in their place.
        """
        if self._memory is not None:
            _read_into(self._memory, fd, start, stop, self._path)
            return
        while start < stop:
            done = self._by_the_system(fd, start, stop - start)
            if not done:
                content = read_whole(fd, start, stop, self._path)
                done = len(content)
                self._put(content, start)
            start += done

    def clear(self, start: int, stop: int) -> None:
        """Let the bytes from ``start`` to ``stop`` be zeros."""
        while self._used and start < stop:
            zeros = bytes(min(_CHUNK, stop - start))
            if self._memory is not None:
                self._memory[start : start + len(zeros)] = zeros
            else:
                self._put(zeros, start)
            start += len(zeros)

    def _by_the_system(self, fd: int, position: int, size: int) -> int:
        """Copy up to ``size`` bytes with copy_file_range(2); return the number copied, 0 if that isn't possible."""
        if not hasattr(os, "copy_file_range"):
            return 0
        try:
            done: int = os.copy_file_range(fd, self._fd, size, position, position)
        except OSError:
            return 0  # not supported between these file systems; other errors recur
        return done

    def _put(self, content: bytes, position: int) -> None:
        try:
            write_all(self._fd, content, position)
        except OSError as error:
            raise self._error(error) from error

    def take(self) -> mmap.mmap:
        """Return the copy, which the caller then owns."""
        self._size = 0
        memory, self._memory = self._memory, None
        if memory is None:
            memory = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
            self.close()
        return memory

    def _error(self, error: OSError) -> OpenError:
        return OpenError("copy", self._path, error.strerror or str(error))

    def close(self) -> None:
        self._size = 0
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _read_into(memory: mmap.mmap, fd: int, start: int, stop: int, path: str) -> None:
    """Read the bytes from ``start`` to ``stop`` to the same place in ``memory``. Raises OpenError, Changed."""
    if not hasattr(os, "preadv"):
        memory[start:stop] = read_whole(fd, start, stop, path)
        return
    with memoryview(memory) as view:
        while start < stop:
            with view[start:stop] as part:
                try:
                    done = os.preadv(fd, [part], start)
                except OSError as error:
                    raise _unread(error, path) from error
            if not done:
                raise _cut(path)
            start += done


def read_whole(fd: int, start: int, stop: int, path: str) -> bytes:
    """Return the bytes from ``start`` to ``stop``, all of them.

    Raises OpenError if they can't be read, Changed if there are fewer.
    """
    try:
        content = read_or_raise(fd, start, stop - start)
    except OSError as error:
        raise _unread(error, path) from error
    if len(content) < stop - start:
        raise _cut(path)
    return content


def _unread(error: OSError, path: str) -> OpenError:
    return OpenError("read", path, error.strerror or str(error))


def _cut(path: str) -> Changed:
    return Changed("the file was cut short while it was read", path=path)


def _clone(source: Source) -> Source | None:
    """Return a clone of the source, an unnamed file that shares its blocks; None if the file system can't clone."""
    try:
        import fcntl

        folder = os.path.dirname(os.path.realpath(source.path))
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (ImportError, AttributeError, OSError):
        return None
    try:
        fcntl.ioctl(fd, _FICLONE, source.fd)
        os.fchmod(fd, os.fstat(source.fd).st_mode & 0o7777)  # results get the permissions of the source
    except OSError:
        os.close(fd)
        return None
    return source.copy(fd)
