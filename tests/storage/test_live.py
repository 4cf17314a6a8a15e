"""Reading without the lock: what is shown belongs to one transaction, whatever the writer does meanwhile."""

from __future__ import annotations

import mmap
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import boltcli
from boltcli.cli.command import Command
from boltcli.cli.registry import all_commands
from boltcli.errors import Changed, InvalidDatabase, OpenError
from boltcli.kernel import load_kernel
from boltcli.storage import live as live_module
from boltcli.storage import private_copy
from boltcli.storage.files import clone, read_whole
from boltcli.storage.live import Live
from boltcli.storage.snapshot import SMALL, FilePages, Snapshot
from boltcli.storage.source import open_source
from tests.live import Writer, held
from tests.support import FIXTURES, ROOT, error_line, run

LARGE = SMALL + (1 << 20)
SIZES = pytest.mark.parametrize("size", [0, LARGE], ids=["small", "large"])
fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch, _no_pauses: None) -> Callable[[Callable[[], None], int], None]:
    """Has something done, so many times, each time that a page is looked at, or the file opened, or mapped."""

    def arrange(action: Callable[[], None], times: int) -> None:
        left = [times]

        def do() -> None:
            if left[0]:
                left[0] -= 1
                action()

        for kind, name in ((Snapshot, "page"), (Snapshot, "_open"), (FilePages, "whole")):
            monkeypatch.setattr(kind, name, _after(getattr(kind, name), do))

    return arrange


def _after(function: Any, action: Callable[[], None]) -> Any:
    def both(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        action()
        return result

    return both


def _get(path: Path, *options: str) -> tuple[int, bytes, int]:
    """Status and stdout of ``get``, and the transaction that it says it read (-1: it doesn't)."""
    status, out, err = run("get", path, "more", "n", *options)
    said = re.search(rb"reading transaction (\d+)\n", err)
    return status, out, int(said[1]) if said else -1


@pytest.mark.slow
@SIZES
@pytest.mark.parametrize("commits", [0, 1, 2, 3, 5, 8])
def test_a_command_yields_one_state(
    size: int, commits: int, tmp_path: Path, between: Callable[[Callable[[], None], int], None]
) -> None:
    writer = Writer(tmp_path / "live.db", size)
    with held(writer.path):
        between(writer.commit, commits)
        status, out, transaction = _get(writer.path, "--lock=try")
    assert (status, out) == (0, b"%d\n" % transaction)
    assert transaction >= 2


@SIZES
def test_without_the_closing_look_it_would_be_torn(
    size: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    between: Callable[[Callable[[], None], int], None],
) -> None:
    """The tests here see a tear if there is one."""
    monkeypatch.setattr(Snapshot, "check_unchanged", lambda _: None)
    monkeypatch.setattr("boltcli.storage.snapshot.SMALL", 0)
    writer = Writer(tmp_path / "live.db", size)

    def twice() -> None:
        writer.commit()
        writer.commit()

    with held(writer.path):
        between(twice, 1)
        status, out, transaction = _get(writer.path, "--lock=try")
    assert (status, out) != (0, b"%d\n" % transaction)


@SIZES
@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_writer_that_is_too_fast_for_the_file_but_not_for_a_copy(
    size: int, in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path / "live.db", size)

    seen: list[Snapshot] = []

    def commit_once(_live: Live, snapshot: Snapshot, _page: object) -> None:
        if snapshot not in seen:
            seen.append(snapshot)
            writer.commit()

    monkeypatch.setattr(Live, "_look_again", commit_once)
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)
    monkeypatch.setattr("boltcli.storage.snapshot.SMALL", 0)
    if not in_memory:
        monkeypatch.setattr("boltcli.storage.files.IN_MEMORY", 0)
    with Live(open_source(str(writer.path), "none")) as live:

        def read() -> None:
            with live.snapshot() as snapshot:
                assert list(boltcli.Database(snapshot).check()) == []
                state = boltcli.Database(snapshot)
                assert state.bucket("data")["n"] == state.bucket("more")["n"] == b"%d" % state.txid
                assert state.bucket("pad")["k"] == bytes(len(state.bucket("pad")["k"]))

        live.run(read)
        assert live.tries == len(live_module._DIRECT) + 1


