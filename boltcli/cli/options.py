"""Options and arguments that several commands share: each has one name, one letter and one meaning everywhere."""

from __future__ import annotations

from .option import Argument, Option
from .values import (
    COLORS,
    EXIT_STATUSES,
    FORMATS,
    LOCK_WAYS,
    parse_color,
    parse_count,
    parse_exit_status,
    parse_lock,
    parse_size,
    parse_timeout,
)

FILE = Argument("FILE", "file", "The bolt database file.")
FILES = Argument("FILE", "file", "The bolt database file; several give a table, or with --json an object for each.")
BUCKET = Argument("BUCKET", "bucket", "Name of a top-level bucket.")
SUBBUCKET = Argument("SUBBUCKET", "bucket", "Names of nested buckets, outermost first.", many=True, required=False)
PATH = Argument("BUCKETS", "bucket", "Only this bucket: its path, outermost name first.", many=True, required=False)
PGIDS = Argument("PGID", "page", "Page ids.", many=True, required=False)

JSON = Option("json", "Write JSON: one document, or an object a line.", short="j", default=False, common=True)

QUIET = Option("quiet", "Don't print progress, warnings and hints.", short="q", default=False, common=True)

EXIT_STATUS = Option(
    "exit-status",
    "Exit status of failures: bbolt (always 1) or detailed (1 damaged, 2 unreadable, 3 locked, 4 not found, 64 usage).",
    default="bbolt", metavar="KIND", parse=parse_exit_status, choices=EXIT_STATUSES, environment="BOLTCLI_EXIT_STATUS",
    common=True,
)  # fmt: skip

COLOR = Option(
    "color", "Colours: auto (on a terminal), always or never.", default="auto", metavar="WHEN", parse=parse_color,
    choices=COLORS, common=True,
)  # fmt: skip

PARSE = Option("parse", "With --json: nest values that are JSON instead of writing them as text.", default=False)

JOBS = Option(
    "jobs",
    "Number of processes for several files; 0 chooses automatically.",
    default=0, metavar="N", parse=parse_count,
)  # fmt: skip
JOBS_APART = Option(
    "jobs",
    "With -o: number of processes for several files; 0 chooses automatically.",
    default=0, metavar="N", parse=parse_count,
)  # fmt: skip
DEPTH = Option("depth", "Show buckets down to this many levels; 0: all.", default=0, metavar="N", parse=parse_count)
OUTPUT = Option(
    "output",
    "Write the result to this file, which appears when it is complete. An existing file is an error"
    " (bbolt would merge into it, or fail half-way).",
    default="", metavar="DEST", short="o", required=True, kind="file",
)  # fmt: skip
HUMAN = Option("human", "Print sizes in KiB, MiB, ...; the default on a terminal.", short="H", default=False)
HUMAN_ONLY_IF_GIVEN = Option("human", "Print sizes in KiB, MiB, ...", short="H", default=False)
FORCE = Option("force", "Replace DEST if it exists.", default=False)
NO_SYNC = Option("no-sync", "Don't sync the result to the disk.", default=False)
FILL_PERCENT = Option(
    "fill-percent",
    "Fill pages up to this percentage, 10 to 100; compact needs --dense for it.",
    default=100, metavar="N", parse=parse_count,
)  # fmt: skip
PAGE_SIZE = Option(
    "page-size",
    "Page size of the result, a power of two from 1024 to 65536; 0: the host's, as in bbolt.",
    default=0, metavar="N", parse=parse_count,
)  # fmt: skip


def format_option(
    help: str = "How to write them", *, name: str = "format", short: str = "", aliases: tuple[str, ...] = ()
) -> Option:
    """Return ``--format`` or a similar option: a choice of formats for keys and values."""
    return Option(
        name, f"{help}: {'|'.join(FORMATS)}", default="auto", metavar="FORMAT", short=short, choices=FORMATS,
        aliases=aliases,
    )  # fmt: skip


