"""The cases: which invocations are compared for a database, and without one.

Adding a command means one function below DATABASE_CASES (what to run on a
database) and one entry in COMMANDS (how its arguments can be wrong).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.compat import raw_cases
from tests.compat.bbolt import Bucket, Database, argument, spread
from tests.compat.model import Case

FORMATS = ("auto", "ascii-encoded", "hex", "bytes", "redacted")
BAD_FORMATS = ("yaml", "", "HEX", "auto|hex", "%s%d", "h\nx")
LONG_KEY = 1024
"""Keys from this length on get few cases, as each repeats the key."""
LONG_CASES = 12
"""How many cases of a command may be that long: golden files are to stay small."""


class Effort(Enum):
    """How many cases a database is worth."""

    FULL = "full"
    REDUCED = "reduced"


@dataclass(frozen=True)
class Extent:
    """How far the matrix goes into a database."""

    buckets: int
    keys: int
    pages: int


EXTENT = {Effort.FULL: Extent(12, 8, 13), Effort.REDUCED: Extent(4, 3, 4)}

Maker = Callable[[Database, Effort], Iterable[Case]]


def database_cases(database: Database, effort: Effort = Effort.FULL) -> list[Case]:
    """List all cases for a database, each once, in a stable order."""
    cases: dict[Case, None] = {}
    for maker in DATABASE_CASES.values():
        made = list(dict.fromkeys(maker(database, effort)))
        long = [case for case in made if sum(map(len, case.argv)) > LONG_KEY]
        left_out = set(long) - set(spread(long, LONG_CASES))
        cases.update(dict.fromkeys(case for case in made if case not in left_out))
    return list(cases)


def group(case: Case) -> str:
    """Name the command a case is about, to report by."""
    heads = {name.split()[0] for name in COMMANDS}
    return next((word for word in case.argv if word in heads), "root")


def _case(*argv: str | bytes) -> Case:
    return Case(tuple(argument(word) if isinstance(word, bytes) else word for word in argv))


def _positional(words: Sequence[bytes]) -> tuple[bytes, ...]:
    """Guard words that would be read as flags."""
    return (b"--", *words) if any(word.startswith(b"-") for word in words) else tuple(words)


def _chosen(database: Database, effort: Effort) -> list[Bucket]:
    """Choose buckets from all over, the deepest among them for certain."""
    limit = EXTENT[effort].buckets
    buckets = database.buckets
    if len(buckets) <= limit:
        return list(buckets)
    deepest = max(buckets, key=lambda bucket: len(bucket.path))
    largest = max(buckets, key=lambda bucket: len(bucket.keys))
    chosen = {bucket.path: bucket for bucket in [deepest, largest, *spread(buckets, limit - 2)]}
    return list(chosen.values())


def _check(database: Database, effort: Effort) -> Iterator[Case]:
    yield _case("check", database.name)
    top = database.high_water
    pages = {*range(min(EXTENT[effort].pages, top)), top - 1, top, top + 1}
    if effort is Effort.FULL:
        pages |= {top - 2, top // 2, 1 << 40, (1 << 64) - 1}
    for page in sorted(page for page in pages if page >= 0):
        yield _case("check", "--from-page", str(page), database.name)
    if effort is Effort.FULL:
        yield _case("check", database.name, "--from-page=0x2")


def _buckets(database: Database, _effort: Effort) -> Iterator[Case]:
    yield _case("buckets", database.name)


def _info(database: Database, _effort: Effort) -> Iterator[Case]:
    yield _case("info", database.name)


def _stats(database: Database, effort: Effort) -> Iterator[Case]:
    yield _case("stats", database.name)
    roots = [bucket.path[0] for bucket in database.buckets if len(bucket.path) == 1]
    prefixes: dict[bytes, None] = {}
    for name in spread(roots, EXTENT[effort].buckets):
        prefixes.update(dict.fromkeys([name[:1], name, name + b"x"]))
    if effort is Effort.REDUCED:
        prefixes = dict.fromkeys(list(prefixes)[:3])
    for prefix in (*prefixes, b"", b"no such prefix", b"\xff"):
        yield _case("stats", *_positional([os.fsencode(database.name), prefix]))


def _keys(database: Database, effort: Effort) -> Iterator[Case]:
    name = os.fsencode(database.name)
    for number, bucket in enumerate(_chosen(database, effort)):
        words = _positional([name, *bucket.path])
        if effort is Effort.REDUCED:
            yield _case("keys", *words)
            yield _case("keys", "-f", FORMATS[1 + number % 4], *words)
        else:
            yield _case("keys", *words)
            yield from _key_formats(number, words)
        yield _case("keys", *_positional([name, *bucket.path, b"no such bucket"]))
        plain = [key for key in bucket.keys if key not in bucket.children and b"\0" not in key]
        for key in plain[:1]:
            yield _case("keys", *_positional([name, *bucket.path, key]))
        if len(words) > 1 + len(bucket.path):
            yield _case("keys", name, *bucket.path)
    yield _case("keys", name, b"no such bucket")
    yield _case("keys", name, b"")
    yield _case("keys", "--format", "yaml", name, b"no such bucket")


def _key_formats(number: int, words: Sequence[bytes]) -> Iterator[Case]:
    for mode in FORMATS:
        yield _case("keys", "--format", mode, *words)
    yield _case("keys", ("-f", "--format")[number % 2], BAD_FORMATS[number % len(BAD_FORMATS)], *words)
    spellings = (("-f", "hex"), ("--format=hex",), ("-fhex",), ("-f=hex",))
    yield _case("keys", *spellings[number % len(spellings)], *words)


def _get(database: Database, effort: Effort) -> Iterator[Case]:
    for number, bucket in enumerate(_chosen(database, effort)):
        yield from _get_in_bucket(os.fsencode(database.name), bucket, number, effort)
    name = os.fsencode(database.name)
    yield _case("get", name, b"no such bucket", b"key")
    yield _case("get", name, b"", b"key")
    yield _case("get", "--parse-format", "hex", name, b"no such bucket", b"zz")


def _get_in_bucket(name: bytes, bucket: Bucket, number: int, effort: Effort) -> Iterator[Case]:
    front = [name, *bucket.path]
    keys = spread([key for key in bucket.keys if key not in bucket.children], EXTENT[effort].keys)
    for index, key in enumerate(keys):
        thorough = effort is Effort.FULL and index in (0, len(keys) // 2, len(keys) - 1) and len(key) < LONG_KEY
        turn = FORMATS[(number + index) % len(FORMATS)]
        formats = FORMATS if thorough else ("auto", turn) if len(key) < LONG_KEY else (turn,)
        if b"\0" not in key:
            words = _positional([*front, key])
            yield _case("get", *words)
            for mode in formats[1:]:
                yield _case("get", "--format", mode, *words)
        hexed = _positional([*front, key.hex().encode()])
        yield _case("get", "--parse-format", "hex", *hexed)
        if len(key) < LONG_KEY and effort is Effort.FULL:
            yield _case("get", "--parse-format=hex", "--format=" + turn, *hexed)
    yield _case("get", *_positional([*front, b"no such key"]))
    yield _case("get", *_positional([*front, b""]))
    for child in sorted(bucket.children)[: EXTENT[effort].keys // 3]:
        yield _case("get", *_positional([*front, child]))
    if effort is Effort.FULL:
        yield from _get_failures(front, keys, number)


def _get_failures(front: Sequence[bytes], keys: Sequence[bytes], number: int) -> Iterator[Case]:
    missing = (b"\xff\xfe\x01", b'tab\tquote"back\\slash', "k\u00e9y\u2028\u200b\U0001f600".encode(), b"\x7f\r\n\x1b")
    yield _case("get", *_positional([*front, missing[number % len(missing)]]))
    for text in (b"00ff7f0a22", b"", b"abc", b"zz", b"0x41", b"a g", b"4G4")[: 7 if number < 2 else 2]:
        yield _case("get", "--parse-format", "hex", *_positional([*front, text]))
    if number > 1:
        return
    key = next((key for key in keys if b"\0" not in key and len(key) < LONG_KEY), b"no such key")
    for mode in BAD_FORMATS:
        yield _case("get", "--format", mode, *_positional([*front, key]))
        yield _case("get", "--parse-format", mode, *_positional([*front, key]))
    yield _case("get", "--format", "yaml", *_positional([*front, b"no such key"]))
    yield _case("get", "-f", "hex", *_positional([*front, key]))
    if len(key) < LONG_KEY:
        yield _case("get", "--parse-format", "hex", *_positional([*front, key.hex().upper().encode()]))


DATABASE_CASES: dict[str, Maker] = {
    "check": _check,
    "buckets": _buckets,
    "info": _info,
    "stats": _stats,
    "keys": _keys,
    "get": _get,
    **{
        maker.__name__: lambda database, effort, maker=maker: maker(database, effort is Effort.FULL)  # type: ignore[misc]
        for maker in (raw_cases.inspect, raw_cases.pages, raw_cases.page, raw_cases.dump, raw_cases.page_item)
    },
    "surgery": lambda database, effort: raw_cases.surgery(database, effort is Effort.FULL),
}

RAW = ("page", "page-item", "dump", "surgery")
"""Commands that read pages as they lie in the file."""


@dataclass(frozen=True)
class Flag:
    """A flag of a command, with a value it takes and some it refuses or not."""

    name: str
    good: str
    others: tuple[str, ...] = ()
    shorthand: str = ""


@dataclass(frozen=True)
class Command:
    """A command as far as its arguments can be wrong.

    good is a list of arguments that works; path_at says where the file is in
    it, and least and most how many arguments are taken (most None: any).
    required are the flags it cannot do without; brief ones are tried with fewer
    wrong paths and flags, as others that work alike are tried with all.
    """

    good: tuple[str, ...]
    least: int
    most: int | None
    flags: tuple[Flag, ...] = ()
    path_at: int = 0
    required: tuple[str, ...] = ()
    brief: bool = False


NUMBERS = (
    *("0", "1", "2", "3", "+2", "x", "-1", "", "0x2", "0X2", "0b1", "0B1", "0o2", "0O2", "010", "08", "1_000", "_1"),
    *("1_", "1__0", "0_2", "0x_2", "0x", "0b2", "0o8", "18446744073709551615", "18446744073709551616", "1e3"),
    *("99999999999999999999", "1.5", " 1", "1 ", "\t2", "true", "\u0662", "\u00b2", "2\n", "caf\u00e9", "\udcff", "--"),
    *("-", '"', "\\", "\u200b", "00", "0x10000000000000000", "-0", "0_", "1_2_3"),
)
MODES = (*FORMATS, *BAD_FORMATS, "--", "-x", "true")

SWITCHES = ("false", "1", "t", "F", "maybe", "", "yes", "0x1", "--")
SOME_NUMBERS = ("0", "1", "2", "0x3", "x", "-1", "", "18446744073709551616")
SIGNED = (
    "-1",
    "+1",
    "-0x1",
    "- 1",
    "1_0",
    "x",
    "",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
)
FIELDS = (
    *(
        "",
        "root",
        "root:1",
        "root:x",
        "x:1",
        "root:1:2",
        ":",
        "root:",
        ":1",
        "root:-1",
        "root:0x1",
        "Root:1",
        "root:1 ",
    ),
    *(
        "root:1,",
        ",",
        "root:1,pgid:2,freelist:3,pageSize:4",
        "root:1;pgid:2",
        "root:18446744073709551616",
        "\n",
        "\r\n",
    ),
    *(
        '"root:1"',
        '"root:1',
        'root:"1"',
        '"root:1"x',
        '"root:1","pgid:2"',
        '"ro""ot:1"',
        "root:1\npgid:2",
        "\n\nroot:1",
    ),
    *('"root:1\n', '"root\n:1"x', "caf\u00e9:1", '"caf\u00e9:1"x', "\udcff:1", "root:\u0661", "root:1,root:2", '""'),
)


def _surgery() -> dict[str, Command]:
    """The surgery commands; each run writes to a name of its own, which stands for {out}."""
    one = ("a.db",)
    output, page = ("--output", "{out}"), ("--pageId", "{leaf}")
    page_flag = Flag("pageId", "3", NUMBERS)
    return {
        "revert-meta-page": Command(one, 1, 1, (), 0, output),
        "copy-page": Command(
            one, 1, 1, (Flag("from-page", "3", SOME_NUMBERS), Flag("to-page", "3", SOME_NUMBERS)), 0,
            (*output, "--from-page", "2", "--to-page", "3"), brief=True,
        ),
        "clear-page": Command(one, 1, 1, (page_flag,), 0, (*output, *page)),
        "clear-page-elements": Command(
            one, 1, 1, (Flag("from-index", "0", SIGNED), Flag("to-index", "-1", SIGNED)), 0,
            (*output, *page, "--from-index", "0", "--to-index", "1"), brief=True,
        ),
        "freelist abandon": Command(one, 1, 1, (), 0, output, brief=True),
        "freelist rebuild": Command(("no-freelist.db",), 1, 1, (), 0, output),
        "meta validate": Command(one, 1, 1),
        "meta update": Command(
            one, 1, 1, (Flag("fields", "root:3", FIELDS), Flag("meta-page", "1", (*SOME_NUMBERS, "4294967296"))), 0,
            output, brief=True,
        ),
    }  # fmt: skip


COMMANDS: dict[str, Command] = {
    "check": Command(("a.db",), 1, 1, (Flag("from-page", "0", NUMBERS),)),
    "buckets": Command(("a.db",), 1, 1),
    "info": Command(("a.db",), 1, 1),
    "stats": Command(("a.db",), 1, 2),
    "keys": Command(("a.db", "{bucket}"), 2, None, (Flag("format", "hex", MODES, "f"),)),
    "get": Command(
        ("a.db", "{bucket}", "{key}"),
        3,
        None,
        (Flag("format", "hex", MODES), Flag("parse-format", "ascii-encoded", (*BAD_FORMATS, "--", "true"))),
    ),
    "inspect": Command(("a.db",), 1, 1, brief=True),
    "pages": Command(("a.db",), 1, 1),
    "page": Command(("a.db", "2"), 1, None, (Flag("all", "true", SWITCHES), Flag("format-value", "hex", MODES))),
    "page-item": Command(
        ("a.db", "{leaf}", "0"),
        3,
        3,
        (
            Flag("key-only", "true", SWITCHES),
            Flag("value-only", "true", ("false", "maybe")),
            Flag("format", "hex", MODES),
        ),
    ),
    "dump": Command(("a.db", "2"), 2, None),
    **{f"surgery {name}": command for name, command in _surgery().items()},
    "completion bash": Command((), 0, 0, (Flag("no-descriptions", "true", ("maybe",)),), brief=True),
}

ODD_FILES: dict[str, bytes] = {
    "empty": b"",
    "one": b"x",
    "text": b"This is not a database.\n" * 400,
    "short-text": b"This is not a database.\n",
    "zero-16": bytes(16),
    "zero-79": bytes(79),
    "zero-80": bytes(80),
    "zero-4095": bytes(4095),
    "zero-4096": bytes(4096),
    "zero-8191": bytes(8191),
    "zero-8192": bytes(8192),
    "zero-65536": bytes(65536),
    "ff-8192": b"\xff" * 8192,
}
MISSING = (
    *("missing.db", "", " ", "no/such/dir.db", "a.db/", "a.db/x", "text/x/y", "new\nline", "tab\t"),
    *('quote"', "back\\slash", "%s%d", "'"),
    *("caf\u00e9", "\u200b", "\u2028", "\u00a0", "\u00ad", "\ufeff", "\ufffd", "\U0001f600", "\U000e0001", "\u0378"),
    *("\udcff", "\udcc3", "caf\udcc3(", "\udced\udca0\udc80", "\x01\x07\x7f", "\x1b[0m", "\u0080", "$HOME", "~"),
    *("\r", "x" * 300, "loop", "dangling", "a.db\n", "\ue000", "\U0010ffff", "\u0301", "`"),
)


def make_argument_files(directory: Path, database: bytes) -> None:
    """Lay out the files the fixture-independent cases name."""
    (directory / "a.db").write_bytes(database)
    (directory / "no-freelist.db").write_bytes(raw_cases.without_freelist(database))
    for name, data in ODD_FILES.items():
        (directory / name).write_bytes(data)
    (directory / "dir").mkdir()
    (directory / "dir" / "b.db").write_bytes(database)
    (directory / "-dash.db").write_bytes(database)
    (directory / "caf\u00e9.db").write_bytes(database)
    (directory / "cut-4096").write_bytes(database[:4096])
    (directory / "cut-8192").write_bytes(database[:8192])
    (directory / "cut-100").write_bytes(database[:100])
    (directory / "cut-last-byte").write_bytes(database[:-1])
    (directory / "link.db").symlink_to("a.db")
    (directory / "dangling").symlink_to("nowhere")
    (directory / "loop").symlink_to("loop")


def argument_cases(bucket: str, key: str, leaf: str) -> list[Case]:
    """List the cases about arguments and files, each once, in a stable order.

    bucket, key and leaf (a page id) are such that the database written as a.db has.
    """
    meant = {"{bucket}": bucket, "{key}": key, "{leaf}": leaf}
    cases: dict[Case, None] = dict.fromkeys(_root_cases())
    for name, command in COMMANDS.items():
        cases.update(dict.fromkeys(_command_cases(name, command)))
    return [_completed(case, {**meant, "{out}": f"{number}.out"}) for number, case in enumerate(cases)]


def _completed(case: Case, meant: dict[str, str]) -> Case:
    """Write the words of a case out: the command's name in parts, and what stands for others."""
    name = case.argv[:1]
    parts = name[0].split() if name and name[0] in COMMANDS else name
    argv = (*parts, *(meant.get(word, word) for word in case.argv[1:]))
    outputs = (meant["{out}"],) if "{out}" in case.argv else ()
    return Case(argv, case.text_is_ours or name == ("completion bash",), outputs)


