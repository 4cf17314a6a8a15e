"""What a command imports: start-up is most of the time of a small command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = {
    "typer", "rich", "orjson", "pydantic", "dataclasses", "typing", "re", "json", "pathlib", "logging",
    "inspect", "enum", "functools", "collections", "importlib.metadata", "ctypes", "tempfile", "shutil",
}  # fmt: skip

SCRIPT = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
from boltcli.__main__ import main
status = main(sys.argv[2:], open("/dev/null", "wb"))
after = set(sys.modules) - before
import json
print(json.dumps([status, sorted(after)]))
"""

ARGUMENTS = {
    "check": ["fixtures/document.db"],
    "buckets": ["fixtures/document.db"],
    "keys": ["fixtures/document.db", "execution"],
    "items": ["fixtures/document.db", "execution", "--prefix", "e-9", "--limit", "1"],
    "get": ["fixtures/document.db", "execution", "e-9a937556-ac83-49ec-b794-a94c3aa068b2"],
    "stats": ["fixtures/document.db"],
    "compact": ["-o", "OUT", "fixtures/many-free.db"],
    "inspect": ["fixtures/document.db"],
    "tree": ["fixtures/document.db"],
    "du": ["fixtures/document.db"],
    "info": ["fixtures/document.db"],
    "diff": ["fixtures/document.db", "fixtures/document.db"],
    "lock": ["OWN"],
    "pages": ["fixtures/document.db"],
    "page": ["--all", "fixtures/document.db"],
    "page-item": ["fixtures/document.db", "4", "0"],
    "dump": ["fixtures/document.db", "0"],
    "surgery revert-meta-page": ["fixtures/document.db", "--output", "OUT"],
    "surgery copy-page": ["fixtures/document.db", "--output", "OUT", "--from-page", "2", "--to-page", "3"],
    "surgery clear-page": ["fixtures/document.db", "--output", "OUT", "--pageId", "4"],
    "surgery clear-page-elements": [
        "fixtures/document.db", "--output", "OUT", "--pageId", "4", "--from-index", "0", "--to-index", "1",
    ],
    "surgery freelist abandon": ["fixtures/document.db", "--output", "OUT"],
    "surgery freelist rebuild": ["fixtures/no-freelist.db", "--output", "OUT"],
    "surgery meta validate": ["fixtures/document.db"],
    "surgery meta update": ["fixtures/document.db", "--output", "OUT", "--meta-page", "1"],
}  # fmt: skip


def _run(*argv: str, alone: bool = True) -> tuple[int, set[str]]:
    # -I -S: without the site packages' own .pth files, which may import anything.
    done = subprocess.run(
        [sys.executable, "-I", *["-S"] * alone, "-c", SCRIPT, str(ROOT), *argv],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    status, modules = json.loads(done.stdout)
    return status, set(modules)


HOT = [*ARGUMENTS, "version", "help", "completion bash"]
"""Commands of bbolt and the like, which scripts call often. The others may import what they need."""


@pytest.mark.slow
@pytest.mark.parametrize("name", HOT)
def test_hot_commands_import_nothing_slow(name: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "fixtures/document.db", tmp_path / "own.db")  # that no other test has open
    places = {"OUT": str(tmp_path / "out"), "OWN": str(tmp_path / "own.db")}
    arguments = [places.get(word, word) for word in ARGUMENTS.get(name, [])]
    status, modules = _run(*name.split(), *arguments)
    assert status == 0
    assert "boltcli.cli.app" in modules
    assert not modules & SLOW


MOST = {"check": 31, "stats": 35, "keys": 34, "get": 35, "buckets": 29, "info": 26, "inspect": 34}
"""How many modules of ours a command may load on a small file: each takes a tenth of a millisecond, of about seven."""


@pytest.mark.parametrize("name", MOST)
def test_hot_commands_load_few_modules(name: str) -> None:
    status, modules = _run(name, *ARGUMENTS[name])
    assert status == 0
    ours = {module for module in modules if module.split(".")[0] == "boltcli"} - {"boltcli.kernel._kernel"}
    assert len(ours) <= MOST[name], sorted(ours)


JSON = {"check": 64, "stats": 63, "keys": 42, "get": 42, "buckets": 45, "pages": 45, "inspect": 43}


@pytest.mark.parametrize("name", JSON)
def test_commands_load_few_modules_for_json(name: str) -> None:
    status, modules = _run(name, "--json", *ARGUMENTS[name], alone=False)
    assert status == 0
    ours = {module for module in modules if module.split(".")[0] == "boltcli"} - {"boltcli.kernel._kernel"}
    assert len(ours) <= JSON[name], sorted(ours)


@pytest.mark.parametrize("argv", [[], ["surgery"], ["__complete", "plain", "keys", "fixtures/document.db", "e"]])
def test_help_and_completion_import_nothing_slow(argv: list[str]) -> None:
    status, modules = _run(*argv)
    assert status == 0
    assert not modules & SLOW


def test_errors_import_nothing_slow() -> None:
    """But difflib, for names like the missing one, and what that imports."""
    status, modules = _run("get", "fixtures/document.db", "execution", "missing")
    assert status == 1
    assert not modules & (SLOW - {"collections", "enum", "functools", "re"})


def test_the_package_alone_imports_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.path.insert(0, sys.argv[1]); b = set(sys.modules); "
         "import boltcli; print(*sorted(set(sys.modules) - b))", str(ROOT)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["__future__", "boltcli"]


def test_the_library_loads_no_list_of_packages_before_an_application_is_asked_for() -> None:
    """It takes as long as all of boltcli: half of ``import boltcli`` and a check of a small file."""
    code = "import sys, boltcli; db = boltcli.open('fixtures/document.db'); list(db.check()); {}print(*sys.modules)"
    for more, is_there in (("", False), ("db.application; ", True)):
        command = [sys.executable, "-W", "ignore", "-c", code.format(more)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert ("importlib.metadata" in done.stdout.split()) == is_there
