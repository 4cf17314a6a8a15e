"""The sources of the site: every page has its place, and links lead to pages of the site. `make site` builds it."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any

import pytest
import yaml

import boltcli
from boltcli import guide
from tests.support import ROOT, needed

needed("textual")
FOLDER = ROOT / ".github" / "site"


@pytest.fixture(scope="module")
def prepare() -> Any:
    spec = importlib.util.spec_from_file_location("prepare", FOLDER / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _places(nav: list[Any]) -> list[str]:
    return [
        place for each in nav for place in ([each] if isinstance(each, str) else _places(next(iter(each.values()))))
    ]


def test_every_page_has_a_place(prepare: Any) -> None:
    nav = _places(yaml.safe_load((FOLDER / "mkdocs.yml").read_text())["nav"])
    assert len(nav) == len(set(nav))
    made = {name for name in prepare.PAGES.values() if name.endswith(".md")} | {"api.md", "schema.md", "screens.md"}
    assert set(nav) == made
    assert {f"{topic}.md" for topic in guide.topics()} < made


def test_links_lead_to_pages(prepare: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = set(prepare.PAGES.values())
    seen = 0
    for source, name in prepare.PAGES.items():
        if source.endswith(".md"):
            text = prepare.page(source)
            for target in re.findall(r"\]\(([^)#\s]+)", text):
                seen += 1
                assert "://" in target or target in known, f"{name}: {target}"
    assert seen > 40
    (tmp_path / "a.md").write_text("See [b](b.md).\n")
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"a\.md: b\.md is not on the site"):
        prepare.page("a.md")


def test_lists_stand_apart_but_in_code_nothing_changes(
    prepare: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("Some:\n- one\n- two\n\n```console\n$ x\n- y\n[z](z)\n```\n")
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    assert prepare.page("a.md") == "Some:\n\n- one\n- two\n\n```console\n$ x\n- y\n[z](z)\n```\n"


def test_the_api_and_the_schema_are_whole(prepare: Any) -> None:
    named = re.findall(r"^::: [\w.]+\.(\w+)$", prepare.api(), re.MULTILINE)
    assert sorted(named) == sorted(set(boltcli.__all__) - {"BBOLT_VERSION", "__version__"})
    headings = re.findall(r"^## (.*)$", prepare.schema(), re.MULTILINE)
    assert headings == sorted(json.loads((ROOT / "boltcli" / "schema.json").read_text())["$defs"])
