"""Memory and time in proportion to the file: values that overlap, buckets that are nested a hundred thousand deep."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from boltcli.format.encode import meta_page
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
    assert (done.returncode, done.stderr) == (int(argv[0] == "diff"), b"")
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
    "export": ["export", "FILE"],
    "page": ["page", "FILE", "4"],
    "page --json": ["page", "--json", "FILE", "4"],
    "du": ["du", "FILE"],
    "diff": ["diff", "--json", "FILE", "EMPTY"],
    "patch": ["patch", "-o", "OUT", "FILE", "/dev/null"],
    "export to SQLite": ["export", "--format=sqlite", "-o", "OUT", "FILE"],
    "compact": ["compact", "--no-sync", "-o", "OUT", "FILE"],
    "compact, one transaction": ["compact", "--no-sync", "--tx-max-size=0", "-o", "OUT", "FILE"],
    "compact --dense": ["compact", "--no-sync", "--dense", "-o", "OUT", "FILE"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_values_that_overlap(name: str, overlapping: Path, tmp_path: Path) -> None:
    words = {"FILE": str(overlapping), "OUT": str(tmp_path / "out.db"), "EMPTY": str(fixture("empty"))}
    peak, written = _peak(tmp_path, *[words.get(word, word) for word in COMMANDS[name]])
    assert peak < STARTED + MOST + 3 * overlapping.stat().st_size
    if name.split()[0] in ("items", "export", "page", "diff") and "SQLite" not in name:
        assert written > 300_000_000 - 3000 * 20
    elif name != "du":
        assert (tmp_path / "out.db").stat().st_size > 300_000_000 - 3000 * 20
        (tmp_path / "out.db").unlink()
    (tmp_path / "out").unlink()


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


@pytest.mark.parametrize("name", ["du", "compact", "compact --dense"])
def test_thirty_thousand_levels(name: str, tmp_path: Path) -> None:
    source = nested(tmp_path / "nested.db", 30_000)
    words = {"FILE": str(source), "OUT": str(tmp_path / "out.db")}
    peak, _ = _peak(tmp_path, *[words.get(word, word) for word in COMMANDS[name]])
    assert peak < STARTED + MOST // 2 + source.stat().st_size
    if name != "du":
        assert (tmp_path / "out.db").stat().st_size > 30_000 * 4096 - (1 << 20)


def test_an_export_of_deep_nesting_keeps_one_path(tmp_path: Path) -> None:
    source = nested(tmp_path / "nested.db", 3000)
    peak, written = _peak(tmp_path, "export", source)
    assert peak < STARTED + MOST
    assert written > 3000 * 3000 * 2
    with open(tmp_path / "out") as out:
        depths = [len(json.loads(line).get("bucket", ())) for line in out]
    assert depths == [*range(1, 3001), 0]


@pytest.mark.parametrize("name", ["diff", "patch", "inspect"])
def test_three_thousand_levels(name: str, tmp_path: Path) -> None:
    """Where the output is quadratic it streams."""
    commands = {**COMMANDS, "inspect": ["inspect", "FILE"]}
    source = nested(tmp_path / "nested.db", 3000)
    words = {"FILE": str(source), "OUT": str(tmp_path / "out.db"), "EMPTY": str(fixture("empty"))}
    peak, written = _peak(tmp_path, *[words.get(word, word) for word in commands[name]])
    assert peak < STARTED + MOST // 2
    if name != "patch":
        assert written > 3000 * 3000 * 2
    elif sys.platform == "linux":
        assert (tmp_path / "out.db").stat().st_size > 3000 * 4096
    (tmp_path / "out").unlink()
