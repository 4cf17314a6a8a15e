"""The benchmark's own arithmetic, and what it does with commands that aren't there or fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.__main__ import Bench
from tests.bench.databases import Workshop
from tests.bench.measure import Failed, Pair, Tool, in_turn, same_output
from tests.bench.rows import ROWS, Row
from tests.support import fixture


def _python(code: str, *leftovers: Path) -> Tool:
    return Tool([sys.executable, "-c", code], leftovers)


def test_ratio_is_of_neighbours() -> None:
    assert Pair([1, 4, 9], [2, 4, 3]).ratio == 1


def test_both_run_in_turn_and_the_first_time_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "log"
    add = f"import sys; open({str(log)!r}, 'a').write('%s')"
    before: list[int] = []
    pair = in_turn(_python(add % "a"), _python(add % "b"), 2, tmp_path, lambda: before.append(1))
    assert log.read_text() == "ababab"
    assert len(before) == 6
    assert len(pair.ours) == len(pair.theirs) == 2


def test_leftovers_are_gone_before_each_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    tool = _python(f"open({str(made)!r}, 'x')", made)
    for _ in range(2):
        assert tool.run(tmp_path / "output") > 0


def test_a_failure_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(Failed):
        _python("exit(1)").run(tmp_path / "output")


def test_outputs_are_compared(tmp_path: Path) -> None:
    one, other = _python("print(1)"), _python("print(2)")
    assert same_output(one, one, tmp_path)
    assert not same_output(one, other, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="private memory is read from /proc")
def test_private_memory_counts_children(tmp_path: Path) -> None:
    lone = _python("import time; a = bytes(30_000_000) + b'1'; time.sleep(1)")
    family = _python("import os, time; os.fork(); a = bytes(30_000_000) + b'1'; time.sleep(1)")
    assert 30e6 < lone.peak_private_memory(tmp_path / "output") < 60e6
    assert 60e6 < family.peak_private_memory(tmp_path / "output") < 120e6


def test_rows_say_why_there_are_no_figures(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "build")
    workshop.bbolt.write_text("#!/bin/sh\necho something\n")
    workshop.bbolt.chmod(0o755)
    database = fixture("document")
    rows = [Row("new", "no-such-command"), Row("check", "check")]
    table = Bench(workshop, 1, 1).shape("Document", database, rows)
    assert "| new   | not there" in table
    assert "| check | prints something else" in table
    workshop.bbolt.write_text("#!/bin/sh\nexit 1\n")
    assert "| check | status 1" in Bench(workshop, 1, 1).shape("Document", database, rows)


def test_rows_are_unlike() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_markdown() -> None:
    assert report.markdown(("", "b"), [("one", "2")]) == "|     | b |\n|-----|---|\n| one | 2 |\n"
    assert report.line("x", Pair([1.0], [2.0]), (10_400_000, 0)) == ("x", "1.000", "2.000", "0.50", "10", "0")


def test_costs_and_environment(tmp_path: Path) -> None:
    busy = Tool(
        [sys.executable, "-c", "import os; [0 for _ in range(3_000_000)]; assert os.environ['A'] == 'b'"],
        (),
        {"A": "b"},
    )
    wall, cpu = busy.cost(tmp_path / "output")
    assert cpu > 0
    assert wall > 0
