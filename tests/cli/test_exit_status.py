"""Exit statuses: bbolt's 1 for every failure, or, when asked, one that tells its kind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from boltcli.cli.registry import all_commands, find
from boltcli.errors import BoltError
from boltcli.guide import text
from boltcli.render.explanations import EXPLANATIONS
from tests.live import held
from tests.support import ROOT, fixture, freelist, page, run, small

DOCUMENT = str(fixture("document"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "status"),
    [
        ("check D", 0), ("check missing.db", 2), ("check README", 2), ("check FOLDER", 2), ("keys D nosuch", 4),
        ("get D execution nosuch", 4), ("keys D", 64), ("keys --nosuch D", 64), ("nosuch", 64), ("check DAMAGED", 1),
        ("keys DAMAGED b", 1), ("compact -o D D", 2), ("tree --sort x D", 64), ("check --lock wait --timeout 1ms D", 3),
        ("check --json D DAMAGED", 1), ("check --json D missing.db", 2), ("surgery nosuch", 64),
    ],
)  # fmt: skip
def test_statuses(argv: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "damaged.db"
    root = page(3, 2, [(b"b", (4).to_bytes(8, "little") + bytes(8), b"\1")])
    damaged.write_bytes(small(freelist(2), root, page(9, 2, [(b"k", b"v")])))
    sound = tmp_path / "sound.db"
    sound.write_bytes(fixture("document").read_bytes())
    paths = {"D": str(sound), "README": str(ROOT / "README.md"), "FOLDER": str(tmp_path), "DAMAGED": str(damaged)}
    words = [paths.get(word, word) for word in argv.split()]

    def statuses() -> tuple[int, int, int]:
        detailed = run(*words, "--exit-status", "detailed")[0], run(*words, "--exit-status=detailed")[0]
        assert detailed[0] == detailed[1]
        with monkeypatch.context() as patch:
            patch.setenv("BOLTCLI_EXIT_STATUS", "detailed")
            from_environment = run(*words)[0]
        return run(*words)[0], detailed[0], from_environment

    if "wait" in words:
        with held(sound):
            assert statuses() == (1, status, status)
    else:
        assert statuses() == (min(status, 1), status, status)


def _kinds() -> dict[str, int]:
    """The detailed status of each kind of error."""
    todo = BoltError.__subclasses__()
    kinds: dict[str, int] = {}
    while todo:
        error = todo.pop()
        todo += error.__subclasses__()
        assert error.exit_status == 1
        if error.kind != BoltError.kind:  # of those that don't leave their module
            assert kinds.setdefault(error.kind, error.detailed_status) == error.detailed_status, error
    return kinds


def _literal(module: str, name: str) -> list[str]:
    """The members of a Literal, which exists for the type checker only."""
    found = re.search(rf"^    {name} = Literal\[(.*?)\]", (ROOT / "boltcli" / module).read_text(), re.M | re.S)
    assert found
    return re.findall(r'"([a-z-]+)"', found[1])


def test_kinds_are_those_of_the_schema() -> None:
    definitions = json.loads((ROOT / "boltcli/schema.json").read_text())["$defs"]
    assert definitions["error"]["properties"]["kind"]["enum"] == sorted({*_kinds(), BoltError.kind})
    findings = _literal("ops/check/findings.py", "FindingKind")
    assert definitions["finding"]["properties"]["kind"]["enum"] == findings
    assert {*findings, "invalid-database", "text-mode"} == set(EXPLANATIONS)


def test_the_guide_has_every_status() -> None:
    page = text("exit-status")
    rows = re.findall(r"^\| `(.+?)` \| (\d+) \| (.+) \|$", page, re.M)
    declared = [(each.name, str(status), words) for each in all_commands() for status, words in each.statuses.items()]
    assert rows == sorted(declared)
    detailed = re.findall(r"^\| (\d+) \| [^|]+ \| (`.+`) \|$", page, re.M)
    assert {kind: int(status) for status, kinds in detailed for kind in re.findall(r"`(.+?)`", kinds)} == _kinds()


@pytest.mark.parametrize(
    "argv", [("check", "F"), ("lock", "F"), ("doctor", "F"), ("diff", "F", "F"), ("grep", "e-", "F")]
)
def test_declared_statuses_come(argv: tuple[str, ...]) -> None:
    status = run(*(DOCUMENT if word == "F" else word for word in argv))[0]
    command = find(argv[0])
    assert command
    assert status in command.statuses
