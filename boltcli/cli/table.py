"""The commands, declared once: the small parser and typer are both made from this table."""

from __future__ import annotations

from .declaration import Argument, Command, Group, Option
from .table_surgery import SURGERY, SURGERY_GROUPS
from .values import parse_int64, parse_uint64

_FORMATS = ("auto", "ascii-encoded", "hex", "bytes", "redacted")
_FORMAT_HELP = "How to write them: " + "|".join(_FORMATS)

_FILE = Argument("FILE", "file", "The bolt database file.")
_BUCKET = Argument("BUCKET", "bucket", "Name of a top-level bucket.")
_SUBBUCKET = Argument("SUBBUCKET", "bucket", "Names of nested buckets, from the outside in.", many=True, required=False)
_PGIDS = Argument("PGID", "text", "Page ids.", many=True, required=False)

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
            Option("deep", "Look at every byte that bbolt's check passes over, too.", default=False),
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
            Option("skip-damaged", "Go on behind damaged pages; what is skipped goes to stderr.", default=False),
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
        "inspect",
        "Show the tree of buckets and how many pairs each holds, as JSON.",
        arguments=(_FILE,),
        least=1,
        most=1,
        opens=True,
        example="boltcli inspect fixtures/document.db",
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
                kind="file",
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
        "pages",
        "List all pages with their type and size.",
        arguments=(_FILE,),
        least=1,
        most=1,
        opens=True,
        example="boltcli pages fixtures/document.db",
        group="Pages",
    ),
    Command(
        "page",
        "Show what pages hold, element by element.",
        arguments=(_FILE, _PGIDS),
        least=1,
        options=(
            Option("all", "Show all pages.", default=False),
            Option("format-value", _FORMAT_HELP, default="auto", metavar="FORMAT", choices=_FORMATS),
        ),
        example="boltcli page fixtures/document.db 0",
        group="Pages",
    ),
    Command(
        "page-item",
        "Print the key and the value of one element of a leaf page.",
        arguments=(_FILE, Argument("PGID", "text", "Page id."), Argument("INDEX", "text", "Element, counted from 0.")),
        least=3,
        most=3,
        options=(
            Option("key-only", "Print only the key.", default=False),
            Option("value-only", "Print only the value.", default=False),
            Option("format", _FORMAT_HELP, default="auto", metavar="FORMAT", choices=_FORMATS),
        ),
        example="boltcli page-item --key-only fixtures/document.db 4 0",
        group="Pages",
    ),
    Command(
        "dump",
        "Print pages in hexadecimal.",
        arguments=(_FILE, Argument("PGID", "text", "Page ids.", many=True)),
        least=2,
        example="boltcli dump fixtures/document.db 0",
        group="Pages",
    ),
    *SURGERY,
    Command(
        "version",
        "Print the versions of boltcli and Python.",
        example="boltcli version",
        group="Help",
    ),
    Command(
        "help",
        "Show what a command does and takes.",
        arguments=(Argument("COMMAND", "command", "The command's name.", many=True, required=False),),
        example="boltcli help keys",
        group="Help",
    ),
    *(
        Command(
            f"completion {shell}",
            f"Print what makes {shell} complete commands, options, bucket names and keys.",
            most=0,
            options=(Option("no-descriptions", "Complete without descriptions.", default=False),),
            example=f"boltcli completion {shell}",
            group="Help",
        )
        for shell in ("bash", "zsh", "fish", "powershell")
    ),
)

GROUPS = (
    *SURGERY_GROUPS,
    Group("completion", "Print a shell's completion script.", example="boltcli completion bash", group="Help"),
)

BY_NAME = {command.name: command for command in (*COMMANDS, *GROUPS)}

# What bbolt has and boltcli refuses, and why.
LEFT_OUT = {
    "bench": "bench is left out: it measures bbolt's own writing and reading, which only bbolt can do; run bbolt bench",
}
