"""A private copy of a database in use: of one transaction's state, made beside its writer and kept up to date."""

import os
import re
from collections.abc import Callable, Iterable, Iterator

from ..errors import Changed, Corrupted
from .files import Closing, Trying, clone, read_whole, unnamed_file, write_all
from .snapshot import Snapshot
from .source import Source

FreePages = Callable[[Snapshot], list[int]]  # of a state, ascending; raises Corrupted if they aren't known

_CHUNK = 1 << 20  # bytes copied between two looks at the meta pages
_GAP = 1 << 20  # bytes; longer runs of free pages are not copied, and read as zeros


class CopyFile(Closing):
    """A private copy of a database in use, in an unnamed sparse file, which follows the source page by page."""

    def __init__(self, source: Source, free_pages: FreePages) -> None:
        """The copy is empty until :meth:`fill`; ``free_pages`` returns the free pages of a state."""
        self._source = source.duplicate()
        self._free_pages = free_pages
        self._fd = -1
        self._copied = bytearray()  # for each page, whether its copy is valid
        # The state that ``_copied`` is for: txid, checksum, free pages.
        self._before: tuple[int, int, list[int]] | None = None

    def fill(self, wait: Callable[[], bool] = lambda: False) -> None:
        """Copy the newest state of the source. Raises Changed when it gave up, InvalidDatabase, OpenError.

        A clone, where the file system makes them, is of one moment. Else the file is copied in parts. A transaction
        committed meanwhile wrote only to free pages, so the other pages copied so far are valid; after two, copying
        begins again. When it doesn't get on, it calls ``wait``; if that returns False, it gives up for now.
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
                    "the database is written too fast to be copied", path=self._source.path,
                    before=changed.before, after=changed.after,
                ) from changed  # fmt: skip
            most = done

    def _clone(self) -> bool:
        made = clone(self._source.fd, self._source.path)
        if made < 0:
            return False
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = made
        return True

    def _attempt(self) -> Changed | None:
        """Copy what is missing; return the error if the source changed meanwhile."""
        source = self._source
        with Snapshot(source.path, source.duplicate(), at_once=False) as state:
            if self._fd < 0:
                self._fd = unnamed_file(state.size, source.path, state.mode)
            try:
                try:
                    free = self._free_pages(state)
                except Corrupted:  # or torn, as the look shows
                    free = None
                state.check_unchanged()
                txid, checksum, freed = self._before or (-1, 0, [])
                if follows(state, txid, checksum):
                    for pgid in freed:
                        if pgid < len(self._copied):
                            self._copied[pgid] = 0
                elif (state.meta.txid, state.meta.checksum) != (txid, checksum):
                    self._copied = bytearray()
                    self.update(0, ())
                self._copied.extend(bytes(max(state.page_count - len(self._copied), 0)))
                self._before = None if free is None else (state.meta.txid, state.meta.checksum, free)
                self._copy(state, free or [])
            except Changed as error:
                state.finished = True  # it is not read again
                return error
        return None

    def _copy(self, state: Snapshot, free: list[int]) -> None:
        """Copy the missing pages, looking at the meta pages after each part; then the meta pages. Raises Changed."""
        page_size, copied = state.page_size, self._copied
        self.update(state.size, ())
        stop = min(state.meta.hwm, state.page_count)
        for first, last in _missing(copied, free, stop, -(-_GAP // page_size), max(_CHUNK // page_size, 1)):
            start, end = first * page_size, min(last * page_size, state.size)
            content = read_whole(self._source.fd, start, end, self._source.path)
            state.check_unchanged()
            self.update(state.size, [(start, content)])
            copied[first:last] = b"\1" * (last - first)
        state.finish()
        self.update(state.size, [(page * page_size, head) for page, head in enumerate(state.heads)])

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the copy; close it before the next :meth:`update`."""
        source = self._source.copy(os.dup(self._fd))
        source.copied_live = not self._source.is_stable
        return Snapshot(source.path, source)

    def update(self, size: int, parts: Iterable[tuple[int, bytes]]) -> None:
        """Write ``parts`` at their offsets; ``size`` is the new size of the source."""
        with Trying("copy", self._source.path):
            os.truncate(self._fd, size)
            for position, content in parts:
                write_all(self._fd, content, position)

    def close(self) -> None:
        self._source.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def stored_free_pages(state: Snapshot) -> list[int]:
    """Return the free pages in the stored freelist, ascending. Raises Corrupted if there is no regular one."""
    meta = state.meta
    if not meta.has_freelist or meta.freelist >= meta.hwm:
        raise state.corrupted("no freelist is stored", meta.page)
    ids = sorted(set(state.freelist()[1]))
    if ids and not 2 <= ids[0] <= ids[-1] < meta.hwm:
        raise state.corrupted("its freelist has impossible page ids", meta.freelist)
    return ids


def follows(new: Snapshot, txid: int, checksum: int) -> bool:
    """Return whether ``new`` is the transaction right after ``txid``, whose meta page must still be in the file."""
    before = new.metas[1 - new.meta.page]
    return before.problem() is None and (before.txid, before.checksum, new.meta.txid) == (txid, checksum, txid + 1)


def _missing(copied: bytearray, free: list[int], stop: int, gap: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield the pages to copy from 2 to before ``stop``, ``most`` at a time, without runs of ``gap`` free ones."""
    listed, done = bytearray(stop), copied[:stop]
    for pgid in free:
        if pgid < stop:
            listed[pgid] = 1
    for run in re.finditer(b"\1{%d,}" % gap, listed):
        done[run.start() : run.end()] = run[0]
    for run in re.compile(b"\0{1,%d}" % most).finditer(done, 2):
        yield run.span()