@SIZES
@pytest.mark.usefixtures("_no_pauses")
def test_a_writer_that_is_too_fast_altogether(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "live.db", size)
    monkeypatch.setattr(Snapshot, "_look", _after(Snapshot._look, writer.commit))
    for command in (["check"], ["keys", "more"], ["stats"]):
        status, out, err = run(command[0], "--no-lock", writer.path, *command[1:])
        assert (status, out) == (1, b"")
        assert re.fullmatch(
            rb"the database is written too fast to be read without the lock: \d+ transactions in \d+\.\d s, "
            rb"and none of \d+ attempts fit between two of them; try again when its writer is less busy or has stopped",
            error_line(err),
        )
    with pytest.raises(Changed):
        boltcli.open(writer.path, lock="none")
    with pytest.raises(Changed) as caught:
        boltcli.view(writer.path, len, lock="none")
    assert caught.value.after > caught.value.before > 0


@pytest.mark.usefixtures("_no_pauses")
def test_a_copy_that_shares_blocks_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a clone can be had, no writer is too fast. A copy stands in for it: it needs btrfs or XFS."""
    writer = Writer(tmp_path / "live.db", LARGE)

    def clone(_fd: int, path: str) -> int:
        return os.open(shutil.copy(path, tmp_path / "clone"), os.O_RDONLY)

    monkeypatch.setattr(private_copy, "clone", clone)
    monkeypatch.setattr(Snapshot, "_look", _after(Snapshot._look, writer.commit))
    with boltcli.open(writer.path, lock="none") as database:
        assert database.bucket("data")["n"] == b"%d" % database.txid


def test_cloning_leaves_no_trace(tmp_path: Path) -> None:
    """Whether it works here depends on the file system."""
    writer = Writer(tmp_path / "live.db", LARGE)
    with Live(open_source(str(writer.path), "none")) as live:
        made = clone(live.source.fd, str(writer.path))
        if made >= 0:
            assert os.fstat(made).st_size == os.fstat(live.source.fd).st_size
            os.close(made)
    assert os.listdir(tmp_path) == ["live.db"]


@pytest.mark.usefixtures("_no_pauses")
def test_free_pages_are_left_out_of_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support import freelist, page, pgid, small

    free = list(range(5, 405))
    content = small(freelist(2, free), page(3, 2, [(b"b", pgid(405) + pgid(0), b"\1")]), page(4, 2), hwm=406)
    content = content.ljust(405 * 4096, b"x") + page(405, 2, [(b"k", b"v")])
    (tmp_path / "free.db").write_bytes(content)
    copied: list[int] = []

    def note(fd: int, start: int, stop: int, path: str) -> bytes:
        copied.append(stop - start)
        return read_whole(fd, start, stop, path)

    monkeypatch.setattr(private_copy, "read_whole", note)
    monkeypatch.setattr(private_copy, "clone", lambda fd, path: -1)
    with boltcli.open(tmp_path / "free.db", lock="none") as database:
        assert sum(copied) == 4 * 4096  # those in use, without the meta pages
        assert [finding.message for finding in database.check()] == ["page 4: unreachable unfreed"]
        assert database.bucket("b")["k"] == b"v"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("grow", {0}),
        ("replace", {0}),
        ("remove", {0}),
        ("cut", {1}),
        ("empty", {1}),
        ("overwrite", {0, 1}),  # the new one whole, or an error
    ],
)
@pytest.mark.parametrize("lock", ["wait", "none"])
@pytest.mark.parametrize("command", ["get", "check", "stats"])
def test_what_others_do_to_the_file_meanwhile(
    change: str, expected: set[int], lock: str, command: str, tmp_path: Path
) -> None:
    """In a process of its own: what must not happen is that a signal kills it."""
    writer = Writer(tmp_path / "live.db", LARGE)
    Writer(tmp_path / "other.db", LARGE + (1 << 20)).commit()
    argv = [command, str(writer.path), *(["more", "n"] if command == "get" else [])]
    old, new = run(*argv)[1], run(argv[0], tmp_path / "other.db", *argv[2:])[1]
    done = subprocess.run(
        [sys.executable, "-c", _MEANWHILE, change, str(writer.path), str(tmp_path / "other.db"), *argv, "--lock", lock],
        cwd=ROOT, capture_output=True,
    )  # fmt: skip
    assert done.returncode in expected, done
    if done.returncode == 1:
        assert error_line(done.stderr)
        if lock == "none" and command != "check":  # whose errors are those of the file as it is then
            assert done.stdout == b""
    else:
        # A consistent state: the old one, or the one that took its place.
        assert done.stdout in ([old, new] if change == "overwrite" else [old]), done
    assert b"Traceback" not in done.stderr


_MEANWHILE = """
import os, shutil, sys
from boltcli.__main__ import main
from boltcli.storage.snapshot import FilePages, Snapshot
change, path, other, *argv = sys.argv[1:]
def do(done=[]):
    if done:
        return
    done.append(True)
    if change == "grow":
        os.truncate(path, os.path.getsize(path) * 2)
    elif change == "replace":
        os.replace(other, path)
    elif change == "remove":
        os.unlink(path)
    elif change == "cut":
        os.truncate(path, 8192)
    elif change == "empty":
        os.truncate(path, 0)
    elif change == "overwrite":
        shutil.copyfile(other, path)
