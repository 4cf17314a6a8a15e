"""The browser: its list of keys against a sorted list, and its screen by textual's pilot at 80x24."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textual")

from textual.pilot import Pilot
from textual.widgets import Input

from boltcli.cli.browse.app import BrowseApp
from boltcli.cli.browse.session import Session
from boltcli.cli.browse.value import show_value
from boltcli.cli.browse.window import KeyWindow
from boltcli.errors import KeyNotFound
from boltcli.storage.snapshot import Snapshot
from tests.support import ROOT, fixture, run


def _store(folder: Path, pairs: int) -> Path:
    rows = folder / "rows.ndjson"
    rows.write_text(
        "".join(
            json.dumps({"bucket": ["b"], "key": f"key-{number:06}", "value": f"value {number * 7}"}) + "\n"
            for number in range(pairs)
        )
    )
    status, _, err = run("import", "--partial", "-o", folder / "store.db", rows)
    assert status == 0, err
    return folder / "store.db"


def _chosen(window: KeyWindow) -> bytes:
    assert window.chosen is not None
    return window.chosen.key


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _store(tmp_path_factory.mktemp("browse"), 20_000)


@pytest.mark.slow
def test_the_window_is_a_part_of_the_sorted_keys(store: Path) -> None:
    names = [b"key-%06d" % number for number in range(20_000)]
    with Snapshot(str(store)) as snapshot:
        session = Session(str(store), snapshot, lambda: snapshot)
        window = KeyWindow(snapshot, session.bucket((b"b",)), 10)
        at = 0
        list(window.go())
        for count in (1, 3, 9, 9, 100, -1, -5, -50, 5000, 20_000, -1, -9, -30, -20_000, 15):
            list(window.move(count))
            at = min(max(at + count, 0), len(names) - 1)
            assert _chosen(window) == names[at]
            shown = [row.key for row in window.rows]
            first = names.index(shown[0])
            assert shown == names[first : first + 10]
        list(window.end())
        assert [row.key for row in window.rows] == names[-10:]
        list(window.go(b"key-019995x"))
        assert [row.key for row in window.rows] == names[-10:]
        assert _chosen(window) == names[19_996]
        window.needle = b"77"
        matching = [name for name in names if b"77" in name]
        list(window.go())
        assert [row.key for row in window.rows] == matching[:10]
        list(window.move(25))
        assert _chosen(window) == matching[25]
        list(window.resize(4))
        assert _chosen(window) in [row.key for row in window.rows]
        window.needle = b""
        list(window.go())
        list(window.search(b"value 70007"))
        assert _chosen(window) == names[10_001]
        list(window.search(b"value 70"))  # the next one, and around the end
        assert _chosen(window) == names[10_002]
        with pytest.raises(LookupError):
            list(window.search(b"nowhere"))


def test_few_pages_are_read_for_a_screen(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    whole = Snapshot.page

    def page(self: Snapshot, pgid: int, *more: Any, **options: Any) -> Any:
        read.append(pgid)
        return whole(self, pgid, *more, **options)

    monkeypatch.setattr(Snapshot, "page", page)
    with Snapshot(str(store)) as snapshot:
        session = Session(str(store), snapshot, lambda: snapshot)
        window = KeyWindow(snapshot, session.bucket((b"b",)), 20)
        for steps in (window.go(), window.end(), window.go(b"key-010000"), window.move(20), window.move(-40)):
            list(steps)
        assert _chosen(window) == b"key-009980"
    assert len(read) < 40


@pytest.mark.parametrize(
    ("value", "mode", "expected"),
    [
        (b"plain", "", ("text", "plain")),
        (b'{"a": 1}', "", ("json", {"a": 1})),
        (b'{"a": 1}', "text", ("text", '{"a": 1}')),
        (b"\x1b[2J", "text", ("text", "\\x1b[2J")),
        (b"AB\xff\x00", "hex", ("hex", "0000 4142ff00          AB..")),
        (b"plain", "json", ("json", "This value is not JSON.\n\nplain")),
        ((42).to_bytes(8, "big"), "", ("decoded", "42")),
        (b"\x82\xa1a\x01\xa1b\xc0", "decoded", ("decoded", {"a": 1, "b": None})),
    ],
)
def test_forms_of_a_value(value: bytes, mode: str, expected: tuple[str, Any]) -> None:
    shown = show_value(value, mode)
    assert (shown.mode, shown.text if shown.data is None else shown.data) == expected


def test_a_large_value_is_shown_in_part() -> None:
    shown = show_value(b"x" * 100_000, size=1 << 30)
    assert (shown.title, len(shown.text)) == (
        "text, 1073741824 bytes",
        65536 + len("\n(1073676288 more bytes are not shown)"),
    )
    assert shown.text.endswith("\n(1073676288 more bytes are not shown)")
    with Snapshot(str(fixture("values"))) as snapshot:
        session = Session("a", snapshot, lambda: snapshot)
        assert len(session.value((b"large",), b"1MiB", 1000)) == 1000
        assert len(session.value((b"large",), b"1MiB", 1 << 24)) == 1 << 20
        with pytest.raises(KeyNotFound):
            session.value((b"large",), b"none", 1)


def _browse(path: Path, steps: Callable[[BrowseApp, Pilot[None]], Coroutine[Any, Any, None]]) -> None:
    async def go() -> None:
        session = Session(str(path), Snapshot(str(path)), lambda: Snapshot(str(path)))
        app = BrowseApp(session)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await steps(app, pilot)
        session.close()

    asyncio.run(go())


def _screen(app: BrowseApp) -> list[str]:
    """Return the 24 lines of text on the screen."""
    update = app.screen._compositor.render_strips()
    return [strip.text.rstrip() for strip in update]


async def _type(pilot: Pilot[None], text: str) -> None:
    pilot.app.query_one("#prompt", Input).value = text  # a key at a time takes a second
    await pilot.press("enter")
    await pilot.pause()


@pytest.mark.slow
def test_a_walk_through_a_database() -> None:
    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        lines = _screen(app)
        assert lines[0].startswith("document.db · transaction 14 · bacalhau · (root bucket)")
        assert "▸ execution" in lines[1]
        assert "▸ execution-history" in lines[2]
        assert "Search" in lines[-1]
        assert "Quit" in lines[-1]
        await pilot.press("enter")
        await pilot.pause()
        assert app.path == (b"execution",)
        assert "e-42bdab56" in "\n".join(_screen(app))
        await pilot.press("end")
        await pilot.pause()
        assert _chosen(app.window).startswith(b"e-fb54458c")
        await pilot.press("y")
        await pilot.pause()
        line = app.clipboard
        assert line.startswith("boltcli get ")
        assert line.endswith(" execution e-fb54458c-5bad-496e-a1cb-4fc091d882a1")
        assert run(*line.split()[1:])[1].startswith(b"{")
        await pilot.press("x")
        await pilot.pause()
        assert "0000 7b" in "\n".join(_screen(app))
        await pilot.press("m")
        await pilot.pause(0.5)
        text = "\n".join(_screen(app))
        assert "page 4 at offset 65536: a leaf page of bucket execution" in text
        assert "@" in text
        await pilot.press("escape")
        await pilot.press("backspace")
        await pilot.pause()
        assert not app.path
        assert _chosen(app.window) == b"execution"
        await pilot.press("question_mark")
        await pilot.pause()
        assert "copy as a command line" in "\n".join(_screen(app))

    _browse(fixture("document"), steps)


SCREENS: dict[str, tuple[str, tuple[str, ...]]] = {
    "start": ("document", ()),
    "json": ("document", ("enter", "down")),
    "text": ("document", ("enter", "t")),
    "hex": ("integers", ("enter", "x")),
    "nested": ("nested-8", ("enter", "down", "down", "down", "enter")),
    "etcd": ("etcd-3.6", ("down", "down", "down", "down", "down", "enter")),
    "page": ("document", ("enter", "m")),
    "prompt": ("document", ("enter", "slash", "a", "b")),
    "help": ("document", ("question_mark",)),
    "empty": ("empty", ()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
def test_screens_are_those_that_were_looked_at(name: str) -> None:
    """80x24; BOLTCLI_WRITE_SCREENS=1 writes the files anew, which are then to be looked at."""
    source, keys = SCREENS[name]
    seen: list[str] = []

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.3)
        seen.extend(_screen(app))

    _browse(fixture(source), steps)
    kept = Path(__file__).with_name("screens") / f"{name}.txt"
    if os.environ.get("BOLTCLI_WRITE_SCREENS"):
        kept.write_text("\n".join(seen) + "\n")
    assert seen == kept.read_text().splitlines()
    assert (len(seen), max(map(len, seen)) <= 80) == (24, True)


@pytest.mark.slow
def test_search_filter_and_go(store: Path) -> None:
    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await pilot.press("enter", "slash")
        await _type(pilot, "value 70007")
        await pilot.pause(0.2)
        assert _chosen(app.window) == b"key-010001"
        assert "value 70007" in "\n".join(_screen(app))
        await pilot.press("f")
        await _type(pilot, "9999")
        await pilot.pause(0.2)
        assert [row.key for row in app.window.rows] == [b"key-009999", b"key-019999"]
        assert "filter 9999" in _screen(app)[0]
        await pilot.press("f")
        await _type(pilot, "")
        await pilot.press("g")
        await _type(pilot, "key-0123")
        assert _chosen(app.window) == b"key-012300"
        await pilot.press("slash")
        await _type(pilot, "nowhere")
        await pilot.pause(0.3)
        assert "not found in this bucket" in "\n".join(_screen(app))
        await pilot.press("p")
        await _type(pilot, "x")
        assert "x" in _screen(app)[-2]

    _browse(store, steps)


@pytest.mark.slow
def test_a_newer_state_is_read_on_wish(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    shutil.copy(fixture("document"), path)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        shutil.copy(_store(tmp_path, 3), tmp_path / "new.db")
        (tmp_path / "new.db").replace(path)
        assert "execution" in "\n".join(_screen(app))
        await pilot.press("r")
        await pilot.pause()
        assert [row.key for row in app.window.rows] == [b"b"]
        await pilot.press("r")
        await pilot.pause()
        assert "nothing new" in _screen(app)[-2]

    _browse(path, steps)


@pytest.mark.slow
def test_a_damaged_page_is_a_sentence(tmp_path: Path) -> None:
    data = bytearray(fixture("document").read_bytes())
    data[4 * 16384 : 4 * 16384 + 16] = b"\xff" * 16  # the leaf page of bucket execution
    path = tmp_path / "damaged.db"
    path.write_bytes(data)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await pilot.pause()
        assert "page 4" in _screen(app)[-2]

    _browse(path, steps)


def test_without_a_terminal_it_is_one_line() -> None:
    status, out, err = run("browse", fixture("document"))
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: browse needs a terminal")


def test_without_textual_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    status, _, err = run("browse", fixture("document"))
    assert status == 1
    assert err.startswith(b"Error: browse needs textual: ")
    assert b" install 'textual>=8'" in err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_beside_a_writer(tmp_path: Path) -> None:
    """The whole program on a pseudo-terminal of 80x24, while another process holds the lock."""
    import fcntl
    import pty
    import select
    import struct
    import subprocess
    import termios
    import time

    path = tmp_path / "a.db"
    shutil.copy(fixture("document"), path)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with path.open("rb+") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        program = subprocess.Popen(
            [sys.executable, "-m", "boltcli", "browse", "--timeout", "10ms", path], cwd=ROOT,
            stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": "xterm-256color"},
        )  # fmt: skip
        seen = b""
        sent = 0
        until = time.monotonic() + 30
        while time.monotonic() < until and program.poll() is None:
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 1 << 16)
            if b"execution-history" in seen and not sent:
                os.write(master, b"r")
                sent = 1
            if b"nothing new" in seen and sent == 1:
                os.write(master, b"q")
                sent = 2
    if program.poll() is None:
        program.kill()
    os.close(slave)
    os.close(master)
    assert (program.wait(), sent) == (0, 2), seen[-2000:]
