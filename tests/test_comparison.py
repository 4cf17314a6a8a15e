"""The library's ways to compare and to follow."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import boltcli
from tests.live import Writer, held
from tests.states import State, database
from tests.support import fixture


def test_diff_by_path(tmp_path: Path) -> None:
    one, two = fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")
    found = list(boltcli.diff(one, str(two)))
    assert State.of(one).apply(found) == State.of(two)
    part = [change for change in found if change.bucket[:1] == (b"execution",)]
    assert list(boltcli.diff(one, two, ["execution"])) == part
    assert list(boltcli.diff(one, two, [b"execution"])) == part
    with pytest.raises(boltcli.BucketNotFound):
        next(iter(boltcli.diff(one, two, ["nosuch"])))
    with pytest.raises(boltcli.SourceNotFound):
        next(iter(boltcli.diff(one, tmp_path / "nosuch")))
    with held(one):
        assert list(boltcli.diff(one, one, timeout=0.01)) == []
        with pytest.raises(boltcli.OpenError):
            next(iter(boltcli.diff(one, one, lock="wait", timeout=0.01)))


def test_changes_of_the_last_transaction(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    writer.commit()
    with boltcli.open(writer.path) as db:
        assert [(change.bucket, change.old, change.new) for change in db.changes()] == [
            ((b"data",), b"2", b"3"),
            ((b"more",), b"2", b"3"),
        ]
        assert list(db.changes(previous=False)) == []
    with boltcli.open(writer.path, previous=True) as db, pytest.raises(boltcli.InvalidDatabase):
        next(iter(db.changes()))
    with boltcli.open(writer.path, lock="none") as db:
        with pytest.raises(boltcli.OpenError):
            next(iter(db.changes()))
        writer.commit()
        assert [change.new for change in db.changes(previous=False)] == [b"4", b"4"]
    with pytest.raises(boltcli.DatabaseClosed):
        next(iter(db.changes()))


def test_watch_by_path(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    seen = []
    for commit in boltcli.watch(writer.path, ["data"], initial=True, interval=0.02):
        seen.append((commit.txid, [change.new for change in commit.changes]))
        assert timedelta() <= datetime.now(UTC) - commit.time < timedelta(minutes=1)
        if commit.txid == 4:
            break
        threading.Timer(0.02, writer.commit).start()
    assert seen == [(2, [None, b"2"]), (3, [b"3"]), (4, [b"4"])]


def test_the_types_are_public(tmp_path: Path) -> None:
    (change,) = boltcli.diff(database(tmp_path / "a", {}), database(tmp_path / "b", {b"t": (0, {})}))
    assert isinstance(change, boltcli.Change)
    assert repr(change) == "Change(op='add', bucket=(b't',), key=None, old=None, new=None)"
    assert len({change, boltcli.Change("add", (b"t",))}) == 1
    assert change != "add"
    assert change.reversed() == boltcli.Change("remove", (b"t",))


def test_watch_ends_after_a_time() -> None:
    assert list(boltcli.watch(fixture("document"), timeout=0.05, interval=30)) == []
    first, *others = boltcli.watch(fixture("document"), initial=True, timeout=0.05)
    assert first.initial
    assert not others
    with pytest.raises(ValueError, match="timeout"):
        boltcli.watch(fixture("document"), timeout=-1)


def test_watch_ends_by_an_event() -> None:
    stop = threading.Event()
    watched = boltcli.watch(fixture("document"), initial=True, interval=30, stop=stop)
    next(watched)
    stop.set()
    assert next(watched, None) is None


@pytest.mark.parametrize("early", [False, True])
def test_watch_is_closed_from_another_thread(early: bool) -> None:
    before = len(os.listdir("/dev/fd"))
    watched = boltcli.watch(fixture("document"), initial=True, interval=30)
    if early:
        next(watched)
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(commit.txid for commit in watched))
    thread.start()
    if not early:
        while not found:
            time.sleep(0.001)
    watched.close()
    thread.join(20)
    assert not thread.is_alive()
    assert found == ([] if early else [14])
    assert next(watched, None) is None
    watched.close()
    assert len(os.listdir("/dev/fd")) == before


def test_watch_is_closed_by_leaving_it() -> None:
    before = len(os.listdir("/dev/fd"))
    with boltcli.watch(fixture("document"), initial=True) as watched:
        next(watched)
        assert len(os.listdir("/dev/fd")) > before
    assert len(os.listdir("/dev/fd")) == before
    for _ in boltcli.watch(fixture("document"), initial=True):
        break
    assert len(os.listdir("/dev/fd")) == before
    assert list(watched) == []
    never = boltcli.watch(fixture("document"), initial=True)
    never.close()
    assert list(never) == []


def test_watch_asynchronously() -> None:
    async def first() -> int:
        async for commit in boltcli.watch(fixture("document"), initial=True):
            return commit.txid
        return 0

    async def all_of_them() -> list[int]:
        return [commit.txid async for commit in boltcli.watch(fixture("document"), initial=True, timeout=0.05)]

    async def cancelled() -> None:
        watched = boltcli.watch(fixture("document"), interval=1000)

        async def wait() -> None:
            async for _ in watched:
                pass

        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(wait(), 0.05)
        assert list(watched) == []

    assert asyncio.run(first()) == 14
    assert asyncio.run(all_of_them()) == [14]
    asyncio.run(cancelled())  # its end waits for all threads
