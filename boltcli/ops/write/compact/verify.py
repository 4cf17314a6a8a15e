"""Whether the source is sound: its check, where that pays in a process of its own beside the copying."""

from __future__ import annotations

import _thread

from ....errors import DamagedSource
from ....tree.batch_reader import jobs_for
from ...check.exact_check import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....storage.forked import Forked
    from ....storage.snapshot import Snapshot
    from ...check.findings import Finding

    # Warnings; the page and line of the finding that makes a copy untrustworthy, if there is one.
    Verdict = tuple[list[str], tuple[int, str] | None]

_WARNINGS = 3  # so many are told; of the rest the number


class Verification:
    """The check of a database, begun. :meth:`result` ends it, :meth:`close` gives it up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._other: Forked | None = None
        # Not where there are threads: of a process that is split only one goes on, whatever the others held.
        if jobs_for(snapshot.page_count) > 1 and not _thread._count():
            from ....storage.forked import Died, Forked

            try:
                self._other = Forked(lambda: [_look(snapshot)])
            except Died:
                pass
        if self._other is None:
            self._warn_or_raise(_look(snapshot))

    def result(self) -> list[str]:
        """What else should be known of the source, in sentences; raises :class:`~boltcli.errors.DamagedSource`."""
        if self._other is not None:
            from ....storage.forked import Died

            try:
                verdict: Verdict = next(iter(self._other))
            except Died:
                verdict = _look(self._snapshot)
            self.close()
            self._warn_or_raise(verdict)
        return self._warnings

    def _warn_or_raise(self, verdict: Verdict) -> None:
        self._warnings, damage = verdict
        if damage:
            raise DamagedSource(damage[1], page=damage[0], path=self._snapshot.path)

    def close(self) -> None:
        """End the other process, if it still runs."""
        if self._other is not None:
            self._other.close()
            self._other = None


def _look(snapshot: Snapshot) -> Verdict:
    """Check the source. Only keys out of order make a copy wrong: pages that can't be read end the copying itself,
    and all else (the freelist, pages referenced twice) is left behind by a copy, as by bbolt's."""
    warnings: list[str] = []
    more = 0
    for finding in check(snapshot):
        if finding.kind == "key-order":
            return [], (finding.page, _sentence(finding))
        if len(warnings) < _WARNINGS:
            warnings.append(_sentence(finding))
        else:
            more += 1
    if more:
        warnings.append(f"{more} more findings; see boltcli check")
    return warnings, None


def _sentence(finding: Finding) -> str:
    return finding.message
