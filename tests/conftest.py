"""What tests of several folders share."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boltcli.kernel import load_kernel
from tests.support import ROOT

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background; commands would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What changes how programs behave, and what of it the tests start from. Variables that choose how the tests run
# (BOLTCLI_KERNEL, BOLTCLI_SEED ...) stay as they are.
OURS = ("BOLTCLI_EXIT_STATUS", "BOLTCLI_LOCK", "BOLTCLI_TIMEOUT")
TERMINAL = ("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR")
LANGUAGE = ("LANG", "LANGUAGE", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME")
SURROUNDINGS = {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "TZ": "UTC"}

HAS_KERNEL = load_kernel() is not None

_CASES: Counter[str] = Counter()  # how many of a sampled test were collected


# On Windows, modules that import these are left out, and tests (or their fixtures) that name one of the others skip.
_POSIX_MODULE = re.compile(r"^(?:import|from) (?:fcntl|pty|resource|termios)\b", re.MULTILINE)
_POSIX = re.compile(
    r"\b(?:fcntl|pty|resource|termios)\b|\bos\.(?:fork|getuid|geteuid|kill|mkfifo|symlink|umask|wait\w*)\b|symlink_to\b"
    r"|\bSIG(?:ALRM|CONT|KILL|PIPE|STOP)\b|/dev/|/proc/|\bheld\(|\bchmod\(|[\"'](?:ba)?sh[\"']"
)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out modules that import what only POSIX systems have."""
    if os.name == "nt" and collection_path.suffix == ".py":
        return bool(_POSIX_MODULE.search(collection_path.read_text(encoding="utf-8"))) or None
    return None


def needs_posix(item: Any) -> bool:
    """Return whether a test, or one of its own fixtures, names what only POSIX systems have."""
    parts = [getattr(item, "function", None)]
    for found in item._fixtureinfo.name2fixturedefs.values() if parts[0] else ():
        parts += [fixture.func for fixture in found if "tests/" in fixture.baseid and fixture.baseid != "tests"]
    return any(_POSIX.search(inspect.getsource(part)) for part in parts if part)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark as thorough all but every nth case of a ``sampled(n)`` test; skip on Windows what can't run there."""
    if os.name == "nt" and needs_posix(item):
        item.add_marker(pytest.mark.skip(reason="it names what only POSIX systems have"))
    for mark in item.iter_markers("sampled"):
        test, every = item.nodeid.partition("[")[0], mark.args[0]
        number = _CASES[test]
        if (number + number // every) % every:  # another one each time, so that all values of several parameters come
            item.add_marker("thorough")
        _CASES[test] += 1


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run all tests in one environment with one umask, whatever those of the caller are; ``boltcli`` is on the PATH."""
    umask = os.umask(0o022)
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "boltcli"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m boltcli "$@"\n'
    )
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        for name in (*OURS, *TERMINAL, *LANGUAGE):
            patch.delenv(name, raising=False)
        for name, value in SURROUNDINGS.items():
            patch.setenv(name, value)
        patch.setenv("PATH", str(folder), prepend=os.pathsep)
        yield
    os.umask(umask)


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    """Fail a test that leaves another umask to the next one."""
    yield
    left = os.umask(0o022)
    assert os.name == "nt" or left == 0o022, f"the test leaves the umask {left:o}"


@pytest.fixture(params=["kernel", "python"])
def walks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test twice: with the compiled kernel, where that was built, and without."""
    choice: str = request.param
    if choice == "kernel" and not HAS_KERNEL:
        pytest.skip("the kernel was not built, or is turned off")
    monkeypatch.setenv("BOLTCLI_KERNEL", "1" if choice == "kernel" else "0")
    return choice
