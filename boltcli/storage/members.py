"""Names of members of archives: ``FILE!member``."""

from __future__ import annotations

import os


def split_member(path: str) -> tuple[str, list[str]]:
    """Split ``FILE!member`` into the file and the names of the members; there are none if FILE doesn't exist."""
    at = path.find("!")
    while at >= 0:
        if at and path[at + 1 :] and os.path.isfile(path[:at]):
            return path[:at], path[at + 1 :].split("!")
        at = path.find("!", at + 1)
    return path, []
