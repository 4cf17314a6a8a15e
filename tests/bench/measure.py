"""Timing whole processes, from start to exit, and what they need of memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_EVERY = 0.002
"""Seconds between two looks at a process's memory."""
# With it a checkout compiles its modules at each start, which takes 50 ms; as installed they are compiled.
COMPILES_AGAIN = "PYTHONDONTWRITEBYTECODE"


class Failed(Exception):
    """A measured command ended with another status than 0."""


@dataclass(frozen=True)
class Tool:
    """One side of a comparison: its command line, what has to be gone before each run, what its environment adds."""

    argv: Sequence[str | Path]
    leftovers: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, output: Path) -> float:
        """Seconds that the command takes, its stdout going to ``output``."""
        return self.cost(output)[0]

    def cost(self, output: Path) -> tuple[float, float]:
        """Seconds from start to exit, and seconds of processor that it and its children took."""
        process, start = self._start(output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        self._check(process)
        return seconds, usage.ru_utime + usage.ru_stime

    def peak_private_memory(self, output: Path) -> int:
        """Bytes that the command and its children had for themselves at most, by looking often (Linux; else 0)."""
        process, _ = self._start(output)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _private_memory(process.pid))
            time.sleep(SAMPLE_EVERY)
        self._check(process)
        return peak

    def _start(self, output: Path) -> tuple[subprocess.Popen[bytes], float]:
        for path in self.leftovers:
            path.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if name != COMPILES_AGAIN}
        with output.open("wb") as stdout:
            start = time.perf_counter()
            process = subprocess.Popen(
                [str(word) for word in self.argv], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL,
                env={**environment, **self.environment},
            )  # fmt: skip
        return process, start

    def _check(self, process: subprocess.Popen[bytes]) -> None:
        if process.returncode != 0:
            raise Failed(f"status {process.returncode}: {' '.join(map(str, self.argv))}")


@dataclass
class Pair:
    """Seconds of both tools, run in turn."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the ratios of neighbouring runs: a machine that slows down slows both."""
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))


def in_turn(
    ours: Tool, theirs: Tool, runs: int, folder: Path, before: Callable[[], None] | None = None, warm_up: int = 1
) -> Pair:
    """Run both tools in turn, ``before`` each of them (it isn't timed); the first ``warm_up`` runs don't count."""
    pair = Pair()
    for number in range(-warm_up, runs):
        for tool, seconds in ((ours, pair.ours), (theirs, pair.theirs)):
            if before is not None:
                before()
            took = tool.run(folder / "output")
            if number >= 0:
                seconds.append(took)
    return pair


def same_output(ours: Tool, theirs: Tool, folder: Path) -> bool:
    """Whether both tools print the same bytes: else there's nothing to compare."""
    printed = []
    for tool in (ours, theirs):
        tool.run(folder / "output")
        printed.append((folder / "output").read_bytes())
    return printed[0] == printed[1]


def drop_from_cache(path: Path) -> None:
    """Ask the system to forget what it has of ``path`` in memory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def can_drop(path: Path) -> bool:
    """Whether :func:`drop_from_cache` works here: afterwards hardly a page may be read without waiting."""
    if not hasattr(os, "posix_fadvise") or not hasattr(os, "RWF_NOWAIT"):
        return False
    drop_from_cache(path)
    size = path.stat().st_size
    there = 0
    fd = os.open(path, os.O_RDONLY)
    try:
        for part in range(64):
            try:
                there += os.preadv(fd, [bytearray(1)], part * (size // 64), os.RWF_NOWAIT)
            except BlockingIOError:
                continue
            except OSError:
                return False  # a file system that can't tell
    finally:
        os.close(fd)
    return there <= 6


def _private_memory(pid: int) -> int:
    """Bytes of anonymous memory of a process and its children, now."""
    total = 0
    pids = [pid]
    while pids:
        one = Path("/proc", str(pids.pop()))
        try:
            for line in (one / "status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) * 1024
            pids += map(int, (one / "task" / one.name / "children").read_text().split())
        except (OSError, ValueError):
            continue  # it has just ended, or this isn't Linux
    return total
