"""What is said of the package to an index: links and pictures of the README, URLs, versions."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
import types
from typing import Any

import pytest

import boltcli
from tests.support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
ADDRESS = "https://example.com/someone/boltcli"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the hook; hatchling, which only builds have, is replaced by what it takes of it."""
    name = "hatchling.metadata.plugin.interface"
    interface = types.ModuleType(name)
    interface.MetadataHookInterface = object  # type: ignore[attr-defined]
    for package in ("hatchling", "hatchling.metadata", "hatchling.metadata.plugin"):
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    monkeypatch.setitem(sys.modules, name, interface)
    path = ROOT / PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["path"]
    spec = importlib.util.spec_from_file_location("metadata_hook", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _targets(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]*)\)", text)


def test_links_of_the_readme_are_absolute(hook: Any) -> None:
    relative = [target for target in _targets(README) if "://" not in target]
    assert len(relative) > 15
    shown = hook.readme(README, ADDRESS)
    assert all(target.startswith("https://") for target in _targets(shown))
    for target in relative:
        kind = "raw" if target.endswith(".svg") else "blob"
        assert f"]({ADDRESS}/{kind}/HEAD/{target})" in shown
    assert f"![Map of the pages of a Bacalhau compute node's database]({ADDRESS}/raw/HEAD/.github/map.svg)" in shown


def test_without_an_address_nothing_leads_nowhere(hook: Any) -> None:
    shown = hook.readme(README, "")
    assert all(target.startswith("https://") for target in _targets(shown))
    assert "![" not in shown
    assert "| damaged |" in shown
    assert shown.partition("## Read on")[2].count("\n") == README.partition("## Read on")[2].count("\n")


def test_urls(hook: Any) -> None:
    assert hook.urls("").keys() == {"File format (bbolt)"}
    found = hook.urls(ADDRESS, "https://example.com/manual")
    assert {"Homepage", "Source", "Issues", "Changelog", "Documentation"} < found.keys()
    assert found["Documentation"] == "https://example.com/manual"
    assert hook.urls(ADDRESS)["Documentation"].startswith(ADDRESS)


def test_the_address_is_in_one_place() -> None:
    """pyproject.toml, if it is known: then no file names another one."""
    address = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["address"]
    assert not address or address.startswith("https://")
    assert "address" in (ROOT / ".github" / "RELEASING.md").read_text()


def test_classifiers_are_true() -> None:
    classifiers = PROJECT["project"]["classifiers"]
    minors = [int(minor) for minor in re.findall(r"Python :: 3\.(\d+)", "\n".join(classifiers))]
    assert PROJECT["project"]["requires-python"] == f">=3.{minors[0]}"
    matrix = re.findall(r'"3\.(\d+)"', (ROOT / ".github/workflows/tests.yml").read_text().partition("steps:")[0])
    assert list(map(int, matrix)) == minors
    assert list((ROOT / "boltcli" / "kernel").glob("*.c"))
    assert (ROOT / "boltcli" / "py.typed").exists()


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    for heading in headings:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - (Unreleased|\d{4}-\d\d-\d\d)", heading), heading
    assert headings[0].startswith(f"[{boltcli.__version__}] - ")
    assert not any("Unreleased" in heading for heading in headings[1:])


def test_scripts_are_bash() -> None:
    for path in sorted((ROOT / ".ci").glob("*")):
        if path.suffix == ".sh" or path.name == "run":
            assert subprocess.run(["bash", "-n", str(path)]).returncode == 0, path.name


def test_links_of_the_project_s_pages_lead_somewhere() -> None:
    pages = [*(ROOT / ".github").glob("*.md"), ROOT / "boltcli" / "README.md", ROOT / "tests" / "README.md"]
    assert len(pages) >= 6
    for page in pages:
        for target in _targets(page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"
