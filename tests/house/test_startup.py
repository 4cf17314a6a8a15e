"""What a command imports: start-up is most of the time of a small command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boltcli.cli.table import COMMANDS

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
    "get": ["fixtures/document.db", "execution", "e-9a937556-ac83-49ec-b794-a94c3aa068b2"],
    "stats": ["fixtures/document.db"],
    "info": ["fixtures/document.db"],
    "compact": ["-o", "{folder}/copy.db", "fixtures/document.db"],
    "lock": ["fixtures/document.db"],
    "version": [],
}


def _run(*argv: str) -> tuple[int, set[str]]:
    # -I -S: without the site packages' own .pth files, which may import anything.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT, str(ROOT), *argv], cwd=ROOT, capture_output=True, check=True
    )
    status, modules = json.loads(done.stdout)
    return status, set(modules)


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_hot_commands_import_nothing_slow(name: str, tmp_path: Path) -> None:
    status, modules = _run(name, *(word.format(folder=tmp_path) for word in ARGUMENTS[name]))
    assert status == 0
    assert "boltcli.cli.app" in modules
    assert not modules & SLOW


def test_errors_import_nothing_slow() -> None:
    status, modules = _run("get", "fixtures/document.db", "execution", "missing")
    assert status == 1
    assert not modules & SLOW


def test_the_package_alone_imports_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.path.insert(0, sys.argv[1]); b = set(sys.modules); "
         "import boltcli; print(*sorted(set(sys.modules) - b))", str(ROOT)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["__future__", "boltcli"]
