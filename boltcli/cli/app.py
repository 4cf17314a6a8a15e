"""Run a command line: from argv to the exit status."""

from __future__ import annotations

import io
import os
import sys

from ..read_errors import ArgumentError, BoltError, OpenError, is_out_of_memory
from ..storage.opened import Reading
from . import streams
from .command import FILES, SELECTING
from .output import Output
from .parse import Parsed, UsageError, parse
from .runner import run_command
from .streams import finish, has_failed, name_of, stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from .command import Command, Value

_LAST_WORDS = b"Error: out of memory\n"
_LAST_JSON = b'{"kind":"error","message":"out of memory","page":null,"offset":null,"path":null}\n'

# The status if the reader of our output closes the pipe: that of a process which SIGPIPE ends, as bbolt's.
_PIPE_CLOSED = 128 + 13

# The hidden command that completion scripts call for candidates.
COMPLETE = "__complete"


def run(argv: Sequence[str], out: BinaryIO, err: BinaryIO) -> int:
    """Run ``argv`` (without the program's name) and return the exit status: 0, 1 or the command's own. A failing
    command's output is flushed before its ``Error:`` line. Raises BrokenPipeError if the reader of ``out`` or ``err``
    is gone."""
    failure = _Failure(argv, err, out)
    streams.color = "auto"
    try:
        try:
            if argv[:1] == [COMPLETE]:
                from .complete import answer

                out.write(answer(argv[1:]))
                out.flush()
                return 0
            parsed = parse(argv)
            parsed.arguments = _addressed(parsed)
            failure.know(parsed)
            command, values = parsed.command, parsed.options
            # --recursive means something else to commands that take one file.
            searches = command is not None and command.several and values.get("recursive")
            if command is not None and not searches and any(map(os.path.isdir, parsed.arguments)):
                from .many import without_folders

                parsed.arguments = without_folders(command, parsed.arguments, values)
            _choose_stdout(parsed)
            streams.color = str(values.get("color", "auto"))
            with _reading(parsed):
                return _run(parsed, out, err)
        except BoltError as error:
            out.flush()
            return failure.report(error)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and (has_failed(out) or has_failed(err)):
            raise
        reason = error.strerror or str(error)
        if has_failed(out):
            return failure.report(OpenError("write", name_of(out), reason), known=False)
        return failure.report(OpenError("open", failure.path or error.filename or ".", reason))
    except Exception as error:
        if failure.is_plugin and not is_out_of_memory(error):  # Python's own status would be that of a warning
            return failure.report(BoltError(f"{type(error).__name__}: {error}"))
        if not is_out_of_memory(error):
            raise
        error.__traceback__ = error.__context__ = None  # what its frames hold is needed for the report
    return failure.out_of_memory()