ROOT_HELP = (
    ("-h",),
    ("--help",),
    ("help",),
    ("--",),
    ("",),
    ("--help=true",),
    ("-h", "check"),
    ("--", "check", "a.db"),
)
UNKNOWN = (
    *("chek", "chec", "bucket", "key", "gett", "Check", "x", " ", "a b", 'q"'),
    *("caf\u00e9", "\u200b", "\udcff", "n\nl", "surger", "Surgery", "page-items", "benchmark"),
)
GROUPS = (
    *("surgery", "surgery nosuch", "surgery -h", "surgery meta", "surgery meta nosuch a.db", "surgery freelist --help"),
    *("surgery -- freelist", "surgery Freelist", "surgery version", "surgery meta -h=true", "completion"),
    *("surgery meta -- validate a.db --nosuch", "completion nosuch", "completion -h", "version", "version x", "-v"),
    *("completion bash", "completion zsh", "completion fish", "completion powershell", "help surgery", "help help"),
    *("help surgery freelist rebuild", "help surgery nosuch", "help -h", "help check extra", "help -- check"),
)
GROUP_MISTAKES = (
    *("surgery --nosuch", "surgery -x", "surgery --output x", "surgery --output=x meta", "surgery --output x freelist"),
    *("surgery freelist -x abandon a.db", "surgery -h=maybe", "-h surgery meta", "surgery meta validate surgery"),
    *("surgery meta --nosuch validate a.db", "surgery meta --nosuch=1 validate a.db", "surgery meta validate -- a.db"),
    *("help --nosuch", "help -x check", "help -h=maybe", "version --nosuch", "version -x", "completion -x"),
    *("completion fish x y", "completion zsh -- x", "completion zsh --nosuch"),
)
MISPLACED = (
    *("--format", "--format=hex", "--nosuch", "--nosuch=1", "-x", "-xyz", "-f", "-fhex", "--from-page"),
    *("---", "--=", "-=", "-", "--no\nl"),
)
NO_FLAGS = (
    *("--nosuch", "--nosuch=1", "-x", "-xyz", "-x=1", "---x", "--=x", "-="),
    *("--n\u00f6", "-\u00f6", "-\udcff", "--Format=hex"),
)


