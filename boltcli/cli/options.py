"""Arguments and options that several commands share, as typer declares them: each has one meaning everywhere.

Commands name them in the annotations of their functions, which are text at run time: only ``make_table.py`` imports
this module, and with it typer.
"""

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


files, inputs, results, buckets, keys, pages, commands = map(
    _named, ("file", "input", "result", "bucket", "key", "page", "command")
)


def _option(help: str, *names: str, panel: str | None = None, **more: Any) -> Any:
    return Option(*names, help=help, rich_help_panel=panel, **more)


def argument(
    metavar: str | None, help: str, completes: Callable[[], None] | None = None, *, hidden: bool = False
) -> Any:
    """Declare a positional argument."""
    return Argument(metavar=metavar, help=help, autocompletion=completes, hidden=hidden)


def of_bucket(help: str) -> Any:
    """Declare a positional argument for a bucket, or for the names of its path."""
    return argument("BUCKET", help, buckets)


def switch(help: str, *names: str, hidden: bool = False) -> Any:
    """Declare an option without a value."""
    return Option(*names, help=help, hidden=hidden)


def text(help: str, metavar: str, *names: str, completes: Callable[[], None] | None = None) -> Any:
    """Declare an option whose value is text."""
    return Option(*names, help=help, metavar=metavar, autocompletion=completes)


def number(help: str, metavar: str = "N", parse: Callable[[str], Any] = parse_count, *names: str) -> Any:
    """Declare an option whose value is a number, or what else ``parse`` makes of text."""
    return Option(*names, help=help, metavar=metavar, parser=parse)


def choice(help: str, metavar: str, *names: str) -> Any:
    """Declare an option whose value is one of those that its type names."""
    return Option(*names, help=help, metavar=metavar, callback=check_choice)


def written_to(help: str) -> Any:
    """Declare the option for a file that is written."""
    return text(help, "DEST", "--output", "-o", completes=results)


_file = partial(argument, "FILE", completes=files)
_jobs = partial(_option, metavar="N", parser=parse_count)
_text = partial(_option, panel="Decoding", metavar="NAME")
_filter = partial(_option, panel="Which ones")
_key = partial(_filter, metavar="KEY")
_many = partial(_option, panel="Many files")
_in_use = partial(_option, panel="When another process is using the database")
_elsewhere = partial(_option, panel="When the file is packed, joined or remote")

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

Nested = Annotated[bool, _option("With --json: nest values that are JSON instead of writing them as text.", "--parse")]
_JOBS = "number of processes for several files; 0 chooses automatically."
Jobs = Annotated[int, _jobs(_JOBS.capitalize())]
JobsIfGiven = Annotated[int, _jobs(f"{_JOBS.capitalize()[:-1]}; default: 1.", "--jobs")]
JobsApart = Annotated[int, _jobs(f"With -o: {_JOBS}", "--jobs")]
Depth = Annotated[int, number("Show buckets down to this many levels; 0: all.")]
_result = partial(_option, metavar="DEST", autocompletion=results)
_WRITTEN = (
    "Write the result to this file, which appears when it is complete. An existing file is an error (bbolt would merge"
    " into it, or fail half-way)."
)
Destination = Annotated[str, _result(_WRITTEN, "--output", "-o", callback=check_output)]
ChangedCopy = Annotated[str, _result("Write the changed copy to this file, which must not exist.", "--output", "-o")]
PageToClear = Annotated[
    int, _option("The page to clear.", "--pageId", "--page-id", metavar="PGID", parser=parse_uint64)
]
WriteAnyway = Annotated[bool, _option("Write the meta page even if its values are impossible.", "--force")]
Plain = Annotated[bool, _option("Complete without descriptions.", "--no-descriptions")]
Human = Annotated[bool, _option("Print sizes in KiB, MiB, ...; the default on a terminal.", "--human", "-H")]
HumanIfGiven = Annotated[bool, _option("Print sizes in KiB, MiB, ...", "--human", "-H")]
Force = Annotated[bool, _option("Replace DEST if it exists.")]
NoSync = Annotated[bool, _option("Don't sync the result to the disk.")]
FillPercent = Annotated[int, number("Fill pages up to this percentage, 10 to 100; compact needs --dense for it.")]
PageSize = Annotated[
    int, number("Page size of the result, a power of two from 1024 to 65536; 0: the host's, as in bbolt.")
]
FormatName = Literal["auto", "ascii-encoded", "hex", "bytes", "redacted", "json", "base64", "u64", "time", "repr"]
_FORMATS = "|".join(get_args(FormatName))
Format = Annotated[FormatName, text(f"How to write them: {_FORMATS}", "FORMAT", "--format", "-f")]
PageFormat = Annotated[FormatName, text(f"How to write them: {_FORMATS}", "FORMAT", "--format-value", "--format", "-f")]
ValueFormat = Annotated[FormatName, text(f"How to write values: {_FORMATS}", "FORMAT", "--format", "-f")]
KeyFormat = Annotated[FormatName, text(f"How to write keys: {_FORMATS}", "FORMAT")]

_DECODED = (
    "Decode keys and values: auto (as the program that wrote the file encodes them, else a guess), the name of a"
    " program or format (json, msgpack, protobuf, gob, ...; see `boltcli help decode`), or off."
)
_SET = "Decode values with this compiled protobuf descriptor set."


