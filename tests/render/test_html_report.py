"""The HTML report: complete, self-contained, escaped, small; and in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from array import array
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from boltcli.apps.contract import View
from boltcli.apps.etcd.views import VIEWS
from boltcli.render import html_report
from boltcli.render.explanations import EXPLANATIONS
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.page_map import LEAF, page_map
from tests.schema import run_json
from tests.support import DATABASES, fixture, freelist, missing, page, run, small

if TYPE_CHECKING:
    from boltcli.apps.contract import Store

EVIL = b"<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collect the elements and what they link to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]


def _read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text())
    return reader


def test_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a.html"
    status, (done,), _ = run_json("report", "-o", target, fixture("document"))
    assert (status, done["files"], done["bad"], done["size"]) == (0, 1, 0, target.stat().st_size)
    assert _read(target).links == []
    text = target.read_text()
    assert "e-42bdab56-bb27-42ca-a4c2-62aeb0f76342" in text
    assert "RequesterNodeID" not in text  # it is in a value
    assert run("report", "-o", target, fixture("document"))[0] == 1  # it is there
    assert run("report", "--values", "--force", "-o", target, fixture("document"))[0] == 0
    assert "APIVersion" in target.read_text()


def test_views_are_counted_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The view hashkv of etcd reads and hashes everything for its one row."""
    counted: list[str] = []

    def counting(view: View) -> Callable[[Store], int]:
        count = view.count
        return lambda db: counted.append(view.name) or count(db)  # type: ignore[func-returns-value]

    for view in VIEWS:
        monkeypatch.setattr(view, "count", counting(view))
    (view,) = [view for view in VIEWS if view.name == "hashkv"]
    monkeypatch.setattr(view, "rows", None)
    target = tmp_path / "a.html"
    assert run("report", "-o", target, fixture("etcd-3.6"))[0] == 0
    assert counted == [view.name for view in VIEWS]
    assert "hashkv" in target.read_text()


@pytest.mark.slow
def test_many_files_the_worst_first(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"nothing" * 1000)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(small(freelist(2), page(3, 2, [(b"b", b"1"), (b"a", b"1")])))
    target = tmp_path / "all.html"
    status, (done,), _ = run_json("report", "-o", target, *DATABASES, broken, damaged, tmp_path / "none.db")
    assert (status, done["files"], done["bad"], done["unreadable"]) == (1, len(DATABASES) + 3, 3, 2)
    paths = re.findall(r'href="#file-\d+">([^<]*)<', target.read_text())
    assert {Path(name).name for name in paths[:3]} == {"broken.db", "damaged.db", "none.db"}
    assert paths[2] == str(damaged)  # the others cannot be read at all
    assert run("report", "-o", tmp_path / "b.html", broken)[0] == 1
    assert not (tmp_path / "b.html").exists()


def test_an_audit_with_errors_is_in_the_verdict(tmp_path: Path) -> None:
    target = tmp_path / "a.html"
    assert run("report", "-o", target, fixture("document"), fixture("bacalhau-compute-1.4"))[0] == 0
    text = target.read_text()
    assert "sound; audit: 2 errors" in text
    assert text.index("bacalhau-compute-1.4") < text.index("document.db")  # the worse one first


def test_names_are_escaped(tmp_path: Path) -> None:
    source = tmp_path / "<b>.db"
    source.write_bytes(small(freelist(2), page(3, 2, [(EVIL, EVIL), (b"\xff\x00", b"</style>")])))
    target = tmp_path / "a.html"
    assert run("report", "--values", "-o", target, source)[0] == 0
    tags = _read(target).tags
    assert tags.count("script") == 2  # the map's data and the program
    assert "b" not in tags
    assert EVIL not in target.read_bytes()


