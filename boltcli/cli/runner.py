"""Run a command: open its database as the options say, and call its function."""

from __future__ import annotations

from .. import read_errors
from .opener import Opener
from .output import Output
from .registry import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..storage.snapshot import Snapshot
    from .command import Command, Value


def run_command(command: Command, arguments: list[str], values: dict[str, Value], out: Output) -> int:
    """Run a command with its positionals and the values of its options. Return the exit status. Raises BoltError."""
    read_errors.hearer = out.warn
    opener = Opener(values, out, command)
    function, given = prepare_command(command, arguments, values)

    def work(snapshot: Snapshot | None, out: Output) -> int | None:
        passed: dict[str, Any] = {"db": snapshot, "out": out, "opener": opener}
        return function(**{name: passed[name] for name in command.takes}, **given)

    return (opener.read(out.path, work, out) if command.opens else work(None, out)) or 0


def prepare_command(
    command: Command, arguments: list[str], values: dict[str, Value]
) -> tuple[Callable[..., int | None], dict[str, Any]]:
    """Validate a command line; return the command's function and what it takes of the line. Raises BoltError."""
    found = declared(command.name)
    for option in command.options:
        option.verify(values[option.name])
    given = command.parameters(arguments, values)
    if found.validate is not None:
        known = {option.parameter: values[option.name] for option in command.options}
        known |= {**given, "path": command.file_of(arguments) or ""}
        code = found.validate.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        found.validate(**{name: known[name] for name in names if name in known})
    return found.function, given
