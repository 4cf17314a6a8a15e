"""Verify many files."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Unpack

from ..errors import ArgumentError, BoltError, PassedOver
from ..fleet.verify import DEEP, QUICK, WHOLE, Verified
from ..fleet.verify import verify as verified
from . import Stream, for_path, read
from .sources import Sources

if TYPE_CHECKING:
    from collections import Counter

    from . import Given, Opening, Progress

__all__ = ["Verdicts", "Verified", "verify"]


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
    headers; ``deep`` is as thorough as a deep check. ``progress(done, total)`` is called with files. The other
    arguments are those of :func:`boltcli.open`. A file that can't be read is a verdict, too. Raises ArgumentError, and
    OpenError if every file was passed over.

    >>> import boltcli
    >>> [(found.ok, found.pairs, found.error) for found in boltcli.verify(["fixtures/document.db"])]
    [(True, 21, None)]
    """
    if quick and deep:
        raise ArgumentError("quick and deep can't be combined")
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
            found = read(source, lambda snapshot: verified(snapshot, level), for_path(source, opening))
        except PassedOver:
            continue
        except BoltError as error:
            found = Verified(file.path, error=error)
        yield found
        chosen.seen()
