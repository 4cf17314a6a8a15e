"""Measure the library beside sqlite3, py-lmdb and Go's bbolt: ``python -m tests.bench.library``; in ``make bench``.

Processor time in one process, a million pairs in random order, the stores in turn; a cell is the least of the rounds.
Then whole processes: ``import boltcli`` and a check of a small file against an interpreter that does nothing, and
``diff`` of two equal files against ``cmp``.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import boltcli
from boltcli.kernel import state
from tests.bench import report
from tests.bench.databases import BUCKET, Workshop
from tests.bench.measure import Tool
from tests.bench.rows import BOLTCLI, bare_python
from tests.support import FIXTURES

PAIRS = 1_000_000
LOOK_UPS = 100_000
STEPS = 10
TASKS = ("get", "seek", f"seek and {STEPS} steps", "iteration")
WARM_UP = 1000
"""Look-ups before the measured ones: boltcli makes its first ones page by page."""

Work = Callable[[], int]  # does a task; returns how many pairs it met
Costs = list[tuple[float, int]]  # of each task: processor seconds, pairs met


class Store:
    """One of the stores that are compared: ``tasks`` are those of TASKS."""

    def __init__(self, name: str, tasks: Sequence[Work]) -> None:
        self.name = name
        self._tasks = tasks

    def costs(self) -> Costs:
        """Do all tasks once."""
        costs = []
        for task in self._tasks:
            start = time.process_time()
            met = task()
            costs.append((time.process_time() - start, met))
        return costs


class Bbolt(Store):
    """Go's bbolt, in a process of its own, which measures itself."""

    def __init__(self, name: str, generator: Path, database: Path, keys: list[bytes]) -> None:
        super().__init__(name, ())
        self._argv: list[str | Path] = [generator, "look", "-steps", str(STEPS), database]
        self._keys = b"\n".join(keys)

    def costs(self) -> Costs:
        done = subprocess.run(self._argv, input=self._keys, capture_output=True, check=True)
        words = [line.split() for line in done.stdout.splitlines()]
        return [(float(seconds), int(met)) for seconds, met in words]


def ours(name: str, database: Path, keys: list[bytes], kernel: bool) -> Store:
    """Return boltcli, with its kernel or without."""
    before = os.environ.get("BOLTCLI_KERNEL")
    os.environ["BOLTCLI_KERNEL"] = str(int(kernel))
    bucket = boltcli.open(database).bucket(BUCKET)
    for key in keys[:WARM_UP]:
        bucket[key]
    del os.environ["BOLTCLI_KERNEL"]
    if before is not None:
        os.environ["BOLTCLI_KERNEL"] = before
    cursor = bucket.cursor()

    def seek(steps: int) -> int:
        met = 0
        for key in keys:
            cursor.seek(key)
            met += cursor.value is not None
            for _ in range(steps):
                cursor.next()
                met += cursor.value is not None
        return met

    return Store(name, (
        lambda: sum(bucket[key] is not None for key in keys), lambda: seek(0), lambda: seek(STEPS),
        lambda: sum(1 for _, _ in bucket.range()),
    ))  # fmt: skip


