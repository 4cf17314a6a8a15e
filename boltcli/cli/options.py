"""Arguments and options that several commands share, as typer declares them: each has one meaning everywhere.

Commands name them in the annotations of their functions, which are text at run time: only ``make_table.py`` and
``typer_app.py`` import this module, and with it typer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from typer import Argument, Option

from ..storage.snapshot import Snapshot
from .command import check_choice, check_output
from .values import (
    parse_choice,
    parse_count,
    parse_size,
    parse_timeout,
    parse_uint64,
)


def files() -> None:
    """Complete the names of databases: this and the next functions only name what completes a value."""


def inputs() -> None:
    """Complete the names of other files that are read."""


def results() -> None:
    """Complete the names of files that are written."""


def buckets() -> None:
    """Complete the names of buckets."""


def keys() -> None:
    """Complete keys."""


def pages() -> None:
    """Complete page ids."""


def commands() -> None:
    """Complete the names of commands."""


def argument(
    metavar: str | None, help: str, completes: Callable[[], None] | None = None, *, hidden: bool = False
) -> Any:
    """Declare a positional argument."""
    return Argument(metavar=metavar, help=help, autocompletion=completes, hidden=hidden)


def switch(help: str, *names: str, hidden: bool = False) -> Any:
    """Declare an option without a value."""
    return Option(*names, help=help, hidden=hidden)


def text(help: str, metavar: str, *names: str, completes: Callable[[], None] | None = None) -> Any:
    """Declare an option whose value is text."""
    return Option(*names, help=help, metavar=metavar, autocompletion=completes)


def number(help: str, metavar: str = "N", parse: Callable[[str], Any] = parse_count) -> Any:
    """Declare an option whose value is a number, or what else ``parse`` makes of text."""
    return Option(help=help, metavar=metavar, parser=parse)


def choice(help: str, metavar: str, *names: str) -> Any:
    """Declare an option whose value is one of those that its type names."""
    return Option(*names, help=help, metavar=metavar, callback=check_choice)


def written_to(help: str) -> Any:
    """Declare the option for a file that is written."""
    return text(help, "DEST", "--output", "-o", completes=results)


def _file(help: str, metavar: str = "FILE") -> Any:
    return Argument(metavar=metavar, help=help, autocompletion=files)


Database = Annotated[Snapshot, _file("The bolt database file.")]
Databases = Annotated[
    Snapshot, _file("The bolt database file; several give a table, or with --json an object for each.")
]
Path = Annotated[str, _file("The bolt database file.")]
UnchangedPath = Annotated[str, _file("The bolt database file; it is not changed.")]
Bucket = Annotated[bytes, Argument(help="Name of a top-level bucket.", autocompletion=buckets)]
Subbuckets = Annotated[
    list[bytes],
    Argument(metavar="SUBBUCKET", help="Names of nested buckets, outermost first.", autocompletion=buckets),
]
BucketPath = Annotated[
    list[bytes],
    Argument(metavar="BUCKETS", help="Only this bucket: its path, outermost name first.", autocompletion=buckets),
]
InBucket = Annotated[list[bytes], text("Only this bucket; repeat it for a nested one.", "NAME", completes=buckets)]
PageIds = Annotated[list[str], Argument(metavar="PGID", help="Page ids.", autocompletion=pages)]

Nested = Annotated[
    bool, Option("--parse", help="With --json: nest values that are JSON instead of writing them as text.")
]
Jobs = Annotated[
    int,
    Option(help="Number of processes for several files; 0 chooses automatically.", metavar="N", parser=parse_count),
]
JobsIfGiven = Annotated[
    int,
    Option(
        "--jobs",
        help="Number of processes for several files; 0 chooses automatically; default: 1.",
        metavar="N",
        parser=parse_count,
    ),
]
JobsApart = Annotated[
    int,
    Option(
        "--jobs",
        help="With -o: number of processes for several files; 0 chooses automatically.",
        metavar="N",
        parser=parse_count,
    ),
]
Depth = Annotated[int, Option(help="Show buckets down to this many levels; 0: all.", metavar="N", parser=parse_count)]
Destination = Annotated[
    str,
    Option(
        "--output",
        "-o",
        help="Write the result to this file, which appears when it is complete. An existing file is an error"
        " (bbolt would merge into it, or fail half-way).",
        metavar="DEST",
        autocompletion=results,
        callback=check_output,
    ),
]
ChangedCopy = Annotated[
    str,
    Option(
        "--output",
        "-o",
        help="Write the changed copy to this file, which must not exist.",
        metavar="DEST",
        autocompletion=results,
    ),
]
PageToClear = Annotated[
    int, Option("--pageId", "--page-id", help="The page to clear.", metavar="PGID", parser=parse_uint64)
]
WriteAnyway = Annotated[bool, Option("--force", help="Write the meta page even if its values are impossible.")]
Plain = Annotated[bool, Option("--no-descriptions", help="Complete without descriptions.")]
Human = Annotated[bool, Option("--human", "-H", help="Print sizes in KiB, MiB, ...; the default on a terminal.")]
HumanIfGiven = Annotated[bool, Option("--human", "-H", help="Print sizes in KiB, MiB, ...")]
Force = Annotated[bool, Option(help="Replace DEST if it exists.")]
NoSync = Annotated[bool, Option(help="Don't sync the result to the disk.")]
FillPercent = Annotated[
    int,
    Option(
        help="Fill pages up to this percentage, 10 to 100; compact needs --dense for it.",
        metavar="N",
        parser=parse_count,
    ),
]
PageSize = Annotated[
    int,
    Option(
        help="Page size of the result, a power of two from 1024 to 65536; 0: the host's, as in bbolt.",
        metavar="N",
        parser=parse_count,
    ),
]
FormatName = Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"]
_FORMATS = "|".join(get_args(FormatName))
Format = Annotated[FormatName, Option("--format", "-f", help=f"How to write them: {_FORMATS}", metavar="FORMAT")]

ValueFormat = Annotated[FormatName, text(f"How to write values: {_FORMATS}", "FORMAT", "--format", "-f")]
KeyFormat = Annotated[FormatName, text(f"How to write keys: {_FORMATS}", "FORMAT")]

_DECODING = "Decoding"
_Decode = Annotated[
    str,
    Option(
        help="Decode keys and values: auto (as the program that wrote the file encodes them, else a guess), the name of"
        " a program or format (json, msgpack, protobuf, gob, ...; see `boltcli help decode`), or off.",
        metavar="NAME",
        rich_help_panel=_DECODING,
    ),
]
_Proto = Annotated[
    str,
    Option(
        help="Decode values with this compiled protobuf descriptor set.",
        metavar="DESCRIPTORS",
        autocompletion=inputs,
        rich_help_panel=_DECODING,
    ),
]
_Message = Annotated[
    str, Option(help="The message type of the values in --proto.", metavar="NAME", rich_help_panel=_DECODING)
]


class Together:
    """Options that are one parameter of a command's function, which has their values as attributes."""


