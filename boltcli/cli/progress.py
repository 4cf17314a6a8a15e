"""How far a long job has come, on one line of a terminal's stderr."""

from __future__ import annotations

import os
from time import monotonic

_STDERR = 2
_PATIENCE = 1.0  # seconds: what is done by then needs no line
_EVERY = 0.1  # seconds between two drawings


class Progress:
    """Called with (done, total) now and then, it shows the share that is done; a ``with`` takes the line away again.

    It says nothing in the first second, nothing unless ``fd`` is a terminal,
    and redraws ten times a second at most, so that a job may call it as often
    as it likes (a call costs two tenths of a microsecond). ``what`` is the job
    ("checking"), ``unit`` what ``done`` and ``total`` count ("pages").

    Jobs in ``ops`` know it as a callable only: ``Callable[[int, int], None]``.
    """

    __slots__ = ("_drawn", "_fd", "_next", "_unit", "_what")

    def __init__(self, what: str, unit: str = "pages", fd: int = _STDERR, *, quiet: bool = False) -> None:
        self._what = what
        self._unit = unit
        self._fd = fd
        self._drawn = 0  # characters on the line
        self._next = float("inf") if quiet else monotonic() + _PATIENCE

    def __call__(self, done: int, total: int) -> None:
        now = monotonic()
        if now < self._next:
            return
        if not self._drawn and not os.isatty(self._fd):
            self._next = float("inf")
            return
        self._next = now + _EVERY
        share = min(100 * done // total, 100) if total > 0 else 0
        self._draw(f"{self._what}: {share}% of {total:,} {self._unit}")

    def clear(self) -> None:
        """Take the line away, before something else is written to the terminal."""
        if self._drawn:
            self._draw("")
            self._next = monotonic() + _EVERY

    def _draw(self, text: str) -> None:
        # Blanks over what was there before: every terminal understands them.
        blank = " " * max(self._drawn - len(text), 0)
        line = f"\r{text}{blank}" + ("\r" if not text else "")
        self._drawn = len(text)
        try:
            os.write(self._fd, line.encode())
        except OSError:
            self._next = float("inf")  # a terminal that is gone is no reason to fail

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
