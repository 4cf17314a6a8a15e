"""A command says what it found, and never asks in which form that is written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from boltcli.cli.make_table import INJECTED
from boltcli.cli.registry import all_commands

COMMANDS_FOLDER = Path(__file__).resolve().parents[2] / "boltcli" / "cli" / "commands"
MODULES = sorted(COMMANDS_FOLDER.glob("*.py"))
FORMS = {"json", "csv", "form", "is_data"}


def _problems(code: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked = f"{node.value.id}.{node.attr}"
            if (node.value.id in ("out", "opener", "output") and node.attr in FORMS) or node.value.id == "job":
                found.append(asked)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            found.append("getattr")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_command_asks_for_its_form(path: Path) -> None:
    assert _problems(ast.parse(path.read_text())) == []


def test_the_question_would_be_found() -> None:
    assert _problems(ast.parse("if out.json: pass")) == ["out.json"]
    assert _problems(ast.parse("order = out.is_data")) == ["out.is_data"]
    assert _problems(ast.parse("job.options.deep")) == ["job.options"]
    assert _problems(ast.parse("getattr(values, 'jobs')")) == ["getattr"]


def test_what_the_runner_passes() -> None:
    """The database, how further files are opened, and where results go: everything else is a typed parameter."""
    assert INJECTED == ("db", "opener", "out")
    assert {name for command in all_commands() for name in command.takes} <= set(INJECTED)