class Decoding(Together):
    """How keys and values are decoded."""

    decode: _Decode = "off"
    proto: _Proto = ""
    message: _Message = ""


_FILTERS = "Which ones"
Prefix = Annotated[bytes, Option(help="Only keys that begin with this.", metavar="KEY", rich_help_panel=_FILTERS)]
From = Annotated[
    bytes, Option("--from", help="Only keys at or after this one.", metavar="KEY", rich_help_panel=_FILTERS)
]
To = Annotated[bytes, Option(help="Only keys before this one.", metavar="KEY", rich_help_panel=_FILTERS)]
_Limit = Annotated[
    int, Option(help="At most this many; 0: all.", metavar="N", parser=parse_count, rich_help_panel=_FILTERS)
]
_Reverse = Annotated[bool, Option(help="List from the last to the first.", rich_help_panel=_FILTERS)]
_Recursive = Annotated[
    bool,
    Option(
        help="Include nested buckets; each key is preceded by its bucket path. --prefix, --from and --to apply to the"
        " outermost level only.",
        rich_help_panel=_FILTERS,
    ),
]
_Grep = Annotated[
    str,
    Option(
        help="Only those that match this regular expression (Python's, on bytes) anywhere; at any depth.",
        metavar="REGEX",
        rich_help_panel=_FILTERS,
    ),
]


class Filters(Together):
    """Which keys are listed."""

    prefix: Prefix = b""
    from_: From = b""
    to: To = b""
    limit: _Limit = 0
    reverse: _Reverse = False
    recursive: _Recursive = False
    grep: _Grep = ""


_MANY = "Many files"


