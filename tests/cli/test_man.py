"""The manual page names every command and every option."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from boltcli.cli.man import manual
from boltcli.cli.registry import all_commands


def test_names_everything() -> None:
    page = manual().replace("\\-", "-")
    for command in all_commands():
        assert f"\\fBboltcli {command.name}" in page, command.name
        for option in command.options:
            assert f"--{option.name}\\fR" in page, option.name


def test_formats_without_a_complaint() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff here")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=manual().encode(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