def _ours(*argv: str) -> Case:
    return Case(argv, text_is_ours=True)


def _root_cases() -> Iterator[Case]:
    yield _ours()
    yield from (_ours(*argv) for argv in ROOT_HELP)
    yield from (_ours("help", *name.split()) for name in COMMANDS)
    yield _ours("help", "nosuch")
    yield from (_ours(*line.split()) for line in GROUPS)
    yield from (_case(*line.split()) for line in GROUP_MISTAKES)
    yield _ours("help", "")
    yield _case("surgery", "", "meta", "validate", "a.db")
    yield _case("completion", "zsh", "")
    for word in UNKNOWN:
        yield _case(word)
    yield _case("x", "y")
    yield _case("x", "check", "a.db")
    for flag in MISPLACED:
        yield _case(flag) if flag != "-" else _ours(flag)
        yield _case(flag, "keys", "a.db", "b")
        yield _case(flag, "hex", "keys", "a.db", "b")
    yield _case("--from-page", "0", "check", "a.db")
    yield _case("--from-page=0", "check", "a.db")
    yield _case("check", "check", "a.db")
    yield _case("check", "-h=maybe")
    yield _case("--help=maybe")
    yield _case("-h=")


def _command_cases(name: str, command: Command) -> Iterator[Case]:
    words = (*command.good, *command.required)
    yield _case(name, *words)
    yield from _counts(name, command)
    yield from _paths(name, command)
    yield from _flag_mistakes(name, words, NO_FLAGS[:4] if command.brief else NO_FLAGS)
    yield from _without_required(name, command)
    for flag in command.flags:
        yield from _flag_cases(name, flag, words)


