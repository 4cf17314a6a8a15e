"""The library's operations, by subject; and how each gets its database: one that is open, or one at a path."""

from __future__ import annotations

import os

from ..read_errors import ArgumentError
from ..storage.files import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypedDict, TypeVar

    from typing_extensions import TypeIs

    from ..database import Database
    from ..progress import Progress as Progress
    from ..read_errors import BoltError
    from ..storage.given import Content
    from ..storage.snapshot import Snapshot
    from ..storage.source import Source, Way

    T = TypeVar("T")
    Given = str | os.PathLike[str] | Content | Database | Snapshot
    Skipped = Callable[[BoltError], object]

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


def is_open(given: Given) -> TypeIs[Database | Snapshot]:
    """Return whether ``given`` is an open database; else it is the path or the content of one. Raises TypeError for a
    bucket."""
    if isinstance(given, (str, os.PathLike)):
        return False
    from ..storage.snapshot import Snapshot

    if isinstance(given, Snapshot):
        return True
    from ..database import Bucket, Database

    if isinstance(given, Bucket) and not isinstance(given, Database):
        raise TypeError("a path or an open database is needed, not Bucket")
    return isinstance(given, Database)


def are_several(sources: Given | Iterable[Given]) -> TypeIs[Iterable[Given]]:
    """Return whether ``sources`` are any number of databases: not one path, open database or content."""
    one = isinstance(sources, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(sources, "read")
    return not (one or is_open(sources))  # type: ignore[arg-type]


def as_list(sources: Given | Iterable[Given]) -> list[Given]:
    """Return one database, or several, as a list."""
    return list(sources) if are_several(sources) else [sources]


def _state(given: Database | Snapshot, opening: Opening) -> Snapshot:
    """Return the state that is open. Raises DatabaseClosed."""
    if opening:
        raise TypeError(f"{', '.join(opening)}: only for a path, and this database is open")
    return given._snapshot if hasattr(given, "_while_open") else given  # type: ignore[union-attr]


def as_path(path: str | os.PathLike[str]) -> str:
    """Return a path as text. Raises ArgumentError for anything else."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(f"the path of a file is needed, not {type(path).__name__}")
    return os.fspath(path)


def file_at(path: str | os.PathLike[str], offset: int = 0) -> str:
    """Return the path of a file, or of the database in a program's data directory; that which begins at ``offset``."""
    from ..storage.source import at_offset

    name = as_path(path)
    if os.path.isdir(name):
        from ..fleet.find import resolved

        name = resolved(name)
    return at_offset(name, offset)


def for_path(given: Given, opening: Opening) -> Opening:
    """Return how to open ``given``, one of several sources: as ``opening`` says unless it is open."""
    return {} if is_open(given) else opening


def name_of(given: Given) -> str:
    """Return the path of a database; of its content a name."""
    if is_open(given):
        return _state(given, {}).path
    return os.fspath(given) if isinstance(given, (str, os.PathLike)) else "<content>"


def source_of(given: str | os.PathLike[str] | Content, opening: Opening) -> tuple[Source, bool]:
    """Open a file, the database in a program's data directory, or content; return whether its ``previous`` state is
    meant. Raises as :func:`boltcli.open`."""
    from ..storage.source import LOCK_PATIENCE, check_waiting, open_source

    def source(
        lock: Way = "auto", timeout: float = LOCK_PATIENCE, previous: bool = False, offset: int = 0
    ) -> tuple[Source, bool]:
        if isinstance(given, (str, os.PathLike)):
            return open_source(file_at(given, offset), lock, timeout), previous
        from ..storage.given import given_source

        check_waiting(lock, timeout)
        return given_source(given, offset), previous

    return source(**opening)


def growing(progress: Progress | None) -> Progress | None:
    """Return ``progress`` as callers expect it: ``done / total`` is at most 1 and never falls, whatever the parts say.

    A total of 0 is not known, and then ``done`` alone is shown.
    """
    if progress is None:
        return None
    most, of = 0, 1  # the largest share so far

    def show(done: int, total: int) -> None:
        nonlocal most, of
        if total:
            done = max(min(done, total), -(-most * total // of))
            most, of = done, total
        progress(done, total)

    return show


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
    return _StaysOpen(_state(given, opening)) if is_open(given) else open_snapshot(given, opening)


def open_snapshot(given: str | os.PathLike[str] | Content, opening: Opening) -> Snapshot:
    """Open a database; without the lock a private copy of one state. Raises as :func:`boltcli.open`."""
    from ..storage.live import open_state

    source, previous = source_of(given, opening)
    return open_state(source, previous=previous)


def read(given: Given, work: Callable[[Snapshot], T], opening: Opening) -> T:
    """Return what ``work`` returns for the state of a database. Of a path it is called again, if that isn't locked,
    until all that it read is of one transaction. Raises what it raises, and what :func:`boltcli.open` raises."""
    if is_open(given):
        return work(_state(given, opening))
    from ..storage.live import Live

    source, previous = source_of(given, opening)
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
        """End the work and close the file; there are no further results."""
        self._parts.close()


def stream(given: Given, found: Callable[[Snapshot], Iterator[T]], opening: Opening) -> Generator[T]:
    """Yield what ``found`` yields for the state of a database. Raises DatabaseClosed once that is closed."""
    with opened(given, opening) as snapshot:
        yield from while_open(given, found(snapshot))


def while_open(given: Given, results: Iterator[T]) -> Iterator[T]:
    """Return ``results`` of a database, which raise DatabaseClosed once that is closed."""
    return given._while_open(results) if hasattr(given, "_while_open") else results
