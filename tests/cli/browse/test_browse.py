"""``browse``: its screens and keys, by textual's own driver, and once on a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("textual")

from textual.pilot import Pilot
from textual.widgets import Input

from boltcli.cli.browse import tables
from boltcli.cli.browse.app import BrowseApp
from boltcli.cli.browse.keys import Gap, LeafPart, parts
from boltcli.cli.browse.session import State
from boltcli.cli.browse.showing import Counted
from boltcli.cli.browse.sidebar import Place
from boltcli.cli.opener import Opener
from boltcli.cli.output import Output
from boltcli.format.bucket import BucketRef
from boltcli.storage.snapshot import Snapshot
from boltcli.text.values import shell_quoted
from tests.cli.browse.support import answer, browse, chosen, keys, press, screen, settled, store, text
from tests.live import Writer, held
from tests.support import ROOT, fixture, run


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("browse"), 20_000)


def damaged(folder: Path) -> Path:
    """A bucket of 2,000 keys of which one leaf page in the middle is overwritten."""
    path = store(folder, 2000, "damaged.db")
    status, out, _ = run("pages", path)
    assert status == 0
    leaves = [
        int(line.split()[0]) for line in out.decode().splitlines() if " leaf " in line and "b" not in line.split()
    ]
    with Snapshot(str(path)) as snapshot:
        size = snapshot.page_size
    data = bytearray(path.read_bytes())
    data[leaves[2] * size : leaves[2] * size + 16] = b"\xff" * 16
    path.write_bytes(data)
    return path


@pytest.mark.slow
def test_a_walk_through_views_and_buckets() -> None:
    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        assert app.place == Place("executions")  # the first view that has rows
        lines = screen(app)
        assert lines[0] == "document.db · transaction 14 · bacalhau · executions"
        assert lines[1].startswith("VIEWS         bacalhau│executions")
        assert lines[1].endswith("1 of 4")
        assert "▸ executions         4│" in text(app)
        assert "  execution-history  4│" in text(app)
        assert "state: Failed" in text(app)
        await press(app, pilot, "down", "y")
        line = app.clipboard
        assert line == f"boltcli view {shell_quoted(str(fixture('document')))} executions"
        assert line in text(app).replace("│\n│", "") or len(line) > 70
        await press(app, pilot, *["escape"] * (len(line) > 80))
        app.visit(Place(path=(b"execution",)))
        await settled(app, pilot)
        assert "e-42bdab56-bb27-42ca-a4c2-62aeb0f76342  {" in text(app)
        assert "as view executions shows it" in text(app)
        await press(app, pilot, "end", "y")
        assert chosen(app).startswith(b"e-fb54458c")
        assert app.grid.position == "4 of 4"
        line = app.clipboard
        assert line.endswith(" execution e-fb54458c-5bad-496e-a1cb-4fc091d882a1")
        await press(app, pilot, *["escape"] * (len(line) > 80))
        await press(app, pilot, "x")
        assert "0000 7b22" in text(app)
        assert "hexadecimal · 1.3 KiB · page 4 · fixed, v: automatic" in text(app)
        await press(app, pilot, "m")
        await pilot.pause(0.1)
        assert "page 4 at offset 65536: a leaf page of bucket execution" in text(app)
        await press(app, pilot, "escape", "v", "backspace")
        assert app.place == Place("executions")
        await press(app, pilot, "question_mark")
        assert "open a bucket, follow a reference" in text(app)
        app.post_message(Counted())  # under another screen
        await pilot.pause()
        await press(app, pilot, "escape", "enter", "question_mark")
        assert "fold or unfold a part" in text(app)

    browse(fixture("document"), steps)


@pytest.mark.slow
def test_rows_are_filtered_sorted_followed_and_exported(tmp_path: Path) -> None:
    source = fixture("bacalhau-requester-1.4")

    def printed(*options: str) -> list[list[str]]:
        status, out, _ = run("view", "--csv", *options, source, "executions")
        assert status == 0
        return list(csv.reader(out.decode().splitlines()))

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        app.visit(Place("executions"))
        await settled(app, pilot)
        await pilot.press("f")
        await pilot.pause()
        prompt = app.query_one("#prompt", Input)
        prompt.value = "state=Completed"
        await pilot.pause(0.2)  # as it is typed
        await settled(app, pilot)
        names, *rows = printed("--where", "state=Completed")
        assert 0 < len(rows) < 63
        assert app.grid.position == f"1 of {len(rows)} (of 63)"
        await pilot.press("enter")
        app.grid.column = names.index("node")
        await press(app, pilot, "s", "s")
        assert app.sort == "-node"
        assert "node ▼" in text(app)
        _, *rows = printed("--where", "state=Completed", "--sort", "-node")
        assert [row.cells[0] for row in app.shown.rows] == [row[0] for row in rows][: len(app.shown.rows)]
        await press(app, pilot, "y")
        assert app.clipboard.endswith("executions --where state=Completed --sort=-node")
        if len(app.screen_stack) > 1:
            await press(app, pilot, "escape")
        await answer(app, pilot, "e", str(tmp_path / "rows.csv"))
        assert f"wrote {len(rows)} rows to" in text(app)
        assert list(csv.reader((tmp_path / "rows.csv").open()))[1:] == rows
        await answer(app, pilot, "e", str(tmp_path / "rows.csv"))
        assert "already exists" in text(app)
        app.grid.column = names.index("job")
        job = rows[0][names.index("job")]
        await press(app, pilot, "home", "enter")  # follows the reference
        assert (app.place, app.filter.text) == (Place("jobs"), f"id={job}")
        assert app.chosen is not None
        assert app.chosen.cells[0] == job
        assert "referred to by" in text(app)
        await press(app, pilot, "backspace")
        assert (app.place, app.sort, app.filter.text) == (Place("executions"), "-node", "state=Completed")

    browse(source, steps, (120, 40))


@pytest.mark.slow
def test_search_filter_and_go(big: Path, tmp_path: Path) -> None:
    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "enter")
        await answer(app, pilot, "slash", "value 70007")
        assert chosen(app) == b"key-010001"
        assert app.grid.position == "10,002 of 20,000"
        await answer(app, pilot, "f", "-0?9999".replace("?", "0"))
        assert keys(app) == [b"key-009999"]
        assert "filter -009999" in text(app)
        await answer(app, pilot, "f", "size=7")
        assert [row.size for row in app.shown.rows] == [7] * 2
        await answer(app, pilot, "e", str(tmp_path / "rows.ndjson"))
        found = [json.loads(line) for line in (tmp_path / "rows.ndjson").read_text().splitlines()]
        assert [row["value"] for row in found] == ["value 0", "value 7"]
        await answer(app, pilot, "f", "")
        await answer(app, pilot, "g", "key-0123")
        assert chosen(app) == b"key-012300"
        await answer(app, pilot, "slash", "nowhere")
        assert "'nowhere' is not in this bucket" in screen(app)[-2]
        await answer(app, pilot, "p", "x")
        assert "x" in screen(app)[-2]
        app.grid.column = 2
        await press(app, pilot, "s", "s")
        assert app.shown.rows[0].size == 12
        assert "the first 10,000 of 20,000" in text(app)

    browse(big, steps)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["f", "slash"])
def test_a_filter_or_search_of_a_big_bucket_is_not_lost(
    way: str, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Neither the prompt that closes nor a resize ends it; it says how far it is, and nothing else before the end."""
    whole = parts
    pages = 0
    allowed = 1 << 62  # pages, after which the reader waits
    go_on = threading.Event()

    def slowly(snapshot: Snapshot, bucket: BucketRef, *more: object, **options: object) -> Iterator[LeafPart | Gap]:
        nonlocal pages
        for part in whole(snapshot, bucket, *more, **options):  # type: ignore[arg-type]
            pages += 1
            if pages > allowed:
                go_on.wait(60)
            yield part

    monkeypatch.setattr(tables, "parts", slowly)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        nonlocal allowed
        await press(app, pilot, "enter")
        allowed = pages + 60
        await pilot.press(way)
        await pilot.pause()
        app.query_one("#prompt", Input).value = "key-019998"
        await pilot.press("enter")
        await pilot.pause(0.4)
        await pilot.resize_terminal(100, 30)
        await pilot.pause(0.3)
        status = screen(app)[-2]
        assert status.startswith("filtering: " if way == "f" else "searching: ")
        assert status.endswith("rows looked at (Esc stops)")
        assert "no rows" not in text(app)
        go_on.set()
        await settled(app, pilot)
        assert chosen(app) == b"key-019998"
        assert len(app.shown.rows) == (1 if way == "f" else app.grid.room)
        await settled(app, pilot)
        go_on.clear()
        allowed = pages + 60
        await answer_unread(app, pilot, way, "nowhere")
        await pilot.press("escape")
        await pilot.pause()
        assert screen(app)[-2].startswith("stopped after ")
        if way == "f":
            assert "stopped: there may be rows that fit" in text(app)
        go_on.set()
        before = pages
        await pilot.pause(0.1)
        assert pages <= before + 20_000 // 50 + 400  # only counting goes on

    browse(big, steps)