def _without_required(name: str, command: Command) -> Iterator[Case]:
    """Leave required flags out: all of them, each, all but each."""
    pairs = list(zip(command.required[::2], command.required[1::2], strict=True))
    for chosen in [[], *([pair] for pair in pairs), *([p for p in pairs if p != pair] for pair in pairs)]:
        if len(chosen) < len(pairs):
            yield _case(name, *command.good, *itertools.chain.from_iterable(chosen))
            yield _case(name, *itertools.chain.from_iterable(chosen))
            yield _case(name, "missing.db", *itertools.chain.from_iterable(chosen))
    if "--output" in command.required:
        others = [word for pair in pairs if pair[0] != "--output" for word in pair]
        for output in ("a.db", "no/out", "dir", ".", "a.db/x", "", "loop", 'quo"te/x', "\udcff/x"):
            yield _case(name, *command.good, *others, "--output", output)
            yield _case(name, "missing.db", *others, "--output", output)


def _counts(name: str, command: Command) -> Iterator[Case]:
    words = (*command.good, *command.required)
    for count in range(command.least):
        yield _case(name, *command.required, *command.good[:count])
        yield _case(name, *command.required, "--", *command.good[:count])
    for extra in ("x", "", "no such"):
        yield _case(name, *words, extra)
        yield _case(name, *words, extra, extra)
        yield _case(name, *words, extra, extra, "--", extra)
    if command.most is not None:
        yield _case(name, *(["missing.db"] * (command.most + 1)))