kind, name = (Snapshot, "page") if argv[0] == "get" else (FilePages, "whole")
read = getattr(kind, name)
def then(*arguments, **options):
    result = read(*arguments, **options)
    do()
    return result
setattr(kind, name, then)
sys.exit(main(argv))
"""


def test_a_cut_file_is_an_error_of_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "live.db", LARGE)
    whole = writer.path.read_bytes()

    def cut() -> None:
        os.truncate(writer.path, 4096 * 2)

    for kind, name in ((Snapshot, "page"), (FilePages, "whole")):
        monkeypatch.setattr(kind, name, _after(getattr(kind, name), cut))
    for command in (["check"], ["buckets"], ["keys", "pad"], ["get", "pad", "k"], ["stats"]):
        writer.path.write_bytes(whole)
        status, _, err = run(command[0], writer.path, *command[1:])
        assert status == 1
        assert error_line(err) == b"the file was cut short, or its disk failed, during the read", command


@pytest.mark.parametrize("command", [["check"], ["stats"], ["keys", "pad"], ["recover", "-o", "DEST"]], ids=" ".join)
def test_without_the_kernel_no_file_is_mapped_that_may_be_cut(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lock we do as bbolt does; without it the file is read, and a signal can't come."""
    monkeypatch.setenv("BOLTCLI_KERNEL", "0")
    mapped: list[int] = []

    class Noted(mmap.mmap):
        def __new__(cls, fd: int, *arguments: Any, **options: Any) -> Noted:
            mapped.append(os.fstat(fd).st_ino)
            return super().__new__(cls, fd, *arguments, **options)

    monkeypatch.setattr(mmap, "mmap", Noted)
    path = Writer(tmp_path / "live.db", LARGE).path
    for option, expected in ((), [path.stat().st_ino]), (("--no-lock",), []):
        mapped.clear()
        words = [str(tmp_path / f"{len(option)}.db") if word == "DEST" else word for word in command]
        assert run(words[0], path, *words[1:], *option)[0] == 0
        assert [inode for inode in mapped if inode == path.stat().st_ino][:1] == expected
        assert mapped or words[0] == "keys"