async def answer_unread(app: BrowseApp, pilot: Pilot[None], key: str, text: str) -> None:
    await pilot.press(key)
    await pilot.pause()
    app.query_one("#prompt", Input).value = text
    await pilot.press("enter")
    await pilot.pause(0.3)


@pytest.mark.slow
def test_damage_is_a_row_and_everything_goes_on_past_it(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    _, out, _ = run("keys", "--skip-damaged", path, "b")
    readable = out.split()
    gap_at = next(at for at, (one, two) in enumerate(pairwise(readable), 1) if int(two[4:]) - int(one[4:]) > 1)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "enter")
        assert f"≥{len(readable):,}" in text(app)
        await answer(app, pilot, "g", readable[gap_at - 3].decode())
        gap = app.shown.rows[3].gap
        assert gap is not None
        assert [row.key for row in app.shown.rows if row.gap is None] == readable[gap_at - 3 :][: app.grid.room - 1]
        assert f"✗ page {gap.error.page} unreadable: {gap.low.decode()} to {readable[gap_at].decode()}" in text(app)
        await press(app, pilot, "home")
        await answer(app, pilot, "slash", "key-001500")
        assert chosen(app) == b"key-001500"
        assert screen(app)[-2] == f"1 unreadable page passed over: {gap.error.page}"
        await answer(app, pilot, "g", gap.low.decode() + "x")
        assert app.chosen is not None
        assert app.chosen.gap is not None
        assert "boltcli doctor" in text(app)
        await answer(app, pilot, "slash", "nowhere")
        assert "is not in this bucket, as far as it can be read: 1 unreadable page" in screen(app)[-2]
        await answer(app, pilot, "f", "key-0015")
        assert b"key-001500" in keys(app)
        assert app.shown.rows[0].gap is not None  # what it hides may fit, too
        await answer(app, pilot, "e", str(tmp_path / "rows.csv"))
        assert "INCOMPLETE" in screen(app)[-2]

    browse(path, steps, (100, 40))


