"""The files that a command works on: their paths, how they were found, and what was passed over."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import BoltError, OpenError
from ..storage.secrets import original_url, redact_url

HOW = ("", "place", "search")  # a file was named; found at a program's place in a folder; found by searching one


class Names(Sequence[str]):
    """Paths in order, a million of which take about 100 MB; and how each was found, one of ``HOW``."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("Q", [0])
        self._how = bytearray()

    def add(self, path: str, how: str = "") -> None:
        """Append a path."""
        self._text += os.fsencode(path)
        self._ends.append(len(self._text))
        self._how.append(HOW.index(how))

    def how(self, number: int) -> str:
        """Return how the path at index ``number`` was found."""
        return HOW[self._how[number]]

    def __len__(self) -> int:
        return len(self._how)

    def __getitem__(self, number: int) -> str:  # type: ignore[override]  # nobody needs slices
        number = range(len(self))[number]
        return os.fsdecode(bytes(self._text[self._ends[number] : self._ends[number + 1]]))


class Named(NamedTuple):
    """A file to work on: how it was found, one of ``HOW``; ``failure``: why it can't be worked on."""

    path: str
    how: str
    failure: BoltError | None

    def shown(self) -> Named:
        """Return the file under its name without secrets."""
        return self._replace(path=redact_url(self.path))


def nothing_seen(named: Iterable[str]) -> BoltError:
    """Return the error for files of which each was passed over: that must not seem to be sound."""
    return OpenError("search", " ".join(named), "every file was skipped, so nothing was examined")


class Files:
    """The files that were named.

    ``paths`` are to be worked on, in order; ``failed`` says which of them can't, as they are folders that hold
    nothing. ``passed`` counts what was passed over in each folder, by reason.
    """

    def __init__(self) -> None:
        self.paths = Names()
        self.failed: dict[str, BoltError] = {}
        self.passed: dict[str, Counter[str]] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Named:
        """Return a file; its path has the secrets of an address, which other machines need."""
        path = self.paths[number]
        return Named(original_url(path), self.paths.how(number), self.failed.get(path))

    def pass_over(self, folder: str, reason: str) -> None:
        """Count a file in ``folder`` that is passed over."""
        self.passed.setdefault(folder, Counter())[reason] += 1

    def passed_text(self, folder: str) -> str:
        """Return how many files were passed over in ``folder``, and why."""
        total = self.passed[folder].total()
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.passed[folder].most_common())
        return f"{total} file{'s were' if total > 1 else ' was'} skipped: {reasons}"
