"""Run work on many files in local processes, or on the workers of a Dask cluster."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Any

from ..errors import ArgumentError, BoltError
from ..extras import need

Work = Callable[[Any], Any]

_PR_SET_PDEATHSIG = 1  # of Linux's prctl(2)
_BATCH = 16  # files in a task; the scheduler handles about 5,000 tasks a second
_MOST_TASKS = 20_000
_RETRIES = 3  # for a batch whose worker was lost
_PATIENCE = 10.0  # seconds to wait for a scheduler and its workers


def check_engine(engine: str) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` unless ``engine`` is "", ``local:N`` or ``dask://HOST:PORT``."""
    if not engine or (engine.startswith("dask://") and len(engine) > len("dask://")):
        return
    kind, _, number = engine.partition(":")
    if kind != "local" or not number.isdecimal() or not int(number):
        raise ArgumentError(f"--engine is local:N or dask://HOST:PORT, not {engine!r}")


def run(
    work: Work, items: Any, numbers: Sequence[int], *, jobs: int = 1, engine: str = ""
) -> Iterator[tuple[int, Any]]:
    """Call ``work`` for the ``items`` with these ``numbers``; yield the number and the result as it is done.

    Without ``engine``, ``jobs`` local processes each take the next item when they are free. With an engine, ``work``
    must be a function that the workers can import; the items of a lost worker are given to another one, and an item
    that repeatedly loses its worker gives a BoltError. Raises BoltError if a local process or the cluster is lost.
    """
    if engine and numbers:
        yield from _on_cluster(work, items, numbers, engine)
    elif min(jobs, len(numbers)) > 1:
        yield from _in_processes(work, items, numbers, min(jobs, len(numbers)))
    else:
        for number in numbers:
            yield number, work(items[number])


def _in_processes(work: Work, items: Any, numbers: Sequence[int], jobs: int) -> Iterator[tuple[int, Any]]:
    from multiprocessing import get_context
    from multiprocessing.connection import wait

    context = get_context("fork")
    todo = iter(numbers)
    workers: dict[Any, Any] = {}  # the end of a pipe to each process
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            workers[ours] = context.Process(target=_serve, args=(theirs, [*workers, ours], os.getpid(), work, items))
            workers[ours].start()
            theirs.close()  # so that the end of the process is the end of the pipe
            ours.send(next(todo))
        busy = set(workers)
        while busy:
            pipe: Any
            for pipe in wait(busy):
                number, result = pipe.recv()
                following = next(todo, None)
                if following is None:
                    busy.remove(pipe)
                else:
                    pipe.send(following)
                yield number, result
    except (EOFError, OSError):
        raise BoltError("a worker process ended unexpectedly") from None
    finally:
        for pipe, process in workers.items():
            pipe.close()
            if process.pid is not None:
                process.kill()
                process.join()


def _serve(pipe: Any, others: list[Any], parent: int, work: Work, items: Any) -> None:
    """Send back the result of each item whose number comes through ``pipe``; say nothing when interrupted.

    The process ends when its ``parent`` ends: on Linux at once, elsewhere with the item that it works on.
    """
    for other in others:
        other.close()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        with suppress(ImportError, OSError, AttributeError):  # a Python without ctypes
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, *map(ctypes.c_ulong, (signal.SIGKILL, 0, 0, 0)))
    try:
        while os.getppid() == parent:
            number = pipe.recv()
            pipe.send((number, work(items[number])))
    finally:
        os._exit(0)  # without a word about an exception, and without what the parent would do at its exit


def batch_of(work: Work, batch: Sequence[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Run a task on the cluster: a batch of items."""
    return [(number, work(item)) for number, item in batch]


def _on_cluster(work: Work, items: Any, numbers: Sequence[int], engine: str) -> Iterator[tuple[int, Any]]:
    import logging

    distributed = need("distributed", "fleet", "--engine")
    for name in list(logging.root.manager.loggerDict):  # failures are reported here, not by Dask with a traceback
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with ExitStack() as stack:
        if engine.startswith("local:"):
            cluster = distributed.LocalCluster(
                n_workers=int(engine.partition(":")[2]), threads_per_worker=1, processes=True, dashboard_address=None,
                silence_logs=50,
            )  # fmt: skip
            client = distributed.Client(stack.enter_context(closing(cluster)))
        else:
            client = _client(distributed, engine)
        stack.enter_context(closing(client))
        count = len(numbers)
        threads = sum(client.nthreads().values())
        size = max(1, min(_BATCH, count // (threads * 4)), count // _MOST_TASKS)
        batches = [numbers[start : start + size] for start in range(0, count, size)]
        yield from _batches(distributed, client, work, items, batches)


def _client(distributed: Any, engine: str) -> Any:
    """Return a client of the running scheduler ``engine``, which has workers. Raises BoltError."""
    import socket

    address = engine.removeprefix("dask://")
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal():  # Dask itself would for a long time try to reach a scheduler that isn't there
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        client = distributed.Client("tcp://" + address, timeout=_PATIENCE)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise BoltError(f"no Dask scheduler at {engine}: {reason}") from None
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        client.close()
        raise BoltError(f"the Dask scheduler at {engine} has no workers: `dask worker` starts one") from None
    return client


def _batches(
    distributed: Any, client: Any, work: Work, items: Any, batches: Sequence[Sequence[int]]
) -> Iterator[tuple[int, Any]]:
    """Run ``batches`` of ``items`` on the cluster; an item that repeatedly loses its worker becomes a BoltError."""

    def submit(batch: Sequence[int]) -> Any:
        task = [(number, items[number]) for number in batch]
        future = client.submit(batch_of, work, task, pure=False, retries=_RETRIES)
        batch_by_key[future.key] = batch
        return future

    def outcome(future: Any) -> Any:
        """Return the results of a task, or why there are none."""
        try:
            return future.result()
        except Exception as error:
            if client.status != "running":
                raise BoltError("the Dask scheduler was lost") from None
            return error

    batch_by_key: dict[str, Sequence[int]] = {}
    alone: list[Sequence[int]] = []
    done = distributed.as_completed([submit(batch) for batch in batches])
    for future in done:
        batch, found = batch_by_key.pop(future.key), outcome(future)
        if not isinstance(found, Exception):
            yield from found
        elif len(batch) > 1:  # run the items one by one to find the one that fails
            done.update([submit([one]) for one in batch])
        else:
            alone.append(batch)
        future.release()
    for batch in alone:  # nothing runs beside it now that may cost its worker
        found = outcome(submit(batch))
        if isinstance(found, Exception):
            text = (str(found) or type(found).__name__).splitlines()[0]
            found = [(batch[0], BoltError(f"the cluster could not process it: {text}"))]
        yield from found
