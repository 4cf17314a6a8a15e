"""``watch``: nothing torn, nothing lost, beside a writer that follows bbolt's rules."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from boltcli.errors import SourceNotFound
from boltcli.ops.compare import watch as module
from boltcli.ops.compare.change import Change
from boltcli.ops.compare.watch import Commit, Waiter, watch
from tests.live import Writer, held
from tests.schema import validate
from tests.states import Content, State, database
from tests.support import ROOT, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be replaced there")


@contextmanager
def following(path: Path, *bucket: bytes, interval: float = 30, **how: Any) -> Iterator[Iterator[Commit]]:
    commits = watch(str(path), Waiter(interval), bucket, **how)
    try:
        yield commits
    finally:
        commits.close()


def upto(commits: Iterator[Commit], txid: int, state: State) -> list[Commit]:
    """Apply commits up to transaction ``txid``."""
    seen = []
    for commit in commits:
        commit.changes = list(commit.changes)
        seen.append(commit)
        state.apply(commit.changes)
        if commit.txid >= txid:
            break
    return seen


@pytest.mark.parametrize("size", [0, 3 << 20])
def test_each_transaction(size: int, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db", size)
    state = State()
    with following(writer.path, initial=True) as commits:
        (first,) = upto(commits, 0, state)
        assert (first.txid, first.initial) == (2, True)
        assert state == State.of(writer.path)
        for number in range(3, 12):
            writer.commit()
            (commit,) = upto(commits, number, state)
            assert (commit.txid, commit.skipped, commit.replaced, commit.initial) == (number, 0, False, False)
            before, after = b"%d" % (number - 1), b"%d" % number
            assert commit.changes == [
                Change("change", (name,), b"n", before, after) for name in (b"data", b"more")
            ]  # fmt: skip
    assert state == State.of(writer.path)


def test_skipped_transactions(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    state = State()
    with following(writer.path, initial=True) as commits:
        upto(commits, 0, state)
        for _ in range(5):
            writer.commit()
        (commit,) = upto(commits, writer.txid, state)
        assert commit.skipped == 4
        assert len(list(commit.changes)) == 2
    assert state == State.of(writer.path)


LIMITS: list[Callable[[pytest.MonkeyPatch], None]] = [
    lambda patch: None,
    lambda patch: patch.setattr(module, "_LARGE", 0),  # each look is at a whole new copy
    lambda patch: patch.setattr(module, "follows", lambda *states: False),  # all pages are compared
]


@pytest.mark.slow
@pytest.mark.parametrize("limit", LIMITS, ids=["usual", "copies", "bytes"])
@pytest.mark.parametrize("size", [0, 2 << 20])
def test_beside_a_fast_writer(
    size: int, limit: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch)
    writer = Writer(tmp_path / "db", size)
    state = State()
    with following(writer.path, initial=True) as commits:
        upto(commits, 0, state)

        def write() -> None:
            for number in range(300):
                writer.commit()
                if number % 10 == 0:
                    time.sleep(0.002)

        thread = threading.Thread(target=write)
        thread.start()
        seen = upto(commits, 302, state)
        thread.join()
    assert writer.txid == 302
    assert state == State.of(writer.path)
    assert sum(commit.skipped + 1 for commit in seen) == 300


def test_parts(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    with following(writer.path, b"data", initial=True) as commits, following(writer.path, b"pad") as others:
        assert [change.key for change in next(commits).changes] == [None, b"n"]
        threading.Timer(0.05, writer.commit).start()
        assert [change.bucket for change in next(commits).changes] == [(b"data",)]
        threading.Timer(0.05, writer.commit).start()
        assert list(next(others).changes) == []
    with following(writer.path, start=b"m", initial=True) as commits:
        assert {change.bucket for change in next(commits).changes} == {(b"more",), (b"pad",)}


def test_a_bucket_that_is_not_there_yet(tmp_path: Path) -> None:
    path = database(tmp_path / "db", {b"a": (0, {})})
    other = database(tmp_path / "other", {b"b": (0, {b"k": b"1"})})
    with following(path, b"b", initial=True) as commits:
        assert list(next(commits).changes) == []
        os.replace(other, path)
        commit = next(commits)
        assert commit.replaced
        assert list(commit.changes) == [Change("add", (b"b",)), Change("add", (b"b",), b"k", None, b"1")]


@pytest.mark.parametrize("page_size", [1024, 4096])
def test_replacement(page_size: int, tmp_path: Path) -> None:
    """By a compacted copy, as servers do it; what follows comes from the new file."""
    writer = Writer(tmp_path / "db")
    state = State()
    with following(writer.path, initial=True) as commits:
        upto(commits, 0, state)
        assert run("compact", "--dense", "--page-size", str(page_size), "-o", tmp_path / "new", writer.path)[0] == 0
        os.replace(tmp_path / "new", writer.path)
        (commit,) = upto(commits, 0, state)
        assert commit.replaced
        assert commit.changes == []
        for text in (b"x", b"y"):
            content: Content = {b"data": (1, {b"n": text})}
            os.replace(database(tmp_path / "new", content, page_size), writer.path)
            upto(commits, 0, state)
            assert state == State.of(writer.path)


def test_written_over_in_place(tmp_path: Path) -> None:
    """Not by a transaction: another file's bytes at the same inode, with the very transaction that would come next."""
    writer = Writer(tmp_path / "db")
    state = State()
    other = Writer(tmp_path / "other")
    other.commit()
    content = other.path.read_bytes().replace(b"data", b"date")
    with following(writer.path, initial=True) as commits:
        upto(commits, 0, state)
        with writer.path.open("r+b") as file:
            file.write(content)
        upto(commits, 3, state)
    assert state == State.of(writer.path)
    assert (b"date",) in state.buckets


