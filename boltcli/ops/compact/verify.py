"""Whether the source is sound: its check, where that pays in a process of its own beside the copying."""

from __future__ import annotations

import os

from ...errors import DamagedSource
from ..check import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot
    from ..findings import Finding

# Smaller files are checked first: starting a process would take longer.
_WORTH_A_PROCESS = 16 << 20  # bytes
_WARNINGS = 3  # so many are told, of the rest the number


class Verification:
    """The check of a database, begun. :meth:`result` ends it, :meth:`close` gives it up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._child = 0
        self._pipe = -1
        self._found: tuple[list[str], tuple[int, str] | None] | None = None
        if snapshot.size >= _WORTH_A_PROCESS and _can_fork():
            self._fork()
        else:
            self._found = _look(snapshot)

    def _fork(self) -> None:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(read)
                warnings, damage = _look(self._snapshot)
                lines = [f"{page} {text}" for page, text in [damage or (0, "")]] + warnings
                with open(write, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as pipe:
                    pipe.write("\n".join(line.replace("\n", " ") for line in lines))
                status = 0
            finally:
                os._exit(status)
        os.close(write)
        self._child, self._pipe = child, read

    def result(self) -> list[str]:
        """What else should be known of the source, in sentences; raises :class:`~boltcli.errors.DamagedSource`."""
        if self._found is None:
            with open(self._pipe, encoding="utf-8", errors="surrogateescape", newline="\n") as pipe:
                self._pipe = -1
                lines = pipe.read().split("\n")
            _, status = os.waitpid(self._child, 0)
            self._child = 0
            if status:  # killed, or out of memory: once more, here
                self._found = _look(self._snapshot)
            else:
                page, _, text = lines[0].partition(" ")
                self._found = lines[1:], (int(page), text) if text else None
        warnings, damage = self._found
        if damage:
            raise DamagedSource(damage[1], page=damage[0], path=self._snapshot.path)
        return warnings

    def close(self) -> None:
        """End the other process, if it still runs."""
        if self._child:
            os.kill(self._child, 9)
            os.waitpid(self._child, 0)
            self._child = 0
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1


def _can_fork() -> bool:
    """Whether this process may be split: not where that can't be done, nor among threads."""
    import _thread

    return hasattr(os, "fork") and (os.cpu_count() or 1) > 1 and _thread._count() == 0


def _look(snapshot: Snapshot) -> tuple[list[str], tuple[int, str] | None]:
    """Warnings, and the first finding that makes a copy untrustworthy, with its page."""
    meta = snapshot.meta
    others = []
    lost = 0
    for finding in check(snapshot):
        if finding.kind == "unreachable-unfreed":
            lost += 1
            if lost == 1:
                others.append(finding)
        elif _only_space(finding, meta.freelist):
            others.append(finding)
        else:
            return [], (finding.page, _sentence(finding))
    warnings = [_sentence(finding) for finding in others[:_WARNINGS]]
    if len(others) > _WARNINGS:
        warnings.append(f"{len(others) - _WARNINGS} more such findings")
    if lost > 1:
        warnings.append(f"{lost - 1} more unreachable pages")
    return warnings, None


def _sentence(finding: Finding) -> str:
    return finding.message().decode("utf-8", "surrogateescape")


def _only_space(finding: Finding, freelist: int) -> bool:
    """Whether a finding is about what is free, and not about what is copied."""
    # A freelist that can't be read, and heads of meta pages, are never copied. (Where a tree leads to them,
    # the copying itself fails.)
    return finding.kind == "already-freed" or (finding.kind == "damaged" and finding.page in (0, 1, freelist))
