"""How long a remote file may send nothing, for this process."""

from __future__ import annotations

_PATIENCE = [30.0]  # seconds


def read_timeout() -> float:
    """Return for how many seconds a server may send nothing; 0: for ever."""
    return _PATIENCE[0]


def set_read_timeout(seconds: float) -> None:
    """Set what :func:`read_timeout` returns."""
    _PATIENCE[0] = seconds
