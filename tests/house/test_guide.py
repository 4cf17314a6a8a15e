"""README and manual tell the truth: console blocks are run, Python blocks work, every command has its section."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boltcli import guide
from boltcli.cli.commands import COMMANDS
from tests.support import ROOT

PAGES = {"README": (ROOT / "README.md").read_text()} | {topic: guide.text(topic) for topic in guide.topics()}


def _sessions(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page's console blocks, each with the output that follows it."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


SESSIONS = [(topic, *session) for topic, page in PAGES.items() for session in _sessions(page)]


@pytest.mark.slow
@pytest.mark.parametrize(("topic", "command", "expected"), SESSIONS, ids=lambda text: text[:50])
def test_console_blocks(topic: str, command: str, expected: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("topic", PAGES)
def test_python_blocks(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a page's Python blocks in one namespace, and compare what they print with a following ```text block."""
    monkeypatch.chdir(ROOT)
    page, names = PAGES[topic], {"__name__": topic}
    for block, output in re.findall(
        r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", page, re.MULTILINE | re.DOTALL
    ):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, f"{topic}.md", "exec"), names)
        if output:
            assert printed.getvalue() == output


def test_recipes_in_shell_and_python_agree() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.chdir(ROOT):
        for block in re.findall(r"^```python\n(.*?)^```$", PAGES["recipes"], re.MULTILINE | re.DOTALL):
            exec(compile(block, "recipes.md", "exec"), {})
    audit = json.loads(printed.getvalue().partition("bacalhau-compute-1.4.db ")[2].splitlines()[0])
    (listed,) = [output for command, output in _sessions(PAGES["recipes"]) if "execution-live-index | comm" in command]
    assert audit["gone"] == listed.split()
    assert sum(audit["states"].values()) == 237


def test_every_command_has_a_section() -> None:
    headings = "\n".join(re.findall(r"^#+ .*$|^- `.*$", "\n".join(PAGES.values()), re.MULTILINE))
    for name in COMMANDS:
        heading = name.partition(" ")[0] if name.startswith("completion") else name
        assert f"`{heading}`" in headings, f"no page of the guide has a section on {name}"


def test_readme_is_short() -> None:
    assert PAGES["README"].count("\n") <= 170


def test_links_lead_somewhere() -> None:
    for topic, page in PAGES.items():
        base = ROOT if topic == "README" else ROOT / "boltcli" / "guide"
        for target in re.findall(r"\]\(([^)#]+)\)", page):
            assert target.startswith("https://") or (base / target).exists(), f"{topic}: {target}"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)\b", "\n".join(PAGES.values()), re.MULTILINE)) - {"help"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
