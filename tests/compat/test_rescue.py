"""What recover and redact write, looked at with the real bbolt."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.compat.live import Tools, build
from tests.compat.test_faults import FAULTS, _ask
from tests.compat.test_live import SHARED
from tests.rescue_score.damage import KINDS
from tests.rescue_score.truth import read
from tests.support import DATABASES, ROOT, run

pytestmark = pytest.mark.compat

SOUND = [
    *DATABASES,
    *(path for folder in ("stores", "wild", "bacalhau") for path in sorted((SHARED / folder).glob("*.db"))),
]
KINDS_A_FILE = 4  # of the kinds of damage, in turn
LOOKS = ("check", "pages", "stats", "inspect")
WITHOUT_NAMES = ("pages", "stats")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return build(tmp_path_factory.mktemp("tools"))


def _content(tools: Tools, path: Path) -> bytes:
    """A hash of all buckets, sequences and pairs, as bbolt reads them."""
    return subprocess.run([tools.generator, "content", path], capture_output=True, check=True).stdout.split()[0]


def _is_sound(tools: Tools, path: Path) -> None:
    checked = subprocess.run([tools.bbolt, "check", path], capture_output=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, b"OK\n"), checked.stderr


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_a_sound_file_recovers_to_itself(path: Path, tools: Tools, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert run("recover", "--no-sync", "-o", copy, path)[0] == 0
    _is_sound(tools, copy)
    if path.name != "auger.db":  # bbolt's own iterator is at a loss there
        assert _content(tools, copy) == _content(tools, path)


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_what_is_recovered_is_sound(path: Path, tools: Tools, tmp_path: Path) -> None:
    sound, number = path.read_bytes(), SOUND.index(path)
    truth, kinds = read(sound), sorted(KINDS)
    for turn in range(KINDS_A_FILE):
        kind = kinds[(number * KINDS_A_FILE + turn) % len(kinds)]
        content = bytearray(sound)
        KINDS[kind](content, truth, random.Random(f"{path.name} {kind}"))
        damaged, result = tmp_path / f"{turn}.db", tmp_path / f"{turn}.out"
        damaged.write_bytes(content)
        deleted = ["--deleted"] if turn % 2 else []
        status, _, err = run("recover", "--no-sync", *deleted, "-o", result, damaged)
        assert (status == 1) == (not result.exists()), (kind, err)
        if status != 1:
            _is_sound(tools, result)
        assert damaged.read_bytes() == content


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_what_is_recovered_of_faults_is_sound(path: Path, tools: Tools, tmp_path: Path) -> None:
    for options in ([], ["--deleted"]):
        status, _, err = run("recover", "--no-sync", "--force", *options, "-o", tmp_path / "result", path)
        if status == 1:
            assert err.startswith(b"Error: ")
        else:
            _is_sound(tools, tmp_path / "result")


def test_the_generator_makes_the_lived_fixtures(tools: Tools, tmp_path: Path) -> None:
    """Their bytes differ from one run to the next, but not what they hold."""
    lived = ROOT / "fixtures" / "lived"
    how = ["-seed", "1", "-steps", "40", "-before", "3"]
    subprocess.run([tools.generator, "lived", *how, "-o", tmp_path], check=True)
    subprocess.run([tools.generator, "random", "-seed", "9010", "-o", tmp_path / "random-9010.db"], check=True)
    found = sorted([*lived.glob("*.db"), *lived.glob("*.before")])
    assert len(found) >= 10
    for path in found:
        assert _content(tools, tmp_path / path.name) == _content(tools, path), path.name


def _looks(tools: Tools, path: Path, commands: tuple[str, ...]) -> list[tuple[int, list[bytes]] | None]:
    """Status and lines that bbolt prints of the file; None where it dies."""
    found: list[tuple[int, list[bytes]] | None] = []
    for command in commands:
        answer = _ask(tools.bbolt, command, str(path))
        found.append(answer and (answer[0], [_line(line) for line in answer[1].splitlines()]))
    return found


def _line(line: bytes) -> bytes:
    """A line of bbolt's; where it took something else for an id and fell over, what it says is chance."""
    return b"fallen over" if line.startswith((b"panic: ", b"runtime error: ")) else line


@pytest.mark.parametrize("path", [*SOUND, *FAULTS], ids=lambda path: path.stem)
def test_a_redacted_copy_looks_the_same(path: Path, tools: Tools, tmp_path: Path) -> None:
    if path.stem == "count-118":
        pytest.skip("bbolt reads what lies behind the mapped file: whether it falls over is chance")
    copy, names = tmp_path / "copy.db", tmp_path / "names.db"
    assert run("redact", "--no-sync", path, "-o", copy)[0] == 0
    before = _looks(tools, path, LOOKS)
    assert _looks(tools, copy, LOOKS) == before
    assert run("redact", "--no-sync", "--keys", path, "-o", names)[0] == 0
    check, *after = _looks(tools, names, ("check", *WITHOUT_NAMES))
    assert after == before[1:3]
    # What check says may have keys in it.
    assert (check and (check[0], len(check[1]))) == (before[0] and (before[0][0], len(before[0][1])))
