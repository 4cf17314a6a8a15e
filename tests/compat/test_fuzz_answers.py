"""A short run of the fuzzer of answers; ``make fuzz-answers`` is a long one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.compat import fuzz_answers, ordered
from tests.compat.damaged import Tally
from tests.compat.differences import report

pytestmark = pytest.mark.compat

SEED = int(os.environ.get("BOLTCLI_SEED", "1"))
ANSWERS = 1500


def test_the_same_answers(tmp_path: Path) -> None:
    program, _ = ordered.build(tmp_path)
    total = Tally()
    for _, tally in fuzz_answers.run(program, fuzz_answers.stores(), SEED, ANSWERS):
        total.add(tally)
    print(f"BOLTCLI_SEED={SEED}: {total}")
    if total.differences:
        pytest.fail(report(total.differences, ANSWERS), pytrace=False)