@pytest.mark.slow
def test_a_value_that_cannot_be_read_is_said_in_its_place(tmp_path: Path) -> None:
    data = bytearray(fixture("nested-8").read_bytes())
    with Snapshot(str(fixture("nested-8"))) as snapshot:
        part = next(parts(snapshot, State(snapshot).bucket(())))
        assert isinstance(part, LeafPart)
        at = part.leaf.page.file_offset + 16 + 12  # the size of the first value, that of a bucket
    data[at : at + 4] = (3).to_bytes(4, "little")
    (tmp_path / "a.db").write_bytes(data)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        assert "bucket, damaged: page" in text(app)
        assert "damaged\n" in "\n".join(line[-60:].strip() for line in screen(app))
        assert "is too small to be a bucket" in text(app)
        before = app._value
        await pilot.pause(0.2)
        assert app._value is before  # it isn't read again and again
        await press(app, pilot, "enter")
        assert "not read" in text(app)
        await press(app, pilot, "backspace")
        assert app.place == Place()

    browse(tmp_path / "a.db", steps, (100, 30))


@pytest.mark.slow
def test_no_lock_is_held_and_what_is_shown_is_one_state(tmp_path: Path) -> None:
    """A server opens the file and writes while it is browsed; its commits are shown on wish, and with ``a`` at once."""
    path = tmp_path / "a.db"
    writer = Writer(path, 3 << 20)  # too large to be read as a whole

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        with held(path):  # another process takes the exclusive lock at once, which nobody else may hold
            await press(app, pilot, "enter")
            assert app.place.path == (b"data",)
        assert "LOCK HELD" not in text(app)
        for _ in range(3):
            writer.commit()
        await press(app, pilot, "home")  # the pages of the state that was read are others now
        assert app.shown.rows[0].cells[1] == "5"
        assert screen(app)[0].startswith("a.db · transaction 5 ·")
        assert screen(app)[-2] == "transaction 5: the file changed"
        writer.commit()
        await press(app, pilot, "r")
        assert app.shown.rows[0].cells[1] == "6"
        assert screen(app)[-2] == "transaction 6"
        await press(app, pilot, "r")
        assert screen(app)[-2] == "transaction 6: nothing new"
        await press(app, pilot, "a")
        writer.commit()
        app._look()
        await settled(app, pilot)
        assert app.shown.rows[0].cells[1] == "7"
        await press(app, pilot, "a")
        writer.commit()
        app._look()
        await settled(app, pilot)
        assert app.shown.rows[0].cells[1] == "7"

    browse(path, steps)


