"""Comparing and following what the real bbolt writes (needs Go)."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boltcli.ops.compare.watch import Waiter, watch
from boltcli.storage.snapshot import Snapshot
from tests.compat import live
from tests.ops.compare.test_diff import changes
from tests.ops.compare.test_patch import patched
from tests.states import State
from tests.support import run

pytestmark = pytest.mark.compat

SEED = int(os.environ.get("BOLTCLI_SEED", "1"))
TRANSACTIONS = int(os.environ.get("BOLTCLI_TRANSACTIONS", "10000"))
"""How many transactions a watch sees."""


@pytest.fixture(scope="session")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The maker of databases. Without Go this is a failure, not a skip."""
    path = tmp_path_factory.mktemp("tools") / "generator"
    live.go_build(path, ".")
    return path


PAIRS = int(os.environ.get("BOLTCLI_PAIRS", "2500000"))
"""How many pairs the large file has: 600 MB."""


def test_two_copies_of_a_large_file_take_little_memory(generator: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    subprocess.run([generator, "bench", "-shape", "random", "-pairs", str(PAIRS), "-o", one], check=True)
    shutil.copy(one, other)
    subprocess.run([generator, "change", "-pairs", "10", other], check=True)
    program = Path(sys.executable).with_name("boltcli")
    done = subprocess.run([program, "diff", one, other], capture_output=True, check=False)
    assert (done.returncode, done.stdout.count(b"\n~ bench\t")) == (1, 9)
    # Memory of its own, not pages of the files that the system maps: the program's and ten bytes a page.
    most = "import resource, sys; resource.setrlimit(resource.RLIMIT_DATA, (100 << 20, 100 << 20)); "
    most += "from boltcli.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", most, "diff", one, other], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("page_size", [1024, 4096, 16384])
@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_chains_of_transactions(seed: int, page_size: int, generator: Path, tmp_path: Path) -> None:
    """Put, delete, buckets, sequences, overflow: between any two of the states, and with --previous."""
    count = 14
    subprocess.run(
        [generator, "chain", "-seed", str(seed), "-count", str(count), "-page-size", str(page_size), "-o", tmp_path],
        check=True,
    )
    files = sorted(tmp_path.glob("*.db"))
    states = [State.of(path) for path in files]
    assert len(files) == count
    found = 0
    for one, two in itertools.permutations(range(count), 2):
        if abs(one - two) > 3 and (one + two) % 3:
            continue
        leads = changes(files[one], files[two])
        assert State.of(files[one]).apply(leads) == states[two], f"seed {seed}: {one} to {two}"
        found += len(leads)
        if two - one == 2:
            result = patched(files[one], leads, tmp_path / "result")
            assert State.of(result) == states[two]
            assert run("check", result)[1] == b"OK\n"
            result.unlink()
    assert found > 1000
    for number in range(1, count):
        with Snapshot(str(files[number])) as now, Snapshot(str(files[number - 1])) as before:
            if now.meta.txid != before.meta.txid + 1:
                continue  # it was opened again, or rolled back
        status, out, err = run("diff", "--previous", files[number])
        assert status in (0, 1), err
        assert out == run("diff", files[number - 1], files[number])[1]


@pytest.mark.parametrize(
    ("options", "transactions"),
    [
        (["-keys", "60", "-pause", "500us"], TRANSACTIONS),
        (["-keys", "3000", "-rest", "20ms"], TRANSACTIONS),
        (["-keys", "400", "-page-size", "1024", "-no-freelist-sync"], TRANSACTIONS // 2),
    ],
    ids=["paced", "large", "without a pause"],
)
def test_watch_beside_a_writer(options: list[str], transactions: int, generator: Path, tmp_path: Path) -> None:
    path = tmp_path / "db"
    until = time.monotonic() + 240
    with subprocess.Popen(
        [generator, "writer", *options, "-o", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        state = State()
        looks = skipped = 0
        ended = False
        for commit in watch(str(path), Waiter(0.1), initial=True):
            looks += 1
            skipped += commit.skipped
            state.apply(commit.changes)
            # The writer puts the transaction's number into eight buckets: that nothing is torn shows there.
            number = b"%d" % commit.txid
            for bucket in range(8):
                assert state.pairs[(b"bucket-%d" % bucket,), b"counter"] == number
            if ended:
                break
            if commit.txid > transactions or time.monotonic() > until:
                writer.stdin.close()
                assert int(writer.stdout.readline()) > 0
                ended = True
                if state == State.of(path):
                    break
        assert commit.txid > transactions, f"only {commit.txid} transactions in the time"
        print(f"{commit.txid} transactions, {looks} looks, {skipped} skipped")
        assert looks > 5  # beside one that never pauses; a thousand times more beside the others
        assert state == State.of(path)