class _Failure:
    def __init__(self, argv: Sequence[str], err: BinaryIO, out: BinaryIO | None = None) -> None:
        self.err = err
        self.out = out
        # Until the command line is parsed.
        self.as_json = "--json" in argv or "-j" in argv
        self.is_plugin = "--nagios" in argv
        self.is_detailed = os.environ.get("BOLTCLI_EXIT_STATUS") == "detailed" or any(
            word == "--exit-status=detailed" or (word == "detailed" and before == "--exit-status")
            for before, word in zip(["", *argv], argv)
        )
        self.parsed = Parsed(None)

    def know(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.as_json = bool(parsed.options.get("json"))
        self.is_plugin = bool(parsed.options.get("nagios"))
        if "exit-status" in parsed.options:
            self.is_detailed = parsed.options["exit-status"] == "detailed"

    @property
    def path(self) -> str | None:
        return self.parsed.command.file_of(self.parsed.arguments) if self.parsed.command is not None else None

    def report(self, error: BoltError, *, known: bool = True) -> int:
        """Write the ``Error:`` line and hints; return the exit status. ``known``: the command line was parsed."""
        if self.is_plugin:
            from ..render.nagios import UNKNOWN, failure_line

            try:
                if self.out is not None:
                    self.out.write(failure_line(str(error)))
            except OSError:
                pass  # it is this that failed
            return UNKNOWN
        lines: list[str] = []
        if known and not self.parsed.options.get("quiet"):
            from .hints import hints

            lines = hints(error, self.parsed.command, self.parsed.arguments, self.parsed.options)
        if self.as_json:
            from ..render import records

            if isinstance(error, UsageError) and error.suggestions:
                lines = [*lines, f"did you mean {' or '.join(error.suggestions)}?"]
            record = records.error(error, None if isinstance(error, ArgumentError) else self.path)
            self.err.write(records.line(records.with_hint(record, lines)))
        else:
            self._report_text(error, lines)
        status = error.detailed_status if self.is_detailed else error.exit_status
        command = error.command if isinstance(error, UsageError) else self.parsed.command
        return max(status, command.failure if command else 1)

    def out_of_memory(self) -> int:
        """Report that memory has run out, though there may be none for the report."""
        try:
            return self.report(BoltError("out of memory"), known=False)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        self.err.write(_LAST_JSON if self.as_json else _LAST_WORDS)
        if self.is_plugin:
            return 3  # UNKNOWN
        return max(1, self.parsed.command.failure if self.parsed.command else 1)

    def _report_text(self, error: BoltError, lines: list[str]) -> None:
        from ..render.errors import error_text

        text = error_text(error).decode("utf-8", "surrogateescape")
        streams.labelled(self.err, "Error", "1;31", text, as_it_is=error.is_typed)
        for line in lines:
            streams.labelled(self.err, "hint", "36", line)
        if isinstance(error, UsageError):
            if error.suggestions:
                self.err.write(b"\nDid you mean this?\n")
                self.err.writelines(b"\t" + name.encode() + b"\n" for name in error.suggestions)
            usage = error.command.usage() if error.command else "boltcli COMMAND [ARGUMENTS]"
            name = f"boltcli {error.command.name}" if error.command else "boltcli"
            self.err.write(f"\nUsage: {usage}\nTry '{name} --help'.\n".encode())


def _run(parsed: Parsed, out: BinaryIO, err: BinaryIO) -> int:
    command, arguments, values = parsed.command, parsed.arguments, parsed.options
    if parsed.action == "run" and command is not None:
        path = command.file_of(arguments) or ""
        if values.get("nagios"):
            from .nagios import run_as_plugin

            return run_as_plugin(command, arguments, values, out)
        output = Output(out, err, json=bool(values.get("json")), quiet=bool(values.get("quiet")), path=path)
        if is_many(command, arguments, values):
            from .many import run_many

            status = run_many(command, arguments, values, output)
        else:
            status = run_command(command, arguments, values, output)
        output.finish()
        return status
    if parsed.action == "version":
        from .commands.version import one_line

        out.write(one_line())
    else:
        from .help import write_help

        write_help(command, out)
    out.flush()
    return 0


# The names of standard output: it is not a file that can be replaced.
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
# The commands whose result is on standard output if no file is named, so that "-o -" can mean that.
_TO_STDOUT = ("deleted", "export", "map", "metrics", "sql", "view")


def _choose_stdout(parsed: Parsed) -> None:
    """Let ``-o -`` be standard output, where a result can go there. Raises ArgumentError where it can't."""
    command = parsed.command
    if command is None or parsed.action != "run":
        return
    for option in command.options:
        name = parsed.options.get(option.name)
        if option.kind == "result" and name in _STDOUT:
            if command.name not in _TO_STDOUT:
                raise ArgumentError(
                    f"--{option.name} {name}: {command.name} can't write this to standard output; name a file"
                    " (./- is one of that name)"
                )
            parsed.options[option.name] = ""


def _reading(parsed: Parsed) -> Reading:
    """Return the files that the command line says are read, so that none of them is replaced by a result.

    Raises DestinationIsSource if the shell opened one of them for the output.
    """
    named = [(word, kind == "file") for word, kind in _kinds(parsed) if kind in ("file", "input")]
    rewritten: list[str] = []
    for option in parsed.command.options if parsed.command else ():
        value = parsed.options.get(option.name)
        if option.kind != "input" or not isinstance(value, str) or not value:
            continue
        # -o RESULTS --resume RESULTS continues a file of results; it is read before it is replaced.
        same = option.name == "resume" and os.path.abspath(value) == os.path.abspath(str(parsed.options.get("output")))
        if same:
            rewritten.append(value)
        else:
            named.append((value, False))
    reading = Reading([path for path, _ in named], rewritten)
    for path, database in named:
        reading.refuse_stream(path, database=database)
    return reading


def _addressed(parsed: Parsed) -> list[str]:
    """Return the arguments: addresses without secrets, with ``--offset`` databases for files. Raises ArgumentError."""
    offset = int(str(parsed.options.get("offset") or 0))
    if not offset and not any("://" in word for word in parsed.arguments):
        return parsed.arguments
    from ..storage.secrets import redact_url
    from ..storage.source import at_offset

    if offset and parsed.options.get("files-from"):
        raise ArgumentError("--offset applies to files on the command line, not to those of --files-from")
    words = [(redact_url(word) if kind in FILES else word, kind) for word, kind in _kinds(parsed)]
    return [at_offset(word, offset) if offset and kind == "file" else word for word, kind in words]


def _kinds(parsed: Parsed) -> Iterator[tuple[str, str]]:
    words, command = parsed.arguments, parsed.command
    if command is not None:
        for word, argument in zip(words, command.arguments_of(words, parsed.options)):
            yield word, argument.kind


def is_many(command: Command, arguments: list[str], values: dict[str, Value]) -> bool:
    """Return whether ``arguments`` are several files, rather than one file and other arguments."""
    if not command.several:
        return False
    if command.together:
        from ..render.row_files import format_of

        return any(values.get(name) for name in ("resume", "engine")) or bool(format_of(str(values.get("output", ""))))
    if command.most is None or any(values.get(name) for name in SELECTING):
        return True
    if len(arguments) == 1:  # in JSON one file gets the same object as one of several
        return bool(values.get("json")) or _is_several(arguments[0])
    return command.takes_files(arguments, values)


def _is_several(argument: str) -> bool:
    """Return whether ``argument`` is a folder of several databases, or a pattern that the shell has not expanded."""
    is_folder = os.path.isdir(argument)
    if not is_folder and not any(char in argument for char in "*?["):
        return False
    from ..fleet.find import databases_in, is_pattern, matching

    if is_folder:
        return len(databases_in(argument)) > 1
    return is_pattern(argument) if "://" in argument else bool(matching(argument))


def main(argv: Sequence[str] | None = None, stdout: BinaryIO | None = None, stderr: BinaryIO | None = None) -> int:
    """Run boltcli, by default on the process's own argv and streams. Return the exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    err = stderr or stream(2) or io.BytesIO()  # without a stderr only the exit status reports a failure
    out = stdout or stream(1)
    try:
        if out is None:
            known = [word for word in words if word == "--nagios"]
            return _Failure(known, err).report(OpenError("write", "/dev/stdout", "Bad file descriptor"), known=False)
        return run(words, out, err)
    except BrokenPipeError:
        return _PIPE_CLOSED
    finally:
        finish(err)
        if out is not None:
            finish(out)