@pytest.mark.slow
def test_a_file_that_is_replaced_is_followed_at_its_end(tmp_path: Path) -> None:
    path = store(tmp_path, 50)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await press(app, pilot, "enter", "end", "a")
        store(tmp_path, 60, "new.db").replace(path)
        app._look()
        await settled(app, pilot)
        assert chosen(app) == b"key-000059"
        await press(app, pilot, "up")
        store(tmp_path, 70, "new.db").replace(path)
        app._look()
        await settled(app, pilot)
        assert chosen(app) == b"key-000058"
        shutil.copy(fixture("document"), tmp_path / "other.db")
        (tmp_path / "other.db").replace(path)
        await press(app, pilot, "r")
        assert app.place == Place()  # the bucket is gone
        assert keys(app) == [b"execution", b"execution-history", b"execution-index"]

    browse(path, steps)


@pytest.mark.slow
def test_panes_zoom_hide_and_change_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", "0;15")

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        assert app.theme == "textual-light"
        await press(app, pilot, "T")
        assert app.theme == "ansi-light"
        await press(app, pilot, "z")
        assert app.grid.size.width == 80
        assert app.grid.room > 15
        await press(app, pilot, "escape", "b")
        assert "VIEWS" not in text(app)
        await press(app, pilot, "b", "enter")
        assert "VIEWS" in text(app)
        await press(app, pilot, "z")
        assert screen(app)[2].startswith("a row of executions")
        assert "1 of 4" not in text(app)
        await press(app, pilot, "escape")
        await pilot.press("colon")
        await pilot.pause(0.2)
        app.screen.query_one("CommandInput", Input).value = "view history"
        await pilot.pause(0.4)
        await pilot.press("enter", "enter")
        await pilot.pause(0.2)
        await settled(app, pilot)
        assert app.place == Place("history")

    browse(fixture("document"), steps)


SCREENS: dict[str, tuple[str, tuple[str, ...]]] = {
    "view": ("bacalhau-compute-1.5", ()),
    "bucket": ("document", ("visit",)),
    "value": ("document", ("visit", "enter", "z")),
    "damaged": ("", ("enter", "go")),
}
SIZES = ((80, 24), (120, 40), (200, 60))


