"""A job: the positionals and option values of one run of a command, and its warnings and progress."""

from __future__ import annotations

from .command import Command
from .streams import Progress, labelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from ..fleet.find import Files
    from ..read_errors import BoltError
    from ..storage.snapshot import Snapshot
    from ..storage.source import Way
    from .command import Value

    Work = Callable[[Snapshot, "Job", BinaryIO, BinaryIO], int | None]


class Values:
    """The values of a command's own options, as attributes."""

    def __init__(self, values: dict[str, Value]) -> None:
        self.__dict__.update(values)


class Job:
    """One run of a command. ``arguments`` are the positionals, ``options`` the values of the command's own options.

    ``json``: its output is JSON. ``several``: its file is one of several, and its output is one object, even if it
    fails. ``lock``, ``timeout`` and ``previous`` say how its database is opened.
    """

    __slots__ = ("_values", "arguments", "command", "err", "json", "options", "several")

    def __init__(
        self,
        command: Command,
        arguments: list[str],
        values: dict[str, Value],
        err: BinaryIO,
        *,
        several: bool = False,
    ) -> None:
        """``values``: the values of all options, by name."""
        self.command = command
        self.arguments = arguments
        self.err = err
        self.several = several
        self.json = bool(values.get("json"))
        self._values = values
        own = {option.parameter: values[option.name] for option in command.options if not option.common}
        self.options: Any = Values(own)

    @property
    def path(self) -> str:
        """The first positional that is a file."""
        path = self.command.file_of(self.arguments)
        return self.arguments[0] if path is None else path

    @property
    def lock(self) -> Way:
        """The way to lock, as in ``open_source``."""
        return "none" if self._values["no-lock"] else self._values["lock"]  # type: ignore[return-value]

    @property
    def timeout(self) -> float:
        """Seconds to wait for the lock; 0: for ever."""
        from .values import seconds

        return seconds(str(self._values["timeout"]))

    @property
    def values(self) -> dict[str, Value]:
        """The values of all options, by their names."""
        return dict(self._values)

    def value(self, name: str) -> Value:
        """Return the value of one of the command's own or common options; "" if it has none of that name."""
        return self._values.get(name, "")

    @property
    def previous(self) -> bool:
        """Whether to read the state before the last transaction."""
        return bool(self._values["previous"])

    def again(self, *, path: str | None = None, err: BinaryIO, several: bool = False, **values: Value) -> Job:
        """Return a copy of the job with ``path`` as its only argument, another stderr, and some other values."""
        arguments = self.arguments if path is None else [path]
        return Job(self.command, arguments, self._values | values, err, several=several or self.several)

    def status_of(self, error: BoltError) -> int:
        """Return the exit status for ``error`` under ``--exit-status``."""
        return error.detailed_status if self._values.get("exit-status") == "detailed" else error.exit_status

    @property
    def quiet(self) -> bool:
        """Whether to leave out warnings and progress."""
        return bool(self._values.get("quiet"))

    def warn(self, message: str) -> None:
        """Write a warning about the database to stderr: a line, or an object with ``--json``."""
        if self.quiet:
            return
        if self.json:
            from ..render import records

            self.err.write(records.line(records.notice("warning", message, self.path)))
        else:
            labelled(self.err, "warning", "33", message)

    def complain(self, error: BoltError, path: str) -> None:
        """Report on stderr that one of several files could not be read, when others are still answered."""
        if self.json:
            from ..render import records

            self.err.write(records.line(records.error(error, path)))
            return
        from ..render.errors import error_text

        text = error_text(error).decode("utf-8", "surrogateescape")
        labelled(self.err, "Error", "1;31", text if path in text else f"{path}: {text}")

    def say_passed(self, files: Files) -> None:
        """Say which files in folders were passed over: what was not looked at must not seem to be sound."""
        if self.quiet:
            return
        for folder, counts in files.passed.items():
            text = f"{folder}: {files.passed_text(folder)}"
            if self.json:
                from ..render import records

                self.err.write(records.line(records.notice("warning", text, folder) | {"passed_over": counts}))
            else:
                labelled(self.err, "warning", "33", text)

    def progress(self, what: str, unit: str = "pages") -> Progress:
        """Return a context manager that shows the progress on a terminal; call it with (done, total)."""
        return Progress(what, unit, quiet=self.quiet)
