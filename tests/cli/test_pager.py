"""Long pages of help go through a pager, on a terminal only, and the pager ends with its command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.support import ROOT, read_terminal, run

PAGERS = ("BOLTCLI_PAGER", "PAGER", "LESS")


def shown(topic: str, lines: int = 24, /, **environment: str) -> str:
    """What a terminal of ``lines`` shows of ``boltcli help TOPIC``."""
    ours, process = _started(topic, lines, environment)
    text = read_terminal(ours)
    assert process.wait() == 0
    return text.decode().replace("\r", "")


def _started(topic: str, lines: int, environment: dict[str, str]) -> tuple[int, subprocess.Popen[bytes]]:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (lines, 80))
    clean = {name: text for name, text in os.environ.items() if name not in (*PAGERS, "COLUMNS", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "boltcli", "help", topic], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=theirs,
        stderr=theirs, env=clean | {"TERM": "xterm", "NO_COLOR": "1"} | environment,
    )  # fmt: skip
    os.close(theirs)
    return ours, process


@pytest.mark.slow
def test_a_long_page_goes_through_the_pager() -> None:
    whole = run("help", "options")[1].decode().split()
    numbered = shown("options", PAGER="sed 's/^/PAGED /'").splitlines()
    assert len(numbered) > 24
    assert all(line.startswith("PAGED ") for line in numbered)
    assert " ".join(numbered).replace("PAGED", "").split() == whole
    assert shown("options", PAGER="sed s/^/1/", BOLTCLI_PAGER="sed s/^/2/").startswith("2")
    assert shown("keys", PAGER="head -1").startswith("Usage: boltcli keys ")
    assert len(shown("options", PAGER="head -1").splitlines()) == 1  # which reads no more than it shows


@pytest.mark.slow
def test_no_pager(tmp_path: Path) -> None:
    whole = run("help", "options")[1].decode().split()
    mark = {"PAGER": f"touch '{tmp_path}/paged'; cat"}
    assert shown("options", 200, **mark).split() == whole
    for environment in (mark | {"TERM": "dumb"}, mark | {"BOLTCLI_PAGER": "cat"}, {"PAGER": ""}):
        assert shown("options", **environment).split() == whole
    missing = shown("options", PAGER="nosuch-pager")  # the shell says so; the text is there all the same
    assert "nosuch-pager" in missing.splitlines()[0]
    assert missing.split()[-len(whole) :] == whole
    assert not list(tmp_path.iterdir())
    assert shown("options", **mark).split() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["paged"]


def test_a_pipe_has_no_pager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "sed s/^/PAGED/")
    monkeypatch.setenv("TERM", "xterm")
    assert b"PAGED" not in run("help", "options")[1]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status", "seconds"), [(signal.SIGTERM, 143, 60), (signal.SIGINT, 0, 1)])
def test_the_pager_ends_with_its_command(number: signal.Signals, status: int, seconds: int, tmp_path: Path) -> None:
    """SIGTERM ends both; Ctrl-C is the pager's, so boltcli waits for it."""
    pid = tmp_path / "pid"
    ours, process = _started("options", 24, {"PAGER": f"echo $$ > '{pid}'; cat > /dev/null; exec sleep {seconds}"})
    while not (pid.exists() and pid.read_text().endswith("\n")):
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(number)
    assert process.wait() == status
    os.close(ours)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(int(pid.read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("the pager is still there")