_ELSEWHERE = "When the file is packed, joined or remote"
READ_TIMEOUT = Option(
    "read-timeout", "End if a server (http://, https://) sends nothing for this long: 10 (seconds), 1m; 0: for ever.",
    default="30s", metavar="DURATION", parse=parse_timeout, environment="BOLTCLI_READ_TIMEOUT", panel=_ELSEWHERE,
    common=True,
)  # fmt: skip
OFFSET = Option(
    "offset", "Open the database that begins at this byte of FILE, as if the file began there.",
    default=0, metavar="N", parse=parse_count, panel=_ELSEWHERE, common=True,
)  # fmt: skip
_IN_USE = "When another process is using the database"
LOCKING = (
    Option(
        "timeout",
        "Wait this long for the lock: 2 (seconds), 500ms, 1m30s; 0: for ever.",
        default="1s", metavar="DURATION", parse=parse_timeout, environment="BOLTCLI_TIMEOUT", panel=_IN_USE,
        common=True,
    ),
    Option(
        "lock",
        "If the file is locked: auto (wait, then read without the lock), wait (wait, then fail), try (don't wait), "
        "none (ignore locks).",
        default="auto", metavar="WAY", parse=parse_lock, choices=LOCK_WAYS, environment="BOLTCLI_LOCK", panel=_IN_USE,
        common=True,
    ),
    Option("no-lock", "The same as --lock none.", default=False, panel=_IN_USE, common=True),
    OFFSET,
)  # fmt: skip
ACCESS = (
    *LOCKING,
    Option("previous", "Read the state before the last transaction.", default=False, panel=_IN_USE, common=True),
    Option(
        "max-unpacked",
        "Largest size to which a packed file may unpack: 10GiB, 500M; default: 64 GiB, and 1000 times its own size.",
        default=0, metavar="SIZE", parse=parse_size, panel=_ELSEWHERE, common=True,
    ),
    READ_TIMEOUT,
    Option(
        "stats", "Report how much was read of a remote file (s3://, https://, ...).",
        default=False, panel=_ELSEWHERE, common=True,
    ),
)  # fmt: skip

_MANY = "Many files"
MANY = (
    Option("recursive", "Search folders for databases.", default=False, panel=_MANY, common=True),
    Option(
        "files-from", "Read the names of more files from this file, one a line; -: standard input.",
        default="", metavar="LIST", kind="file", panel=_MANY, common=True,
    ),
    Option(
        "output", "Write the results to this file: .ndjson, .json, .csv or .parquet.",
        default="", metavar="DEST", short="o", kind="file", panel=_MANY, common=True,
    ),
    Option("force", "Replace DEST if it exists.", default=False, panel=_MANY, common=True),
    Option(
        "resume", "Skip files whose size, time and transaction are unchanged since these results of an earlier run.",
        default="", metavar="RESULTS", kind="file", panel=_MANY, common=True,
    ),
    Option(
        "engine", "Run on Dask: local:N (N processes) or dask://HOST:PORT; default: --jobs processes here.",
        default="", metavar="ENGINE", panel=_MANY, common=True,
    ),
)  # fmt: skip

SELECTING = tuple(option.name for option in MANY if option.name != "force")  # --force alone means nothing

_FILTERS = "Which ones"
FILTERS = (
    Option("prefix", "Only keys that begin with this.", default="", metavar="KEY", panel=_FILTERS),
    Option("from", "Only keys at or after this one.", default="", metavar="KEY", panel=_FILTERS),
    Option("to", "Only keys before this one.", default="", metavar="KEY", panel=_FILTERS),
    Option("limit", "At most this many; 0: all.", default=0, metavar="N", parse=parse_count, panel=_FILTERS),
    Option("reverse", "List from the last to the first.", default=False, panel=_FILTERS),
    Option(
        "recursive",
        "Include nested buckets; each key is preceded by its bucket path. --prefix, --from and --to apply to the"
        " outermost level only.",
        default=False, panel=_FILTERS,
    ),
    Option(
        "grep",
        "Only those that match this regular expression (Python's, on bytes) anywhere; at any depth.",
        default="", metavar="REGEX", panel=_FILTERS,
    ),
)  # fmt: skip
