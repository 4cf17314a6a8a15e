"""Arguments and options that several commands share, as typer declares them: each has one meaning everywhere.

Commands name them in the annotations of their functions, which are text at run time: only ``make_table.py`` and
``typer_app.py`` import this module, and with it typer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, get_args

from typer import Argument, Option

from ..storage.snapshot import Snapshot
from .command import check_output
from .values import parse_choice, parse_count, parse_size, parse_timeout, parse_uint64


def _named(kind: str) -> Callable[[], None]:
    def completed() -> None:
        """Stands for what completes a value: only its name counts."""

    completed.__name__ = kind
    return completed


files, inputs, results, buckets, keys, pages, commands = map(
    _named, ("file", "input", "result", "bucket", "key", "page", "command")
)


_file = partial(Argument, metavar="FILE", autocompletion=files)
_number = partial(Option, metavar="N", parser=parse_count)
_name = partial(Option, metavar="NAME", rich_help_panel="Decoding")
_filter = partial(Option, rich_help_panel="Which ones")
_key = partial(_filter, metavar="KEY")
_many = partial(Option, rich_help_panel="Many files")
_elsewhere = partial(Option, rich_help_panel="When the file is packed, joined or remote")
_in_use = partial(Option, rich_help_panel="When another process is using the database")
_result = partial(Option, "--output", "-o", metavar="DEST", autocompletion=results)

Database = Annotated[Snapshot, _file(help="The bolt database file.")]
Databases = Annotated[
    Snapshot, _file(help="The bolt database file; several give a table, or with --json an object for each.")
]
Path = Annotated[str, _file(help="The bolt database file.")]
UnchangedPath = Annotated[str, _file(help="The bolt database file; it is not changed.")]
Bucket = Annotated[bytes, Argument(help="Name of a top-level bucket.", autocompletion=buckets)]
Subbuckets = Annotated[
    list[bytes],
    Argument(metavar="SUBBUCKET", help="Names of nested buckets, outermost first.", autocompletion=buckets),
]
BucketPath = Annotated[
    list[bytes],
    Argument(metavar="BUCKETS", help="Only this bucket: its path, outermost name first.", autocompletion=buckets),
]
PageIds = Annotated[list[str], Argument(metavar="PGID", help="Page ids.", autocompletion=pages)]

Nested = Annotated[
    bool, Option("--parse", help="With --json: nest values that are JSON instead of writing them as text.")
]
_JOBS = "number of processes for several files; 0 chooses automatically."
Jobs = Annotated[int, _number(help=_JOBS.capitalize())]
JobsApart = Annotated[int, _number("--jobs", help=f"With -o: {_JOBS}")]
Depth = Annotated[int, _number(help="Show buckets down to this many levels; 0: all.")]
Destination = Annotated[
    str,
    _result(
        help="Write the result to this file, which appears when it is complete. An existing file is an error"
        " (bbolt would merge into it, or fail half-way).",
        callback=check_output,
    ),
]
ChangedCopy = Annotated[str, _result(help="Write the changed copy to this file, which must not exist.")]
PageToClear = Annotated[
    int, Option("--pageId", "--page-id", help="The page to clear.", metavar="PGID", parser=parse_uint64)
]
WriteAnyway = Annotated[bool, Option("--force", help="Write the meta page even if its values are impossible.")]
Plain = Annotated[bool, Option("--no-descriptions", help="Complete without descriptions.")]
Human = Annotated[bool, Option("--human", "-H", help="Print sizes in KiB, MiB, ...; the default on a terminal.")]
HumanIfGiven = Annotated[bool, Option("--human", "-H", help="Print sizes in KiB, MiB, ...")]
Force = Annotated[bool, Option(help="Replace DEST if it exists.")]
NoSync = Annotated[bool, Option(help="Don't sync the result to the disk.")]
FillPercent = Annotated[int, _number(help="Fill pages up to this percentage, 10 to 100; compact needs --dense for it.")]
PageSize = Annotated[
    int, _number(help="Page size of the result, a power of two from 1024 to 65536; 0: the host's, as in bbolt.")
]
FormatName = Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"]
_FORMATS = "|".join(get_args(FormatName))
Format = Annotated[FormatName, Option("--format", "-f", help=f"How to write them: {_FORMATS}", metavar="FORMAT")]

Decode = Annotated[
    str,
    _name(
        help="Decode keys and values: auto (as the program that wrote the file encodes them, else a guess), the name of"
        " a program or format (json, msgpack, protobuf, gob, ...; see `boltcli help decode`), or off.",
    ),
]
Proto = Annotated[
    str,
    _name(
        help="Decode values with this compiled protobuf descriptor set.", metavar="DESCRIPTORS", autocompletion=inputs
    ),
]
Message = Annotated[str, _name(help="The message type of the values in --proto.")]

Prefix = Annotated[bytes, _key(help="Only keys that begin with this.")]
From = Annotated[bytes, _key("--from", help="Only keys at or after this one.")]
To = Annotated[bytes, _key(help="Only keys before this one.")]
Limit = Annotated[int, _filter(help="At most this many; 0: all.", metavar="N", parser=parse_count)]
Reverse = Annotated[bool, _filter(help="List from the last to the first.")]
Recursive = Annotated[
    bool,
    _filter(
        help="Include nested buckets; each key is preceded by its bucket path. --prefix, --from and --to apply to the"
        " outermost level only."
    ),
]
Grep = Annotated[
    str,
    _filter(
        help="Only those that match this regular expression (Python's, on bytes) anywhere; at any depth.",
        metavar="REGEX",
    ),
]


class Many:
    """Options of commands that take several files."""

    recursive: Annotated[bool, _many(help="Search folders for databases.")] = False
    files_from: Annotated[
        str,
        _many(
            help="Read the names of more files from this file, one a line; -: standard input.",
            metavar="LIST",
            autocompletion=inputs,
        ),
    ] = ""
    output: Annotated[
        str,
        _result(help="Write the results to this file: .ndjson, .json, .csv or .parquet.", rich_help_panel="Many files"),
    ] = ""
    force: Annotated[bool, _many(help="Replace DEST if it exists.")] = False
    resume: Annotated[
        str,
        _many(
            help="Skip files whose size, time and transaction are unchanged since these results of an earlier run.",
            metavar="RESULTS",
            autocompletion=inputs,
        ),
    ] = ""
    engine: Annotated[
        str,
        _many(
            help="Run on Dask: local:N (N processes) or dask://HOST:PORT; default: --jobs processes here.",
            metavar="ENGINE",
        ),
    ] = ""


class Common:
    """Options of all commands but those that print text for shells and people."""

    json: Annotated[bool, Option("--json", "-j", help="Write JSON: one document, or an object a line.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="Don't print progress, warnings and hints.")] = False
    color: Annotated[
        Literal["auto", "always", "never"],
        Option(help="Colours: auto (on a terminal), always or never.", metavar="WHEN", parser=parse_choice),
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


class Locking:
    """Options of commands that lock a file."""

    timeout: Annotated[
        str,
        _in_use(
            help="Wait this long for the lock: 2 (seconds), 500ms, 1m30s; 0: for ever.",
            metavar="DURATION",
            parser=parse_timeout,
            envvar="BOLTCLI_TIMEOUT",
        ),
    ] = "1s"
    lock: Annotated[
        Literal["auto", "wait", "try", "none"],
        _in_use(
            help="If the file is locked: auto (wait, then read without the lock), wait (wait, then fail), try (don't"
            " wait), none (ignore locks).",
            metavar="WAY",
            parser=parse_choice,
            envvar="BOLTCLI_LOCK",
        ),
    ] = "auto"
    no_lock: Annotated[bool, _in_use(help="The same as --lock none.")] = False


class Inside:
    """The option of commands that read the pages of a file."""

    offset: Annotated[
        int,
        _elsewhere(
            help="Open the database that begins at this byte of FILE, as if the file began there.",
            metavar="N",
            parser=parse_count,
        ),
    ] = 0


class Access:
    """More options of commands that open databases."""

    previous: Annotated[bool, _in_use(help="Read the state before the last transaction.")] = False
    max_unpacked: Annotated[
        int,
        _elsewhere(
            help="Largest size to which a packed file may unpack: 10GiB, 500M; default: 64 GiB, and 1000 times its own"
            " size.",
            metavar="SIZE",
            parser=parse_size,
        ),
    ] = 0
    read_timeout: Annotated[
        str,
        _elsewhere(
            help="End if a server (http://, https://) sends nothing for this long: 10 (seconds), 1m; 0: for ever.",
            metavar="DURATION",
            parser=parse_timeout,
            envvar="BOLTCLI_READ_TIMEOUT",
        ),
    ] = "30s"
    stats: Annotated[bool, _elsewhere(help="Report how much was read of a remote file (s3://, https://, ...).")] = False
