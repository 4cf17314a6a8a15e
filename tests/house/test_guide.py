"""README and manual tell the truth: console blocks are run, Python blocks work, every command has its section."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from boltcli import guide
from boltcli.cli.command_table import COMMANDS
from boltcli.cli.help import shown_example
from boltcli.cli.registry import find
from boltcli.tree.page_map import KINDS
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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, compiled modules too: the examples run there as a reader would run them."""
    copy = tmp_path_factory.mktemp("guide") / "boltcli"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".?*", "build", "dist", "tests"))
    shutil.copy(ROOT / ".gitignore", copy)
    return copy


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line in a folder; stderr goes where stdout goes."""
    return subprocess.run(
        ["sh", "-c", command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.slow
def test_console_blocks(checkout: Path) -> None:
    """Run all examples in order, in one copy of the checkout: each prints what its page says and changes no file."""
    before = _contents(checkout)
    wrong = []
    for topic, command, expected in SESSIONS:
        if "| jq" in command and shutil.which("jq") is None:
            warnings.warn(f"not run, as there is no jq here: {command}", stacklevel=1)
            continue
        if (printed := _shell(command, checkout).stdout) != expected:
            wrong.append(f"{topic}: $ {command}\n--- the page says\n{expected}--- it prints\n{printed}")
    assert not wrong, "\n".join(wrong)
    after = _contents(checkout)
    assert {name for name in before if after.get(name) != before[name]} == set()
    if shutil.which("git"):
        subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)
        new = sorted(after.keys() - before.keys())
        ignored = subprocess.run(
            ["git", "check-ignore", "--stdin"], cwd=checkout, input="\n".join(new), capture_output=True, text=True
        )
        assert ignored.stdout.splitlines() == new, "the examples leave files that git would show as new"


@pytest.mark.slow
@pytest.mark.parametrize("topic", PAGES)
def test_python_blocks(topic: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a page's Python blocks in one namespace, and compare what they print with a following ```text block.

    A script that is for ``__main__``, and a file of tests, are run as such.
    """
    monkeypatch.chdir(checkout)
    page, names = PAGES[topic], {"__name__": topic}
    script = tmp_path / "test_block.py"
    for block, output in re.findall(
        r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", page, re.MULTILINE | re.DOTALL
    ):
        is_test = "\ndef test_" in block
        if is_test or '"__main__"' in block:
            script.write_text(block, encoding="utf-8")
            words = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if is_test else []
            done = subprocess.run(
                [sys.executable, *words, script], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."}
            )
            assert done.returncode == 0, done.stdout + done.stderr
            shown = "" if is_test else done.stdout
        else:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block, f"{topic}.md", "exec"), names)
            shown = printed.getvalue()
        if output:
            assert shown == output


@pytest.mark.slow
def test_examples_of_help(tmp_path: Path) -> None:
    """Run the examples that help shows, in order, in an empty folder, on the file that ``help example`` writes."""
    assert _shell("boltcli help example", tmp_path).returncode == 0
    failed = []
    for name in COMMANDS:
        if name in ("browse", "watch"):  # they go on until they are stopped
            continue
        command = find(name)
        assert command is not None
        done = _shell(shown_example(command.example), tmp_path)
        if not done.stdout or "Error: " in done.stdout or done.returncode not in {0, *command.statuses}:
            failed.append(f"$ {shown_example(command.example)}\n{done.stdout}({done.returncode})")
    assert not failed, "\n".join(failed)


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


def test_the_glossary_has_the_words_of_outputs() -> None:
    """All kinds of pages have their entry, and no entry explains a word that boltcli doesn't use."""
    page = PAGES["glossary"]
    terms = {term for entry in re.findall(r"^- (.*?):", page, re.MULTILINE) for term in re.findall(r"[\w+ -]+", entry)}
    terms = {term.strip() for term in terms} - {"", "and", "a", "an"}
    for kind in KINDS:
        assert any(kind in term for term in terms) or f"**{kind}**" in page, kind
    pages = [text for topic, text in PAGES.items() if topic != "glossary"]
    words = " ".join([*pages, *(path.read_text() for path in (ROOT / "boltcli").rglob("*.py"))]).lower()
    for term in terms:
        assert term.lower() in words, term


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
