"""Where the data directories of known programs hold their stores."""

from __future__ import annotations

import os

from ..errors import BoltError
from ..storage.snapshot import Snapshot
from .registry import applications, recognise
from .store import SnapshotStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_META_MAGIC = (0xED0CDAED).to_bytes(4, "little")
_MAGIC_AT = 16  # after the page header
_ENDING = ".db"


def stores_in(folder: str) -> list[str]:
    """Return the stores under ``folder``, sorted: files at the places that applications name.

    If there is none, these are the files of bolt's format ending in .db that an
    application recognises. Links to folders aren't followed. Raises OSError if
    ``folder`` can't be read.
    """
    os.listdir(folder)  # its own error; those of folders inside are passed over
    patterns = [tuple(place.split("/")) for application in applications() for place in application.places]
    files = sorted(_files(folder))
    found = [path for path in files if _fits(os.path.relpath(path, folder), patterns) and _is_bolt(path)]
    return found or [path for path in files if path.endswith(_ENDING) and _is_bolt(path) and _is_known(path)]


def _files(folder: str) -> Iterator[str]:
    for here, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(here, name)


def _fits(path: str, patterns: list[tuple[str, ...]]) -> bool:
    from fnmatch import fnmatchcase

    parts = path.split(os.sep)
    return any(
        len(parts) >= len(pattern) and all(map(fnmatchcase, parts[-len(pattern) :], pattern)) for pattern in patterns
    )


def _is_bolt(path: str) -> bool:
    """Say whether a file begins as a bolt database does; the second meta page isn't looked for."""
    try:
        with open(path, "rb") as file:
            return file.read(_MAGIC_AT + 4)[_MAGIC_AT:] == _META_MAGIC
    except OSError:
        return False


def _is_known(path: str) -> bool:
    from ..storage.live import Live
    from ..storage.open_source import open_source

    def look(snapshot: Snapshot) -> bool:
        return recognise(SnapshotStore(snapshot)) is not None

    try:
        with Live(open_source(path, "try", 0)) as live:

            def attempt() -> bool:
                with live.snapshot() as snapshot:
                    return look(snapshot)

            return live.run(attempt)
    except BoltError:
        return False