def test_findings_are_explained(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    source.write_bytes(small(freelist(2), page(3, 2, [(b"b", b"1"), (b"a", b"1")]), page(4, 2, []), hwm=5))
    target = tmp_path / "a.html"
    assert run("report", "-o", target, source)[0] == 0
    text = " ".join(unescape(target.read_text()).split())
    for kind in ("key-order", "unreachable-unfreed"):
        assert f"<strong>{kind}</strong>, 1: {' '.join(EXPLANATIONS[kind][0].split())}" in text
        assert re.sub(r"`([^`]*)`", r"<code>\1</code>", EXPLANATIONS[kind][2]) in text
    assert "reachable-freed" not in text
    assert html_report._code("a `<b>` c") == "a <code>&lt;b&gt;</code> c"


def test_long_names_and_keys_are_cut(tmp_path: Path) -> None:
    rows = tmp_path / "rows.ndjson"
    name = "n" * 20_000
    with rows.open("w") as file:
        for number in range(60):
            file.write(
                json.dumps({"bucket": [f"{number:02}{name}"], "key": f"{number:02}{name}", "value": "v" * 9000}) + "\n"
            )
    assert run("import", "--partial", "-o", tmp_path / "a.db", rows)[0] == 0
    assert run("report", "--values", "-o", tmp_path / "a.html", tmp_path / "a.db")[0] == 0
    assert (tmp_path / "a.html").stat().st_size < 200_000


@pytest.mark.slow
def test_a_large_file_gives_a_small_report() -> None:
    with Snapshot(str(fixture("depth-4"))) as snapshot:
        mapped = page_map(snapshot)
        count = 1 << 18  # pages of 4 KiB: 1 GiB
        mapped.kinds = bytearray([LEAF, LEAF, 3, 6]) * (count // 4)
        mapped.fills = bytearray(range(100)) * (count // 100 + 1)
        mapped.owners = memoryview(array("I", [1, 1, 0xFFFFFFFF, 1] * (count // 4)))
        drawn = html_report._map(mapped)
    assert sum(len(part) for part in (drawn["svg"], drawn["data"])) < 1_500_000


def test_a_missing_library_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    status, out, err = run("report", "-o", tmp_path / "a.html", fixture("document"))
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: report needs jinja2: ")
    assert err.endswith(b" install 'jinja2>=3.1' 'pillow>=10'\n")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium from the system's packages, driven by playwright."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.mark.slow
def test_names_do_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    """A bucket with a page of its own, a key and a value that would all run a program."""
    evil = b"</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    source = tmp_path / "<img src=x onerror=alert(3)>.db"
    bucket = (evil, (4).to_bytes(8, "little") + bytes(8), b"\1")
    source.write_bytes(small(freelist(2), page(3, 2, [bucket]), page(4, 2, [(evil, evil)])))
    target = tmp_path / "a.html"
    assert run("report", "--values", "-o", target, source)[0] == 0
    ran: list[str] = []
    tab = browser.new_page()

    def opened(dialog: Any) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", opened)
    tab.on("console", lambda message: ran.append(message.text))
    tab.on("pageerror", lambda error: ran.append(str(error)))
    tab.goto(target.as_uri())
    box = tab.locator(".map svg").bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 4.5 / 16, box["y"] + 5)
    assert f"bucket {evil.decode()}" in tab.locator(".map .tip").text_content()
    tab.wait_for_timeout(200)
    assert ran == []
    assert tab.locator("img").count() == 0
    tab.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(browser: Any, scheme: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(small(freelist(2), page(3, 2, [(b"b", b"1"), (b"a", b"1")]), hwm=6))
    target = tmp_path / "a.html"
    assert run("report", "-o", target, fixture("after-deletes"), damaged)[0] == 0
    complaints: list[str] = []
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(target.as_uri())
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
    assert dark == (scheme == "dark")
    # Nothing is wider than a phone.
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    image = tab.locator(".map svg").last
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    tab.mouse.move(box["x"] + 2, box["y"] + 2)
    assert tab.locator(".map .tip").last.text_content().startswith("page 0 at offset 0: meta")
    tab.mouse.click(box["x"] + 2, box["y"] + 2)
    assert "meta" in tab.locator(".map .zoom").last.text_content()
    rows = tab.locator("#index tbody tr:visible")
    assert rows.count() == 2
    tab.locator("input[data-filter=index]").fill("damaged")
    assert rows.count() == 1
    assert complaints == []
    context.close()
