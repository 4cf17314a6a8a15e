"""Verify many files, and find them."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Unpack

from ..errors import ArgumentError, BoltError, PassedOver
from ..fleet.files import Files
from ..fleet.scan import Scanned
from ..fleet.scan import scan as scanned
from ..fleet.verify import DEEP, QUICK, WHOLE, Verified
from ..fleet.verify import verify as verified
from ..storage.source import LOCK_PATIENCE, check_waiting
from . import Stream, as_path, for_path, read
from .sources import Sources

if TYPE_CHECKING:
    from collections import Counter

    from . import Given, Opening, Progress

    Path = str | os.PathLike[str]

__all__ = ["Scan", "Scanned", "Verdicts", "Verified", "scan", "verify"]


class Verdicts(Stream[Verified]):
    """The verdicts on files, in their order. ``passed`` says how many files in which folder were passed over, and why,
    once the first verdict was asked for."""

    def __init__(self, sources: Given | Iterable[Given], level: str, recursive: bool, progress: Progress | None,
                 opening: Opening) -> None:  # fmt: skip
        self.passed: dict[str, Counter[str]] = {}
        super().__init__(_verdicts(sources, level, recursive, progress, opening, self.passed))


def verify(
    sources: Given | Iterable[Given], *, quick: bool = False, deep: bool = False, recursive: bool = False,
    progress: Progress | None = None, **opening: Unpack[Opening],
) -> Verdicts:  # fmt: skip
    """Yield a verdict on each database or backup: its checksum, its structure, all of its pairs.

    ``sources`` are paths or open databases, one or several. A folder stands for the databases in it at the places of
    known programs, with ``recursive`` for all databases in it. ``quick`` verifies only checksums, meta pages and page
    headers; ``deep`` is as thorough as a deep check. ``progress(done, total)`` is called with pages, of several files
    with shares. The other arguments are those of :func:`boltcli.open`. A file that can't be read is a verdict, too.
    Raises ArgumentError, and OpenError if every file was passed over.

    >>> import boltcli
    >>> [(found.ok, found.pairs, found.error) for found in boltcli.verify(["fixtures/document.db"])]
    [(True, 21, None)]
    """
    if quick and deep:
        raise ArgumentError("quick and deep can't be combined")
    check_waiting(opening.get("lock", "auto"), opening.get("timeout", LOCK_PATIENCE))  # no verdict on a file
    return Verdicts(sources, QUICK if quick else DEEP if deep else WHOLE, recursive, progress, opening)


def _verdicts(
    sources: Given | Iterable[Given], level: str, recursive: bool, progress: Progress | None, opening: Opening,
    passed: dict[str, Counter[str]],
) -> Generator[Verified]:  # fmt: skip
    chosen = Sources(sources, progress, recursive=recursive)
    passed.update(chosen.files.passed)
    for source, file in chosen:
        try:
            if file.failure is not None:
                raise file.failure
            found = read(source, partial(verified, level=level, progress=chosen.portion), for_path(source, opening))
        except PassedOver:
            continue
        except BoltError as error:
            found = Verified(file.path, error=error)
        yield found
        chosen.seen()


class Scan(Stream[Scanned]):
    """The databases in folders, as they are found. ``looked`` counts the files that were looked at. ``failed`` says by
    name what is not there or has no database, ``passed`` how many files in which folder were passed over, and why."""

    def __init__(self, folders: Iterable[str], progress: Progress | None) -> None:
        self._files = Files()
        self._looked = [0]
        super().__init__(_scanned(folders, self._files, self._looked, progress))

    @property
    def looked(self) -> int:
        """The number of files that were looked at so far."""
        return self._looked[0]

    @property
    def files(self) -> Files:
        """What was found in the folders so far."""
        return self._files

    @property
    def failed(self) -> dict[str, BoltError]:
        """What is not there or has no database, by name, with its error."""
        return self._files.failed

    @property
    def passed(self) -> dict[str, Counter[str]]:
        """How many files were passed over, by folder and by reason."""
        return self._files.passed


def scan(folders: Path | Iterable[Path], *, progress: Progress | None = None) -> Scan:
    """Yield each bolt database in ``folders``, one or several, or files, found by content; also packed ones.

    They are read without waiting for locks. ``progress(done, 0)`` is called with files. Raises nothing: a database that
    can't be read has an ``error``, a folder without one is in ``failed`` of the result.

    >>> import boltcli
    >>> [(found.kind, found.application, found.txid, found.error) for found in boltcli.scan("fixtures/document.db")]
    [('bolt', 'bacalhau', 14, None)]
    """
    each = [folders] if isinstance(folders, (str, os.PathLike, bytes)) else folders
    return Scan([*map(as_path, each)], progress)


def _scanned(folders: Iterable[str], files: Files, looked: list[int], progress: Progress | None) -> Generator[Scanned]:
    def look() -> None:
        looked[0] += 1
        if progress is not None:
            progress(looked[0], 0)

    yield from scanned(folders, files, look)
