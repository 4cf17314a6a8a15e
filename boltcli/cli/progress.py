"""Show the progress of a long job on one line of a terminal."""

from __future__ import annotations

import os
from time import monotonic

_STDERR = 2
_PATIENCE = 1.0  # seconds before the line appears
_EVERY = 0.1  # seconds between two updates


class Progress:
    """Call it with (done, total) to show the share that is done; the end of a ``with`` block removes the line.

    It shows nothing in the first second or if ``fd`` is not a terminal, and
    updates at most ten times a second, so that a job may call it often (a call
    takes 0.2 microseconds). ``what`` is the job ("checking"), ``unit`` what
    ``done`` and ``total`` count ("pages").

    For jobs in ``ops`` it is just a ``Callable[[int, int], None]``.
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
        """Remove the line, before other output to the terminal."""
        if self._drawn:
            self._draw("")
            self._next = monotonic() + _EVERY

    def _draw(self, text: str) -> None:
        # Overwrite the old text with spaces, which works on every terminal.
        blank = " " * max(self._drawn - len(text), 0)
        line = f"\r{text}{blank}" + ("\r" if not text else "")
        self._drawn = len(text)
        try:
            os.write(self._fd, line.encode())
        except OSError:
            self._next = float("inf")  # a closed terminal is no reason to fail

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
