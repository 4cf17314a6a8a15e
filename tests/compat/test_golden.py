"""boltcli against what bbolt answered when the golden files were made.

Needs no Go.  Remake the files with ``python -m tests.compat.goldens``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.compat import goldens, matrix, ours
from tests.compat.differences import difference, report
from tests.compat.goldens import Golden
from tests.compat.model import Case, Outcome

PROCESS_CASES = 2
"""How many cases of each golden file also run as a real process."""
PROCESS_CASES_ARGUMENTS = 24

load = cache(goldens.load)


def _names() -> list[str]:
    return goldens.golden_names()


def _groups() -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for name in _names():
        found.update(((name, matrix.group(case)), None) for case, _ in load(name).cases)
    return list(found)


def _laid_out(golden: Golden, directory: Path) -> tuple[str, int]:
    """Set a golden file's database up; return what must not change about it."""
    database = goldens.lay_out(golden.name, directory)
    assert goldens.sha256(database) == golden.sha256, (
        f"{golden.fixture} is not the file its golden was made from: remake the golden files"
    )
    return golden.sha256, database.stat().st_mtime_ns


def _assert_untouched(golden: Golden, directory: Path, before: tuple[str, int]) -> None:
    database = directory / ("a.db" if golden.name == goldens.ARGUMENTS else golden.fixture)
    assert (goldens.sha256(database), database.stat().st_mtime_ns) == before, f"boltcli changed {golden.fixture}"


def test_every_fixture_has_a_golden_file_and_no_other_is_there() -> None:
    assert goldens.golden_names() == sorted(goldens.fixture_names())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "group"), _groups())
def test_answers_as_bbolt_did(name: str, group: str, tmp_path: Path) -> None:
    golden = load(name)
    before = _laid_out(golden, tmp_path)
    cases = [pair for pair in golden.cases if matrix.group(pair[0]) == group]
    found: list[str] = []
    for case, expected in cases:
        done = ours.in_process(case.argv, tmp_path)
        text = difference(case, expected, ours.outcome(case, done, tmp_path))
        broken = ours.crash(done)
        if text or broken:
            found.append("\n".join([text or " ".join(case.argv), *([f"  {broken}"] if broken else [])]))
    _assert_untouched(golden, tmp_path, before)
    if found:
        pytest.fail(report(found, len(cases)), pytrace=False)


@pytest.mark.sampled(8)
@pytest.mark.slow
@pytest.mark.parametrize("way", ["mapped", "unlocked", "mapped unlocked", "copied"])
@pytest.mark.parametrize("name", _names())
def test_answers_so_however_the_file_is_read(
    name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command, a quarter of its cases each way: as large files are read, and those that others have locked."""
    golden = load(name)
    before = _laid_out(golden, tmp_path)
    if way != "unlocked":
        monkeypatch.setattr("boltcli.storage.snapshot.SMALL", 0)
    if way != "mapped":
        monkeypatch.setenv("BOLTCLI_LOCK", "none")
    if way == "copied":
        monkeypatch.setattr("boltcli.storage.live._DIRECT", ())
    found = []
    for case, expected in golden.cases[len(way) % 4 :: 4]:
        text = difference(case, expected, ours.outcome(case, ours.in_process(case.argv, tmp_path), tmp_path))
        if text:
            found.append(text)
    _assert_untouched(golden, tmp_path, before)
    if found:
        pytest.fail(report(found, len(golden.cases) // 4), pytrace=False)


def _sample(golden: Golden) -> list[tuple[Case, Outcome]]:
    """Choose cases evenly, starting elsewhere in each file so that all commands come up."""
    count = PROCESS_CASES_ARGUMENTS if golden.name == goldens.ARGUMENTS else PROCESS_CASES
    total = len(golden.cases)
    start = sum(golden.name.encode()) % total
    return [golden.cases[(start + number * total // count) % total] for number in range(min(count, total))]


@pytest.mark.slow
@pytest.mark.parametrize("name", _names())
def test_process_and_in_process_agree(name: str, tmp_path: Path) -> None:
    golden = load(name)
    before = _laid_out(golden, tmp_path)
    for case, expected in _sample(golden):
        process = ours.as_process(case.argv, tmp_path)
        text = difference(case, expected, ours.outcome(case, process, tmp_path))
        assert not text, text
        assert process == ours.in_process(case.argv, tmp_path), f"in-process differs for {case.argv}"
    _assert_untouched(golden, tmp_path, before)
