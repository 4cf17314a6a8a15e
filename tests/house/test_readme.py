"""The README tells the truth: its console blocks are run, its commands are all there, its Python works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boltcli.cli.table import COMMANDS
from tests.support import ROOT

README = (ROOT / "README.md").read_text()


def _sessions() -> list[tuple[str, str]]:
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "expected"), _sessions(), ids=lambda text: text[:60])
def test_console_blocks(command: str, expected: str, tmp_path: Path) -> None:
    if "| jq" in command and shutil.which("jq") is None:
        pytest.skip("there is no jq here")
    program = tmp_path / "boltcli"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m boltcli "$@"\n')
    program.chmod(0o755)
    # Copies: what the examples write stays out of the repository, and no other test has them open.
    (tmp_path / "fixtures").mkdir()
    for name in re.findall(r"fixtures/[\w.-]+\.db", command):
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.decode() == expected


def test_every_command_has_its_line() -> None:
    for command in COMMANDS:
        assert f"**`{command.name}`**" in README, command.name


def test_python_blocks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "4 executions" in printed
    audit = json.loads(printed.partition("bacalhau-compute-1.4.db ")[2].splitlines()[0])
    (listed,) = [output for command, output in _sessions() if "execution-live-index | comm" in command]
    assert audit["gone"] == listed.split()  # the recipes of both kinds say the same
    assert sum(audit["states"].values()) == 237


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)\b", README)) - {"help"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
