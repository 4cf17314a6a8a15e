"""A store, a session and an app for the tests of the browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import monotonic
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from boltcli.cli.browse.app import BrowseApp
from boltcli.cli.browse.reader import Job
from boltcli.cli.browse.session import Session, State
from boltcli.storage.live import Live
from boltcli.storage.snapshot import Snapshot
from boltcli.storage.source import open_source
from tests.support import run

Steps = Callable[[BrowseApp, Pilot[None]], Coroutine[Any, Any, None]]


def store(folder: Path, pairs: int, name: str = "store.db") -> Path:
    rows = folder / "rows.ndjson"
    rows.write_text(
        "".join(
            json.dumps({"bucket": ["b"], "key": f"key-{number:06}", "value": f"value {number * 7}"}) + "\n"
            for number in range(pairs)
        )
    )
    status, _, err = run("import", "--partial", "-o", folder / name, rows)
    assert status == 0, err
    return folder / name


def state(path: Path) -> State:
    """Return what is known of a file, which isn't locked: other tests lock it."""
    return State(Snapshot(str(path), open_source(str(path), "none")))


def job() -> Job:
    return Job(lambda *_: None, lambda *_: None)


def live(path: Path) -> Live:
    return Live(open_source(str(path), "none"))


def browse(path: Path, steps: Steps, size: tuple[int, int] = (80, 24)) -> BrowseApp:
    """Run the browser in memory, and ``steps`` when the first rows are shown."""

    async def go() -> BrowseApp:
        app = BrowseApp(Session(str(path), lambda: live(path)), live(path))
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            await steps(app, pilot)
        return app

    return asyncio.run(go())


async def settled(app: BrowseApp, pilot: Pilot[None], seconds: float = 20) -> None:
    """Wait until nothing is read any more."""
    until = monotonic() + seconds
    while monotonic() < until:
        await pilot.pause(0.01)
        jobs = [each for each in (app._job, app._value) if each is not None]
        reader = app.reader
        if all(each.finished or each.stopped for each in jobs) and not (
            reader._jobs or reader._job or reader._counting or reader._recount
        ):
            await pilot.pause()
            if all(each.finished or each.stopped for each in (app._job, app._value) if each is not None):
                return
    raise AssertionError("the browser is still reading")


async def press(app: BrowseApp, pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other, each when what the one before asks for is shown."""
    for key in keys:
        await pilot.press(key)
        await settled(app, pilot)


async def answer(app: BrowseApp, pilot: Pilot[None], key: str, text: str) -> None:
    """Press ``key``, which asks a question, and answer it."""
    await pilot.press(key)
    await pilot.pause()
    app.query_one("#prompt", Input).value = text  # a key at a time takes a second
    await pilot.press("enter")
    await settled(app, pilot)


def screen(app: BrowseApp) -> list[str]:
    """Return the lines of text on the screen."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def text(app: BrowseApp) -> str:
    return "\n".join(screen(app))


def keys(app: BrowseApp) -> list[bytes]:
    """Return the keys of the rows that are shown."""
    return [row.key for row in app.shown.rows]


def chosen(app: BrowseApp) -> bytes:
    assert app.chosen is not None
    return app.chosen.key
