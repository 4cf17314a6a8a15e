"""Asking every command about a damaged file, and what counts as an answer."""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from boltcli.cli.registry import find
from tests.support import run

SECONDS = 30
"""Of the processor, after which a call counts as hung; four times as many by the clock."""

MEMORY = 256 << 20
"""Bytes that a call may take, beyond what the process has and the file's size."""

CALLS: tuple[tuple[str, ...], ...] = (
    ("check", "{file}"),
    ("check", "--deep", "{file}"),
    ("check", "--from-page", "3", "{file}"),
    ("check", "--previous", "{file}"),
    ("buckets", "{file}"),
    ("keys", "{file}", "{bucket}"),
    ("keys", "{file}", "{bucket}", "{key}"),
    ("keys", "--skip-damaged", "{file}", "{bucket}"),
    ("keys", "--reverse", "--limit", "3", "{file}", "{bucket}"),
    ("items", "--recursive", "{file}", "{bucket}"),
    ("export", "{file}"),
    ("tree", "{file}"),
    ("du", "{file}"),
    ("get", "{file}", "{bucket}", "{key}"),
    ("grep", "--deleted", "{key}", "{file}"),
    ("stats", "{file}"),
    ("info", "{file}"),
    ("lock", "{file}"),
    ("inspect", "{file}"),
    ("pages", "{file}"),
    ("page", "--all", "{file}"),
    ("page-item", "{file}", "3", "0"),
    ("dump", "{file}", "2", "3"),
    ("view", "{file}"),
    ("audit", "{file}"),
    ("verify", "--deep", "{file}"),
    ("doctor", "--fix", "--output", "{output}", "{file}"),
    ("deleted", "{file}"),
    ("redact", "--output", "{output}", "{file}"),
    ("recover", "--output", "{output}", "{file}"),
    ("top", "{file}"),
    ("map", "{file}"),
    ("why", "{file}", "2", "3", "4"),
    ("__complete", "plain", "get", "{file}", "{bucket}", ""),
    ("surgery meta validate", "{file}"),
    ("surgery meta update", "--fields", "root:3", "--meta-page", "1", "--output", "{output}", "{file}"),
    ("surgery revert-meta-page", "--output", "{output}", "{file}"),
    ("surgery copy-page", "--from-page", "3", "--to-page", "2", "--output", "{output}", "{file}"),
    ("surgery clear-page", "--pageId", "3", "--output", "{output}", "{file}"),
    (
        "surgery clear-page-elements",
        "--pageId",
        "3",
        "--from-index",
        "0",
        "--to-index",
        "1",
        "--output",
        "{output}",
        "{file}",
    ),
    ("surgery freelist abandon", "--output", "{output}", "{file}"),
    ("surgery freelist rebuild", "--output", "{output}", "{file}"),
    ("compact", "--no-sync", "--output", "{output}", "{file}"),
    ("compact", "--no-sync", "--dense", "--output", "{output}", "{file}"),
)
"""A line a command; the words in braces are a file's own."""

ANSWERS = {"recover": (0, 2), "audit": (0, 1), "verify": (0, 1), "doctor": (0, 1, 2), "lock": (0,)}
"""Statuses that are answers, without an ``Error:`` line: written with losses, what needs attention, nobody holds it."""

DATALESS = (
    "version", "help", "completion ", "import", "diff", "patch", "watch", "metrics", "report", "sql", "scan", "browse",
    "schema",
)  # fmt: skip
"""Commands that read no database, or several, that need a terminal or much memory: how their names begin."""


class Subject:
    """A database file to be asked about: the words for ``CALLS``, which a sound version of it gave."""

    def __init__(self, path: Path, bucket: str, key: str) -> None:
        self.path = path
        self.output = path.with_suffix(".out")
        self._words = {"file": str(path), "output": str(self.output), "bucket": bucket, "key": key}

    @classmethod
    def of(cls, sound: Path, path: Path) -> Subject:
        """``path`` will hold damaged copies of ``sound``."""
        bucket = _line(run("buckets", sound)[1])
        return cls(path, bucket, _line(run("keys", "--format", "bytes", sound, bucket)[1]))

    def call(self, call: tuple[str, ...]) -> tuple[int, bytes, bytes]:
        """Status, stdout and stderr of one of ``CALLS``; asserts that they are an answer."""
        self.output.unlink(missing_ok=True)
        try:
            with _limits(self.path.stat().st_size):
                status, out, err = run(*call[0].split(), *(word.format(**self._words) for word in call[1:]))
        except BaseException as error:
            raise AssertionError(f"{call}: raised {error!r}") from error
        lines = err.split(b"\n")[:-1]
        errors = [line for line in lines if line.startswith(b"Error: ")]
        command = find(call[0])
        if command is not None and command.failure > 1:  # one whose 1 is an answer
            assert status <= command.failure, (call, status, err)
            assert len(errors) <= status == command.failure or not errors, (call, status, err)
        elif call[0] in ANSWERS:
            assert status in ANSWERS[call[0]] or len(errors) == status == 1, (call, status, err)
        else:
            assert status in (0, 1), (call, status, err)
            assert len(errors) == status, (call, status, err)
        assert all(line.startswith((b"Error: ", b"hint: ", b"warning: ", b"boltcli: ")) for line in lines), (call, err)
        assert status in (0, 2) or not self.output.exists(), call
        return status, out, err

    def ask(self, *, write: bool = True) -> dict[tuple[str, ...], tuple[int, bytes]]:
        """Status and stdout of ``CALLS``; asserts that they are answers, and don't contradict each other.

        Without ``write`` those that write a file are left out: they wait for the disk.
        """
        before = self.path.read_bytes() if self.path.stat().st_size <= 1 << 22 else None
        answers = {call: self.call(call)[:2] for call in CALLS if write or "{output}" not in call}
        if before is not None:
            assert self.path.read_bytes() == before, "the file was written to"
        plain, deep = answers["check", "{file}"], answers["check", "--deep", "{file}"]
        findings = plain[1].split(b"\n")[:-2]
        assert deep[1].split(b"\n")[: len(findings)] == findings, "the deep check keeps a finding back"
        if deep[0] == 0:
            self._all_is_well(answers)
        return answers

    def _all_is_well(self, answers: dict[tuple[str, ...], tuple[int, bytes]]) -> None:
        for call in answers:
            if call[0] in ("buckets", "stats", "info", "inspect", "pages", "compact"):
                assert answers[call][0] == 0, f"{call} fails on a file of which the deep check says OK"
        listed, survived = (
            answers["keys", "{file}", "{bucket}"],
            answers["keys", "--skip-damaged", "{file}", "{bucket}"],
        )
        assert listed == survived, "keys of a sound file were skipped"


def _line(data: bytes) -> str:
    return data.split(b"\n")[0].decode("utf-8", "surrogateescape")


class TooLong(BaseException):
    """Not an error that a command takes for one of the system's."""


@contextmanager
def _limits(file_size: int) -> Iterator[None]:
    """Bound the time and, on Linux, the memory of what runs inside: a breach raises there."""

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise TooLong(f"took more than {SECONDS} s")

    before = {number: signal.signal(number, on_alarm) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_REAL, 4 * SECONDS)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    memory = resource.getrlimit(resource.RLIMIT_DATA)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (_data() + MEMORY + file_size, memory[1]))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        resource.setrlimit(resource.RLIMIT_DATA, memory)


def _data() -> int:
    """Bytes of private memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