def _paths(name: str, command: Command) -> Iterator[Case]:
    if not command.good:
        return
    at, words = command.path_at, (*command.good, *command.required)
    good = ("./a.db", "dir/b.db", "dir/../a.db", "link.db", "caf\u00e9.db", "./-dash.db", ".//a.db")
    odd = ("dir", ".", "dir/", "cut-4096", "cut-8192", "cut-100", "cut-last-byte", "-dash.db", *ODD_FILES)
    for path in (*good[:2], *odd[:6], *MISSING[:6]) if command.brief else (*good, *odd, *MISSING):
        yield _case(name, *words[:at], path, *words[at + 1 :])
    yield _case(name, *command.required, "--", *command.good[:at], "-dash.db", *command.good[at + 1 :])


def _flag_mistakes(name: str, words: tuple[str, ...], flags: Sequence[str]) -> Iterator[Case]:
    for flag in flags:
        yield _case(name, flag, *words)
        yield _case(name, *words, flag)
    yield _case(name, "--", *words)
    yield _case(name, *words, "--")
    yield _case(name, *words[:1], "--", *words[1:])
    yield _case(name, "--", *words, "--nosuch")
    yield _case(name, "--", "--", *words)
    yield _case(name, "-", *words)
    for help_flag in ("-h", "--help", "-h=true", "--help=1", "--help=t"):
        yield _ours(name, help_flag)
        yield _ours(name, *words, help_flag)
    yield _case(name, *words, "--help=false")
    yield _case(name, *words, "-h=0")
    yield _case(name, *words, "--help=maybe")
    yield _case(name, *words, "--help=")
    yield _ours(name, "--nosuch", "-h")
    yield _ours(name, "-h", "--nosuch")
    yield _ours(name, "-hx")
    yield _ours(name, "-xh")


