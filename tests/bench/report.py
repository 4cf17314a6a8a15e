"""The table: measured lines as Markdown, and where they were measured."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from boltcli import __version__
from tests.bench.measure import Pair

HEAD = ("", "boltcli, s", "bbolt, s", "ratio", "private memory, MB: boltcli", "bbolt")


def circumstances(bbolt: str) -> str:
    """Machine, versions, date, in a sentence."""
    system = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    machine = f"{_processor()}, {os.cpu_count()} cores, {_memory()}, {system}"
    ours = f"boltcli {__version__} on Python {platform.python_version()}"
    return f"Measured {date.today().isoformat()} on {machine}: {ours}, {bbolt}.\n"


def line(name: str, pair: Pair, memory: tuple[int, int] | None) -> tuple[str, ...]:
    """One row of the table: medians, the median ratio, peaks."""
    ours, theirs = statistics.median(pair.ours), statistics.median(pair.theirs)
    peaks = [f"{peak / 1e6:.0f}" for peak in memory] if memory else ["", ""]
    return name, f"{ours:.3f}", f"{theirs:.3f}", f"{pair.ratio:.2f}", *peaks


def without(name: str, why: str) -> tuple[str, ...]:
    """A row with a reason in the place of figures."""
    return name, why, "", "", "", ""


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table whose columns stand below each other."""
    rows = [list(head), *map(list, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    written = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    written.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(written) + "\n"


def _processor() -> str:
    try:
        for text in Path("/proc/cpuinfo").read_text().splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    except (AttributeError, ValueError, OSError):
        return "memory unknown"
