"""Running boltcli: in this process, which is quick, or as a process of its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from types import FrameType
from unittest import mock

from boltcli.__main__ import main
from tests.compat.bbolt import Completed, collect_outputs
from tests.compat.model import Case, Outcome, Text, error_line

ROOT = Path(__file__).resolve().parents[2]
TIME_LIMIT = 120.0
"""Seconds one invocation may take before it counts as hung."""

CRASHED = -1


class Hung(BaseException):
    """Raised into an invocation that takes too long.

    Not an Exception, so that no handler for ordinary failures catches it.
    """


def in_process(argv: Sequence[str], directory: Path) -> Completed:
    """Call boltcli's entry in a directory; anything raised counts as a crash."""
    stdout, stderr = io.BytesIO(), io.BytesIO()
    # Nothing here has to outlive a power failure, and waiting for the disk takes most of the time.
    with chdir(directory), _limited(), mock.patch("os.fsync"):
        try:
            status = main(list(argv), stdout, stderr)
        except (Exception, SystemExit, Hung):
            return Completed(CRASHED, stdout.getvalue(), traceback.format_exc().encode("utf-8", "replace"))
    return Completed(status, stdout.getvalue(), stderr.getvalue())


def as_process(argv: Sequence[str], directory: Path) -> Completed:
    """Run boltcli the way its users do."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command: list[bytes] = [os.fsencode(word) for word in (sys.executable, "-m", "boltcli", *argv)]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def outcome(case: Case, done: Completed, directory: Path) -> Outcome:
    """Reduce an invocation to what the contract is about."""
    stdout = None if case.text_is_ours else Text.of(done.stdout)
    return Outcome(done.status, error_line(done.stderr), stdout, collect_outputs(case, directory))


def crash(done: Completed) -> str | None:
    """Say how an invocation broke down, if it did.

    This holds for every file, also those on which bbolt itself panics.
    """
    if done.status not in (0, 1):
        return f"status {done.status}: {_last_lines(done.stderr)}"
    if b"Traceback (most recent call last)" in done.stderr:
        return f"traceback: {_last_lines(done.stderr)}"
    return None


def _last_lines(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    return " | ".join([line for line in lines if line.strip("^~ ")][-5:])


@contextmanager
def _limited() -> Iterator[None]:
    """Interrupt what takes too long, where signals can be had."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise Hung(f"took more than {TIME_LIMIT} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
