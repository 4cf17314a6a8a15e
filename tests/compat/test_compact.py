"""``compact`` against bbolt's: the same file, byte for byte; and what bbolt thinks of dense copies.

BOLTCLI_SEED and BOLTCLI_RANDOM set the first seed and the number of the random databases.
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

import boltcli
from tests.compat import compacted, ordered
from tests.compat.goldens import FIXTURES
from tests.compat.live import Tools, build
from tests.compat.model import error_line, in_our_name
from tests.compat.test_live import BATCH, RANDOM, SEED, SHARED
from tests.ops.write.test_transactions import LEAVES, ROOT_PAGE
from tests.support import freelist, run, small

pytestmark = pytest.mark.compat

# Not the damaged ones: test_faults.py asks about these.
DATABASES = sorted(
    path
    for path in (*FIXTURES.glob("*.db"), *SHARED.rglob("*.db"), *SHARED.rglob("*.bolt"))
    if path.parent.name != "faults"
)


class _Tools(Tools):
    """With the builds whose order of buckets is settled."""

    def __init__(self, tools: Tools, directory: Path) -> None:
        super().__init__(tools.bbolt, tools.generator)
        bbolt, generator = ordered.build(directory)
        object.__setattr__(self, "ordered_bbolt", bbolt)
        object.__setattr__(self, "ordered_generator", generator)

    ordered_bbolt: Path
    ordered_generator: Path


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> _Tools:
    return _Tools(build(tmp_path_factory.mktemp("tools")), tmp_path_factory.mktemp("ordered"))


@pytest.fixture(scope="session")
def workers() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        yield pool


def _bbolt(program: Path, source: Path, copy: Path, tx_max_size: int) -> bytes:
    copy.unlink(missing_ok=True)
    done = subprocess.run(
        [program, "compact", "--no-sync", f"--tx-max-size={tx_max_size}", "-o", copy, source],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _ours(source: Path, copy: Path, tx_max_size: int) -> bytes:
    copy.unlink(missing_ok=True)
    status, out, err = run("compact", "--no-sync", f"--tx-max-size={tx_max_size}", "-o", copy, source)
    assert status == 0, err
    return out


def difference(program: Path, source: Path, folder: Path) -> str | None:
    """Compare the copies of a database for all transaction sizes."""
    theirs, ours = folder / f"{source.name}.bbolt", folder / f"{source.name}.boltcli"
    for tx_max_size in compacted.TX_MAX_SIZES:
        line = _bbolt(program, source, theirs, tx_max_size)
        if _ours(source, ours, tx_max_size) != line:
            return f"{source.name}: the line is another for --tx-max-size {tx_max_size}"
        if theirs.read_bytes() != ours.read_bytes():
            return f"{source.name}: another file for --tx-max-size {tx_max_size}"
        if theirs.stat().st_mode != ours.stat().st_mode:
            return f"{source.name}: other permissions"
    theirs.unlink()
    ours.unlink()
    return None


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.name)
def test_the_file_is_bbolts(path: Path, tools: _Tools, tmp_path: Path) -> None:
    # auger.db, say, has no readable freelist: compacting is how one gets rid of that.
    assert difference(tools.ordered_bbolt, path, tmp_path) is None


def test_what_is_committed_is_what_bbolt_writes(tools: _Tools) -> None:
    assert compacted.render(tools.ordered_generator) == compacted.COMPACTED.read_text()


def _batches() -> list[tuple[int, int]]:
    return [(SEED + done, min(BATCH, RANDOM - done)) for done in range(0, RANDOM, BATCH)]


@pytest.mark.parametrize(("seed", "count"), _batches(), ids=str)
def test_random_databases(seed: int, count: int, tools: _Tools, tmp_path: Path) -> None:
    """Repeat a failure with BOLTCLI_SEED=<number of the database> BOLTCLI_RANDOM=1."""
    command: list[str | Path] = [tools.generator, "random", "-seed", str(seed), "-count", str(count), "-o", tmp_path]
    subprocess.run(command, check=True)
    databases = sorted(tmp_path.glob("*.db"))
    assert len(databases) == count
    found = [text for database in databases if (text := difference(tools.ordered_bbolt, database, tmp_path))]
    assert not found


# Databases in which one bucket at most has pages of its own, or few do: the real bbolt gets to our file by chance.
FEW = ("empty", "one-bucket", "depth-4", "all-deleted", "large-branch", "many-free", "page-4096", "document", "values")
TRIES = 80


@pytest.mark.parametrize("name", FEW)
def test_the_unchanged_bbolt_writes_our_file(name: str, tools: _Tools, tmp_path: Path) -> None:
    source = FIXTURES / f"{name}.db"
    _ours(source, tmp_path / "ours", 65536)
    ours = (tmp_path / "ours").read_bytes()
    for _ in range(TRIES):
        _bbolt(tools.bbolt, source, tmp_path / "theirs", 65536)
        if (tmp_path / "theirs").read_bytes() == ours:
            return
    pytest.fail(f"bbolt wrote other files, {TRIES} times")


def _content(generator: Path, *paths: Path) -> list[bytes]:
    done = subprocess.run([generator, "content", *paths], capture_output=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("options", [{}, {"page_size": 1024}, {"page_size": 65536}, {"fill_percent": 10}], ids=str)
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.name)
def test_dense_copies(path: Path, options: dict[str, int], tools: _Tools, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = boltcli.compact(path, copy, dense=True, sync=False, **options)  # type: ignore[arg-type]
    assert copy.stat().st_size == done.size
    checked = subprocess.run([tools.bbolt, "check", copy], capture_output=True, check=False)
    assert checked.stdout == b"OK\n", checked.stderr
    if path.name != "auger.db":  # bbolt's own iterator is at a loss there
        before, after = _content(tools.generator, path, copy)
        assert before == after
        assert before.split()[1:] == f"{done.buckets} buckets {done.pairs} pairs".encode().split()


def test_dense_copies_of_random_databases(tools: _Tools, tmp_path: Path) -> None:
    command: list[str | Path] = [tools.generator, "random", "-seed", str(SEED + 1000), "-count", "60", "-o", tmp_path]
    subprocess.run(command, check=True)
    for path in sorted(tmp_path.glob("*.db")):
        copies = [tmp_path / "dense", tmp_path / "plain"]
        dense = boltcli.compact(path, copies[0], dense=True, sync=False)
        plain = boltcli.compact(path, copies[1], sync=False)
        assert dense.size <= plain.size
        assert len(set(_content(tools.generator, path, *copies))) == 1
        checked = subprocess.run([tools.bbolt, "check", copies[0]], capture_output=True, check=False)
        assert checked.stdout == b"OK\n"
        for copy in copies:
            copy.unlink()


def test_a_dense_copy_can_be_written_to(tools: _Tools, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    boltcli.compact(FIXTURES / "after-deletes.db", copy, dense=True)
    done = subprocess.run(
        [tools.bbolt, "surgery", "freelist", "rebuild", copy, "--output", tmp_path / "written.db"],
        capture_output=True, check=False,
    )  # fmt: skip
    # It opens the copy for writing; all that it says is that there is nothing to rebuild.
    assert b"already" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["compact"],
        ["compact", "a.db"],
        ["compact", "-o"],
        ["compact", "-o", "out.db"],
        ["compact", "--output", "out.db"],
        ["compact", "-o", "", "a.db"],
        ["compact", "--output=", "a.db"],
        ["compact", "-o", "out.db", "missing.db"],
        ["compact", "-o", "out.db", ""],
        ["compact", "-o", "no/such/folder/out.db", "a.db"],
        ["compact", "-o", "a.db/out.db", "a.db"],
        ["compact", "-o", "out.db", "text"],
        ["compact", "-o", "out.db", "zeros"],
        ["compact", "-o", "out.db", "folder"],
        ["compact", "a.db", "-o", "out.db"],
        ["compact", "a.db", "-oout.db"],
        ["compact", "a.db", "-o=out.db"],
        ["compact", "a.db", "extra", "-o", "out.db"],
        ["compact", "a.db", "missing.db", "--output", "out.db"],
        ["compact", "--", "a.db", "-o", "out.db"],
        ["compact", "-o", "out.db", "--", "a.db"],
        ["compact", "-o", "out.db", "a.db", "--no-sync"],
        ["compact", "-o", "out.db", "a.db", "--no-sync=false"],
        ["compact", "-o", "out.db", "a.db", "--no-sync=maybe"],
        ["compact", "-o", "out.db", "a.db", "--no-sync", "false"],
        ["compact", "-o", "out.db", "a.db", "--nosuch"],
        ["compact", "-o", "out.db", "a.db", "-x"],
        ["compact", "--tx-max-size", "-o", "out.db", "a.db"],
        *(
            ["compact", "-o", "out.db", "a.db", f"--tx-max-size={number}"]
            for number in (
                *("0", "1", "-1", "+1", "0x10", "010", "1_000", "x", "", "1.5", "--", "1e3", " 1"),
                *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "08"),
                *("-9223372036854775809", "0b101", "-0x8"),
            )
        ),
    ],
    ids=" ".join,
)  # fmt: skip
def test_arguments(argv: list[str], tools: _Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    for program in ("bbolt", "boltcli"):
        folder = tmp_path / program
        (folder / "folder").mkdir(parents=True)
        shutil.copy(FIXTURES / "one-bucket.db", folder / "a.db")
        (folder / "text").write_bytes(b"This is not a database.\n" * 400)
        (folder / "zeros").write_bytes(bytes(8192))
        monkeypatch.chdir(folder)
        if program == "bbolt":
            done = subprocess.run([tools.bbolt, *argv], capture_output=True, check=False)
            status, out, err = done.returncode, done.stdout, in_our_name(error_line(done.stderr))
        else:
            status, out, stderr = run(*argv)
            err = error_line(stderr)
        # bbolt leaves an empty database behind where it fails late; we leave nothing.
        made = (folder / "out.db").read_bytes() if status == 0 and (folder / "out.db").exists() else None
        outcomes.append((status, out, err, made))
        assert os.path.exists("a.db")
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("limit", [65536, 700, 0], ids=str)
@pytest.mark.parametrize("name", LEAVES)
def test_sources_that_are_not_sound(tools: _Tools, name: str, limit: int, tmp_path: Path) -> None:
    """Keys out of order, keys that are there twice, pages that are referenced twice: the file that bbolt writes."""
    source = tmp_path / "source.db"
    source.write_bytes(small(freelist(2), ROOT_PAGE, *LEAVES[name][0]))
    _bbolt(tools.ordered_bbolt, source, tmp_path / "theirs", limit)
    boltcli.compact(source, tmp_path / "ours", tx_max_size=limit, sync=False)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("seed", range(30))
def test_fixtures_whose_keys_were_changed(tools: _Tools, seed: int, tmp_path: Path) -> None:
    """One byte of a key is another one: the same file, or no file where bbolt writes none."""
    source = random.Random(seed)
    while True:
        path = source.choice(sorted(FIXTURES.glob("*.db")))
        content = bytearray(path.read_bytes())
        at = content.find(b"key", source.randrange(len(content)))
        if at >= 0:
            break
    content[at + source.randrange(3)] = source.choice(b"ajkz")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(content)
    done = subprocess.run(
        [tools.ordered_bbolt, "compact", "--no-sync", "-o", tmp_path / "theirs", damaged],
        capture_output=True, check=False,
    )  # fmt: skip
    status, _, _ = run("compact", "--no-sync", "-o", tmp_path / "ours", damaged)
    assert (status == 0) == (done.returncode == 0)
    if status == 0:
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
