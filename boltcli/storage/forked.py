"""A second process for half of the work, and its results here."""

from __future__ import annotations

import marshal
import os
from itertools import zip_longest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

_SIGKILL = 9  # as everywhere; the module signal imports enum, which is slow
_LENGTH = 8  # bytes in front of each item on the pipe
_END = (1 << 64) - 1  # in the place of a length: all was sent


class Died(Exception):
    """The other process ended before its work did; whoever asked for it must do without."""


class Forked:
    """``produce()`` in a process of its own; iterating over this gives its items.

    The items must be what ``marshal`` writes: numbers, bytes, lists, None. The
    process sees everything as it was when this was made. It works ahead of
    the reader as far as a pipe reaches. Iterating raises :class:`Died` if it
    ends early, for whatever reason. Close it in any case.
    """

    def __init__(self, produce: Callable[[], Iterable[Any]]) -> None:
        reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _work(produce, writing)
        os.close(writing)
        self._pipe = open(reading, "rb")  # noqa: SIM115

    def __iter__(self) -> Iterator[Any]:
        while True:
            length = int.from_bytes(self._read(_LENGTH), "little")
            if length == _END:
                return
            yield marshal.loads(self._read(length))

    def _read(self, length: int) -> bytes:
        data = self._pipe.read(length)
        if len(data) < length:
            raise Died
        return data

    def close(self) -> None:
        """End the process, whether it is done or not."""
        if self._pid:
            self._pipe.close()
            try:
                os.kill(self._pid, _SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(self._pid, 0)
            self._pid = 0


def _work(produce: Callable[[], Iterable[Any]], writing: int) -> None:
    """The other process's whole life: nothing of the one it was copied from may go on in it."""
    try:
        with open(writing, "wb") as pipe:
            for item in produce():
                data = marshal.dumps(item)
                pipe.write(len(data).to_bytes(_LENGTH, "little") + data)
                pipe.flush()
            pipe.write(_END.to_bytes(_LENGTH, "little"))
    finally:
        os._exit(0)


def in_turn(share: Callable[[int], Iterable[T]], jobs: int) -> Generator[T, None, None]:
    """The items of ``share(0)`` to ``share(jobs - 1)``, one of each in turn, each share in a process of its own.

    The first share is done here. Raises :class:`Died`.
    """
    others = [Forked(lambda number=number: share(number)) for number in range(1, jobs)]  # type: ignore[misc]
    try:
        missing: Any = object()
        for row in zip_longest(share(0), *others, fillvalue=missing):
            for item in row:
                if item is not missing:
                    yield item
    finally:
        for other in others:
            other.close()
