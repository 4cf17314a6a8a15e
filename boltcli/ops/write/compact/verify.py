"""Whether the source is sound: its check, where that pays in a process of its own beside the copying."""

from __future__ import annotations

import _thread
import os

from ...check.database_check import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....storage.forked import Forked
    from ....storage.snapshot import Snapshot
    from ...check.findings import Finding

    # Warnings, and whether the quick copy is bbolt's.
    Verdict = tuple[list[str], bool]

_WARNINGS = 3  # so many are told; of the rest the number
# About what is free, or about pages that are copied as often as they are met. Where that brings their keys out of
# order, there is a finding of that too.
_HARMLESS = ("unreachable-unfreed", "already-freed", "reachable-freed", "multiple-references", "out-of-bounds")
_MANY_PAGES = 8192  # to check in a process of its own; below, starting it costs more than it gains


class Verification:
    """The check of a database, begun. :meth:`result` ends it, :meth:`close` gives it up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._other: Forked | None = None
        self._verdict: Verdict | None = None
        if _pays(snapshot):
            from ....storage.forked import Died, Forked

            try:
                self._other = Forked(lambda: [_look(snapshot)])
            except Died:
                pass
        if self._other is None:
            self._verdict = _look(snapshot)

    @property
    def has_failed(self) -> bool:
        """Whether it is known already that the source isn't sound."""
        return self._verdict is not None and not self._verdict[1]

    def result(self) -> Verdict:
        """Return warnings about the source, and whether no finding concerns the pages that are copied."""
        if self._other is not None:
            from ....storage.forked import Died

            try:
                self._verdict = next(iter(self._other))
            except Died:
                pass
            self.close()
        if self._verdict is None:
            self._verdict = _look(self._snapshot)
        return self._verdict

    def close(self) -> None:
        """End the other process, if it still runs."""
        if self._other is not None:
            self._other.close()
            self._other = None


def _pays(snapshot: Snapshot) -> bool:
    """Return whether the check had better be done beside the copying."""
    # Not if there are threads: only one of them continues in a forked process, whatever locks the others held.
    if snapshot.page_count < _MANY_PAGES or not hasattr(os, "fork") or _thread._count():
        return False
    affinity = getattr(os, "sched_getaffinity", None)
    return (len(affinity(0)) if affinity else os.cpu_count() or 1) > 1


def _look(snapshot: Snapshot) -> Verdict:
    freelist = snapshot.meta.freelist
    warnings: list[str] = []
    is_sound = True
    more = 0
    for finding in check(snapshot):
        is_sound = is_sound and _is_harmless(finding, freelist)
        if len(warnings) < _WARNINGS:
            warnings.append(finding.message)
        else:
            more += 1
    if more:
        warnings.append(f"{more} more findings; see boltcli check")
    return warnings, is_sound


def _is_harmless(finding: Finding, freelist: int) -> bool:
    """Return whether a finding says nothing against the quick copy."""
    # A freelist that can't be read, and heads of meta pages, are never copied. (Where a tree leads to them,
    # the copying itself fails.)
    return finding.kind in _HARMLESS or (finding.kind == "damaged" and finding.page in (0, 1, freelist))
