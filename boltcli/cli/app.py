"""From an argv to an exit status."""

from __future__ import annotations

import io
import os
import sys

from ..errors import BoltError, OpenError
from .job import Job
from .parse import Parsed, UsageError, parse
from .runner import run_job
from .streams import finish, has_failed, name_of, stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from .command import Command

# The hidden command by which the completion scripts ask what may follow.
COMPLETE = "__complete"


def run(argv: Sequence[str], out: BinaryIO, err: BinaryIO) -> int:
    """Carry out ``argv`` (without the program's name); returns the exit status: 0, 1 or the command's own.

    What a failing command has written by then is flushed before its ``Error:`` line.
    A closed pipe on ``out`` raises BrokenPipeError.
    """
    as_json = "--json" in argv or "-j" in argv  # until more is known
    path: str | None = None
    status = 1
    command: Command | None = None
    try:
        try:
            if argv[:1] == [COMPLETE]:
                return _complete(argv[1:], out)
            parsed = parse(argv)
            as_json = bool(parsed.options.get("json"))
            path = parsed.arguments[0] if parsed.arguments else None
            command = parsed.command
            return _run(parsed, out, err)
        except BoltError as error:
            out.flush()
            _report(error, err, as_json, path)
            if isinstance(error, UsageError):
                command = error.command
            status = max(error.exit_status, command.failure if command else 1)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        if has_failed(out):
            _report(OpenError("write", name_of(out), reason), err, as_json)
        else:
            _report(OpenError("open", path or error.filename or ".", reason), err, as_json)
    except MemoryError:
        _report(BoltError("out of memory"), err, as_json)
    return status


def _run(parsed: Parsed, out: BinaryIO, err: BinaryIO) -> int:
    if parsed.action == "run":
        assert parsed.command is not None
        job: Job[object] = Job(parsed.command, parsed.arguments, parsed.options, err)
        if job.json and is_several(parsed.command, job.arguments):
            from .many_files import run_several

            return run_several(job, out, err)
        status = run_job(job, out, err)
        out.flush()
        return status
    if parsed.action == "version":
        from .commands.version import one_line

        out.write(one_line())
    else:
        from .help import write_help

        write_help(parsed.command, out)
    out.flush()
    return 0


def is_several(command: Command, arguments: Sequence[str]) -> bool:
    """Whether ``arguments`` are several files, and not one with what else the command takes."""
    if not command.several or len(arguments) < 2:
        return False
    return len(arguments) > (command.most or 1) or os.path.exists(arguments[-1])


def _complete(words: Sequence[str], out: BinaryIO) -> int:
    from .complete import answer

    out.write(answer(words))
    out.flush()
    return 0


def _report(error: BoltError, err: BinaryIO, as_json: bool = False, path: str | None = None) -> None:
    if as_json:
        from ..errors import ArgumentError
        from ..render import records

        err.write(records.line(records.error(error, None if isinstance(error, ArgumentError) else path)))
        return
    from ..render.errors import error_text

    err.write(b"Error: " + error_text(error) + b"\n")
    if isinstance(error, UsageError):
        if error.suggestions:
            err.write(b"\nDid you mean this?\n")
            err.writelines(b"\t" + name.encode() + b"\n" for name in error.suggestions)
        usage = error.command.usage() if error.command else "boltcli COMMAND [ARGUMENTS]"
        name = f"boltcli {error.command.name}" if error.command else "boltcli"
        err.write(f"\nUsage: {usage}\nTry '{name} --help'.\n".encode())


def main(argv: Sequence[str] | None = None, stdout: BinaryIO | None = None, stderr: BinaryIO | None = None) -> int:
    """Run boltcli; by default on the process's own argv and streams. Returns the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    err = stderr or stream(2) or io.BytesIO()  # without a stderr the status is all that can be said
    out = stdout or stream(1)
    try:
        if out is None:
            _report(OpenError("write", "/dev/stdout", "Bad file descriptor"), err)
            return 1
        return run(words, out, err)
    except BrokenPipeError:
        return 1  # whoever read our output has enough of it
    finally:
        finish(err)
        if out is not None:
            finish(out)
