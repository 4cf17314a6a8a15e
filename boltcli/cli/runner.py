"""Run a command: open its database as the options say, and call its function."""

from __future__ import annotations

from ..read_errors import hear_faults
from .opener import Opener
from .output import Output
from .registry import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from ..storage.snapshot import Snapshot
    from .command import Command, Value
    from .job import Job, Work


def run_command(
    command: Command, arguments: list[str], values: dict[str, Value], out: Output, *, several: bool = False
) -> int:
    """Run a command with its positionals and the values of its options. Return the exit status. Raises BoltError."""
    hear_faults(out.warn)
    opener = Opener(values, out)
    function, given = prepare_command(command, arguments, values)
    takes = command.takes

    def work(snapshot: Snapshot | None, out: Output) -> int | None:
        passed: dict[str, Any] = {"db": snapshot, "out": out, "opener": opener}
        if "job" in takes or "err" in takes:  # a command that writes by itself
            from .job import Job

            job = Job(command, arguments, values, out.err, several=several)
            passed |= {"job": job, "out": out.out, "err": out.err}
        status: int | None = function(**{name: passed[name] for name in takes}, **given)
        return status

    return (opener.read(out.path, work, out) if command.opens else work(None, out)) or 0


def prepare_command(
    command: Command, arguments: list[str], values: dict[str, Value]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Validate a command line; return the command's function and what it takes of the line. Raises BoltError."""
    found = declared(command.name)
    for option in command.options:
        if option.check is not None:
            option.check(option, values[option.name])
    given = command.parameters(arguments, values)
    if found.validate is not None:
        _validate(found.validate, command, arguments, values, given)
    return found.function, given


def _validate(
    function: Callable[..., Any],
    command: Command,
    arguments: list[str],
    values: dict[str, Value],
    given: dict[str, Any],
) -> None:
    """Call a function with the parameters that it names: of the command, and ``path``, its file."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if names == ("job",):
        from io import BytesIO

        from .job import Job

        function(Job(command, arguments, values, BytesIO()))
        return
    given = given | {option.parameter: values[option.name] for option in command.options if option.common}
    given["path"] = command.file_of(arguments) or ""
    function(**{name: given[name] for name in names if name in given})


def run_job(job: Job, out: BinaryIO, err: BinaryIO) -> int:
    """Run a command that writes to streams by itself."""
    return run_command(job.command, job.arguments, job.values, _output(job, out, err), several=job.several)


def prepare(job: Job) -> None:
    """Validate the command line of ``job``."""
    prepare_command(job.command, job.arguments, job.values)


def run_on_database(work: Work, job: Job, out: BinaryIO, err: BinaryIO) -> int | None:
    """Open the database of ``job`` and call ``work``, for a command that writes to streams by itself."""
    output = _output(job, out, err)

    def inner(snapshot: Snapshot, out: Output) -> int | None:
        return work(snapshot, job.again(err=out.err), out.out, out.err)

    return Opener(job.values, output).read(job.path, inner, output)


def open_second(path: str, job: Job, *, previous: bool = False) -> Snapshot:
    """Open a database with the job's options."""
    return Opener(job.values, _output(job, job.err, job.err)).open(path, previous=previous)


def _output(job: Job, out: BinaryIO, err: BinaryIO) -> Output:
    return Output(out, err, json=job.json, quiet=job.quiet, path=job.command.file_of(job.arguments) or "")
