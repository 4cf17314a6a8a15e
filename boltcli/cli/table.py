"""The commands, declared once: the small parser and typer are both made from this table."""

from __future__ import annotations

from ..render.formats import FORMATS
from .declaration import FILTERS, Argument, Command, Group, Option
from .table_surgery import SURGERY, SURGERY_GROUPS
from .values import parse_int64, parse_name, parse_uint64

_FORMAT_HELP = "How to write them: " + "|".join(FORMATS)

_FILE = Argument("FILE", "file", "The bolt database file.")
_FILES = Argument("FILE", "file", "The bolt database file; with --json several, an object for each.")
_BUCKET = Argument("BUCKET", "bucket", "Name of a top-level bucket.")
_SUBBUCKET = Argument("SUBBUCKET", "bucket", "Names of nested buckets, from the outside in.", many=True, required=False)
_PGIDS = Argument("PGID", "text", "Page ids.", many=True, required=False)

_JOBS = Option(
    "jobs",
    "Processes for a large file, or for several files; 0: as many as pay.",
    default=0,
    metavar="N",
    parse=parse_uint64,
)
_DEPTH = Option(
    "depth",
    "Show buckets down to so many levels; 0: all.",
    default=0,
    metavar="N",
    parse=parse_uint64,
)
_OUTPUT = Option(
    "output",
    "Where the result goes. It appears there when it is complete; a file that is there already is an error"
    " (bbolt would merge into it, or fail half-way).",
    default="",
    metavar="DEST",
    short="o",
    required=True,
    kind="file",
)
_NO_SYNC = Option("no-sync", "Don't sync the result to the disk.", default=False)
_FORCE = Option("force", "Replace DEST if it is a file.", default=False)
_FILL = Option(
    "fill-percent",
    "How full pages may get, 10 to 100; of compact with --dense.",
    default=100,
    metavar="N",
    parse=parse_uint64,
)
_PAGE_SIZE = Option(
    "page-size",
    "Page size of the result, a power of two from 1024 to 65536; 0: the host's, as in bbolt.",
    default=0,
    metavar="N",
    parse=parse_uint64,
)

COMMANDS = (
    Command(
        "check",
        "Verify the integrity of a database.",
        arguments=(_FILES,),
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
        several=True,
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
            Option("format", _FORMAT_HELP, default="auto", metavar="FORMAT", short="f", choices=FORMATS),
            Option("skip-damaged", "Go on behind damaged pages; what is skipped goes to stderr.", default=False),
            _JOBS,
            *FILTERS,
        ),
        opens=True,
        example="boltcli keys fixtures/document.db execution",
    ),
    Command(
        "items",
        "List the keys of a bucket with their values.",
        arguments=(_FILE, _BUCKET, _SUBBUCKET),
        least=2,
        options=(
            Option(
                "format",
                "How to write values: " + "|".join(FORMATS),
                default="auto",
                metavar="FORMAT",
                short="f",
                choices=FORMATS,
            ),
            Option("key-format", "How to write keys; as --format.", default="auto", metavar="FORMAT", choices=FORMATS),
            Option("values-only", "Only the values.", default=False),
            *FILTERS,
        ),
        opens=True,
        example="boltcli items --prefix e-9 fixtures/document.db execution",
    ),
    Command(
        "get",
        "Print the value of a key.",
        arguments=(_FILE, _BUCKET, _SUBBUCKET, Argument("KEY", "key", "The key.")),
        least=3,
        options=(
            Option("format", _FORMAT_HELP, default="auto", metavar="FORMAT", choices=FORMATS),
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
            _FILES,
            Argument("PREFIX", "bucket", "Only buckets whose name begins so.", required=False),
        ),
        least=1,
        most=2,
        options=(
            _JOBS,
            Option("prefix", "Like PREFIX; with --json all arguments are files.", default="", metavar="PREFIX"),
        ),
        opens=True,
        several=True,
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
        "tree",
        "Show the tree of buckets with pairs, bytes, share of the file, depth and sequence.",
        arguments=(_FILE,),
        least=1,
        most=1,
        options=(
            _DEPTH,
            Option(
                "sort",
                "Order of the buckets inside of one: size|name|keys",
                default="name",
                metavar="ORDER",
                choices=("size", "name", "keys"),
            ),
        ),
        opens=True,
        example="boltcli tree fixtures/document.db",
    ),
    Command(
        "du",
        "Show where the bytes of the file are: by bucket, free, lost; and what compaction would give back.",
        arguments=(_FILES,),
        least=1,
        most=1,
        options=(_DEPTH, _JOBS),
        opens=True,
        several=True,
        example="boltcli du fixtures/document.db",
    ),
    Command(
        "info",
        "Print the page size.",
        arguments=(_FILES,),
        options=(_JOBS,),
        least=1,
        most=1,
        opens=True,
        several=True,
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
            _OUTPUT,
            Option(
                "tx-max-size",
                "Bytes of keys and values that one transaction writes, at most; 0: no limit.",
                default=65536,
                metavar="N",
                parse=parse_int64,
            ),
            _NO_SYNC,
            _FORCE,
            Option("dense", "Write the smallest copy: full pages, none of them free. bbolt can't.", default=False),
            _FILL,
            _PAGE_SIZE,
        ),
        opens=True,
        example="boltcli compact -o compact.db fixtures/many-free.db",
        group="Write",
    ),
    Command(
        "export",
        "Write all buckets and pairs as lines of JSON.",
        arguments=(_FILE,),
        least=1,
        most=1,
        options=(
            Option(
                "bucket",
                "Only this bucket; repeated: the bucket in that one.",
                default="",
                metavar="NAME",
                parse=parse_name,
                gathers=True,
                kind="bucket",
            ),
        ),
        opens=True,
        example="boltcli export --bucket execution fixtures/document.db",
        group="Write",
    ),
    Command(
        "import",
        "Make a database from what export writes; it is as small as it can be.",
        arguments=(Argument("SRC", "file", "Lines of JSON in key order; - is standard input."),),
        least=1,
        most=1,
        options=(_OUTPUT, _NO_SYNC, _FORCE, _FILL, _PAGE_SIZE),
        example="boltcli import -o store.db store.ndjson",
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
            Option("format-value", _FORMAT_HELP, default="auto", metavar="FORMAT", choices=FORMATS),
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
            Option("format", _FORMAT_HELP, default="auto", metavar="FORMAT", choices=FORMATS),
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
        json=False,
    ),
    *(
        Command(
            f"completion {shell}",
            f"Print what makes {shell} complete commands, options, bucket names and keys.",
            most=0,
            options=(Option("no-descriptions", "Complete without descriptions.", default=False),),
            example=f"boltcli completion {shell}",
            group="Help",
            json=False,
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
