"""One command on several files: an object of JSON for each, in their order, whatever becomes of the others."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import BoltError, CheckFailed
from ..render import records
from ..storage.forked import Died, in_turn
from .runner import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from .job import Job

_MOST = 8  # processes, unless more are asked for


def run_several(job: Job[Any], out: BinaryIO, err: BinaryIO) -> int:
    """Run the command of ``job`` on each of its arguments, in as many processes as ``--jobs`` says.

    Returns the largest of their statuses. Raises BoltError if a process is lost.
    """
    paths = job.arguments
    asked: int = job.options.jobs
    jobs = _processes(asked, len(paths))
    # Its own processes for a large file only where the files don't have them all.
    inner = 1 if jobs > 1 else asked

    def share(number: int) -> Iterator[tuple[bytes, bytes, int]]:
        for path in paths[number::jobs]:
            yield _run_one(job, path, inner)

    status = 0
    try:
        for shown, said, failed in in_turn(share, jobs):
            out.write(shown)
            out.flush()
            err.write(said)
            err.flush()
            status = max(status, failed)
    except Died:
        raise BoltError("a process that worked on some of the files was lost") from None
    return status


def _run_one(job: Job[Any], path: str, jobs: int) -> tuple[bytes, bytes, int]:
    """What goes to stdout and to stderr for one file, and its status."""
    shown, said = BytesIO(), BytesIO()
    try:
        status = run_job(job.again(path=path, err=said, several=True, jobs=jobs), shown, said)
        return shown.getvalue(), said.getvalue(), status
    except CheckFailed as error:
        return shown.getvalue(), said.getvalue(), job.status_of(error)
    except BoltError as error:
        failure = records.error(error, path)
        record: dict[str, Any] = {}
        records.put_path(record, path)
        return records.line(record | {"error": failure}), said.getvalue() + records.line(failure), job.status_of(error)


def _processes(asked: int, files: int) -> int:
    if not hasattr(os, "fork"):
        return 1
    return max(1, min(asked or min(os.cpu_count() or 1, _MOST), files))
