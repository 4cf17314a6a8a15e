"""Commands, their options and arguments: how they are declared, and what parser, help and completion know of them."""

from __future__ import annotations

from ..read_errors import ArgumentError
from . import values
from .values import address, addresses, go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeVar

    Value = bool | int | str | list[str]
    SummaryColumn = tuple[str, str | Callable[[dict[str, Any]], Any], str]
    F = TypeVar("F", bound=Callable[..., "int | None"])

FILES = ("file", "input", "result")  # kinds of words: databases, other files that are read, those that are written
SELECTING = ("recursive", "files-from", "output", "resume", "engine")  # the options that select or collect many files


class Summary:
    """How the results of many files are a table. ``columns``: the title of each, the field of a record or a function
    of it, and a type of ``render/table.py``; the verdict stands before them, the file after them.

    ``order``: the field of which the largest values come first. ``faulty``: the verdict on a file that is not ok.
    ``is_measure``: of very many files the largest are shown, not those that are not ok. ``is_public``: the records
    hold no keys and values, so all may read a file of them.
    """

    def __init__(
        self,
        *columns: SummaryColumn,
        order: str = "",
        faulty: str = "damaged",
        is_measure: bool = False,
        is_public: bool = False,
    ) -> None:
        self.columns = columns
        self.order = order
        self.faulty = faulty
        self.is_measure = is_measure
        self.is_public = is_public


class command:
    """Declare a function as the command ``name``, which includes its groups: ``surgery freelist rebuild``. The first
    line of its docstring is the summary. Its parameters are declared as typer declares them, by annotations that only
    ``make table`` evaluates. The runner passes ``db``, the argument FILE, which it opens, ``out`` and ``opener``.

    ``group``: its heading in the help. ``several``: it runs once for each of several files; ``together``: only with -o
    RESULTS or --engine, otherwise it takes all of them. ``folder``: its file may be a folder of several databases.
    ``opens``: it has the options of commands that open databases though it has no ``db``; "locked": only those of the
    lock and ``--offset``, "offset": only that. ``json``: whether it has ``--json``, or the help of that. ``fewest``:
    the command itself refuses calls with at least so many positionals, but fewer than it declares. ``statuses``: the
    meanings of its exit statuses if there are others than success and failure; ``failure``: that of an error.

    ``validate`` raises errors in the command line before a database is opened; it is called with the parameters that
    it names, among them ``path``, the first file. ``select(opener, arguments)`` returns the files of many; ``summary``
    and ``unknown``, the fields of a file that could not be read, are for tables of them; ``apart`` says what is left
    out of a command that takes files ``together`` if it looks at each alone.
    """

    function: Callable[..., int | None]

    def __init__(
        self,
        name: str,
        *,
        example: str,
        group: str = "Read",
        several: bool = False,
        together: bool = False,
        folder: bool = False,
        opens: bool | str = False,
        json: bool | str = True,
        fewest: int | None = None,
        statuses: dict[int, str] | None = None,
        failure: int = 1,
        validate: Callable[..., object] | None = None,
        select: Callable[[Any, Sequence[str]], Any] | None = None,
        summary: Summary | None = None,
        unknown: dict[str, Any] | None = None,
        apart: str = "",
    ) -> None:
        self.name = name
        self.opens = opens
        self.json = json
        self.facts = {"example": example, "group": group, "several": several, "together": together}  # for the table
        self.facts |= {"folder": folder, "fewest": fewest, "statuses": statuses, "failure": failure}
        self.validate = validate
        self.select = select
        self.summary = summary or Summary()
        self.unknown = unknown or {}
        self.apart = apart

    def __call__(self, function: F) -> F:
        self.function = function
        DECLARED[self.name] = self
        return function


DECLARED: dict[str, command] = {}  # by the names of commands, of the modules that were imported


class Together:
    """The values of several options, as attributes."""


