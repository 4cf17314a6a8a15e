"""boltcli beside a writer, the real bbolt: nothing torn, nothing hung, and the test would see it.

BOLTCLI_TORTURE is how many seconds all of it may take, 60 if it isn't set.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.compat import live, torture
from tests.compat.torture import SCENARIOS, Count, Scenario

pytestmark = pytest.mark.compat

SECONDS = float(os.environ.get("BOLTCLI_TORTURE", "60"))
READERS = 2
BROKEN_SECONDS = 60.0
"""How long the rule without its closing look may go unnoticed: it ends at the first tear."""


@pytest.fixture(scope="session")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the writer. Without Go this is a failure, not a skip."""
    path = tmp_path_factory.mktemp("tools") / "generator"
    live.go_build(path, ".")
    return path


def _torture(generator: Path, scenario: Scenario, path: Path, seconds: float, *, broken: bool) -> tuple[Count, int]:
    total = Count()
    with (
        torture.writing(generator, scenario, path) as stop,
        ProcessPoolExecutor(READERS, mp_context=get_context("spawn")) as pool,
    ):
        running = [
            pool.submit(torture.read_for, path, scenario, seconds, seed, broken=broken) for seed in range(READERS)
        ]
        for future in running:  # a reader that a signal killed raises here
            total.add(future.result(timeout=seconds + 120))
        commits = stop()
    print(f"{scenario.name}, {commits} commits; {total}", *(text[:200] for text in total.torn[:2]), sep="\n  ")
    return total, commits


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_torn(scenario: Scenario, generator: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    total, commits = _torture(generator, scenario, path, SECONDS / len(SCENARIOS), broken=False)
    assert not total.torn, "\n".join(total.torn[:5])
    assert commits > 5 * SECONDS / len(SCENARIOS), "the writer is too slow to mean anything"
    assert total.whole.total() > total.refused.total()
    assert set(total.whole) == set(torture.COMMANDS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_rule_without_its_closing_look_is_caught(scenario: Scenario, generator: Path, tmp_path: Path) -> None:
    total, _ = _torture(generator, scenario, tmp_path / "live.db", BROKEN_SECONDS, broken=True)
    assert total.torn, "the test would not see a tear"


def test_the_state_before_the_last_transaction(generator: Path, tmp_path: Path) -> None:
    """Once the writer has stopped, both states are in the file, the older one whole as well."""
    scenario = SCENARIOS[0]
    for number in range(5):
        path = tmp_path / f"{number}.db"
        with torture.writing(generator, scenario, path) as stop:
            time.sleep(0.3)
            stop()
        newest = torture.read_at_rest(path, scenario, previous=False)
        assert torture.read_at_rest(path, scenario, previous=True) == newest - 1