def test_a_file_that_goes_for_a_while(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    state = State()
    with following(writer.path, initial=True) as commits:
        upto(commits, 0, state)
        aside = tmp_path / "aside"
        os.rename(writer.path, aside)

        def back() -> None:
            os.rename(aside, writer.path)
            writer.commit()

        threading.Timer(0.1, back).start()
        upto(commits, 3, state)
    assert state == State.of(writer.path)


def test_what_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound), following(tmp_path / "nosuch") as commits:
        next(commits)
    assert run("watch", tmp_path / "nosuch")[0] == 1
    (tmp_path / "empty").write_bytes(b"")
    assert run("watch", tmp_path / "empty")[0] == 1
    assert b"the interval must be more than 0" in run("watch", "--interval", "0", tmp_path / "empty")[2]


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "boltcli", "watch", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command(number: int, tmp_path: Path) -> None:
    """Beside a holder of the lock: a line for each change at once, and a quiet end."""
    writer = Writer(tmp_path / "db")
    with held(writer.path), start("--json", "--initial", writer.path, "data") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [line.get("new") for line in lines] == [None, "2"]
        for _ in (3, 4):
            writer.commit()
            lines.append(json.loads(process.stdout.readline()))
            time.sleep(0.02)
        for line in lines:
            validate(line, "watch")
        assert [(line["txid"], line["op"]) for line in lines] == [(2, "add"), (2, "add"), (3, "change"), (4, "change")]
        assert lines[-1]["old"] == "3"
        process.send_signal(number)
        assert process.wait(10) == 0
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


@pytest.mark.slow
def test_decoded(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    with start("--json", "--initial", "--decode", "json", writer.path, "data") as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        writer.commit()
        lines.append(json.loads(process.stdout.readline()))
        for line in lines:
            validate(line, "watch")
        assert [line.get("new_decoded") for line in lines] == [None, 2, 3]
        assert (lines[-1]["old_decoded"], lines[-1]["key_decoded"]) == (2, "n")
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    shutil.copy(ROOT / "fixtures" / "etcd-3.6.db", tmp_path / "etcd.db")
    with start("--values", "--initial", "--decode", "auto", tmp_path / "etcd.db", "key") as process:
        assert process.stdout is not None
        process.stdout.readline()
        line = process.stdout.readline()
        assert b'{"main":2,"sub":0}' in line
        assert b"/registry/namespaces/default" in line
        process.send_signal(signal.SIGTERM)
        process.stdout.read()


def test_text_and_notices(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    with start("--values", "--initial", writer.path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = [process.stdout.readline() for _ in range(6)]
        assert first[1].split(b" ", 2)[1:] == [b"2", b"+ data\tn\t2\n"]
        os.replace(shutil.copy(writer.path, tmp_path / "copy"), writer.path)
        assert b"the file was replaced by another one" in process.stderr.readline()
        process.terminate()
        assert process.wait(10) == 0


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "db")
    with start("--initial", writer.path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        writer.commit()
        assert process.wait(10) in (0, 141)
        assert process.stderr is not None
        assert process.stderr.read() == b""
