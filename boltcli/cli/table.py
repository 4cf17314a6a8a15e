"""The commands, declared once: the small parser and typer are both made from this table."""

from __future__ import annotations

from ..errors import ArgumentError
from .values import LOCK_WAYS, parse_bool, parse_int64, parse_lock, parse_string, parse_timeout, parse_uint64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Option:
    """A flag: ``--name VALUE`` or ``-short VALUE``.

    One whose default is False is a switch: it takes no value, unless by ``--name=false``.
    """

    __slots__ = (
        "choices", "default", "environment", "help", "metavar", "name", "panel", "parse", "required", "short", "switch",
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
        self.choices = choices  # for help and completion: what is not among them fails later, as in bbolt

    @property
    def label(self) -> str:
        """The flag as pflag's errors name it."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


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


class Argument:
    """A positional argument, for help and completion; how many there may be is the command's ``least`` and ``most``.

    ``kind`` says what completes it: file, bucket, key or text. ``many``: any number of it.
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

    Its code is ``run(arguments, options, out, err)`` in the module of its name under
    ``commands``; what that returns is the exit status, None for 0. With
    ``opens`` it opens its database by ``access.database()`` and has that one's options.
    """

    __slots__ = ("arguments", "example", "group", "least", "most", "name", "opens", "options", "summary")

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
    ) -> None:
        self.name = name
        self.summary = summary
        self.arguments = arguments
        self.least = least
        self.most = most
        self.opens = opens
        self.options = options + _ACCESS if opens else options
        self.example = example
        self.group = group

    def check_count(self, received: int) -> None:
        """Raise :class:`~boltcli.errors.ArgumentError`, in cobra's words, for a wrong number of positionals."""
        least, most = self.least, self.most
        if received >= least and (most is None or received <= most):
            return
        if most is None:
            raise ArgumentError(f"requires at least {least} arg(s), only received {received}")
        if least == most:
            raise ArgumentError(f"accepts {least} arg(s), received {received}")
        raise ArgumentError(f"accepts between {least} and {most} arg(s), received {received}")

    def usage(self) -> str:
        """One line: the command and what it takes."""
        words = [f"boltcli {self.name}"]
        for option in self.options:
            if option in _ACCESS:
                continue  # the help has them
            word = f"--{option.name}" if option.switch else f"--{option.name} {option.metavar}"
            words.append(word if option.required else f"[{word}]")
        for argument in self.arguments:
            if argument.hidden:
                continue
            word = argument.name + ("..." if argument.many else "")
            words.append(word if argument.required else f"[{word}]")
        return " ".join(words)


_FORMATS = ("auto", "ascii-encoded", "hex", "bytes", "redacted")
_FORMAT_HELP = "How to write them: " + "|".join(_FORMATS)

_FILE = Argument("FILE", "file", "The bolt database file.")
_BUCKET = Argument("BUCKET", "bucket", "Name of a top-level bucket.")
_SUBBUCKET = Argument("SUBBUCKET", "bucket", "Names of nested buckets, from the outside in.", many=True, required=False)

_JOBS = Option(
    "jobs",
    "Processes for a large file; 0: as many as pay.",
    default=0,
    metavar="N",
    parse=parse_uint64,
)

COMMANDS = (
    Command(
        "check",
        "Verify the integrity of a database.",
        arguments=(_FILE,),
        least=1,
        most=1,
        options=(
            Option(
                "from-page",
                "Check only the tree below this page id.",
                default=0,
                metavar="PGID",
                parse=parse_uint64,
            ),
            _JOBS,
        ),
        opens=True,
        example="boltcli check fixtures/document.db",
        group="Verify",
    ),
    Command(
        "buckets",
        "List the top-level buckets.",
        arguments=(_FILE,),
        least=1,
        most=1,
        opens=True,
        example="boltcli buckets fixtures/document.db",
    ),
    Command(
        "keys",
        "List the keys of a bucket, nested buckets included.",
        arguments=(_FILE, _BUCKET, _SUBBUCKET),
        least=2,
        options=(
            Option("format", _FORMAT_HELP, default="auto", metavar="FORMAT", short="f", choices=_FORMATS),
            _JOBS,
        ),
        opens=True,
        example="boltcli keys fixtures/document.db execution",
    ),
    Command(
        "get",
        "Print the value of a key.",
        arguments=(_FILE, _BUCKET, _SUBBUCKET, Argument("KEY", "key", "The key.")),
        least=3,
        options=(
            Option("format", _FORMAT_HELP, default="auto", metavar="FORMAT", choices=_FORMATS),
            Option(
                "parse-format",
                "How KEY is written: ascii-encoded (as it is)|hex",
                default="ascii-encoded",
                metavar="FORMAT",
                choices=("ascii-encoded", "hex"),
            ),
        ),
        opens=True,
        example="boltcli get fixtures/document.db execution e-9a937556-ac83-49ec-b794-a94c3aa068b2",
    ),
    Command(
        "stats",
        "Count pages, pairs and bytes over the top-level buckets.",
        arguments=(
            _FILE,
            Argument("PREFIX", "bucket", "Only buckets whose name begins so.", required=False),
        ),
        least=1,
        most=2,
        options=(_JOBS,),
        opens=True,
        example="boltcli stats fixtures/document.db",
    ),
    Command(
        "info",
        "Print the page size.",
        arguments=(_FILE,),
        least=1,
        most=1,
        opens=True,
        example="boltcli info fixtures/document.db",
    ),
    Command(
        "compact",
        "Copy a database without its free pages.",
        arguments=(
            Argument("SRC", "file", "The bolt database file; it is not changed."),
            Argument("MORE", "text", "Ignored, as by bbolt.", many=True, required=False, hidden=True),
        ),
        least=1,
        options=(
            Option(
                "output",
                "Where the copy goes. It appears there when it is complete; a file that is there already is an error"
                " (bbolt would merge into it, or fail half-way).",
                default="",
                metavar="DEST",
                short="o",
                required=True,
            ),
            Option(
                "tx-max-size",
                "Bytes of keys and values that one transaction writes, at most; 0: no limit.",
                default=65536,
                metavar="N",
                parse=parse_int64,
            ),
            Option("no-sync", "Don't sync the copy to the disk.", default=False),
            Option("force", "Replace DEST if it is a file.", default=False),
            Option("dense", "Write the smallest copy: full pages, none of them free. bbolt can't.", default=False),
            Option(
                "fill-percent",
                "With --dense: how full pages may get, 10 to 100.",
                default=100,
                metavar="N",
                parse=parse_uint64,
            ),
            Option(
                "page-size",
                "Page size of the copy, a power of two from 1024 to 65536; 0: the host's, as in bbolt.",
                default=0,
                metavar="N",
                parse=parse_uint64,
            ),
        ),
        opens=True,
        example="boltcli compact -o compact.db fixtures/many-free.db",
        group="Write",
    ),
    Command(
        "lock",
        "Say who holds the lock; status 0: nobody, 2: readers, 3: a writer.",
        arguments=(_FILE,),
        least=1,
        most=1,
        example="boltcli lock fixtures/document.db",
    ),
    Command(
        "version",
        "Print the versions of boltcli and Python.",
        example="boltcli version",
        group="Help",
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}
