"""Memory and time in proportion to the file: values that overlap, buckets that are nested as deep as can be."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from boltcli.format.meta import meta_page
from boltcli.ops.read.content import Pairs
from boltcli.ops.write.load import load
from boltcli.text.values import FORMATS
from tests.support import ROOT, fixture, freelist, page, pgid, small

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

MOST = 64 << 20  # bytes beyond the file's size, its largest value, and what the interpreter takes
STARTED = 24 << 20
# A program that runs boltcli and then writes the most memory that it had, in KiB, to the file that is named first.
MEASURED = """
import sys
report = sys.argv.pop(1)
from boltcli.__main__ import main
status = main()
with open("/proc/self/status") as file:
    peak = next(line.split()[1] for line in file if line.startswith("VmHWM"))
with open(report, "w") as file:
    file.write(peak)
sys.exit(status)
"""


def _peak(tmp_path: Path, *argv: str | Path) -> tuple[int, int]:
    """Run a command; returns the most memory that it had, in bytes, and the bytes that it wrote."""
    report = tmp_path / "report"
    command = [sys.executable, "-c", MEASURED, str(report), *map(str, argv)]
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode in ((0, 1) if argv[0] == "grep" else (int(argv[0] == "diff"),))
    assert done.stderr == b""
    return int(report.read_text()) << 10, (tmp_path / "out").stat().st_size


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaf of 3,000 pairs, the value of each of which reaches to the end of the page: 300 MB in 150 KB."""
    count, rest = 3000, 100_000
    size = 16 + 20 * count + rest
    pages = -(-size // 4096)
    table = b""
    for index in range(count):
        place = 16 * (count - index) + 4 * index
        table += struct.pack("<IIII", 0, place, 4, size - (16 + 16 * index + place + 4))
    keys = b"".join(b"%04d" % index for index in range(count))
    leaf = struct.pack("<QHHI", 4, 2, count, pages - 1) + table + keys + b"v" * rest
    path = tmp_path_factory.mktemp("overlapping") / "overlapping.db"
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    path.write_bytes(small(freelist(2), root, leaf.ljust(pages * 4096, b"\0"), hwm=4 + pages))
    return path


COMMANDS = {
    "items": ["items", "FILE", "b"],
    "items --json": ["items", "--json", "FILE", "b"],
    "items --reverse": ["items", "--reverse", "FILE", "b"],
    "page": ["page", "FILE", "4"],
    "page --json": ["page", "--json", "FILE", "4"],
    "du": ["du", "FILE"],
    "diff": ["diff", "--json", "FILE", "EMPTY"],
    "patch": ["patch", "-o", "OUT", "FILE", "/dev/null"],
    "compact": ["compact", "--no-sync", "-o", "OUT", "FILE"],
    "compact, one transaction": ["compact", "--no-sync", "--tx-max-size=0", "-o", "OUT", "FILE"],
    "compact --dense": ["compact", "--no-sync", "--dense", "-o", "OUT", "FILE"],
}


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_values_that_overlap(name: str, overlapping: Path, tmp_path: Path) -> None:
    words = {"FILE": str(overlapping), "OUT": str(tmp_path / "out.db"), "EMPTY": str(fixture("empty"))}
    peak, written = _peak(tmp_path, *[words.get(word, word) for word in COMMANDS[name]])
    assert peak < STARTED + MOST + 3 * overlapping.stat().st_size
    if name.split()[0] in ("items", "page", "diff"):
        assert written > 300_000_000 - 3000 * 20
    elif name != "du":
        assert (tmp_path / "out.db").stat().st_size > 300_000_000 - 3000 * 20
        (tmp_path / "out.db").unlink()
    (tmp_path / "out").unlink()


LARGE = 24 << 20  # bytes of a value


@pytest.fixture(scope="module", params=["bytes", "text"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one large value, of bytes or of text with all that JSON escapes; and it in other forms."""
    folder = tmp_path_factory.mktemp("large")
    value = Random(1).randbytes(LARGE) if request.param == "bytes" else (LARGE // 8) * 'ab"\\\n\u20ac'.encode()
    parts = [
        ((b"b",), Pairs([key], [content])) for key, content in ((b"a", b"small"), (b"big", value), (b"c", b"small"))
    ]
    path = folder / "large.db"
    load(parts, str(path), page_size=4096, sync=False)
    for form in ("ndjson", "sqlite", "parquet", "arrow"):
        command = [sys.executable, "-m", "boltcli", "export", "-o", str(folder / f"large.{form}"), str(path)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    for name, sides in (("add", (fixture("empty"), path)), ("remove", (path, fixture("empty")))):
        with open(folder / name, "wb") as out:
            subprocess.run([sys.executable, "-m", "boltcli", "diff", "--json", *sides], cwd=ROOT, stdout=out)
    return path


ONE_VALUE = {
    **{f"get {form}": f"get --format {form} FILE b big" for form in FORMATS if form not in ("u64", "time")},
    "get --json": "get --json FILE b big",
    "get --decode": "get --decode=auto FILE b big",
    "items": "items FILE b",
    "items --json": "items --json FILE b",
    "items --parse": "items --json --parse FILE b",
    "items --values-only": "items --values-only FILE b",
    "items --grep": "items --grep zzz FILE b",
    "items --decode": "items --json --decode=auto FILE b",
    "grep": "grep zzz FILE",
    "page": "page --all FILE",
    "page --json": "page --all --json FILE",
    "page-item": "page-item FILE 4 0",
    "export": "export FILE",
    "export to CSV": "export -f csv FILE",
    "export to SQLite": "export -o OUT.sqlite FILE",
    "import": "import -o OUT.db IN.ndjson",
    "import of SQLite": "import -o OUT.db IN.sqlite",
    "diff --values": "diff --values EMPTY FILE",
    "diff --json": "diff --json FILE EMPTY",
    "patch": "patch -o OUT.db EMPTY ADD",
    "patch that removes": "patch -o OUT.db FILE REMOVE",
    "compact": "compact --no-sync -o OUT.db FILE",
    "compact --dense": "compact --no-sync --dense -o OUT.db FILE",
    "redact": "redact -o OUT.db FILE",
    "recover": "recover -o OUT.db FILE",
    "deleted": "deleted FILE",
    "verify": "verify FILE",
    "check --deep": "check --deep FILE",
}
# What pyarrow and DuckDB take for themselves, in MB, and how many copies of the value: the guide says it.
LIBRARIES = {
    "export to Arrow": ("export -o OUT.arrow FILE", 100, 1),
    "export to Parquet": ("export -o OUT.parquet FILE", 100, 5),
    "import of Arrow": ("import -o OUT.db IN.arrow", 100, 1),
    "import of Parquet": ("import -o OUT.db IN.parquet", 100, 4),
    "sql": ("sql --json SELECT~*~FROM~pairs FILE", 200, 6),
}


@pytest.mark.sampled(10)
@pytest.mark.slow
@pytest.mark.parametrize("name", [*ONE_VALUE, *LIBRARIES])
def test_a_large_value(name: str, large: Path, tmp_path: Path) -> None:
    """No more than 64 MB beyond the size of the file and that of the value."""
    command, more, copies = LIBRARIES.get(name, (ONE_VALUE.get(name, ""), 0, 0))
    for word, path in (
        *(("FILE", large), ("EMPTY", fixture("empty")), ("OUT", tmp_path / "out"), ("IN", large.with_suffix(""))),
        *(("ADD", large.parent / "add"), ("REMOVE", large.parent / "remove")),
    ):
        command = re.sub(rf"\b{word}\b", str(path), command)
    peak, written = _peak(tmp_path, *[word.replace("~", " ") for word in command.split()])
    assert peak < MOST + large.stat().st_size + LARGE + (more << 20) + copies * LARGE
    if " -o " in command:
        written = sum(each.stat().st_size for each in tmp_path.iterdir())
    shown = (
        name.split()[0] not in ("grep", "deleted", "verify", "check")
        and "redacted" not in name
        and "Parquet" not in name
    )
    if shown and "--grep" not in name and name not in ("get --decode", "patch that removes"):
        assert written >= LARGE


def nested(path: Path, levels: int) -> Path:
    """A database of inline buckets in one another."""
    sizes = [32]
    for _ in range(levels - 1):
        sizes.append(49 + sizes[-1])
    value = bytearray()
    for level, size in enumerate(reversed(sizes)):
        last = level == levels - 1
        value += struct.pack("<QQ", 0, level) + struct.pack("<QHHI", 0, 2, not last, 0)
        if not last:
            value += struct.pack("<IIII", 1, 16, 1, size - 49) + b"k"
    leaf = struct.pack("<IIII", 1, 16, 1, len(value)) + b"k" + bytes(value)
    pages = -(-(16 + len(leaf)) // 4096)
    root = struct.pack("<QHHI", 3, 2, 1, pages - 1) + leaf
    metas = [meta_page(txid, page_size=4096, root=3, freelist=2, hwm=3 + pages).ljust(4096, b"\0") for txid in (0, 1)]
    path.write_bytes(b"".join(metas) + freelist(2) + root.ljust(pages * 4096, b"\0"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["du", "compact", "compact --dense"])
def test_a_thousand_levels(name: str, tmp_path: Path) -> None:
    source = nested(tmp_path / "nested.db", 1000)
    words = {"FILE": str(source), "OUT": str(tmp_path / "out.db")}
    peak, _ = _peak(tmp_path, *[words.get(word, word) for word in COMMANDS[name]])
    assert peak < STARTED + MOST // 2 + source.stat().st_size
    if name != "du":
        assert (tmp_path / "out.db").stat().st_size > 900 * 4096


@pytest.mark.slow
def test_an_export_of_deep_nesting_keeps_one_path(tmp_path: Path) -> None:
    source = nested(tmp_path / "nested.db", 1000)
    peak, written = _peak(tmp_path, "export", source)
    assert peak < STARTED + MOST
    assert written > 1000 * 1000 * 2
    with open(tmp_path / "out") as out:
        depths = [len(json.loads(line).get("bucket", ())) for line in out]
    assert depths == [*range(1, 1001), 0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diff", "patch", "inspect"])
def test_the_output_of_a_thousand_levels(name: str, tmp_path: Path) -> None:
    """Where the output is quadratic it streams."""
    commands = {**COMMANDS, "inspect": ["inspect", "FILE"]}
    source = nested(tmp_path / "nested.db", 1000)
    words = {"FILE": str(source), "OUT": str(tmp_path / "out.db"), "EMPTY": str(fixture("empty"))}
    peak, written = _peak(tmp_path, *[words.get(word, word) for word in commands[name]])
    assert peak < STARTED + MOST // 2
    if name != "patch":
        assert written > 1000 * 1000 * 2
    elif sys.platform == "linux":
        assert (tmp_path / "out.db").stat().st_size > 1000 * 4096
    (tmp_path / "out").unlink()
