"""The library's operations, by subject; and how each gets its database: one that is open, or one at a path."""

from __future__ import annotations

import os

from ..storage.files import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager
    from typing import TypedDict, TypeVar

    from ..database import Database
    from ..storage.snapshot import Snapshot
    from ..storage.source import Source, Way

    T = TypeVar("T")
    Given = str | os.PathLike[str] | Database | Snapshot
    Progress = Callable[[int, int], None]

    class Opening(TypedDict, total=False):
        """How the database at a path is opened; see :func:`boltcli.open`."""

        lock: Way
        timeout: float
        previous: bool
        offset: int

    class _Iterator(Closing, Iterator[T]): ...

else:

    class _Iterator(Closing):
        __class_getitem__ = classmethod(lambda cls, _: cls)  # hot commands don't import typing


def _state(given: Database | Snapshot, opening: Opening) -> Snapshot:
    """Return the state that is open. Raises DatabaseClosed, and TypeError for anything else."""
    from ..storage.snapshot import Snapshot

    if opening:
        raise TypeError(f"{', '.join(opening)}: only for a path, and this database is open")
    if isinstance(given, Snapshot):
        return given
    from ..database import Database

    if not isinstance(given, Database):
        raise TypeError(f"a path or an open database is needed, not {type(given).__name__}")
    return given._snapshot


def file_at(path: str | os.PathLike[str], offset: int = 0) -> str:
    """Return the path of a file, or of the database in a program's data directory; that which begins at ``offset``."""
    from ..storage.source import at_offset

    name = os.fspath(path)
    if os.path.isdir(name):
        from ..fleet.find import resolved

        name = resolved(name)
    return at_offset(name, offset)


def for_path(given: Given, opening: Opening) -> Opening:
    """Return how to open ``given``, one of several sources: as ``opening`` says if it is a path."""
    return opening if isinstance(given, (str, os.PathLike)) else {}


def opened_path(given: Database | Snapshot) -> str:
    """Return the path of a database that is open."""
    return _state(given, {}).path


def _source(path: str | os.PathLike[str], opening: Opening) -> tuple[Source, bool]:
    """Open a file, or the database in a program's data directory; return whether its ``previous`` state is meant."""
    from ..storage.source import LOCK_PATIENCE, open_source

    def source(
        lock: Way = "auto", timeout: float = LOCK_PATIENCE, previous: bool = False, offset: int = 0
    ) -> tuple[Source, bool]:
        return open_source(file_at(path, offset), lock, timeout), previous

    return source(**opening)


class _StaysOpen:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __enter__(self) -> Snapshot:
        return self._snapshot

    def __exit__(self, *_: object) -> None:
        pass


def opened(given: Given, opening: Opening) -> AbstractContextManager[Snapshot]:
    """Context manager: the state that is open, which stays open, or that of the file at a path; without the lock of a
    private copy."""
    if isinstance(given, (str, os.PathLike)):
        return open_snapshot(given, opening)
    return _StaysOpen(_state(given, opening))


def open_snapshot(path: str | os.PathLike[str], opening: Opening) -> Snapshot:
    """Open the database at ``path``; without the lock a private copy of one state. Raises as :func:`boltcli.open`."""
    from ..storage.live import open_state

    source, previous = _source(path, opening)
    return open_state(source, previous=previous)


def read(given: Given, work: Callable[[Snapshot], T], opening: Opening) -> T:
    """Return what ``work`` returns for the state of a database. Of a path it is called again, if that isn't locked,
    until all that it read is of one transaction. Raises what it raises, and what :func:`boltcli.open` raises."""
    if not isinstance(given, (str, os.PathLike)):
        return work(_state(given, opening))
    from ..storage.live import Live

    source, previous = _source(given, opening)
    with Live(source, previous=previous) as live:
        return live.read(work)


class Stream(_Iterator["T"]):
    """Results as they are found. The file at a path is opened for the first, and closed after the last, or by
    :meth:`close`; use it in a ``with`` statement where some may be left."""

    def __init__(self, parts: Generator[T]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[T]:
        return self._parts

    def __next__(self) -> T:
        return next(self._parts)

    def close(self) -> None:
        self._parts.close()


def stream(given: Given, found: Callable[[Snapshot], Iterator[T]], opening: Opening) -> Generator[T]:
    """Yield what ``found`` yields for the state of a database. Raises DatabaseClosed once that is closed."""
    with opened(given, opening) as snapshot:
        results = found(snapshot)
        yield from given._while_open(results) if hasattr(given, "_while_open") else results
