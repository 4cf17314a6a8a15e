"""The ways to buckets, which may be 10,000 names long: none is kept."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Named(Protocol):
        """A bucket with its name; ``level`` is how many names lead to it."""

        level: int
        name: bytes

        @property
        def parent(self) -> Named | None:
            """The bucket that it is in."""


class Trail:
    """What is shown of the names that lead to buckets; quick for each that comes after the one that it is in."""

    def __init__(self, show: Callable[[bytes], Any]) -> None:
        self._show = show
        self._buckets: list[Named] = []
        self._shown: list[Any] = []

    def __call__(self, bucket: Named) -> list[Any]:
        """Return what is shown of each name; the list is changed by the next call."""
        above = bucket.level - 1
        buckets, shown = self._buckets, self._shown
        if above > len(buckets) or (above > 0 and buckets[above - 1] is not bucket.parent):
            del buckets[:], shown[:]
            parent = bucket.parent
            while parent is not None and parent.level:
                buckets.append(parent)
                parent = parent.parent
            buckets.reverse()
            shown += [self._show(each.name) for each in buckets]
        if above >= 0:
            del buckets[above:], shown[above:]
            buckets.append(bucket)
            shown.append(self._show(bucket.name))
        return shown if above >= 0 else []
