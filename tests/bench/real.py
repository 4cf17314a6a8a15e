"""Measure on stores as programs write them: ``python -m tests.bench.real``; part of ``make bench``.

Whole processes, boltcli and bbolt in turn, stdout to a file. A cell is processor time of boltcli / that of bbolt,
each the least of its runs, and the same of the time from start to exit. Then boltcli without its kernel; cold files;
the commands that bbolt has not, in MB of the file a second; small files against an interpreter that does nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from boltcli.kernel import state
from tests.bench import report
from tests.bench.databases import REAL, Workshop
from tests.bench.measure import Failed, Tool, can_drop, drop_from_cache, same_output
from tests.bench.rows import BOLTCLI, bare_python
from tests.support import FIXTURES

COMMANDS = ("check", "stats", "inspect", "keys", "buckets", "info", "pages", "compact", "compact --no-sync")
SLOW = ("compact", "compact --no-sync")
COLD = ("check", "stats", "inspect")
OURS = ("items", "export", "import", "tree", "du", "recover")
SMALL = ("info", "get", "buckets", "keys", "check", "stats", "inspect")
PYTHON_ONLY = {"BOLTCLI_KERNEL": "0"}


class Real:
    """Measures shapes one by one, with a ``share`` of their pairs; ``runs`` of each command, fewer of slow ones."""

    def __init__(self, workshop: Workshop, runs: int, share: float = 1) -> None:
        self.workshop = workshop
        self.runs = runs
        self.share = share
        self.output = workshop.folder / "output"
        self.made = workshop.folder / "made.db"

    def compared(self, shape: str, environment: dict[str, str], commands: Sequence[str] = COMMANDS) -> Iterator[str]:
        """Cells of one shape: processor / wall ratio of each command."""
        database = self._database(shape)
        yield f"{shape}, {database.stat().st_size / 1e6:.0f} MB"
        for command in commands:
            ours, theirs = self._tools(command, database, shape, environment)
            try:
                if command not in SLOW and not same_output(ours, theirs, self.workshop.folder):
                    yield "prints something else"
                    continue
                runs = self.runs if command not in SLOW else max(self.runs // 2, 2)
                wall, cpu = _ratios(ours, theirs, runs, self.output)
                yield f"{cpu:.2f} / {wall:.2f}"
            except Failed as failure:
                yield str(failure).partition(":")[0]
        self.made.unlink(missing_ok=True)

    def cold(self, shape: str) -> Iterator[str]:
        """Cells of one shape, read from the disk: seconds of boltcli / of bbolt, and their ratio."""
        database = self._database(shape)
        yield shape
        for command in COLD:
            if not can_drop(database):
                yield "cache not dropped"
                continue
            ours, theirs = self._tools(command, database, shape, {})
            costs = _costs((ours, theirs), 3, self.output, lambda: drop_from_cache(database))
            a, b = (sorted(cost[0] for cost in tool)[1] for tool in costs)
            yield f"{a:.2f} / {b:.2f} s = {a / b:.2f}"

    def own(self, shape: str) -> Iterator[str]:
        """Cells of one shape: MB of the file a second of processor time, for commands that bbolt has not."""
        database = self._database(shape)
        rows = self.workshop.folder / "rows.ndjson"
        bucket = REAL[shape][2]
        yield shape
        for command in OURS:
            words: dict[str, tuple[str | Path, ...]] = {
                "items": (database, bucket),
                "import": ("--no-sync", "-o", self.made, rows),
                "recover": ("--no-sync", "-o", self.made, database),
            }
            tool = Tool([BOLTCLI, command, *words.get(command, (database,))], (self.made,))
            try:
                (costs,) = _costs((tool,), 2, self.output)
            except Failed as failure:
                yield str(failure).partition(":")[0]
                continue
            finally:
                if command == "export":
                    self.output.replace(rows)
            seconds = min(cpu for _, cpu in costs)
            yield f"{database.stat().st_size / 1e6 / seconds:.0f} MB/s ({seconds:.2f} s)"
        rows.unlink(missing_ok=True)
        self.made.unlink(missing_ok=True)

    def small(self) -> Iterator[tuple[str, ...]]:
        """Rows: a command on a small file, processor time against an interpreter that does nothing, and bbolt."""
        database = FIXTURES / "document.db"
        bare = bare_python()
        for command in SMALL:
            words: list[str | Path] = [command, database]
            if command in ("keys", "get"):
                words.append("execution")
            if command == "get":
                words.append("e-9a937556-ac83-49ec-b794-a94c3aa068b2")
            ours, theirs = Tool([BOLTCLI, *words]), Tool([self.workshop.bbolt, *words])
            costs = _costs((ours, bare, theirs), 5 * self.runs, self.output)
            a, b, c = (1000 * min(cost[1] for cost in tool) for tool in costs)
            yield command, f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}", f"{c:.1f}"

    def pairs(self, shape: str) -> int:
        """How many pairs, jobs, images or log entries a database has."""
        return int(REAL[shape][1] * self.share)

    def _database(self, shape: str) -> Path:
        return self.workshop.database(shape, self.pairs(shape))

    def _tools(self, command: str, database: Path, shape: str, environment: dict[str, str]) -> tuple[Tool, Tool]:
        words: list[str | Path] = [*command.split()]
        if command in SLOW:
            words += ["-o", self.made]
        words.append(database)
        if command == "keys":
            words.append(REAL[shape][2])
        return Tool([BOLTCLI, *words], (self.made,), environment), Tool([self.workshop.bbolt, *words], (self.made,))


def _costs(
    tools: Sequence[Tool], runs: int, output: Path, before: Callable[[], None] = lambda: None
) -> list[list[tuple[float, float]]]:
    """Run the tools in turn; returns for each its wall and processor seconds."""
    costs: list[list[tuple[float, float]]] = [[] for _ in tools]
    for _ in range(runs):
        for tool, taken in zip(tools, costs, strict=True):
            before()
            taken.append(tool.cost(output))
    return costs


def _ratios(ours: Tool, theirs: Tool, runs: int, output: Path) -> tuple[float, float]:
    """Wall and processor time of ``ours`` by that of ``theirs``; the least of each."""
    a, b = _costs((ours, theirs), runs, output)
    wall, cpu = (min(cost[part] for cost in a) / min(cost[part] for cost in b) for part in (0, 1))
    return wall, cpu


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.real")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="where all is built and saved")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shapes", default=",".join(REAL), help="with commas between them")
    parser.add_argument(
        "--share", type=float, default=1, help="of the pairs of each shape; in smaller files start counts more"
    )
    parser.add_argument("--parts", default="kernel,python,cold,own,small", help="which tables")
    arguments = parser.parse_args()
    workshop = Workshop(arguments.folder)
    workshop.build()
    shapes, wanted = arguments.shapes.split(","), arguments.parts.split(",")
    bench = Real(workshop, arguments.runs, arguments.share)
    parts = [report.circumstances(workshop.versions()), f"Kernel: {state()}.\n"]
    parts += ["Shapes:\n", *(f"- {shape}: {REAL[shape][0]}, {bench.pairs(shape):,}" for shape in shapes), ""]
    tables: dict[str, tuple[str, Sequence[str], Callable[[str], Iterator[str]]]] = {
        "kernel": ("Processor / wall ratio to bbolt", COMMANDS, lambda shape: bench.compared(shape, {})),
        "python": ("The same without the kernel", COMMANDS, lambda shape: bench.compared(shape, PYTHON_ONLY)),
        "cold": ("Cold: seconds of boltcli / of bbolt, wall", COLD, bench.cold),
        "own": ("Commands that bbolt has not: MB of the file a second of processor time", OURS, bench.own),
    }  # fmt: skip
    for name, (title, head, row) in tables.items():
        if name in wanted:
            rows = []
            for shape in shapes:
                rows.append(tuple(row(shape)))
                print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
            parts.append(f"\n**{title}**\n\n{report.markdown(('', *head), rows)}")
    if "small" in wanted:
        head = ("fixtures/document.db", "boltcli, ms", "`python -c pass`, ms", "ratio", "bbolt, ms")
        parts.append(f"\n**Small files, processor time**\n\n{report.markdown(head, list(bench.small()))}")
    saved = arguments.folder / "real.md"
    saved.write_text("\n".join(parts))
    print("\n".join(parts))


if __name__ == "__main__":
    main()