def sqlite(path: Path, pairs: Iterator[tuple[bytes, bytes]], keys: list[bytes]) -> Store:
    """Return sqlite3 with the pairs in a table that is a tree of its primary key."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
    connection.executemany("INSERT INTO pairs VALUES (?, ?)", pairs)
    connection.commit()
    for words in ("PRAGMA mmap_size = 1000000000", "PRAGMA cache_size = -500000", "BEGIN"):  # twice as fast as without
        connection.execute(words).fetchall()
    one = "SELECT value FROM pairs WHERE key = ?"
    some = "SELECT key, value FROM pairs WHERE key >= ? ORDER BY key LIMIT "

    def seek(count: int) -> int:
        return sum(len(connection.execute(some + str(count), (key,)).fetchall()) for key in keys)

    return Store("sqlite3", (
        lambda: sum(connection.execute(one, (key,)).fetchone() is not None for key in keys),
        lambda: seek(1), lambda: seek(1 + STEPS),
        lambda: sum(1 for _, _ in connection.execute("SELECT key, value FROM pairs ORDER BY key")),
    ))  # fmt: skip


def lmdb_store(lmdb: ModuleType, path: Path, pairs: Iterator[tuple[bytes, bytes]], keys: list[bytes]) -> Store:
    """Return py-lmdb with the pairs."""
    shutil.rmtree(path, ignore_errors=True)
    environment: Any = lmdb.open(str(path), map_size=1 << 30, sync=False)
    with environment.begin(write=True) as writing:
        writing.cursor().putmulti(pairs, append=True)
    transaction = environment.begin()
    cursor = transaction.cursor()

    def seek(steps: int) -> int:
        met = 0
        for key in keys:
            cursor.set_range(key)
            met += cursor.value() is not None
            for _ in range(steps):
                met += bool(cursor.next()) and cursor.value() is not None
        return met

    return Store("py-lmdb", (
        lambda: sum(transaction.get(key) is not None for key in keys), lambda: seek(0), lambda: seek(STEPS),
        lambda: sum(1 for _, _ in transaction.cursor()),
    ))  # fmt: skip


def stores(workshop: Workshop, pairs: int, look_ups: int) -> list[Store]:
    """Make all stores of the same pairs; one is left out, with a line, if its library is missing."""
    database = workshop.database("random", pairs)
    with boltcli.open(database) as db:
        bucket = db.bucket(BUCKET)
        keys: list[bytes] = random.Random(1).sample([key for key, _ in bucket.pairs()], look_ups)
        found = [ours("boltcli", database, keys, True)] if state() == "compiled" else []
        found += [
            ours("boltcli without its kernel", database, keys, False),
            sqlite(workshop.folder / "pairs.sqlite", iter(bucket.pairs()), keys),
        ]
        try:
            import lmdb
        except ImportError:
            print("py-lmdb is left out: pip install --group bench")
        else:
            found.append(lmdb_store(lmdb, workshop.folder / "pairs.lmdb", iter(bucket.pairs()), keys))
    return [*found, Bbolt("bbolt (Go)", workshop.generator, database, keys)]


def look_ups(found: list[Store], pairs: int, count: int, rounds: int) -> str:
    """The table of look-ups: thousands a second of processor time, and the ratio to sqlite3's."""
    costs: dict[str, list[Costs]] = {store.name: [] for store in found}
    for number in range(rounds + 1):  # the first one warms up
        for store in found:
            done = store.costs()
            if number:
                costs[store.name].append(done)
    met = {name: [met for _, met in each[0]] for name, each in costs.items()}
    if any(each != met["sqlite3"] for each in met.values()):
        raise AssertionError(f"they met different numbers of pairs: {met}")
    many = (count, count, count, pairs)
    rates = {
        name: [times / min(cost[task][0] for cost in each) / 1000 for task, times in enumerate(many)]
        for name, each in costs.items()
    }
    rows = [
        (name, *(f"{rate:,.0f} ({rate / base:.2f})" for rate, base in zip(each, rates["sqlite3"], strict=True)))
        for name, each in rates.items()
    ]
    title = f"{pairs:,} pairs: thousands a second of processor time (by sqlite3's), the best of {rounds} rounds"
    return f"\n**{title}**\n\n" + report.markdown(("", *TASKS), rows)


def processes(workshop: Workshop, runs: int) -> str:
    """The table of whole processes: processor milliseconds, the least of the runs."""
    small = FIXTURES / "document.db"
    code = f"import boltcli\nwith boltcli.open({str(small)!r}) as db:\n    assert not list(db.check())"
    database = workshop.database("sequential", PAIRS)
    copy = database.with_name("equal.db")
    shutil.copyfile(database, copy)
    size = database.stat().st_size / 1e6
    rows = []
    for name, one, other, times in (
        ("`import boltcli` and a check, by `python -c pass`", Tool([sys.executable, "-c", code]), bare_python(), 5),
        (f"`diff` of two equal files of {size:.0f} MB, by `cmp`", Tool([BOLTCLI, "diff", database, copy]),
         Tool(["cmp", database, copy]), 1),
    ):  # fmt: skip
        both: tuple[list[float], list[float]] = [], []
        for _ in range(times * runs):
            for tool, taken in zip((one, other), both, strict=True):
                taken.append(1000 * tool.cost(workshop.folder / "output")[1])
        a, b = map(min, both)
        rows.append((name, f"{a:.0f}", f"{b:.0f}", f"{a - b:.0f}", f"{a / b:.2f}"))
    copy.unlink()
    head = ("", "boltcli, ms", "the other, ms", "difference", "ratio")
    return "\n**Whole processes, processor time**\n\n" + report.markdown(head, rows)


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.library")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="where all is built and saved")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    workshop = Workshop(arguments.folder)
    workshop.build()
    parts = [report.circumstances(workshop.versions()), f"sqlite3 {sqlite3.sqlite_version}. Kernel: {state()}.\n"]
    parts.append(look_ups(stores(workshop, PAIRS, LOOK_UPS), PAIRS, LOOK_UPS, arguments.rounds))
    parts.append(processes(workshop, arguments.rounds))
    (arguments.folder / "library.md").write_text("\n".join(parts))
    print("\n".join(parts))


if __name__ == "__main__":
    main()