def _flag_cases(name: str, flag: Flag, words: tuple[str, ...]) -> Iterator[Case]:
    long = "--" + flag.name
    for value in (flag.good, *flag.others):
        yield _case(name, long, value, *words)
        yield _case(name, f"{long}={value}", *words)
        yield _case(name, *words, long, value)
    yield _case(name, *words, long)
    yield _case(name, long)
    yield _case(name, long, *words)
    yield _case(name, *words[:1], long, flag.good, *words[1:])
    yield _case(name, long + "=" + flag.good, "--", *words)
    yield _case(name, "--", long + "=" + flag.good, *words)
    yield _case(name, long[:-1], flag.good, *words)
    # One dash before a long flag, an error in bbolt 1.5, is what older scripts write: boltcli takes it.
    yield _case(name, "--no-" + flag.name, *words)
    yield _case(name, long + "=", *words)
    yield _case(name, long + "==" + flag.good, *words)
    for value in flag.others:
        yield _case(name, long, value, long, flag.good, *words)
        yield _case(name, long, flag.good, *words, f"{long}={value}")
    yield from _shorthand_cases(name, flag, words)


def _shorthand_cases(name: str, flag: Flag, words: tuple[str, ...]) -> Iterator[Case]:
    short = "-" + (flag.shorthand or flag.name[0])
    for value in (flag.good, *(flag.others if flag.shorthand else flag.others[:2])):
        yield _case(name, short, value, *words)
        yield _case(name, short + value, *words)
        yield _case(name, f"{short}={value}", *words)
    yield _case(name, *words, short)
    yield _case(name, short)
    yield _case(name, "-x" + short[1:], flag.good, *words)
    yield _case(name, short, flag.good, "--" + flag.name, "yaml", *words)
    yield _case(name, "--" + flag.name, "yaml", short, flag.good, *words)
