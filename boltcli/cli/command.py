"""Commands, their options and arguments: how they are declared, and what parser, help and completion know of them."""

from __future__ import annotations

from ..read_errors import ArgumentError
from .values import go_quote, one_of, parse_bool, parse_choice, parse_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    Value = bool | int | str | list[str]
    F = TypeVar("F", bound=Callable[..., "int | None"])

FILES = ("file", "input", "result")  # kinds of words: databases, other files that are read, those that are written
SELECTING = ("recursive", "files-from", "output", "resume", "engine")  # the options that select or collect many files


class Summary:
    """How the results of many files are a table. ``columns``: the title of each, the field of a record or a function
    of it, and a type of ``render/table.py``; the verdict stands before them, the file after them.

    ``order``: the field of which the largest values come first. ``faulty``: the verdict on a file that is not ok.
    ``is_measure``: the table is about what was measured, and has the largest also of very many files; otherwise those
    that are ok are left out then. ``is_public``: the records hold no keys and values, so all may read a file of them.
    """

    __slots__ = ("columns", "faulty", "is_measure", "is_public", "order")

    def __init__(
        self,
        *columns: tuple[str, str | Callable[[dict[str, Any]], Any], str],
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


class Declared:
    """A command's function, and what its decorator says that is needed only when it runs."""

    __slots__ = ("apart", "facts", "function", "select", "summary", "unknown", "validate")

    def __init__(
        self,
        function: Callable[..., int | None],
        facts: dict[str, Any],
        validate: Callable[..., object] | None,
        select: Callable[[Any, Sequence[str]], Any] | None,
        summary: Summary | None,
        unknown: dict[str, Any] | None,
        apart: str,
    ) -> None:
        self.function = function
        self.facts = facts  # for the table
        self.validate = validate
        self.select = select
        self.summary = summary or Summary()
        self.unknown = unknown or {}
        self.apart = apart


DECLARED: dict[str, Declared] = {}  # by the names of commands, of the modules that were imported


def command(
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
) -> Callable[[F], F]:
    """Declare a function as the command ``name``, which includes its groups: ``surgery freelist rebuild``.

    The first line of its docstring is the summary. Its parameters are declared as typer declares them, by annotations
    that only ``make table`` and ``typer_app.py`` evaluate. ``db``, ``out`` and ``opener`` are passed by the
    runner; ``db`` is declared as the argument FILE, which the runner opens.

    ``group``: its heading in the help. ``several``: it runs once for each of several files; ``together``: only with -o
    RESULTS or --engine, otherwise it takes all of them. ``folder``: its file may be a
    folder of several databases. ``opens``: it has the options of commands that open databases
    though it has no ``db``; "locked": only those of the lock and ``--offset``, "offset": only that. ``json``: whether
    it has ``--json``, or the help of that. ``fewest``: the command itself refuses calls with at least so many
    positionals, but fewer than it declares. ``statuses``: the meanings of its exit statuses if there are others than
    success and failure; ``failure``: the exit status of an error.

    ``validate`` raises errors in the command line before a database is opened; it is called with the parameters that
    it names, among them ``path``, the first file. ``select(opener, arguments)`` returns
    the files of many; ``summary`` and ``unknown``, the fields of a file that could not be read, are for tables of them;
    ``apart`` says what is left out of a command that takes
    files ``together`` if it looks at each alone.
    """

    facts = {"example": example, "group": group, "several": several, "together": together}
    facts |= {"folder": folder, "opens": opens}
    facts |= {"json": json, "fewest": fewest, "statuses": statuses, "failure": failure}

    def declared(function: F) -> F:
        DECLARED[name] = Declared(function, facts, validate, select, summary, unknown, apart)
        return function

    return declared


class Together:
    """The values of several options, as attributes."""


class Option:
    """A flag: ``--name VALUE`` or ``-short VALUE``.

    The default is a bool, an int, a str or a list of str; ``parse`` converts text to a value of that type and
    raises :class:`~boltcli.errors.ArgumentError`. A flag whose default is False is a switch: it takes no value,
    except as ``--name=false``. A flag whose default is a list collects the values of all its occurrences; for
    other flags the last occurrence counts. ``kind`` (text, file, bucket) and ``choices`` are for completing the
    value. ``environment`` is the name of a variable with the default. ``panel`` is its heading in the help.
    ``required`` flags have no default. ``aliases`` are other names. The help lists
    neither these nor options that are ``hidden``. ``is_name``: the function gets the bytes that the value stands for,
    see ``key_argument.py``. ``within``: the parameter of which it is an attribute.
    ``check`` raises :class:`~boltcli.errors.ArgumentError` for a value that the command
    refuses.
    """

    __slots__ = (
        "check", "choices", "common", "default", "environment", "gathers", "help", "hidden", "is_name", "kind",
        "metavar", "name", "names", "panel", "parameter", "parse", "required", "short", "switch", "within",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        help: str,
        *,
        parameter: str,
        default: bool | int | str | list[str],
        metavar: str = "",
        parse: Callable[[str], Value] = parse_string,
        short: str = "",
        choices: tuple[str, ...] = (),
        required: bool = False,
        environment: str = "",
        panel: str = "",
        kind: str = "text",
        common: bool = False,
        aliases: tuple[str, ...] = (),
        hidden: bool = False,
        is_name: bool = False,
        within: str = "",
        check: Callable[[Option, Any], None] | None = None,
    ) -> None:
        self.within = within
        self.is_name = is_name
        self.check = check
        self.names = (name, *aliases)
        self.hidden = hidden
        self.common = common  # to most commands: handled by the runner, not listed in the usage line
        self.name = name
        self.parameter = parameter  # of the command's function
        self.short = short
        self.help = help
        self.default = default
        self.metavar = metavar
        self.switch = default is False
        self.parse: Callable[[str], Value] = (
            parse_bool if self.switch else one_of(choices) if parse is parse_choice else parse
        )
        self.environment = environment
        self.panel = panel
        self.required = required  # reported before other errors, as by cobra
        self.gathers = isinstance(default, list)
        self.kind = kind
        self.choices = choices  # without parse_choice or check other values fail later, as in bbolt

    @property
    def label(self) -> str:
        """The flag's name in pflag's errors."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Argument:
    """A positional argument.

    ``kind`` is for completing it: file, bucket, key, page, command or text. ``many``: any number of them.
    ``hidden``: accepted silently, as by bbolt. ``is_name``: see :class:`Option`.
    """

    __slots__ = ("help", "hidden", "is_name", "kind", "many", "name", "parameter", "required")

    def __init__(
        self,
        name: str,
        kind: str,
        help: str,
        *,
        parameter: str,
        many: bool = False,
        required: bool = True,
        hidden: bool = False,
        is_name: bool = False,
    ) -> None:
        self.is_name = is_name
        self.name = name
        self.parameter = parameter  # of the command's function
        self.kind = kind
        self.help = help
        self.many = many
        self.required = required
        self.hidden = hidden


def check_choice(option: Option, value: str) -> None:
    """Raise ArgumentError if ``value`` is none of the option's choices."""
    if value not in option.choices and value != option.default:
        raise ArgumentError(f"--{option.name} {value}: must be one of {', '.join(option.choices)}")


def check_output(option: Option, value: str) -> None:
    """Raise ArgumentError if the option names no file."""
    if not value:
        raise ArgumentError("output file required")


class Command:
    """A command as ``command_table.py`` describes it. ``least`` and ``most`` bound the number of positionals;
    ``most`` None: no bound.

    ``takes``: the names of what the runner passes; the other parameters are ``arguments`` and the command's own
    ``options``. ``several``, ``together``, ``statuses``, ``failure``, ``group``: see :func:`command`.
    """

    __slots__ = (
        "arguments",
        "example",
        "failure",
        "fewest",
        "folder",
        "group",
        "least",
        "module",
        "most",
        "name",
        "opens",
        "options",
        "several",
        "statuses",
        "summary",
        "takes",
        "together",
    )

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        example: str,
        group: str,
        module: str = "",
        takes: tuple[str, ...] = (),
        arguments: tuple[Argument, ...] = (),
        least: int = 0,
        fewest: int | None = None,
        options: tuple[Option, ...] = (),
        several: bool = False,
        together: bool = False,
        folder: bool = False,
        statuses: dict[int, str] | None = None,
        failure: int = 1,
    ) -> None:
        self.name = name
        self.summary = summary
        self.example = example
        self.group = group
        self.module = module
        self.takes = takes
        self.arguments = arguments
        self.least = least
        self.fewest = least if fewest is None else fewest
        self.most = None if any(argument.many for argument in arguments) else len(arguments)
        self.options = options
        self.several = several
        self.together = together
        self.folder = folder
        self.statuses = statuses or {}
        self.failure = failure
        self.opens = "db" in takes

    @property
    def shown_options(self) -> list[Option]:
        """The options that the help lists."""
        return [option for option in self.options if not option.hidden]

    def check_count(self, arguments: Sequence[str], values: dict[str, Value]) -> None:
        """Raise :class:`~boltcli.errors.ArgumentError`, with cobra's message, for a wrong number of positionals."""
        least, most, received = self.least, self.most, len(arguments)
        unbounded = self.takes_files(arguments, values)
        least = 0 if values.get("files-from") else least
        if received >= min(least, self.fewest) and (unbounded or most is None or received <= most):
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

    def arguments_of(self, words: Sequence[str], values: dict[str, Value]) -> list[Argument]:
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

    def positionals(self, arguments: Sequence[str]) -> dict[str, str | list[str]]:
        """Return ``arguments`` by the names of the function's parameters; those that aren't given are left out."""
        found: dict[str, str | list[str]] = {}
        rest = list(arguments)
        declared = [one for one in self.arguments if "db" not in self.takes or one.parameter != "db"]
        if "db" in self.takes:
            rest = rest[1:]
        for number, argument in enumerate(declared):
            if argument.many:
                after = len(declared) - number - 1
                found[argument.parameter] = rest[: len(rest) - after]
                rest = rest[len(rest) - after :]
            elif rest:
                found[argument.parameter] = rest.pop(0)
        return found

    def parameters(self, arguments: Sequence[str], values: dict[str, Value]) -> dict[str, Any]:
        """Return what the command's function takes of the command line: positionals, and its own options.

        Raises :class:`~boltcli.errors.ArgumentError` for names in a notation that they don't follow.
        """
        given: dict[str, Any] = self.positionals(arguments)
        given |= {option.parameter: values[option.name] for option in self.options if not option.common}
        names = [one.parameter for one in self.arguments if one.is_name]
        for parameter in names + [one.parameter for one in self.options if one.is_name]:
            if parameter in given:
                from .key_argument import address

                value = given[parameter]
                given[parameter] = list(map(address, value)) if isinstance(value, list) else address(value)
        for option in self.options:
            if option.within:
                setattr(given.setdefault(option.within, Together()), option.parameter, given.pop(option.parameter))
        return given

    def statuses_text(self) -> str:
        """Return the exit statuses in a line, empty if there are only success and failure."""
        return "; ".join(f"{status}: {words}" for status, words in self.statuses.items())

    def usage(self) -> str:
        """Return the usage line: the command with its arguments and options."""
        words = [f"boltcli {self.name}"]
        for option in self.shown_options:
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


class Group(Command):
    """A group of commands, whose names begin with its own; on its own it prints its help."""

    __slots__ = ()

    def __init__(self, name: str, summary: str, *, example: str, group: str) -> None:
        super().__init__(name, summary, example=example, group=group)

    def usage(self) -> str:
        return f"boltcli {self.name} COMMAND"
