"""SIGINT and SIGTERM end a command at once and without a word; what the system refuses is told of what it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import ROOT, fixture

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)

AT_IMPORT = """
import os, sys
count, number = int(sys.argv.pop(1)), int(sys.argv.pop(1))
def hook(event, arguments):
    global count
    if event == "import" and armed:
        count -= 1
        if count == 0:
            os.kill(os.getpid(), number)
armed = False
sys.addaudithook(hook)
from boltcli.__main__ import process
armed = True
process()
"""


def _run(script: str, *argv: str | Path | int) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-c", script, *map(str, argv)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60)


@pytest.mark.slow
@SIGNALS
def test_in_the_first_moments(number: int) -> None:
    """The signal comes while the first, the second, ... module is imported."""
    interrupted = 0
    for count in (*range(2, 14), *range(16, 60, 6)):
        done = _run(AT_IMPORT, count, number, "stats", fixture("document"))
        assert done.stderr == b"", count
        if done.returncode == 0:
            break
        assert (done.returncode, done.stdout) == (128 + number, b"")
        interrupted += 1
    assert interrupted > 12


@SIGNALS
def test_with_a_reader_that_does_not_read(number: int) -> None:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "boltcli", "page", "--all", str(fixture("values"))]
    with subprocess.Popen(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        os.read(reading, 1)  # it writes
        time.sleep(0.1)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=5) == 128 + number
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(reading)


@SIGNALS
def test_a_result_under_a_temporary_name_goes(number: int, tmp_path: Path) -> None:
    script = """
import os, sys
if hasattr(os, "O_TMPFILE"):
    del os.O_TMPFILE
number = int(sys.argv.pop(1))
os.fsync = lambda fd: (print(*os.listdir(os.path.dirname(sys.argv[3])), flush=True), os.kill(os.getpid(), number))
from boltcli.__main__ import process
process()
"""
    done = _run(script, number, "compact", "-o", tmp_path / "out.db", fixture("many-free"))
    assert done.stdout.startswith(b".boltcli-")
    assert (done.returncode, done.stderr) == (128 + number, b"")
    assert list(tmp_path.iterdir()) == []


def test_an_ignored_signal_stays_ignored() -> None:
    ignoring = f"import signal; signal.signal({int(signal.SIGINT)}, signal.SIG_IGN)\n"
    done = _run(ignoring + AT_IMPORT, 5, int(signal.SIGINT), "check", fixture("document"))
    assert (done.returncode, done.stdout) == (0, b"OK\n")


def test_no_more_descriptors_is_no_fault_of_stdout(tmp_path: Path) -> None:
    """What the system refused is told of the file that was to be opened."""
    script = """
import errno, os, sys
def refuse(*_):
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
os.dup = refuse
from boltcli.__main__ import process
process()
"""
    path = fixture("document")
    done = _run(script, "check", "--no-lock", path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"Error: open %b: too many open files\n" % os.fsencode(path)


def test_no_more_memory_is_an_error() -> None:
    script = """
import boltcli.ops.check.database_check as module
def refuse(*_, **__):
    raise MemoryError
module.check = refuse
from boltcli.__main__ import process
process()
"""
    done = _run(script, "check", fixture("document"))
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"Error: out of memory\n")