class Many:
    """Options of commands that take several files."""

    recursive: Annotated[bool, Option(help="Search folders for databases.", rich_help_panel=_MANY)] = False
    files_from: Annotated[
        str,
        Option(
            help="Read the names of more files from this file, one a line; -: standard input.",
            metavar="LIST",
            autocompletion=inputs,
            rich_help_panel=_MANY,
        ),
    ] = ""
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write the results to this file: .ndjson, .json, .csv or .parquet.",
            metavar="DEST",
            autocompletion=results,
            rich_help_panel=_MANY,
        ),
    ] = ""
    force: Annotated[bool, Option(help="Replace DEST if it exists.", rich_help_panel=_MANY)] = False
    resume: Annotated[
        str,
        Option(
            help="Skip files whose size, time and transaction are unchanged since these results of an earlier run.",
            metavar="RESULTS",
            autocompletion=inputs,
            rich_help_panel=_MANY,
        ),
    ] = ""
    engine: Annotated[
        str,
        Option(
            help="Run on Dask: local:N (N processes) or dask://HOST:PORT; default: --jobs processes here.",
            metavar="ENGINE",
            rich_help_panel=_MANY,
        ),
    ] = ""


class Common:
    """Options of all commands but those that print text for shells and people."""

    json: Annotated[bool, Option("--json", "-j", help="Write JSON: one document, or an object a line.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="Don't print progress, warnings and hints.")] = False
    color: Annotated[
        Literal["auto", "always", "never"],
        Option(
            help="Colours: auto (on a terminal), always or never.",
            metavar="WHEN",
            parser=parse_choice,
        ),
    ] = "auto"
    exit_status: Annotated[
        Literal["bbolt", "detailed"],
        Option(
            help="Exit status of failures: bbolt (always 1) or detailed (1 damaged, 2 unreadable, 3 locked, 4 not"
            " found, 64 usage).",
            metavar="KIND",
            parser=parse_choice,
            envvar="BOLTCLI_EXIT_STATUS",
        ),
    ] = "bbolt"


_ELSEWHERE = "When the file is packed, joined or remote"
_IN_USE = "When another process is using the database"


class Locking:
    """Options of commands that lock a file."""

    timeout: Annotated[
        str,
        Option(
            help="Wait this long for the lock: 2 (seconds), 500ms, 1m30s; 0: for ever.",
            metavar="DURATION",
            parser=parse_timeout,
            envvar="BOLTCLI_TIMEOUT",
            rich_help_panel=_IN_USE,
        ),
    ] = "1s"
    lock: Annotated[
        Literal["auto", "wait", "try", "none"],
        Option(
            help="If the file is locked: auto (wait, then read without the lock), wait (wait, then fail), try (don't"
            " wait), none (ignore locks).",
            metavar="WAY",
            parser=parse_choice,
            envvar="BOLTCLI_LOCK",
            rich_help_panel=_IN_USE,
        ),
    ] = "auto"
    no_lock: Annotated[bool, Option(help="The same as --lock none.", rich_help_panel=_IN_USE)] = False


class Inside:
    """The option of commands that read the pages of a file."""

    offset: Annotated[
        int,
        Option(
            help="Open the database that begins at this byte of FILE, as if the file began there.",
            metavar="N",
            parser=parse_count,
            rich_help_panel=_ELSEWHERE,
        ),
    ] = 0


class Access:
    """More options of commands that open databases."""

    previous: Annotated[bool, Option(help="Read the state before the last transaction.", rich_help_panel=_IN_USE)] = (
        False
    )
    max_unpacked: Annotated[
        int,
        Option(
            help="Largest size to which a packed file may unpack: 10GiB, 500M; default: 64 GiB, and 1000 times its own"
            " size.",
            metavar="SIZE",
            parser=parse_size,
            rich_help_panel=_ELSEWHERE,
        ),
    ] = 0
    read_timeout: Annotated[
        str,
        Option(
            help="End if a server (http://, https://) sends nothing for this long: 10 (seconds), 1m; 0: for ever.",
            metavar="DURATION",
            parser=parse_timeout,
            envvar="BOLTCLI_READ_TIMEOUT",
            rich_help_panel=_ELSEWHERE,
        ),
    ] = "30s"
    stats: Annotated[
        bool,
        Option(help="Report how much was read of a remote file (s3://, https://, ...).", rich_help_panel=_ELSEWHERE),
    ] = False
