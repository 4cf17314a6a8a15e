"""boltcli against the real bbolt, built for the occasion.

These tests need Go and take minutes: plain runs leave them out (marker compat).
BOLTCLI_BBOLT names a bbolt to use instead of building one; BOLTCLI_SEED and
BOLTCLI_RANDOM set the first seed and the number of the random databases,
BOLTCLI_DAMAGES how many damaged copies of each file are tried.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from boltcli.text import golang, isprint
from tests.compat import bbolt, damaged, goldens, live
from tests.compat.damaged import Tally
from tests.compat.differences import report
from tests.compat.goldens import add_companion
from tests.compat.live import Comparison, Tools
from tests.compat.matrix import Effort
from tests.damage.mutations import sample

pytestmark = pytest.mark.compat

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SEED = int(os.environ.get("BOLTCLI_SEED", "1"))
RANDOM = int(os.environ.get("BOLTCLI_RANDOM", "300"))
BATCH = 50
DAMAGES = int(os.environ.get("BOLTCLI_DAMAGES", "12"))
"""How many damaged copies of each file are tried."""

SHARE = 20
"""How many of them a process gets at a time."""


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """Build both programs.  Without Go this is a failure, not a skip."""
    return live.build(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="session")
def workers() -> Iterator[ProcessPoolExecutor]:
    """Share the cores: boltcli runs in these processes, each with its own directory."""
    running = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    count = max(1, (os.cpu_count() or 2) // running)
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield pool


def _assert_same(result: Comparison) -> None:
    print(f"{result.compared} cases compared, {result.not_comparable} on which bbolt crashes")
    assert result.compared > 0
    if result.differences:
        pytest.fail(report(result.differences, result.compared + result.not_comparable), pytrace=False)


@pytest.mark.parametrize("name", goldens.fixture_names())
def test_golden_file_is_what_bbolt_answers(name: str, tools: Tools) -> None:
    difference = goldens.difference(tools.bbolt, name)
    if difference is not None:
        pytest.fail(difference, pytrace=False)


def _shared_files() -> list[Path | None]:
    """Not the damaged ones: test_faults.py asks about these."""
    found = (path for path in SHARED.rglob("*") if path.is_file() and path.suffix in (".db", ".bolt"))
    files = sorted(path for path in found if path.parent.name != "faults")
    return [*files] or [None]


def _shared_name(path: Path | None) -> str:
    return "absent" if path is None else str(path.relative_to(SHARED))


@pytest.mark.parametrize("path", _shared_files(), ids=_shared_name)
def test_shared_file(path: Path | None, tools: Tools, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("there is no ../shared/data here")
    copy = Path(shutil.copy(path, tmp_path / path.name))
    _assert_same(live.compare_database(tools.bbolt, copy, Effort.FULL))


def _batches() -> list[tuple[int, int]]:
    return [(SEED + done, min(BATCH, RANDOM - done)) for done in range(0, RANDOM, BATCH)]


@pytest.mark.parametrize(("seed", "count"), _batches(), ids=str)
def test_random_databases(seed: int, count: int, tools: Tools, workers: ProcessPoolExecutor, tmp_path: Path) -> None:
    """Repeat a failure with BOLTCLI_SEED=<number of the database> BOLTCLI_RANDOM=1."""
    print(f"BOLTCLI_SEED={seed} BOLTCLI_RANDOM={count}")
    _generate(tools, "random", "-seed", str(seed), "-count", str(count), "-o", str(tmp_path))
    databases = sorted(tmp_path.glob("*.db"))
    assert len(databases) == count
    running = [workers.submit(live.compare_database, tools.bbolt, database, Effort.REDUCED) for database in databases]
    total = Comparison()
    for future in running:
        total.add(future.result())
    _assert_same(total)


def test_freelist_with_more_pages_than_its_header_can_count(tools: Tools, tmp_path: Path) -> None:
    database = tmp_path / "freelist-huge.db"
    _generate(tools, "freelist-huge", "-o", str(database))
    _assert_same(live.compare_database(tools.bbolt, database, Effort.REDUCED))


@pytest.mark.parametrize("name", [name for name in goldens.fixture_names() if name != goldens.ARGUMENTS])
def test_damaged_fixture_does_not_break_boltcli(
    name: str, tools: Tools, workers: ProcessPoolExecutor, tmp_path: Path
) -> None:
    _compare_damaged(goldens.lay_out(name, tmp_path), tools, workers)


@pytest.mark.parametrize("path", _shared_files(), ids=_shared_name)
def test_damaged_shared_file(path: Path | None, tools: Tools, workers: ProcessPoolExecutor, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("there is no ../shared/data here")
    _compare_damaged(Path(shutil.copy(path, tmp_path / path.name)), tools, workers)


def _compare_damaged(database: Path, tools: Tools, workers: ProcessPoolExecutor) -> None:
    """Compare with bbolt on damaged copies of a database; the counts go to BOLTCLI_TALLY, if that names a file."""
    add_companion(database)
    known = bbolt.discover(tools.bbolt, database.parent, database.name, bbolt.CURSORY)
    sound = database.read_bytes()
    chosen = list(enumerate(sample(sound, DAMAGES, f"{database.name} {SEED}")))
    running = []
    for start in range(0, len(chosen), SHARE):
        folder = database.parent / str(start)
        folder.mkdir()
        part = chosen[start : start + SHARE]
        running.append(workers.submit(damaged.survive, tools.bbolt, folder, known, sound, part))
    total = Tally()
    for future in running:
        total.add(future.result())
    print(total)
    if "BOLTCLI_TALLY" in os.environ:
        with open(os.environ["BOLTCLI_TALLY"], "a") as file:
            file.write(f"{database.name} {total}\n")
    assert sum(total.check.values()) == len(chosen)
    if total.differences:
        pytest.fail(report(total.differences, len(chosen) * (1 + damaged.OTHERS)), pytrace=False)


def _generate(tools: Tools, *arguments: str) -> None:
    done = subprocess.run([tools.generator, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_printable_characters_are_those_of_go(tools: Tools) -> None:
    """Every code point: what Go calls printable decides between text and hex in `keys` and `get`."""
    done = subprocess.run([tools.generator, "printable"], capture_output=True, check=True, text=True)
    version, *ranges = done.stdout.split()
    assert version == isprint.UNICODE_VERSION
    theirs: set[int] = set()
    for span in ranges:
        first, last = (int(end, 16) for end in span.split("-"))
        theirs.update(range(first, last + 1))
    assert {code for code in range(0x110000) if golang.is_print(chr(code))} == theirs


def test_quoting_is_that_of_go(tools: Tools) -> None:
    """`%q` of short strings that mix letters, controls, broken UTF-8 and characters from all planes."""
    source = random.Random(SEED)
    pieces = [bytes([byte]) for byte in range(256)]
    pieces += [chr(source.randrange(0xD800)).encode() for _ in range(2000)]
    pieces += [chr(source.randrange(0xE000, 0x110000)).encode() for _ in range(2000)]
    items = pieces + [b"".join(source.choices(pieces, k=source.randrange(6))) for _ in range(5000)]
    asked = "".join(item.hex() + "\n" for item in items)
    done = subprocess.run([tools.generator, "quote"], input=asked.encode(), capture_output=True, check=True)
    assert [golang.quote(item) for item in items] == done.stdout.split(b"\n")[:-1]