@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("size", [SIZES[0], *(pytest.param(size, marks=pytest.mark.thorough) for size in SIZES[1:])])
def test_screens_are_those_that_were_looked_at(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    """BOLTCLI_WRITE_SCREENS=1 writes the files anew, which are then to be looked at."""
    source, wanted = SCREENS[name]
    seen: list[str] = []

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        for key in wanted:
            if key == "visit":
                app.visit(Place(path=(b"execution",)))
                await settled(app, pilot)
            elif key == "go":
                await answer(app, pilot, "g", "key-000224")
            else:
                await press(app, pilot, key)
        await settled(app, pilot)
        await pilot.pause(0.05)
        seen.extend(screen(app))

    browse(fixture(source) if source else damaged(tmp_path), steps, size)
    kept = Path(__file__).with_name("screens") / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("BOLTCLI_WRITE_SCREENS"):
        kept.write_text("\n".join(seen) + "\n")
    assert seen == kept.read_text().splitlines()
    assert (len(seen), max(map(len, seen)) <= size[0]) == (size[1], True)


def test_the_lock_is_taken_only_on_request() -> None:
    path = str(fixture("document"))
    for values, locked in (({}, False), ({"lock": "none"}, False), ({"lock": "wait"}, True), ({"lock": "try"}, True)):
        with Opener(values, Output(io.BytesIO(), io.BytesIO())).live(path) as opened:
            assert opened.source.locked == locked
            opened.source.close()


def test_without_a_terminal_it_is_one_line() -> None:
    status, out, err = run("browse", fixture("document"))
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: browse needs a terminal")


def test_without_textual_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    status, _, err = run("browse", fixture("document"))
    assert status == 1
    assert err.startswith(b"Error: browse needs textual: ")
    assert b" install 'textual>=8.2.5'" in err


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


@pytest.mark.thorough
def test_a_filter_of_a_million_keys_ends_and_is_right(tmp_path: Path) -> None:
    path = store(tmp_path, 1_000_000)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        await pilot.press("enter", "f")
        await pilot.pause()
        for typed in ("k", "key-9999", "key-99999", "key-999998"):
            app.query_one("#prompt", Input).value = typed
            await pilot.pause(0.3)
        await pilot.press("enter")
        await settled(app, pilot, 60)
        assert keys(app) == [b"key-999998"]
        assert app.grid.position == "1 of 1 (of 1,000,000)"
        await press(app, pilot, "f")
        app.query_one("#prompt", Input).value = ""
        await pilot.press("enter")
        await settled(app, pilot, 60)
        await press(app, pilot, "end")
        assert app.grid.position == "1,000,000 of 1,000,000"

    browse(path, steps)


_WALK = (
    *("down", "up", "pagedown", "pageup", "home", "end", "enter", "enter", "enter", "backspace", "tab", "escape"),
    *("less_than_sign", "greater_than_sign", "question_mark", "slash", *"szbvtoxdnraTmyfgp"),
)
_ANSWERS = ("a", "key", "1", "state=Running", "size=3", "hex:00", "u64:1", "'x", "\\", "", "2", "offset:5000", "é")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", ["bacalhau-requester-1.4", "etcd-3.6", "binary-keys", "bucket-newline", "nested-8", ""]
)
def test_no_keys_in_any_order_end_it(name: str, tmp_path: Path) -> None:
    chance = Random(name)

    async def steps(app: BrowseApp, pilot: Pilot[None]) -> None:
        for _ in range(60):
            await pilot.press(chance.choice(_WALK))
            if app.question:
                app.desk.query_one("#prompt", Input).value = chance.choice(_ANSWERS)
                await pilot.press("enter")
            if len(app.screen_stack) > 1:
                await pilot.press("escape")
            if chance.random() < 0.05:
                await pilot.resize_terminal(chance.choice([20, 80, 130]), chance.choice([6, 24, 40]))

    browse(fixture(name) if name else damaged(tmp_path), steps)
