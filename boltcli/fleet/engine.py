"""Where work on many files is done: in processes here, or on the workers of a Dask cluster."""

from __future__ import annotations

from ..errors import ArgumentError, BoltError
from ..extras import need
from ..storage.forked import Died, in_turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

_BATCH = 16  # files a task: the scheduler takes about 5,000 tasks a second
_MOST_TASKS = 20_000
_RETRIES = 3  # of a batch that fails because of its worker


def check_engine(engine: str) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` unless ``engine`` is "", ``local:N`` or ``dask://HOST:PORT``."""
    if not engine or (engine.startswith("dask://") and len(engine) > len("dask://")):
        return
    kind, _, number = engine.partition(":")
    if kind != "local" or not number.isdigit() or not int(number):
        raise ArgumentError(f"--engine is local:N or dask://HOST:PORT, not {engine!r}")


def run(work: Callable[[T], Any], items: Sequence[T], *, jobs: int = 1, engine: str = "") -> Iterator[tuple[int, Any]]:
    """Yield the number of each of ``items`` and what ``work`` makes of it, as it is done.

    Without ``engine`` that is in ``jobs`` processes here, in the order of the
    items. With one, ``work`` must be a function that the workers can import;
    what a worker had when it was lost is done again by another one. Raises
    BoltError if a process or the cluster is lost.
    """
    if not engine:
        yield from _here(work, items, jobs)
        return
    yield from _on_cluster(work, items, engine)


def _here(work: Callable[[T], Any], items: Sequence[T], jobs: int) -> Iterator[tuple[int, Any]]:
    jobs = max(1, min(jobs, len(items)))

    def share(number: int) -> Iterator[tuple[int, Any]]:
        for index in range(number, len(items), jobs):
            yield index, work(items[index])

    try:
        yield from in_turn(share, jobs)
    except Died:
        raise BoltError("a process that worked on some of the files was lost") from None


def batch_of(work: Callable[[T], Any], batch: Sequence[tuple[int, T]]) -> list[tuple[int, Any]]:
    """Do a task of the cluster."""
    return [(number, work(item)) for number, item in batch]


def _on_cluster(work: Callable[[T], Any], items: Sequence[T], engine: str) -> Iterator[tuple[int, Any]]:
    distributed = need("distributed", "fleet", "--engine")
    numbered = list(enumerate(items))
    cluster = None
    try:
        if engine.startswith("local:"):
            workers = int(engine.partition(":")[2])
            cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            )
            client = distributed.Client(cluster)
        else:
            workers = 8
            client = distributed.Client("tcp://" + engine.removeprefix("dask://"), timeout=10)
    except (OSError, TimeoutError) as error:
        if cluster is not None:
            cluster.close()
        raise BoltError(f"no Dask scheduler at {engine}: {str(error).splitlines()[0]}") from None
    size = max(1, min(_BATCH, len(numbered) // (workers * 4)), len(numbered) // _MOST_TASKS)
    try:
        batches = [numbered[start : start + size] for start in range(0, len(numbered), size)]
        futures = [client.submit(batch_of, work, batch, pure=False, retries=_RETRIES) for batch in batches]
        done = distributed.as_completed(futures)
        for future in done:
            try:
                found = future.result()
            except Exception as error:
                raise BoltError(f"the cluster could not do a part of the work: {error}") from None
            yield from found
            future.release()
    finally:
        client.close()
        if cluster is not None:
            cluster.close()
