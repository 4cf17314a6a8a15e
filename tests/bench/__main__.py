"""Run the benchmark: ``python -m tests.bench``.

Builds bbolt and the databases, runs each command of both tools in turn as
whole processes, warm and (where the page cache can be dropped) cold, and
prints and saves a table. BENCH_LARGE=1 adds a database of more than 2 GB.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import boltcli
from tests.bench import report
from tests.bench.databases import BUCKET, GROWTH, LARGE, SHAPES, Workshop
from tests.bench.many import many_files
from tests.bench.measure import Failed, can_drop, drop_from_cache, in_turn, same_output
from tests.bench.rows import GROWING, ROWS, Row, bare_python, duckdb_start, export_parquet, small_bucket, small_get


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n\n")[1])
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), help="where all is built and saved")
    parser.add_argument("--runs", type=int, default=7, help="runs that count, of each command")
    parser.add_argument("--cold-runs", type=int, default=3)
    parser.add_argument("--only", default="", help="commands, with commas between them")
    parser.add_argument("--shapes", default=",".join(SHAPES), help="with commas between them")
    arguments = parser.parse_args()
    workshop = Workshop(arguments.folder)
    workshop.build()
    large = os.environ.get("BENCH_LARGE", "") not in ("", "0")
    wanted = [row for row in ROWS if not arguments.only or row.command in arguments.only.split(",")]

    parts = [report.circumstances(workshop.versions())]
    print(parts[0], flush=True)
    bench = Bench(workshop, arguments.runs, arguments.cold_runs)
    for shape in arguments.shapes.split(","):
        title, pairs = SHAPES[shape]
        parts.append(bench.shape(title, workshop.database(shape, pairs), wanted))
    if large:
        title = f"{LARGE // 1_000_000}M pairs of 16 + 100 bytes, in order"
        parts.append(bench.shape(title, workshop.database("sequential", LARGE), wanted))
    if not arguments.only:
        parts.append(bench.start())
        parts.append(bench.tables())
        parts.append(many_files(workshop, min(arguments.runs, 3)))
        parts.append(bench.growth((*GROWTH, LARGE) if large else GROWTH))
    saved = arguments.folder / "table.md"
    saved.write_text("\n".join(parts))
    print(f"Saved in {saved}")


class Bench:
    """Measures rows one by one, and shows each as soon as it's there."""

    def __init__(self, workshop: Workshop, runs: int, cold_runs: int) -> None:
        self.workshop = workshop
        self.runs = runs
        self.cold_runs = cold_runs

    def shape(self, title: str, database: Path, rows: list[Row]) -> str:
        """The table of one database."""
        title = f"{title} ({database.stat().st_size / 1e6:.0f} MB)"
        print(title, flush=True)
        return _titled(title, report.HEAD, list(self._shown(self._row(row, database) for row in rows)))

    def _row(self, row: Row, database: Path) -> tuple[str, ...]:
        if not row.is_there:
            return report.without(row.name, "not there")
        ours, theirs = row.tools(self.workshop.bbolt, database)
        folder = self.workshop.folder
        try:
            if not row.writes and not same_output(ours, theirs, folder):
                return report.without(row.name, "prints something else")
            if not row.cold:
                pair = in_turn(ours, theirs, self.runs, folder)
                memory = ours.peak_private_memory(folder / "output"), theirs.peak_private_memory(folder / "output")
                return report.line(row.name, pair, memory)
            if not can_drop(database):
                return report.without(row.name, "cache not dropped")
            pair = in_turn(ours, theirs, self.cold_runs, folder, lambda: drop_from_cache(database), warm_up=0)
            return report.line(row.name, pair, None)
        except Failed as failure:
            return report.without(row.name, str(failure).partition(":")[0])
        finally:
            for path in ours.leftovers:
                path.unlink(missing_ok=True)

    def start(self) -> str:
        """``get`` of one key, against bbolt and against an interpreter that does nothing."""
        title = "Start: `get` of one key"
        print(title, flush=True)
        ours, theirs = small_get(self.workshop.bbolt, self.workshop.database("sequential", GROWTH[0]), f"{7:016x}")
        folder = self.workshop.folder
        rows = [
            report.line(name, in_turn(ours, other, 5 * self.runs, folder), None)
            for name, other in (("against bbolt", theirs), ("against `python -c pass`", bare_python()))
        ]
        return _titled(title, ("", "boltcli, s", "the other, s", "ratio", "", ""), list(self._shown(iter(rows))))

    def tables(self) -> str:
        """``sql`` of a small bucket in a large file against ``keys`` of it and DuckDB's start; an export's memory."""
        title = "Tables: `sql` of one bucket of 4 pairs among 100k"
        print(title, flush=True)
        folder = self.workshop.folder
        database = self.workshop.database("inline", SHAPES["inline"][1])
        with boltcli.open(database) as db:
            name = next(iter(db.bucket(BUCKET))).decode()
        ours, keys = small_bucket(database, name)
        rows = [
            report.line(title, in_turn(ours, other, self.runs, folder), None)
            for title, other in (("against `keys` of it", keys), ("against DuckDB's start", duckdb_start()))
        ]
        large = self.workshop.database("sequential", SHAPES["sequential"][1])
        export = export_parquet(large)
        seconds = export.run(folder / "output")
        peak = export.peak_private_memory(folder / "output") / 1e6
        size = large.stat().st_size / 1e6
        rows.append(("export to Parquet", f"{seconds:.3f}", "", "", f"{peak:.0f} MB private", f"{size:.0f} MB file"))
        for path in export.leftovers:
            path.unlink(missing_ok=True)
        return _titled(title, ("", "sql, s", "the other, s", "ratio", "", ""), list(self._shown(iter(rows))))

    def growth(self, sizes: tuple[int, ...]) -> str:
        """How the time of boltcli grows with the number of pairs, and its ratio to bbolt's."""
        title = "Growth: seconds of boltcli, and ratio to bbolt, for pairs in order"
        print(title, flush=True)

        def rows() -> Iterator[tuple[str, ...]]:
            for name in GROWING:
                cells = [name]
                for pairs in sizes:
                    database = self.workshop.database("sequential", pairs)
                    pair = in_turn(
                        *Row(name, name).tools(self.workshop.bbolt, database), self.runs, self.workshop.folder
                    )
                    cells.append(f"{statistics.median(pair.ours):.3f} ({pair.ratio:.2f})")
                yield tuple(cells)

        return _titled(title, ("", *(f"{pairs:,}" for pairs in sizes)), list(self._shown(rows())))

    @staticmethod
    def _shown(rows: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        for row in rows:
            print(
                "  " + "  ".join(cell.ljust(18 if number == 0 else 10) for number, cell in enumerate(row)), flush=True
            )
            yield row


def _titled(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return f"\n**{title}**\n\n{report.markdown(head, rows)}"


if __name__ == "__main__":
    main()
