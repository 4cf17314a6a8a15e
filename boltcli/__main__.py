"""``python -m boltcli``."""

from __future__ import annotations

from .cli.app import main, process

__all__ = ["main", "process"]

if __name__ == "__main__":
    process()
