"""Paths that follow each other: mostly one is the one before, or a name longer or shorter, and may be 10,000 long."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class LastPath:
    """What ``show`` makes of each name of a path; names that the path before had, too, are not shown again."""

    __slots__ = ("_path", "_show", "_shown")

    def __init__(self, show: Callable[[Any], Any]) -> None:
        self._show = show
        self._path: tuple[Any, ...] = ()
        self._shown: list[Any] = []

    def __call__(self, names: Sequence[Any]) -> list[Any]:
        """Return what is shown of each name. Raises what ``show`` raises."""
        path = tuple(names)
        same = shared(path, self._path)
        self._shown = self._shown[:same] + [self._show(name) for name in path[same:]]
        self._path = path
        return self._shown


def shared(path: Sequence[Any], last: Sequence[Any]) -> int:
    """Return how many names both begin with; where that are neither all nor all but one, fewer may be said."""
    same = min(len(path), len(last))
    for count in (same, same - 1):
        if count > 0 and path[:count] == last[:count]:
            return count
    return 0
