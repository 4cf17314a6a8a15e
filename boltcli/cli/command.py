"""The declaration of a command: its name, arguments, options, an example.

The small parser, typer, help, completion and the manual page are all made from it.
"""

from __future__ import annotations

from ..errors import ArgumentError
from .option import Argument, Option
from .options import ACCESS, COLOR, EXIT_STATUS, JSON, MANY, QUIET, SELECTING
from .values import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .option import Value

__all__ = ["Argument", "Command", "Group", "Option"]


class Command:
    """A command. ``least`` and ``most`` bound the number of positionals; ``most`` None: no bound.
    ``also`` says whether others will do.

    Its name includes its groups: ``surgery freelist rebuild``. The module that declares it as ``COMMAND`` also has

    - ``run(snapshot, job, out, err)`` if ``opens``: the runner opens the database, which is the first positional,
      and the command has the options for this (``options.ACCESS``); else ``run(job, out, err)``. It returns the
      exit status, None for 0, and raises BoltError on failure;
    - ``class Options``: the types of the values in ``job.options``, if it has options of its own;
    - ``prepare(job)``, optional: raises errors in the command line before the database is opened.

    All commands have ``--json`` (with ``json`` as its help), except those that print text for shells and people.
    A command that takes ``several`` files runs once for each; one that takes them ``together`` does so only with
    -o RESULTS or --engine. ``group`` is its heading in the help. ``statuses`` are the meanings of the exit
    statuses if there are others than success and failure; ``failure`` is the exit status of an error.
    """

    __slots__ = (
        "also",
        "arguments",
        "example",
        "failure",
        "group",
        "least",
        "most",
        "name",
        "opens",
        "options",
        "several",
        "statuses",
        "summary",
        "together",
    )

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        arguments: tuple[Argument, ...] = (),
        least: int = 0,
        most: int | None = None,
        also: Callable[[Sequence[str], dict[str, Value]], bool] | None = None,
        options: tuple[Option, ...] = (),
        example: str,
        group: str = "Read",
        opens: bool = False,
        json: bool | str = True,
        several: bool = False,
        together: bool = False,
        statuses: dict[int, str] | None = None,
        failure: int = 1,
    ) -> None:
        self.several = several
        self.together = together
        self.statuses = statuses or {}
        self.failure = failure
        self.name = name
        self.summary = summary
        self.arguments = arguments
        self.least = least
        self.most = most
        self.also = also
        self.opens = opens
        own = {option.name for option in options}
        options += tuple(option for option in MANY if several and option.name not in own)
        self.options = options + _json(json) + (QUIET, COLOR, EXIT_STATUS) * bool(json) + (ACCESS if opens else ())
        self.example = example
        self.group = group

    def check_count(self, arguments: Sequence[str], values: dict[str, Value]) -> None:
        """Raise :class:`~boltcli.errors.ArgumentError`, with cobra's message, for a wrong number of positionals."""
        least, most, received = self.least, self.most, len(arguments)
        unbounded = self.takes_files(arguments, values)
        least = 0 if values.get("files-from") else least
        if received >= least and (unbounded or most is None or received <= most):
            return
        if self.also is not None and self.also(arguments, values):
            return
        if most == 0:
            raise ArgumentError(f'unknown command {go_quote(arguments[0])} for "boltcli {self.name}"')
        if most is None:
            raise ArgumentError(f"requires at least {least} arg(s), only received {received}")
        if least == most:
            raise ArgumentError(f"accepts {least} arg(s), received {received}")
        raise ArgumentError(f"accepts between {least} and {most} arg(s), received {received}")

    def takes_files(self, arguments: Sequence[str], values: dict[str, Value]) -> bool:
        """Return whether all ``arguments`` are files, any number of them.

        For a command that also takes other arguments (``stats FILE PREFIX``) the options decide, or with --json that
        there are more than it has otherwise, or that the last one begins as a path (/, ./, ../). Which files exist
        doesn't matter: a call means the same in every folder.
        """
        if not self.several or self.most == 1:
            return self.several
        if any(values.get(name) for name in (*SELECTING, "prefix")):
            return True
        if not values.get("json") or self.most is None or len(arguments) < 2:
            return False
        return len(arguments) > self.most or arguments[-1].startswith(("/", "./", "../")) or "://" in arguments[-1]

    def file_of(self, arguments: Sequence[str]) -> str | None:
        """Return the first of ``arguments`` that is a file; None if the command takes none."""
        at = next((number for number, one in enumerate(self.arguments) if one.kind == "file"), None)
        if at is None or not arguments:
            return None
        return arguments[at] if at < len(arguments) else arguments[0]

    def statuses_text(self) -> str:
        """Return the exit statuses in a line, empty if there are only success and failure."""
        return "; ".join(f"{status}: {words}" for status, words in self.statuses.items())

    def usage(self) -> str:
        """Return the usage line: the command with its arguments and options."""
        words = [f"boltcli {self.name}"]
        for option in self.options:
            if option.common:
                continue  # listed in the help only
            word = f"--{option.name}" if option.switch else f"--{option.name} {option.metavar}"
            words.append(word if option.required else f"[{word}]")
        for argument in self.arguments:
            if argument.hidden:
                continue
            word = argument.name + ("..." if argument.many else "")
            words.append(word if argument.required else f"[{word}]")
        return " ".join(words)


def _json(wanted: bool | str) -> tuple[Option, ...]:
    """Return the option ``--json``, perhaps with the command's own help text; nothing if it isn't wanted."""
    if isinstance(wanted, str):
        return (Option(JSON.name, wanted, short=JSON.short, default=False, common=True),)
    return (JSON,) * wanted


class Group(Command):
    """A group of commands, whose names begin with its own; on its own it prints its help."""

    __slots__ = ()

    def __init__(self, name: str, summary: str, *, example: str, group: str) -> None:
        super().__init__(name, summary, example=example, group=group, json=False)

    def usage(self) -> str:
        return f"boltcli {self.name} COMMAND"