@pytest.mark.usefixtures("walks")
def test_a_handler_of_others_is_there_again(tmp_path: Path) -> None:
    """Outside of a reading SIGBUS means what it meant before."""
    path = tmp_path / "live.db"
    Writer(path, LARGE)
    script = f"""
import mmap, os, boltcli
with boltcli.open({str(path)!r}) as db:
    list(db.check())
file = open({str(path)!r}, "rb")
view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
os.truncate({str(path)!r}, 0)
view[4096]
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True)
    assert done.returncode < 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [command for command in all_commands() if command.opens], ids=lambda command: command.name
)
def test_every_command_beside_a_writer(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and with the output that it has under the lock."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FIXTURES, tmp_path / FIXTURES.name, ignore=shutil.ignore_patterns("g*"))
    argv = command.example.rpartition("boltcli ")[2].split()
    if command.name == "diff":  # its example reads a state that a writer may be overwriting
        argv = ["diff", "fixtures/inline.db", "fixtures/one-bucket.db"]
    database = next(word for word in argv if word.startswith(f"{FIXTURES.name}/"))
    if "--previous" in argv:
        pytest.skip("beside a writer there is no state before")
    expected = *run(*argv), _new_files(tmp_path)
    assert expected[0] < command.failure
    with held(database):
        began = time.monotonic()
        status, out, err = run(*argv, "--lock=try")
        assert time.monotonic() - began < 10
    assert (status, out, b"", _new_files(tmp_path)) == expected
    assert re.match(rb"boltcli: (\S+: )?process ", err)
    assert err.count(b"\n") == 1


def _new_files(folder: Path) -> dict[str, bytes]:
    """The files that a command has written, which are taken away."""
    found = {}
    for path in folder.iterdir():
        if path.is_file():
            found[path.name] = path.read_bytes()
            path.unlink()
    return found


@pytest.mark.slow
@pytest.mark.skipif(load_kernel() is None, reason="the handler is the kernel's")
def test_guards_of_several_threads(tmp_path: Path) -> None:
    """The handler is there as long as one of them reads, and gone after that."""
    script = f"""
import os, threading, boltcli
path = {str(tmp_path / "live.db")!r}
def read():
    for _ in range(300):
        with boltcli.open(path) as db:
            db.bucket("pad")["k"]
            len(db)
