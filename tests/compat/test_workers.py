"""No worker outlives its command: each command that forks, ended a hundred times in each way, at any moment.

It needs no bbolt; it is here because it takes minutes.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from tests.fleet.test_workers import COMMANDS, ENDINGS, end_and_look, file

pytestmark = [pytest.mark.compat, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]

TIMES = int(os.environ.get("BOLTCLI_WORKERS", "100"))

__all__ = ["file"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("which", COMMANDS)
def test_nothing_outlives_its_command(file: Path, which: str, ending: str) -> None:
    source = random.Random(f"{which} {ending}")
    for _ in range(TIMES):
        end_and_look(file, which, ending, source.uniform(0, 0.1))
