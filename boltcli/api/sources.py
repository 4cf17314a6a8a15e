"""What an operation on several databases works on: those that are open, and the files that paths stand for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..fleet.files import Files, Named, nothing_seen
from ..fleet.find import select
from ..progress import portion
from . import as_list, growing, is_open, name_of

if TYPE_CHECKING:
    from . import Given, Progress


class Sources:
    """One or several ``sources``: open databases and content come first, then the files, as commands find them.

    ``files.passed`` says what was passed over in which folder. Call :meth:`seen` for each that was worked on;
    ``portion`` is the progress of the one that is being worked on, an equal share for each.
    """

    def __init__(
        self, sources: Given | Iterable[Given], progress: Progress | None = None, *, recursive: bool = False,
        search: bool = False, twice: bool = True,
    ) -> None:  # fmt: skip
        each = as_list(sources)
        self._named = [os.fspath(one) for one in each if isinstance(one, (str, os.PathLike))]
        self._open = [one for one in each if is_open(one) or not isinstance(one, (str, os.PathLike))]
        self._progress = growing(progress)
        self._seen = 0
        self._place = 0  # of the source that is being worked on
        find = select(self._named, recursive=recursive, search=search, twice=twice) if self._named else Files()
        self.files = find

    def __len__(self) -> int:
        return len(self._open) + len(self.files)

    def __iter__(self) -> Iterator[tuple[Given, Named]]:
        """Yield each source, and its file. Raises OpenError at the end if every file was passed over."""
        for one in self._open:
            yield one, Named(name_of(one), "", None)
            self._place += 1
        for number in range(len(self.files)):
            file = self.files[number]
            yield file.path, file.shown()
            self._place += 1
        if self._named and not self._seen:
            raise nothing_seen(self._named)

    @property
    def portion(self) -> Progress | None:
        return portion(self._progress, self._place / len(self), (self._place + 1) / len(self))

    def seen(self) -> None:
        """Count a source that was worked on."""
        self._seen += 1