class _Row:
    """What a row of ``command_table.py`` says; what it leaves out is as in the class."""

    def __init__(self, **row: Any) -> None:
        self.__dict__ |= row


class Option(_Row):
    """A flag: ``--name VALUE`` or ``-short VALUE``, the argument ``parameter`` of the command's function.

    A flag whose default is False is a switch: it takes no value, except as ``--name=false``. A flag whose default is a
    list collects the values of all its occurrences; for other flags the last occurrence counts. ``parser`` is the
    function of ``values.py`` for its values, ``check`` that of this module which refuses some. ``kind`` and ``choices``
    are for completing them. ``environment`` is the name of a variable with the default, ``panel`` the heading in the
    help, which lists neither ``aliases`` nor ``hidden`` options. ``required`` flags have no default. ``common``: it is
    handled by the runner, and not in the usage line. ``is_name``: the value is an address of ``values.py``.
    ``within``: the parameter of which it is an attribute.
    """

    name: str
    help: str
    parameter: str
    default: Value
    metavar = short = environment = panel = check = within = ""
    parser = "parse_string"
    kind = "text"
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    required = common = hidden = is_name = False

    @property
    def switch(self) -> bool:
        """Whether it takes no value."""
        return self.default is False

    def parse(self, text: str) -> Value:
        """Return the value that ``text`` stands for. Raises :class:`~boltcli.errors.ArgumentError`."""
        if self.parser == "parse_choice":
            return values.parse_choice(text, self.choices)
        parse: Callable[[str], Value] = values.parse_bool if self.switch else getattr(values, self.parser)
        return parse(text)

    def verify(self, value: Any) -> None:
        """Raise :class:`~boltcli.errors.ArgumentError` for a value that the command refuses."""
        if self.check:
            globals()[self.check](self, value)


def check_choice(option: Option, value: str) -> None:
    """Raise ArgumentError if ``value`` is none of the option's choices."""
    if value not in (*option.choices, option.default):
        raise ArgumentError(f"--{option.name} {value}: must be one of {', '.join(option.choices)}")


def check_output(option: Option, value: str) -> None:
    """Raise ArgumentError if the option names no file."""
    if not value:
        raise ArgumentError("output file required")


class Argument(_Row):
    """A positional argument. ``kind`` is for completing it: file, bucket, key, page, view, command, topic or text.
    ``many``: any number of them. ``hidden``: accepted silently, as by bbolt. ``is_name``: see :class:`Option`."""

    name: str
    help: str
    parameter: str
    kind = "text"
    many = hidden = is_name = False
    required = True


