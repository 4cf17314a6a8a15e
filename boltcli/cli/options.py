"""Arguments and options that several commands share, as typer declares them: each has one meaning everywhere. Commands
name them in the annotations of their functions, which are text at run time: only ``make_table.py`` imports this module,
and with it typer."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, get_args

from typer import Argument, Option

from ..storage.snapshot import Snapshot
from .command import Together, check_choice, check_output
from .values import parse_choice, parse_count, parse_size, parse_timeout, parse_uint64


def _named(kind: str) -> Callable[[], None]:
    def completed() -> None:
        """Stands for what completes a value: only its name counts."""

    completed.__name__ = kind
    return completed


files, inputs, results, buckets, keys, pages, views, commands, topic_names = map(
    _named, ("file", "input", "result", "bucket", "key", "page", "view", "command", "topic")
)


def argument(metavar: str | None, help: str, completes: Callable[[], None] | None = None, **more: Any) -> Any:
    """Declare a positional argument."""
    return Argument(metavar=metavar, help=help, autocompletion=completes, **more)


def of_bucket(help: str) -> Any:
    """Declare a positional argument for a bucket, or for the names of its path."""
    return argument("BUCKET", help, buckets)


def switch(help: str, *names: str, **more: Any) -> Any:
    """Declare an option without a value."""
    return Option(*names, help=help, **more)


def text(help: str, metavar: str, *names: str, completes: Callable[[], None] | None = None, **more: Any) -> Any:
    """Declare an option whose value is text."""
    return Option(*names, help=help, metavar=metavar, autocompletion=completes, **more)


def number(help: str, metavar: str = "N", parse: Callable[[str], Any] = parse_count, *names: str, **more: Any) -> Any:
    """Declare an option whose value is a number, or what else ``parse`` makes of text."""
    return Option(*names, help=help, metavar=metavar, parser=parse, **more)


def choice(help: str, metavar: str, *names: str) -> Any:
    """Declare an option whose value is one of those that its type names."""
    return Option(*names, help=help, metavar=metavar, callback=check_choice)


def written_to(help: str, **more: Any) -> Any:
    """Declare the option for a file that is written."""
    return text(help, "DEST", "--output", "-o", completes=results, **more)


_file = partial(argument, "FILE", completes=files)
_DECODING = {"rich_help_panel": "Decoding"}
_WHICH = {"rich_help_panel": "Which ones"}
_MANY = {"rich_help_panel": "Many files"}
_IN_USE = {"rich_help_panel": "When another process is using the database"}
_ELSEWHERE = {"rich_help_panel": "When the file is packed, joined or remote"}

Database = Annotated[Snapshot, _file("The bolt database file.")]
Databases = Annotated[
    Snapshot, _file("The bolt database file; several give a table, or with --json an object for each.")
]
Path = Annotated[str, _file("The bolt database file.")]
UnchangedPath = Annotated[str, _file("The bolt database file; it is not changed.")]
Bucket = Annotated[bytes, argument(None, "Name of a top-level bucket.", buckets)]
Subbuckets = Annotated[list[bytes], argument("SUBBUCKET", "Names of nested buckets, outermost first.", buckets)]
BucketPath = Annotated[list[bytes], argument("BUCKETS", "Only this bucket: its path, outermost name first.", buckets)]
InBucket = Annotated[list[bytes], text("Only this bucket; repeat it for a nested one.", "NAME", completes=buckets)]
PageIds = Annotated[list[str], argument("PGID", "Page ids.", pages)]

Nested = Annotated[bool, switch("With --json: nest values that are JSON instead of writing them as text.", "--parse")]
_JOBS = "number of processes for several files; 0 chooses automatically."
Jobs = Annotated[int, number(_JOBS.capitalize())]
JobsIfGiven = Annotated[int, number(f"{_JOBS.capitalize()[:-1]}; default: 1.")]
JobsApart = Annotated[int, number(f"With -o: {_JOBS}")]
_NAGIOS = "Print one line, and exit with 0 OK, 1 WARNING, 2 CRITICAL or 3 UNKNOWN, as plugins of Nagios do."
Nagios = Annotated[bool, switch(_NAGIOS)]
Depth = Annotated[int, number("Show buckets down to this many levels; 0: all.")]
_WRITTEN = (
    "Write the result to this file, which appears when it is complete. An existing file is an error (bbolt would merge"
    " into it, or fail half-way)."
)
Destination = Annotated[str, written_to(_WRITTEN, callback=check_output)]
ChangedCopy = Annotated[str, written_to("Write the changed copy to this file, which must not exist.")]
PageToClear = Annotated[int, number("The page to clear.", "PGID", parse_uint64, "--pageId", "--page-id")]
WriteAnyway = Annotated[bool, switch("Write the meta page even if its values are impossible.", "--force")]
Plain = Annotated[bool, switch("Complete without descriptions.", "--no-descriptions")]
Human = Annotated[bool, switch("Print sizes in KiB, MiB, ...; the default on a terminal.", "--human", "-H")]
All = Annotated[bool, switch("Show everything on a terminal, also what is folded there.", "--all")]
HumanIfGiven = Annotated[bool, switch("Print sizes in KiB, MiB, ...", "--human", "-H")]
Force = Annotated[bool, switch("Replace DEST if it exists.")]
NoSync = Annotated[bool, switch("Don't sync the result to the disk.")]
FillPercent = Annotated[int, number("Fill pages up to this percentage, 10 to 100; compact needs --dense for it.")]
PageSize = Annotated[
    int, number("Page size of the result, a power of two from 1024 to 65536; 0: the host's, as in bbolt.")
]
FormatName = Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"]
_FORMATS = "|".join(get_args(FormatName))
_BOTH = f"How to print keys and values: {_FORMATS}"
Format = Annotated[FormatName, text(_BOTH, "FORMAT", "--format", "-f")]
PageFormat = Annotated[FormatName, text(_BOTH, "FORMAT", "--format-value", "--format", "-f")]
FormatOfKeys = Annotated[FormatName, text(f"How to print keys: {_FORMATS}", "FORMAT", "--format", "-f")]
ValueFormat = Annotated[FormatName, text(f"How to print values: {_FORMATS}", "FORMAT", "--format", "-f")]
KeyFormat = Annotated[FormatName, text(f"How to print keys: {_FORMATS}", "FORMAT")]

_DECODED = (
    "Decode keys and values: auto (as the program that wrote the file encodes them, else a guess), the name of a"
    " program or format (json, msgpack, protobuf, gob, ...; see `boltcli help decode`), or off."
)
_SET = "Decode values with this compiled protobuf descriptor set."


class Decoding(Together):
    """How keys and values are decoded."""

    decode: Annotated[str, text(_DECODED, "NAME", **_DECODING)] = "off"
    proto: Annotated[str, text(_SET, "DESCRIPTORS", completes=inputs, **_DECODING)] = ""
    message: Annotated[str, text("The message type of the values in --proto.", "NAME", **_DECODING)] = ""


_NESTED = (
    "Include nested buckets; each key is preceded by its bucket path. --prefix, --from and --to apply to the outermost"
    " level only."
)
_MATCHING = (
    "Only keys that match this regular expression (Python's, on bytes) anywhere, at any depth; items also searches"
    " values."
)
Prefix = Annotated[bytes, text("Only keys that begin with this.", "KEY", **_WHICH)]
From = Annotated[bytes, text("Only keys at or after this one.", "KEY", "--from", **_WHICH)]
To = Annotated[bytes, text("Only keys before this one.", "KEY", **_WHICH)]


class Filters(Together):
    """Which keys are listed."""

    prefix: Prefix = b""
    from_: From = b""
    to: To = b""
    limit: Annotated[int, number("List at most this many; 0: all.", **_WHICH)] = 0
    reverse: Annotated[bool, switch("List from the last to the first.", **_WHICH)] = False
    recursive: Annotated[bool, switch(_NESTED, **_WHICH)] = False
    grep: Annotated[str, text(_MATCHING, "REGEX", **_WHICH)] = ""


_LIST = "Read the names of more files from this file, one per line; - reads standard input."
_RESULTS = "Write the results to this file: .ndjson, .json, .csv or .parquet."
_EARLIER = "Skip files that have not changed (size, time, transaction) since these results of an earlier run."
_ENGINE = "Run on Dask: local:N (N processes) or dask://HOST:PORT; default: --jobs processes here."


class Many:
    """Options of commands that take several files."""

    recursive: Annotated[bool, switch("Search folders for databases.", **_MANY)] = False
    files_from: Annotated[str, text(_LIST, "LIST", completes=inputs, **_MANY)] = ""
    output: Annotated[str, written_to(_RESULTS, **_MANY)] = ""
    force: Annotated[bool, switch("Replace DEST if it exists.", **_MANY)] = False
    resume: Annotated[str, text(_EARLIER, "RESULTS", completes=inputs, **_MANY)] = ""
    engine: Annotated[str, text(_ENGINE, "ENGINE", **_MANY)] = ""


_STATUS = (
    "Exit status of failures: bbolt (always 1) or detailed (1 damaged, 2 unreadable, 3 locked, 4 not found, 64 usage)."
)
_Statuses = Literal["bbolt", "detailed"]
_Colours = Literal["auto", "always", "never"]
_COLOURS = "Colours: auto (on a terminal), always or never."


class Common:
    """Options of all commands but those that print text for shells and people."""

    json: Annotated[bool, switch("Write JSON: one document, or one object per line.", "--json", "-j")] = False
    quiet: Annotated[bool, switch("Don't print progress, warnings or hints.", "--quiet", "-q")] = False
    color: Annotated[_Colours, number(_COLOURS, "WHEN", parse_choice)] = "auto"
    exit_status: Annotated[_Statuses, number(_STATUS, "KIND", parse_choice, envvar="BOLTCLI_EXIT_STATUS")] = "bbolt"


_Ways = Literal["auto", "wait", "try", "none"]
_PATIENCE = "Wait this long for the lock: 2 (seconds), 500ms, 1m30s; 0 waits for ever."
_WAY = (
    "If the file is locked: auto (wait, then read without the lock), wait (wait, then fail), try (don't wait), none"
    " (ignore locks)."
)


class Locking:
    """Options of commands that lock a file."""

    timeout: Annotated[str, number(_PATIENCE, "DURATION", parse_timeout, envvar="BOLTCLI_TIMEOUT", **_IN_USE)] = "1s"
    lock: Annotated[_Ways, number(_WAY, "WAY", parse_choice, envvar="BOLTCLI_LOCK", **_IN_USE)] = "auto"
    no_lock: Annotated[bool, switch("The same as --lock none.", **_IN_USE)] = False


_INSIDE = "Open the database that begins at this byte of FILE, as if the file began there."


class Inside:
    """The option of commands that read the pages of a file."""

    offset: Annotated[int, number(_INSIDE, **_ELSEWHERE)] = 0


_LARGEST = (
    "Refuse a packed file that unpacks to more than SIZE: 10GiB, 500M; default: 64 GiB, and 1000 times its own size."
)
_TRAFFIC = "Report how much was read of a remote file (s3://, https://, ...)."
_SILENCE = "Fail if a server (http://, https://) sends nothing for this long: 10 (seconds), 1m; 0 waits for ever."


class Access:
    """More options of commands that open databases."""

    previous: Annotated[bool, switch("Read the state before the last transaction.", **_IN_USE)] = False
    max_unpacked: Annotated[int, number(_LARGEST, "SIZE", parse_size, **_ELSEWHERE)] = 0
    read_timeout: Annotated[
        str, number(_SILENCE, "DURATION", parse_timeout, envvar="BOLTCLI_READ_TIMEOUT", **_ELSEWHERE)
    ] = "30s"
    stats: Annotated[bool, switch(_TRAFFIC, **_ELSEWHERE)] = False
