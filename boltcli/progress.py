"""The progress of a long job: a function that is called with what is done and the total, say in pages."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    Progress = Callable[[int, int], None]
    T = TypeVar("T")


def portion(progress: Progress | None, start: float, stop: float) -> Progress | None:
    """Return the progress of a part of a job, which takes about the time from the share ``start`` to ``stop`` of it."""
    if progress is None:
        return None

    def show(done: int, total: int) -> None:
        share = start + (stop - start) * min(done / total, 1.0) if total else start
        progress(int(share * total), total)

    return show


def watched(each: Iterable[T], progress: Progress | None, total: int) -> Iterator[T]:
    """Yield what ``each`` yields, and show how many of ``total`` that were."""
    if progress is None:
        yield from each
        return
    for done, one in enumerate(each):
        progress(done, total)
        yield one
