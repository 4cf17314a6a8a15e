"""SIGINT and SIGTERM end a command at once and without a word; what the system refuses is told of what it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import ROOT, fixture, freelist, page, pgid, small

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


NO_MEMORY = (
    "MemoryError",
    "ImportError('libarrow.so: failed to map segment from shared object')",
    "SystemError('error return without exception set')",
    'RuntimeError("can\'t start new thread")',
    "type('OutOfMemoryException', (Exception,), {})('Out of Memory Error: Allocation failure')",  # DuckDB's
)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", NO_MEMORY)
@pytest.mark.parametrize("words", [(), ("--json",), ("--json", "--jobs=2")])
def test_no_more_memory_is_an_error(trouble: str, words: tuple[str, ...]) -> None:
    script = f"""
import boltcli.ops.check.database_check as module
def refuse(*_, **__):
    raise {trouble}
module.check = refuse
from boltcli.__main__ import process
process()
"""
    done = _run(script, "check", *words, fixture("document"))
    assert done.returncode == 1
    if words:
        assert b'"message":"out of memory"' in done.stderr
        assert done.stderr.count(b"\n") == 1
    else:
        assert (done.stdout, done.stderr) == (b"", b"Error: out of memory\n")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_no_memory_for_the_report_either(words: tuple[str, ...]) -> None:
    script = """
import boltcli.cli.app as app
def refuse(*_, **__):
    raise MemoryError
app._Failure.report = app.run_command = refuse
from boltcli.__main__ import process
process()
"""
    done = _run(script, "diff", *words, fixture("document"), fixture("document"))
    assert done.returncode == 2
    if words:
        assert json.loads(done.stderr)["message"] == "out of memory"
    else:
        assert done.stderr == b"Error: out of memory\n"


def test_no_memory_for_the_modules() -> None:
    script = """
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name == "boltcli.cli.app":
            raise MemoryError
sys.meta_path.insert(0, Refuse())
from boltcli.__main__ import process
process()
"""
    done = _run(script, "version")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"Error: out of memory\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
@pytest.mark.parametrize("limit", [60 << 20, 90 << 20, 130 << 20])
def test_under_a_limit_no_command_ends_in_a_traceback(limit: int, tmp_path: Path) -> None:
    value = b"v" * (70 << 20)
    leaf = page(4, 2, [(b"key", value)], overflow=len(value) // 4096 + 1)
    path = tmp_path / "large.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"bucket", pgid(4) + bytes(8), b"\1")]), leaf))
    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
from boltcli.__main__ import process
process()
"""
    for words in (("get", path, "bucket", "key"), ("export", path), ("diff", path, fixture("document"))):
        done = _run(script, *words)
        assert b"Traceback" not in done.stderr
        assert done.returncode in (0, 1, 2)
        assert done.returncode == 0 or done.stderr.startswith(b"Error: ") or words[0] == "diff"


@pytest.mark.slow
@SIGNALS
def test_the_line_of_progress_goes(number: int) -> None:
    script = """
import os, sys
from boltcli.cli import streams
number = int(sys.argv.pop(1))
streams._PATIENCE = streams._EVERY = 0
draw = streams.Progress._draw
def drawn(self, text):
    draw(self, text)
    if text.startswith("searching: 5"):
        os.write(2, b"^C")
        os.kill(os.getpid(), number)
streams.Progress._draw = drawn
from boltcli.__main__ import process
process()
"""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", script, str(number), "grep", "zzz", str(fixture("bacalhau-requester-1.4"))]
    env = {**os.environ, "BOLTCLI_KERNEL": "0"}
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs, env=env, timeout=60, check=False)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:
        pass
    os.close(ours)
    assert done.returncode == 128 + number
    *_, line, blanks, rest = shown.split(b"\r")
    assert line.startswith(b"searching: 5")
    assert line.endswith(b"^C")
    assert (blanks, rest) == (b" " * len(line), b"")
