"""Run a command: open its database as the options say, and call its ``run``."""

from __future__ import annotations

from .registry import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..storage.snapshot import Snapshot
    from ..storage.source import Source
    from .command import Declared
    from .job import Job, Work


def run_job(job: Job, out: BinaryIO, err: BinaryIO) -> int:
    """Run the command of ``job`` and return the exit status. Raises BoltError."""
    function = prepare(job).function
    takes = job.command.takes

    def work(snapshot: Snapshot | None, job: Job, out: BinaryIO, err: BinaryIO) -> int | None:
        passed = {"db": snapshot, "job": job, "out": out, "err": err}
        return function(**{name: passed[name] for name in takes}, **job.parameters)

    return (run_on_database(work, job, out, err) if job.command.opens else work(None, job, out, err)) or 0


def prepare(job: Job) -> Declared:
    """Validate the command line of ``job`` and return what its command declares. Raises BoltError."""
    found = declared(job.command.name)
    if found.validate is not None:
        found.validate(job)
    return found


def run_on_database(work: Work, job: Job, out: BinaryIO, err: BinaryIO) -> int | None:
    """Open the database of ``job`` and call ``work`` with its snapshot.

    Under the lock the database can't change, and ``work`` writes directly. Without the lock, or for the state before
    the last transaction, ``work`` writes to private streams and is repeated until everything it read belongs to one
    transaction (``lock_free.py``). So it must have other side effects only after ``snapshot.finish()``, which takes
    the closing look.
    """
    from ..storage.snapshot import Snapshot

    source = _opened(job.path, job)
    if source.is_stable and (source.is_own_copy or not job.previous):
        with Snapshot(source.path, source, previous=job.previous) as snapshot:
            try:
                return work(snapshot, job, out, err)
            finally:
                if source.remote is not None:
                    job.traffic(source.remote)
    from .lock_free import run_lock_free

    return run_lock_free(work, job, source, out, err)


def open_second(path: str, job: Job, *, previous: bool = False) -> Snapshot:
    """Open a database with the job's options, for commands that read two, or that read one for a long time.

    Without the lock this is a private copy of one transaction's state. The caller closes it.
    """
    from ..storage.live import open_state

    return open_state(_opened(path, job), previous=previous)


def _opened(path: str, job: Job) -> Source:
    from ..storage.source import open_source

    with job.progress("unpacking", "bytes") as progress:
        return open_source(
            path, job.lock, job.timeout, max_unpacked=job.max_unpacked, progress=progress, waiting=job.waiting
        )  # fmt: skip
