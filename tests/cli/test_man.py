"""The manual page names every command and every option."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from boltcli.cli.man import manual
from boltcli.cli.registry import all_commands
from tests.support import ROOT

OF_THE_BUILD = {"BOLTCLI_BUILD_KERNEL"}


def test_names_everything() -> None:
    page = manual().replace("\\-", "-")
    for command in all_commands():
        assert f"\\fBboltcli {command.name}" in page, command.name
        for option in command.options:
            assert f"--{option.name}\\fR" in page, option.name


def test_sections() -> None:
    """In the usual order, each with something in it; what the files and variables do is found in the sources."""
    page = manual().replace("\\-", "-")
    sections = dict(re.findall(r"^\.SH (.+)\n((?:(?!\.SH ).*\n)*)", page, re.MULTILINE))
    assert [*sections][-5:] == ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"]
    assert "boltcli check example.db" in sections["EXAMPLES"]
    assert sections["EXAMPLES"].count(".TP") == 8
    sources = "".join(path.read_text() for path in (ROOT / "boltcli").rglob("*.[pc]*") if path.suffix in (".py", ".c"))
    named = re.findall(r"BOLTCLI_[A-Z_]+", sections["ENVIRONMENT"])
    read = set(re.findall(r"BOLTCLI_[A-Z_]+", sources)) - OF_THE_BUILD
    assert sorted(named) == sorted(read)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PAGER"):
        assert name in sections["ENVIRONMENT"]


def test_formats_without_a_complaint() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff here")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=manual().encode(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
