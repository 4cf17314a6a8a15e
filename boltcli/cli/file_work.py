"""Run a command on one of many files, here or on a worker of a cluster, and return its record."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import BoltError, CheckFailed, PassedOver, as_failure, is_out_of_memory
from ..storage.secrets import redact_url
from .job import Job
from .registry import declared, find
from .runner import run_job

if TYPE_CHECKING:
    # The command's name, the values of its options, the file, the number of processes it may use. The value "found"
    # says how the file was found in a folder: see ``Files.found``.
    Item = tuple[str, dict[str, Any], str, int]
    # The output for stdout (an object; nothing if the file is passed over) and for stderr (objects), the status, and
    # the file's state before the run.
    Done = tuple[bytes, bytes, int, tuple[int | None, int | None, int | None]]


def work(item: Item) -> Done:
    """Run a command on one file and return its output; a failure is part of the output."""
    from ..fleet.state import file_state
    from ..render import records

    name, values, path, jobs = item
    path = redact_url(path)
    command = find(name)
    assert command is not None
    shown, said = BytesIO(), BytesIO()
    job: Job = Job(command, [path], values | {"json": True, "jobs": jobs}, said, several=True)
    state = file_state(path) if values.get("output") else (None, None, None)
    try:
        status = run_job(job, shown, said)
        return shown.getvalue(), said.getvalue(), status, state
    except CheckFailed as error:
        wrong = records.with_hint(records.error(error, path), _hints(job, error))
        return shown.getvalue(), said.getvalue() + records.line(wrong), job.status_of(error), state
    except PassedOver as error:
        job.warn(f"not looked at: {error}")
        return b"", said.getvalue(), 0, state
    except BoltError as error:
        return (*failure(job, error), job.status_of(error), state)
    except OSError as error:
        trouble = as_failure(error, path)
        return (*failure(job, trouble), job.status_of(trouble), state)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        error.__traceback__ = error.__context__ = None  # what its frames hold is needed for the report
        trouble = BoltError("out of memory", path=path)
        return (*failure(job, trouble), job.status_of(trouble), state)


def _hints(job: Job, error: BoltError) -> list[str]:
    from .hints import hints

    return [] if job.quiet else hints(error, job.command, [job.path], {})


def failure(job: Job, error: BoltError) -> tuple[bytes, bytes]:
    """Return the record of a file that could not be read, and the error for stderr."""
    from ..render import records

    wrong = records.with_hint(records.error(error, job.path), _hints(job, error))
    record: dict[str, Any] = {}
    records.put_path(record, job.path)
    unknown = declared(job.command.name).unknown
    said = job.err.getvalue() if isinstance(job.err, BytesIO) else b""
    return records.line(record | unknown | {"error": wrong}), said + records.line(wrong)