class Command(_Row):
    """A command, or a group of commands: ``is_group``, which on its own prints its help. ``least`` is the number of
    required positionals. ``takes``: the names of what the runner passes; the other parameters are ``arguments`` and the
    command's own ``options``. The rest: see :class:`command`."""

    name: str
    summary: str
    example: str
    group: str
    module: str
    takes: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    least = 0
    fewest: int | None = None
    several = together = folder = is_group = False
    statuses: Mapping[int, str] = {}
    failure = 1

    @property
    def opens(self) -> bool:
        """Whether the runner opens its file."""
        return "db" in self.takes

    @property
    def most(self) -> int | None:
        """The largest number of positionals; None: there is no bound."""
        return None if any(argument.many for argument in self.arguments) else len(self.arguments)

    @property
    def shown_options(self) -> list[Option]:
        """The options that the help lists."""
        return [option for option in self.options if not option.hidden]

    @property
    def shown_arguments(self) -> list[Argument]:
        """The arguments that the help lists."""
        return [argument for argument in self.arguments if not argument.hidden]

    def check_count(self, arguments: Sequence[str], values: dict[str, Value]) -> None:
        """Raise :class:`~boltcli.errors.ArgumentError`, with cobra's message, for a wrong number of positionals."""
        most, received = self.most, len(arguments)
        least = 0 if values.get("files-from") else self.least
        fewest = least if self.fewest is None else min(least, self.fewest)
        if received >= fewest and (most is None or received <= most or self.takes_files(arguments, values)):
            return
        if most == 0:
            raise ArgumentError(f'unknown command {go_quote(arguments[0])} for "boltcli {self.name}"')
        if most is None:
            raise ArgumentError(f"requires at least {least} arg(s), only received {received}")
        if least == most:
            raise ArgumentError(f"accepts {least} arg(s), received {received}")
        raise ArgumentError(f"accepts between {least} and {most} arg(s), received {received}")

    def takes_files(self, arguments: Sequence[str], values: Mapping[str, Value]) -> bool:
        """Return whether all ``arguments`` are files, any number of them. For a command that also takes other arguments
        (``stats FILE PREFIX``) the options decide, or with --json that there are more than it has otherwise, or that
        the last one begins as a path (/, ./, ../). Which files exist doesn't matter: a call means the same in every
        folder."""
        if not self.several or self.most == 1:
            return self.several
        if any(values.get(name) for name in (*SELECTING, "prefix")):
            return True
        if not values.get("json") or self.most is None or len(arguments) < 2:
            return False
        return len(arguments) > self.most or arguments[-1].startswith(("/", "./", "../")) or "://" in arguments[-1]

    def arguments_of(self, words: Sequence[str], values: Mapping[str, Value]) -> list[Argument]:
        """Return for each positional what it is: its declaration. One alone is the file, if a command takes that."""
        declared = list(self.arguments)
        if self.takes_files(words, values) or (len(words) == 1 >= self.least):
            declared = [one for one in declared if one.kind == "file"] or declared
        return declared[: len(words)] + declared[-1:] * (len(words) - len(declared))

    def file_of(self, arguments: Sequence[str]) -> str | None:
        """Return the first of ``arguments`` that is a file; None if the command takes none."""
        at = next((number for number, one in enumerate(self.arguments) if one.kind == "file"), None)
        if at is None or not arguments:
            return None
        return arguments[at] if at < len(arguments) else arguments[0]

    def parameters(self, arguments: Sequence[str], values: dict[str, Value]) -> dict[str, Any]:
        """Return what the command's function takes of the command line: positionals, and its own options. Positionals
        that aren't given are left out. Raises :class:`~boltcli.errors.ArgumentError` for names in a notation that they
        don't follow."""
        given: dict[str, Any] = {}
        rest = list(arguments)
        for after, argument in zip(reversed(range(len(self.arguments))), self.arguments):
            if argument.many:
                taken = max(len(rest) - after, 0)
                given[argument.parameter], rest = rest[:taken], rest[taken:]
            elif rest:
                given[argument.parameter] = rest.pop(0)
        if self.opens:
            given.pop("db", None)
        given |= {option.parameter: values[option.name] for option in self.options if not option.common}
        declared: tuple[Argument | Option, ...] = (*self.arguments, *self.options)
        for parameter in [one.parameter for one in declared if one.is_name and one.parameter in given]:
            value = given[parameter]
            given[parameter] = addresses(value) if isinstance(value, list) else address(value)
        for option in self.options:
            if option.within:
                setattr(given.setdefault(option.within, Together()), option.parameter, given.pop(option.parameter))
        return given

    def statuses_text(self) -> str:
        """Return the exit statuses in a line, empty if there are only success and failure."""
        return "; ".join(f"{status}: {words}" for status, words in self.statuses.items())

    def usage(self) -> str:
        """Return the usage line: the command with its arguments and options."""
        words = ["boltcli", self.name, *["COMMAND"] * self.is_group]
        for option in self.shown_options:
            if not option.common:
                word = f"--{option.name} {option.metavar}".rstrip()
                words.append(word if option.required else f"[{word}]")
        for argument in self.shown_arguments:
            word = argument.name + "..." * argument.many
            words.append(word if argument.required else f"[{word}]")
        return " ".join(words)
