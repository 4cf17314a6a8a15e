"""Reading a database that another process is writing, without its lock.

bbolt never overwrites a page that the newest meta page reaches: transaction N + 1 writes only to pages that are free as
of N, then its meta page; the pages that it frees are used again by N + 2 at the earliest. So what was read while N was
the newest transaction is the complete state of N. A look at the meta pages before and after shows whether it was. If it
was not, everything read is discarded, and another try follows after a pause. The first tries read the file itself, the
later ones a private copy, which takes less time to make than the command takes.
"""

from __future__ import annotations

import time

from ..errors import BoltError, Changed, InvalidDatabase, OpenError
from .files import Closing
from .snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from ..format.page import Page
    from .private_copy import CopyFile
    from .source import Source

    T = TypeVar("T")

# Seconds to wait before each try: the first ones read the file, the others a copy.
_DIRECT = (0.0, 0.01, 0.03)
_COPIES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
_PAUSES = _DIRECT + _COPIES
_BUSY = 4  # after so many commits during one try, another try on the file would fail too
_LOOK_EVERY = 64  # pages read from the file between two looks at the meta pages


class Live(Closing):
    """The attempts to read ``source``, which it owns; ``tries`` counts them, ``current`` is the last one's snapshot."""

    def __init__(self, source: Source, *, previous: bool = False) -> None:
        """Raises OpenError for ``previous`` while a writer, which may overwrite pages of that state, holds the lock."""
        self.source = source
        self.previous = previous
        self.tries = 0
        self._step = 0  # index in _PAUSES
        self.began = time.monotonic()
        self.current: Snapshot | None = None
        self.first = self.last = 0  # ids of the first and last transaction seen
        self._copy: CopyFile | None = None
        self._pages = 0  # read from the file
        self.on_page: Callable[[], None] | None = None  # called before each page is used; may raise
        if previous and not source.is_stable:
            from .holders import writer

            holder = writer(source)
            if holder is not None:
                self.close()
                what = f"{holder} may be overwriting the previous state"
                raise OpenError("lock", source.path, what)

    def run(self, job: Callable[[], T]) -> T:
        """Call ``job``, which reads a :meth:`snapshot`, until that is consistent. Raises Changed after the last try."""
        while True:
            try:
                return job()
            except Changed as error:
                self._failed(error)

    def read(self, function: Callable[[Snapshot], T]) -> T:
        """Call ``function`` with a snapshot until what it read is consistent, as :meth:`run`; return its result."""

        def attempt() -> T:
            with self.snapshot() as snapshot:
                return function(snapshot)

        return self.run(attempt)

    def snapshot(self, *, copy: bool = False) -> Snapshot:
        """Return the snapshot for the next attempt, which the caller closes, or a private ``copy``. Raises Changed."""
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

    def settle(self) -> None:
        """Say that what was read is consistent, and another job begins, with tries of its own."""
        self._step = min(self._step, 1)

    def check_unchanged(self) -> None:
        """Raise Changed unless the current snapshot passed its closing look."""
        if self.current is not None:
            self.current.finish()

    def _open(self) -> Snapshot:
        source = self.source
        if source.is_stable or self.previous:
            hook = None if self.on_page is None else self._look_again
            return Snapshot(source.path, source.duplicate(), previous=self.previous, on_page=hook)
        if self._step <= len(_DIRECT):
            return Snapshot(source.path, source.duplicate(), on_page=self._look_again)
        if self._copy is None:
            from .private_copy import CopyFile, stored_free_pages

            self._copy = CopyFile(source, stored_free_pages)
        self._copy.fill()
        try:
            return self._copy.snapshot()
        finally:
            self._close_copy()  # its file is the snapshot's now

    def _look_again(self, snapshot: Snapshot, _page: Page) -> None:
        """Notice soon that another transaction was committed, or that the job is no longer wanted."""
        if self.on_page is not None:
            self.on_page()
        self._pages += 1
        if self._pages % _LOOK_EVERY == 0:
            snapshot.poll()

    def _close_copy(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _failed(self, error: BoltError) -> None:
        if isinstance(error, Changed) and error.after:
            self.first = self.first or error.before
            self.last = error.after
            if error.after - error.before >= _BUSY:
                self._step = max(self._step, len(_DIRECT))
        if self._step == len(_PAUSES) and self.last > self.first:
            raise Changed(
                "the database is written too fast to be read without the lock: "
                f"{self.last - self.first} transactions in {time.monotonic() - self.began:.1f} s, "
                f"and none of {self.tries} attempts fit between two of them; "
                "try again when its writer is less busy or has stopped",
                path=self.source.path, before=self.first, after=self.last,
            )  # fmt: skip
        if self._step == len(_PAUSES):
            raise error

    def close(self) -> None:
        self._close_copy()
        self.source.close()


def newer_state(source: Source, before: Snapshot, *, previous: bool = False) -> Snapshot | None:
    """Return a snapshot of ``source``, which is taken over, as :func:`open_state` does; None if it is as ``before``."""

    def same(state: Snapshot) -> bool:
        return (state.meta.txid, state.meta.checksum) == (before.meta.txid, before.meta.checksum)

    if not source.is_stable:  # a copy may be large: look at the meta pages first
        try:
            look = Snapshot(source.path, source.duplicate(), previous=previous, at_once=False)
            look.close()
            if same(look):
                source.close()
                return None
        except (Changed, InvalidDatabase):
            pass  # a writer is at work: a copy is of one state, or there is an error
        except BaseException:
            source.close()
            raise
    state = open_state(source, previous=previous)
    if same(state):
        state.close()
        return None
    return state


def open_state(source: Source, *, previous: bool = False) -> Snapshot:
    """Return a snapshot of ``source``, which it then owns; without the lock, of a private copy of one state."""
    if source.is_stable:
        return Snapshot(source.path, source, previous=previous)
    with Live(source, previous=previous) as live:
        return live.snapshot(copy=True)
