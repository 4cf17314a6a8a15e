"""No worker outlives its command, however that ends, and no lock outlives it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from boltcli.ops.read.content import Pairs
from boltcli.ops.write.load import load
from tests.support import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

ENDINGS = ["KILL", "TERM", "INT", "closed pipe"]
# The commands that fork, by what each of them forks for.
COMMANDS = {
    "several": ["check", "--json", "--jobs", "3", "FILE", "FILE", "FILE", "FILE"],
    "verify": ["verify", "--jobs", "3", "FILE", "FILE", "FILE", "FILE"],
}
# What is slow on files of real size is made slow here.
SLOWLY = """
import sys, time
import boltcli.storage.snapshot as snapshot
which = sys.argv.pop(1)
snapshot.Snapshot.poll = lambda self: time.sleep(0.05)
from boltcli.__main__ import process
process()
"""


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of some thousand pages."""
    path = tmp_path_factory.mktemp("workers") / "large.db"
    keys = [b"%08d" % number + bytes(40) for number in range(100_000)]
    load([((b"b",), Pairs(keys, [b"v" * 40] * len(keys)))], str(path), page_size=1024, sync=False)
    return path


def _session(leader: int) -> list[int]:
    """The living processes of the session that ``leader`` began, but for it."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != leader:
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b") ")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != b"Z":
                found.append(int(name))
    return found


def _wait(condition: object, seconds: float = 10) -> bool:
    assert callable(condition)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.003)
    return False


def end_and_look(file: Path, which: str, ending: str, delay: float = 0.0) -> None:
    """Run a command until it has forked and ``delay`` seconds more, end it, and see what is left."""
    words = [{"FILE": str(file)}.get(word, word) for word in COMMANDS[which]]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, which, *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | {"BOLTCLI_KERNEL": "0"},  # which forks less
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
    )  # fmt: skip
    output: IO[bytes] | None = process.stdout
    assert output is not None
    try:
        assert _wait(lambda: _session(process.pid) or process.poll() is not None)
        assert process.poll() is None, "it did not fork"
        time.sleep(delay)
        if ending == "closed pipe":
            output.close()
            process.kill()  # nothing is written for long
        else:
            process.send_signal(getattr(signal, f"SIG{ending}"))
        process.wait(10)
        assert _wait(lambda: not _session(process.pid), 2), f"workers go on: {_session(process.pid)}"
    finally:
        output.close()
        process.kill()
        process.wait()
    with open(file, "rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("which", COMMANDS)
def test_nothing_outlives_its_command(file: Path, which: str, ending: str) -> None:
    end_and_look(file, which, ending)
