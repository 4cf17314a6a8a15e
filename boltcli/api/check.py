"""Check a database."""

from __future__ import annotations

from ..ops.check.database_check import UNCOUNTED, file_warnings, pairs_in_root
from ..ops.check.database_check import check as findings
from ..read_errors import ArgumentError
from . import Stream, growing, stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from ..ops.check.findings import Finding
    from ..storage.snapshot import Snapshot
    from . import Given, Opening, Progress


class Findings(Stream["Finding"]):
    """The findings about a database, as they are found. After the last one ``warnings`` are sentences about a file
    whose database is sound, and ``at_least`` says that there are more findings than can be counted."""

    def __init__(
        self, source: Given, from_page: int, deep: bool, progress: Progress | None, opening: Opening
    ) -> None:  # fmt: skip
        self.warnings: list[str] = []
        self._uncounted: list[str] = []
        notes, uncounted = self.warnings, self._uncounted

        def found(snapshot: Snapshot) -> Iterator[Finding]:
            shown = growing(progress)
            if deep:
                from ..ops.check.deep_check import deep_check

                all_findings = deep_check(snapshot, progress=shown)
            else:
                all_findings = findings(snapshot, from_page, progress=shown)
            for finding in all_findings:
                if finding.kind == UNCOUNTED:
                    uncounted.append(finding.message)
                else:
                    yield finding
            notes.extend([*file_warnings(snapshot), *(pairs_in_root(snapshot) if deep else ()), *uncounted])

        super().__init__(stream(source, found, opening))

    @property
    def at_least(self) -> bool:
        """Whether there are more findings than can be counted; known after the last one."""
        return bool(self._uncounted)


def check(
    source: Given, from_page: int = 0, *, deep: bool = False, progress: Progress | None = None,
    **opening: Unpack[Opening],
) -> Findings:  # fmt: skip
    """Yield the findings of ``boltcli check``, with ``deep`` also those that bbolt's check doesn't make.

    ``source`` is a path or an open database; ``from_page`` checks only the tree below that page. After the last finding
    the iterator has ``warnings``. ``progress(done, total)`` is called with pages. The other arguments are those of
    :func:`boltcli.open`. Raises what that raises, also while findings are read, and ArgumentError.

    >>> import boltcli
    >>> found = boltcli.check("fixtures/document.db")
    >>> list(found), found.warnings
    ([], [])
    """
    if deep and from_page:
        raise ArgumentError("a deep check reads the whole file: leave out from_page")
    return Findings(source, from_page, deep, progress, opening)
