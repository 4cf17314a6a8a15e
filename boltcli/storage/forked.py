"""Run a generator in another process and iterate over its items here."""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

_SIGKILL = 9  # as everywhere; the module signal imports enum, which is slow
_PR_SET_PDEATHSIG = 1  # of Linux's prctl(2)
_STREAMS = (0o010000, 0o140000)  # the file types of a pipe and of a socket
_LENGTH = 8  # bytes in front of each item on the pipe
_END = (1 << 64) - 1  # instead of a length: all items were sent


class Died(Exception):
    """The other process ended early; the caller must do the work itself."""


# The read ends of the pipes of this process's workers. Each worker closes them: else another worker would wait for
# a reader after this process has ended.
_READING: set[int] = set()


class Forked:
    """An iterator over the items of ``produce()``, which runs in a process of its own.

    The items must be of types that ``marshal`` supports: numbers, bytes, lists,
    None. The process is a copy of this one. It works ahead of the reader until
    the pipe is full, and ends when this process ends. Raises :class:`Died` if
    the system can't start a process; iterating raises it if the process ends
    early. Always close it.
    """

    def __init__(self, produce: Callable[[], Iterable[Any]]) -> None:
        self._pid = 0
        parent = os.getpid()
        try:
            reading, writing = os.pipe()
        except OSError:
            raise Died from None
        _READING.add(reading)
        try:
            self._pid = os.fork()
        except OSError:
            _READING.discard(reading)
            os.close(reading)
            os.close(writing)
            raise Died from None
        if self._pid == 0:
            _work(produce, writing, parent)
        os.close(writing)
        self._reading = reading
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

    def kill(self) -> None:
        """Kill the process; iterating then raises :class:`Died`."""
        if self._pid:
            try:
                os.kill(self._pid, _SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(self._pid, 0)
            self._pid = 0

    def close(self) -> None:
        """Kill the process and close the pipe."""
        if not self._pipe.closed:
            self.kill()
            _READING.discard(self._reading)
            self._pipe.close()


def _work(produce: Callable[[], Iterable[Any]], writing: int, parent: int) -> None:
    """Run ``produce`` in the worker and exit; no code of the parent process may continue here."""
    try:
        _belong_to(parent)
        with open(writing, "wb") as pipe:
            for item in produce():
                data = marshal.dumps(item)
                pipe.write(len(data).to_bytes(_LENGTH, "little") + data)
                pipe.flush()
            pipe.write(_END.to_bytes(_LENGTH, "little"))
    finally:
        os._exit(0)


def _belong_to(parent: int) -> None:
    """Make this worker end with its ``parent``, and close pipes whose end another process waits for."""
    from _signal import SIG_DFL, SIG_IGN, SIGINT, SIGTERM, getsignal, signal  # type: ignore[import-not-found]

    for number in (SIGINT, SIGTERM):
        if getsignal(number) != SIG_IGN:
            signal(number, SIG_DFL)
    for reading in _READING:
        os.close(reading)
    _READING.clear()
    # A reader of our output sees its end only when no process has the pipe open for writing. Only pipes are closed:
    # if a standard stream was closed before, its number may belong to the database file.
    nowhere = -1
    for stream in (0, 1):
        try:
            if os.fstat(stream).st_mode & 0o170000 in _STREAMS:
                nowhere = os.open(os.devnull, os.O_RDWR) if nowhere < 0 else nowhere
                os.dup2(nowhere, stream)
        except OSError:
            pass  # it is already closed
    die_with_parent(parent)


def die_with_parent(parent: int) -> None:
    """Ask the system to kill this process when ``parent`` ends; exit at once if it has already ended.

    Only Linux can do this. Elsewhere a worker ends when it next writes to its pipe.
    """
    if sys.platform == "linux":
        try:
            _set_death_signal()
        except (ImportError, OSError, AttributeError):
            pass  # a Python without ctypes
    if os.getppid() != parent:
        os._exit(0)


def _set_death_signal() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(_SIGKILL), *[ctypes.c_ulong(0)] * 3)


def as_done(share: Callable[[int], Iterable[T]], jobs: int) -> Generator[T, None, None]:
    """Yield the items of ``share(0)`` to ``share(jobs - 1)`` as they arrive; each share has a process of its own.

    Raises :class:`Died`.
    """
    from queue import SimpleQueue
    from threading import Thread

    done: SimpleQueue[tuple[T] | Died | None] = SimpleQueue()

    def pass_on(worker: Forked) -> None:
        try:
            for item in worker:
                done.put((item,))
        except Died as error:
            done.put(error)
        else:
            done.put(None)

    workers: list[Forked] = []
    threads: list[Thread] = []
    try:
        for number in range(jobs):
            workers.append(Forked(lambda number=number: share(number)))  # type: ignore[misc]
        threads = [Thread(target=pass_on, args=(worker,), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        left = jobs
        while left:
            found = done.get()
            if isinstance(found, Died):
                raise found
            if found is None:
                left -= 1
            else:
                yield found[0]
    finally:
        for worker in workers:
            worker.kill()
        for thread in threads:
            thread.join()
        for worker in workers:
            worker.close()
