"""What a command is declared by: its name, arguments, options, an example."""

from __future__ import annotations

from ..errors import ArgumentError
from .values import LOCK_WAYS, go_quote, parse_bool, parse_lock, parse_string, parse_timeout, parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Option:
    """A flag: ``--name VALUE`` or ``-short VALUE``.

    One whose default is False is a switch: it takes no value, unless by ``--name=false``.
    With ``gathers`` the values (strings) of a repeated flag are joined; else the last one wins.
    ``kind`` and ``choices`` say what completes its value.
    """

    __slots__ = (
        "choices", "default", "environment", "gathers", "help", "kind", "metavar", "name", "panel", "parse",
        "required", "short", "switch",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        help: str,
        *,
        default: str | int,
        metavar: str = "",
        parse: Callable[[str], str | int] = parse_string,
        short: str = "",
        choices: tuple[str, ...] = (),
        required: bool = False,
        environment: str = "",
        panel: str = "",
        gathers: bool = False,
        kind: str = "text",
    ) -> None:
        self.name = name
        self.short = short
        self.help = help
        self.default = default
        self.metavar = metavar
        self.switch = default is False
        self.parse = parse_bool if self.switch else parse
        self.environment = environment  # the variable that holds the default, if it is set
        self.panel = panel  # of the help
        self.required = required  # cobra says so before it looks at anything else
        self.gathers = gathers
        self.kind = kind
        self.choices = choices  # for help and completion: what is not among them fails later, as in bbolt

    @property
    def label(self) -> str:
        """The flag as pflag's errors name it."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


_JSON = Option("json", "Write JSON: one document, or an object a line.", short="j", default=False)
_IN_USE = "When another process is using the database"
_ACCESS = (
    Option(
        "timeout",
        "How long to wait for the lock: 500ms, 1m30s; 0: for ever.",
        default="1s",
        metavar="DURATION",
        parse=parse_timeout,
        environment="BOLTCLI_TIMEOUT",
        panel=_IN_USE,
    ),
    Option(
        "lock",
        "auto: wait for the lock, then read without it|wait: then fail|try: don't wait|none: don't lock",
        default="auto",
        metavar="WAY",
        parse=parse_lock,
        choices=LOCK_WAYS,
        environment="BOLTCLI_LOCK",
        panel=_IN_USE,
    ),
    Option("no-lock", "The same as --lock none.", default=False, panel=_IN_USE),
    Option("previous", "Read the state before the last transaction.", default=False, panel=_IN_USE),
)

_FILTERS = "Which ones"
FILTERS = (
    Option("prefix", "Only keys that begin so.", default="", metavar="KEY", panel=_FILTERS),
    Option("from", "Only keys from this one on.", default="", metavar="KEY", panel=_FILTERS),
    Option("to", "Only keys before this one.", default="", metavar="KEY", panel=_FILTERS),
    Option("limit", "At most so many; 0: all.", default=0, metavar="N", parse=parse_uint64, panel=_FILTERS),
    Option("reverse", "From the last one to the first.", default=False, panel=_FILTERS),
    Option(
        "recursive",
        "Those in nested buckets too, each behind its buckets' names; the other options choose among the outermost.",
        default=False,
        panel=_FILTERS,
    ),
    Option(
        "grep",
        "Only those that this regular expression matches somewhere (Python's, on bytes); at any depth.",
        default="",
        metavar="REGEX",
        panel=_FILTERS,
    ),
)


def filtered(options: dict[str, str | int]) -> bool:
    """Whether any of the filters is given."""
    return any(options[option.name] for option in FILTERS)


class Argument:
    """A positional argument, for help and completion; how many there may be is the command's ``least`` and ``most``.

    ``kind`` says what completes it: file, bucket, key, command or text. ``many``: any number of it.
    ``hidden``: taken without a word, as bbolt does.
    """

    __slots__ = ("help", "hidden", "kind", "many", "name", "required")

    def __init__(
        self, name: str, kind: str, help: str, *, many: bool = False, required: bool = True, hidden: bool = False
    ) -> None:
        self.name = name
        self.kind = kind
        self.help = help
        self.many = many
        self.required = required
        self.hidden = hidden


class Command:
    """A command. ``least`` and ``most`` bound the positionals; ``most`` None is no bound.

    Its name is the way to it: ``surgery freelist rebuild``. Its code is
    ``run(arguments, options, out, err)`` in the module of that name under
    ``commands``; what that returns is the exit status, None for 0. With
    ``opens`` it opens its database by ``access.database()`` and has that one's options. All but those that
    print for shells and readers have ``--json``; with that, some take ``several`` files.
    """

    __slots__ = ("arguments", "example", "group", "least", "most", "name", "opens", "options", "several", "summary")

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        arguments: tuple[Argument, ...] = (),
        least: int = 0,
        most: int | None = None,
        options: tuple[Option, ...] = (),
        example: str,
        group: str = "Read",
        opens: bool = False,
        json: bool = True,
        several: bool = False,
    ) -> None:
        self.several = several
        self.name = name
        self.summary = summary
        self.arguments = arguments
        self.least = least
        self.most = most
        self.opens = opens
        self.options = options + (_JSON,) * json + (_ACCESS if opens else ())
        self.example = example
        self.group = group

    @property
    def module(self) -> str:
        """The name of its module under ``commands``."""
        return self.name.replace(" ", "_").replace("-", "_")

    def check_count(self, arguments: Sequence[str], options: Mapping[str, str | int]) -> None:
        """Raise :class:`~boltcli.errors.ArgumentError`, in cobra's words, for a wrong number of positionals."""
        least, most, received = self.least, self.most, len(arguments)
        if self.several and options["json"]:
            most = None
        if received >= least and (most is None or received <= most):
            return
        if most == 0:
            raise ArgumentError(f'unknown command {go_quote(arguments[0])} for "boltcli {self.name}"')
        if most is None:
            raise ArgumentError(f"requires at least {least} arg(s), only received {received}")
        if least == most:
            raise ArgumentError(f"accepts {least} arg(s), received {received}")
        raise ArgumentError(f"accepts between {least} and {most} arg(s), received {received}")

    def usage(self) -> str:
        """One line: the command and what it takes."""
        words = [f"boltcli {self.name}"]
        for option in self.options:
            if option in _ACCESS or option is _JSON:
                continue  # the help has them
            word = f"--{option.name}" if option.switch else f"--{option.name} {option.metavar}"
            words.append(word if option.required else f"[{word}]")
        for argument in self.arguments:
            if argument.hidden:
                continue
            word = argument.name + ("..." if argument.many else "")
            words.append(word if argument.required else f"[{word}]")
        return " ".join(words)


class Group(Command):
    """A command that only holds others, those whose name begins with its own; alone it prints its help."""

    __slots__ = ()

    def __init__(self, name: str, summary: str, *, example: str, group: str) -> None:
        super().__init__(name, summary, example=example, group=group, json=False)

    def usage(self) -> str:
        return f"boltcli {self.name} COMMAND"