class Decoding(Together):
    """How keys and values are decoded."""

    decode: Annotated[str, _text(_DECODED)] = "off"
    proto: Annotated[str, _text(_SET, metavar="DESCRIPTORS", autocompletion=inputs)] = ""
    message: Annotated[str, _text("The message type of the values in --proto.")] = ""


_NESTED = (
    "Include nested buckets; each key is preceded by its bucket path. --prefix, --from and --to apply to the outermost"
    " level only."
)
_MATCHING = "Only those that match this regular expression (Python's, on bytes) anywhere; at any depth."
Prefix = Annotated[bytes, _key("Only keys that begin with this.")]
From = Annotated[bytes, _key("Only keys at or after this one.", "--from")]
To = Annotated[bytes, _key("Only keys before this one.")]


class Filters(Together):
    """Which keys are listed."""

    prefix: Prefix = b""
    from_: From = b""
    to: To = b""
    limit: Annotated[int, _filter("At most this many; 0: all.", metavar="N", parser=parse_count)] = 0
    reverse: Annotated[bool, _filter("List from the last to the first.")] = False
    recursive: Annotated[bool, _filter(_NESTED)] = False
    grep: Annotated[str, _filter(_MATCHING, metavar="REGEX")] = ""


_LIST = "Read the names of more files from this file, one a line; -: standard input."
_RESULTS = "Write the results to this file: .ndjson, .json, .csv or .parquet."
_EARLIER = "Skip files whose size, time and transaction are unchanged since these results of an earlier run."
_ENGINE = "Run on Dask: local:N (N processes) or dask://HOST:PORT; default: --jobs processes here."


class Many:
    """Options of commands that take several files."""

    recursive: Annotated[bool, _many("Search folders for databases.")] = False
    files_from: Annotated[str, _many(_LIST, metavar="LIST", autocompletion=inputs)] = ""
    output: Annotated[str, _many(_RESULTS, "--output", "-o", metavar="DEST", autocompletion=results)] = ""
    force: Annotated[bool, _many("Replace DEST if it exists.")] = False
    resume: Annotated[str, _many(_EARLIER, metavar="RESULTS", autocompletion=inputs)] = ""
    engine: Annotated[str, _many(_ENGINE, metavar="ENGINE")] = ""


_STATUS = (
    "Exit status of failures: bbolt (always 1) or detailed (1 damaged, 2 unreadable, 3 locked, 4 not found, 64 usage)."
)
_COLOURS = "Colours: auto (on a terminal), always or never."


class Common:
    """Options of all commands but those that print text for shells and people."""

    json: Annotated[bool, _option("Write JSON: one document, or an object a line.", "--json", "-j")] = False
    quiet: Annotated[bool, _option("Don't print progress, warnings and hints.", "--quiet", "-q")] = False
    color: Annotated[Literal["auto", "always", "never"], _option(_COLOURS, metavar="WHEN", parser=parse_choice)] = (
        "auto"
    )
    exit_status: Annotated[
        Literal["bbolt", "detailed"],
        _option(_STATUS, metavar="KIND", parser=parse_choice, envvar="BOLTCLI_EXIT_STATUS"),
    ] = "bbolt"


_PATIENCE = "Wait this long for the lock: 2 (seconds), 500ms, 1m30s; 0: for ever."
_WAY = (
    "If the file is locked: auto (wait, then read without the lock), wait (wait, then fail), try (don't wait), none"
    " (ignore locks)."
)


class Locking:
    """Options of commands that lock a file."""

    timeout: Annotated[str, _in_use(_PATIENCE, metavar="DURATION", parser=parse_timeout, envvar="BOLTCLI_TIMEOUT")] = (
        "1s"
    )
    lock: Annotated[
        Literal["auto", "wait", "try", "none"],
        _in_use(_WAY, metavar="WAY", parser=parse_choice, envvar="BOLTCLI_LOCK"),
    ] = "auto"
    no_lock: Annotated[bool, _in_use("The same as --lock none.")] = False


_INSIDE = "Open the database that begins at this byte of FILE, as if the file began there."


class Inside:
    """The option of commands that read the pages of a file."""

    offset: Annotated[int, _elsewhere(_INSIDE, metavar="N", parser=parse_count)] = 0


_LARGEST = "Largest size to which a packed file may unpack: 10GiB, 500M; default: 64 GiB, and 1000 times its own size."
_SILENCE = "End if a server (http://, https://) sends nothing for this long: 10 (seconds), 1m; 0: for ever."


class Access:
    """More options of commands that open databases."""

    previous: Annotated[bool, _in_use("Read the state before the last transaction.")] = False
    max_unpacked: Annotated[int, _elsewhere(_LARGEST, metavar="SIZE", parser=parse_size)] = 0
    read_timeout: Annotated[
        str, _elsewhere(_SILENCE, metavar="DURATION", parser=parse_timeout, envvar="BOLTCLI_READ_TIMEOUT")
    ] = "30s"
    stats: Annotated[bool, _elsewhere("Report how much was read of a remote file (s3://, https://, ...).")] = False