threads = [threading.Thread(target=read) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with boltcli.open(path) as db:
    len(db)
    size = len(db._snapshot.buffer)
    os.truncate(path, 8192)
    assert db._snapshot.buffer[size - 4096 :] == bytes(4096)
    os.truncate(path, size)
    try:
        db._snapshot.check_unchanged()
    except boltcli.BoltError as error:
        print(error)
    db._snapshot.finished = True
import mmap
file = open(path, "rb")
view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
os.truncate(path, 0)
print("end", flush=True)
view[4096]
"""
    Writer(tmp_path / "live.db", LARGE)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True)
    assert done.stdout == b"the file was cut short, or its disk failed, during the read\nend\n", done
    assert done.returncode < 0


@pytest.mark.slow
def test_waiting_for_the_lock(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "live.db")
    with held(writer.path) as holder:
        began = time.monotonic()
        status, out, err = run("get", writer.path, "more", "n", "--timeout", "200ms")
        assert time.monotonic() - began >= 0.2
        assert (status, out) == (0, b"2\n")
        assert re.fullmatch(
            rb"boltcli: process %d \(python[\d.]*\) holds the lock; without it, reading transaction 2\n" % holder, err
        )
        status, out, err = run("get", writer.path, "more", "n", "--timeout", "200ms", "--lock", "wait")
        assert (status, out) == (1, b"")
        assert re.fullmatch(
            rb"lock .*live.db: process %d \(python[\d.]*\) holds the database open for writing" % holder,
            error_line(err),
        )
        with pytest.raises(OpenError):
            boltcli.open(writer.path, lock="wait", timeout=0.1)
        for option in ("--lock=none", "--no-lock"):
            assert run("get", writer.path, "more", "n", option) == (0, b"2\n", b"")
    assert run("get", writer.path, "more", "n", "--lock=try") == (0, b"2\n", b"")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["wait", "auto"])
def test_the_lock_is_taken_once_it_is_free(mode: str, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "live.db")
    with held(writer.path):
        process = subprocess.Popen(
            [sys.executable, "-m", "boltcli", "get", str(writer.path), "more", "n", "--lock", mode, "--timeout=0"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(1.2)  # longer than it waits by default
        assert process.poll() is None
    assert process.communicate(timeout=60) == (b"2\n", b"")


@pytest.mark.usefixtures("_no_pauses")
def test_the_lock_is_tried_again_with_each_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "live.db", LARGE)
    with writer.path.open("r+b") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)

        def leave() -> None:
            writer.commit()
            fcntl.flock(holder, fcntl.LOCK_UN)

        monkeypatch.setattr(Snapshot, "_open", _after(Snapshot._open, leave))
        assert run("get", writer.path, "more", "n", "--lock=try") == (0, b"3\n", b"")


def test_a_shared_lock_is_shared_and_held_to_the_end(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "live.db", LARGE)
    with held(writer.path, "LOCK_SH", "rb"), Snapshot(str(writer.path)) as snapshot:
        assert snapshot.locked
    with writer.path.open("r+b") as other:
        with Snapshot(str(writer.path)), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def refuse(_fd: int, _operation: int) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(fcntl, "flock", refuse)
    writer = Writer(tmp_path / "live.db")
    status, out, err = run("get", writer.path, "more", "n")
    assert (status, out) == (0, b"2\n")
    assert (
        err == b"boltcli: the file can't be locked (Operation not supported); without the lock, reading transaction 2\n"
    )
    assert error_line(run("check", writer.path, "--lock=wait")[2]).endswith(b"live.db: operation not supported")
    assert run("get", writer.path, "more", "n", "--no-lock") == (0, b"2\n", b"")


def test_a_directory_that_cannot_be_written_to(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "live.db")
    writer.path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert run("check", writer.path, "--no-lock") == (0, b"OK\n", b"")
    finally:
        tmp_path.chmod(0o700)


@SIZES
@pytest.mark.parametrize("options", [(), ("--no-lock",)])
def test_the_state_before_the_last_transaction(size: int, options: tuple[str, ...], tmp_path: Path) -> None:
    writer = Writer(tmp_path / "live.db", size)
    writer.commit()
    assert _get(writer.path, *options)[1] == b"3\n"
    status, out, err = run("get", writer.path, "more", "n", "--previous", *options)
    assert (status, out, err) == (0, b"2\n", b"boltcli: reading transaction 2, the previous one\n")
    assert run("check", writer.path, "--previous", *options)[:2] == (0, b"OK\n")
    lock: Any = "none" if options else "auto"
    with boltcli.open(writer.path, previous=True, lock=lock) as database:
        assert (database.txid, database.bucket("data")["n"], database.locked) == (2, b"2", not options)


@pytest.mark.parametrize("option", ["--lock=try", "--no-lock"])
def test_beside_a_writer_there_is_no_state_before(option: str, tmp_path: Path) -> None:
    """It may be writing to that one's pages, and no meta page would show it."""
    writer = Writer(tmp_path / "live.db")
    with held(writer.path):
        status, out, err = run("check", writer.path, "--previous", option)
        assert (status, out) == (1, b"")
        assert error_line(err).endswith(b" may be overwriting the previous state")
        with pytest.raises(OpenError):
            boltcli.view(writer.path, len, previous=True, lock="try")


@SIZES
@pytest.mark.usefixtures("_no_pauses")
def test_the_state_before_is_read_again_if_the_file_is_written_to(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if no meta page is: a transaction that isn't finished has written to the pages of that state."""
    writer = Writer(tmp_path / "live.db", size)
    writer.commit()
    left = [2]

    def touch() -> None:
        if left[0]:
            left[0] -= 1
            os.utime(writer.path, ns=(left[0], left[0]))

    monkeypatch.setattr(Snapshot, "_look", _after(Snapshot._look, touch))
    with Live(open_source(str(writer.path), "none"), previous=True) as live:
        state = live.run(lambda: _read_state(live))
        assert (state, live.tries) == (b"2", 2)
        left[0] = 1000
        with pytest.raises(Changed, match="was written while its previous state was read"):
            live.run(lambda: _read_state(live))


def _read_state(live: Live) -> object:
    with live.snapshot() as snapshot:
        return boltcli.Database(snapshot).bucket("data")["n"]


def test_without_a_valid_other_meta_there_is_no_state_before(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "live.db")
    with writer.path.open("r+b") as file:
        file.seek(4096 + 20)
        file.write(b"xx")
    status, out, err = run("check", writer.path, "--previous")
    assert (status, out) == (1, b"")
    assert error_line(err) == b"there is no transaction before 2: the other meta page is not valid (version mismatch)"
    status, out, err = run("check", writer.path)
    assert (status, out) == (0, b"OK\n")
    assert err.startswith(b"warning: meta page 1 at offset 4096 is not valid (version mismatch)")


def test_an_error_of_torn_pages_is_not_shown(
    tmp_path: Path, between: Callable[[Callable[[], None], int], None]
) -> None:
    """A key that is looked up while it moves is found in the end; one that isn't there is missing in one state."""
    writer = Writer(tmp_path / "live.db", LARGE)
    between(writer.commit, 4)
    assert _get(writer.path, "--no-lock")[0] == 0
    status, out, err = run("get", writer.path, "more", "missing", "--no-lock")
    assert (status, out) == (1, b"")
    assert error_line(err) == b'Error key not found for key: "missing" hex: "6d697373696e67"'


@pytest.mark.usefixtures("_no_pauses")
def test_what_a_command_says_beside_its_output_waits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from boltcli.cli.output import Output
    from boltcli.cli.registry import declared

    writer = Writer(tmp_path / "live.db", LARGE)
    commits = [writer.commit] * 2

    def say(db: Snapshot, out: Output, **_: Any) -> int:
        out.say(f"said {db.meta.txid}\n")
        if commits:
            commits.pop()()
        return 5

    monkeypatch.setattr(declared("get"), "function", say)
    assert run("get", writer.path, "more", "n", "--no-lock") == (5, b"", b"said 4\n")


def test_large_outputs_are_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boltcli.cli.held_stream._IN_MEMORY", 1000)
    writer = Writer(tmp_path / "live.db", LARGE)
    locked = run("get", writer.path, "pad", "k", "--format=hex")
    assert run("get", writer.path, "pad", "k", "--format=hex", "--no-lock") == locked


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_no_room_for_the_output_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import tempfile

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = Writer(tmp_path / "live.db")
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", refuse)
    status, out, err = run("get", writer.path, "more", "n", "--no-lock")
    assert (status, out) == (1, b"")
    assert error_line(err).endswith(b": no space left on device")


def test_what_overwrites_the_file_may_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup that is copied over the file: nonsense for a while, a database then."""
    writer = Writer(tmp_path / "live.db", LARGE)
    content = writer.path.read_bytes()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            writer.path.write_bytes(b"half" * 4096)
        elif len(pauses) == 5:
            writer.path.write_bytes(content)

    monkeypatch.setattr(time, "sleep", pause)
    first = [True]

    def read(database: boltcli.Database) -> object:
        if first.pop() if first else False:
            writer.commit()
        return database.bucket("more")["n"]

    assert boltcli.view(writer.path, read, lock="none") == b"2"
    monkeypatch.setattr(time, "sleep", lambda _: None)
    writer.path.write_bytes(b"half" * 4096)
    with pytest.raises(InvalidDatabase):
        boltcli.view(writer.path, read, lock="none")


def test_no_descriptor_and_no_map_is_left(tmp_path: Path, between: Callable[[Callable[[], None], int], None]) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc here")
    writer = Writer(tmp_path / "live.db", LARGE)
    before = len(os.listdir("/proc/self/fd"))
    between(writer.commit, 30)
    for _ in range(3):
        run("stats", writer.path, "--no-lock")
        run("get", writer.path, "more", "n", "--no-lock")
    boltcli.open(writer.path, lock="none").close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert "live.db" not in Path("/proc/self/maps").read_text()
