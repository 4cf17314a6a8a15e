"""An open file: its descriptor, its lock, and the name that it was asked for by."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.errors import ArgumentError, DestinationIsSource
from boltcli.storage.destination import Destination
from boltcli.storage.given import given_source
from boltcli.storage.holders import Holder, writer
from boltcli.storage.opened import Reading, split_member, stdin_file
from boltcli.storage.source import Source, check_waiting, open_source, wait_for_lock
from tests.live import held
from tests.support import fixture


@pytest.fixture
def path(tmp_path: Path) -> str:
    copy = tmp_path / "test.db"
    copy.write_bytes(fixture("one-bucket").read_bytes())
    return str(copy)


@pytest.fixture
def zero() -> Iterator[None]:
    """Close standard input, so that the next file that is opened is 0."""
    kept = os.dup(0)
    os.close(0)
    yield
    os.dup2(kept, 0)
    os.close(kept)


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


@pytest.mark.usefixtures("zero")
def test_a_source_that_is_file_0_is_closed(path: str) -> None:
    source = open_source(path, "none")
    assert source.fd == 0
    source.close()
    assert not is_open(0)


@pytest.mark.usefixtures("zero")
def test_a_destination_that_is_file_0_is_closed(tmp_path: Path) -> None:
    destination = Destination(str(tmp_path / "out"))
    assert destination.fd == 0
    destination.close()
    assert not is_open(0)


@pytest.mark.usefixtures("zero")
def test_a_database_from_standard_input_that_is_file_0_is_kept_and_closed(path: str) -> None:
    reads = []

    def read() -> int:
        reads.append(os.open(path, os.O_RDONLY))
        return reads[-1]

    with Reading():
        again = [stdin_file(read), stdin_file(read)]
        assert reads == [0]
        assert 0 not in again
    assert not is_open(0)
    for fd in again:
        os.close(fd)


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_duplicate_keeps_the_lock(path: str) -> None:
    first, other = open_source(path), open_source(path, "none")
    second = first.duplicate()
    second.unlock()
    assert not other.try_lock(exclusive=True)
    second.close()
    assert not other.try_lock(exclusive=True)
    first.close()
    assert other.try_lock(exclusive=True)
    other.close()


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_who_may_write_meanwhile(path: str) -> None:
    with open_source(path) as locked, open_source(path, "none") as free:
        assert (locked.is_stable, locked.may_have_writer) == (True, False)
        assert (free.is_stable, free.may_have_writer) == (False, True)
        copy = locked.copy(os.dup(locked.fd))
        assert (copy.is_stable, copy.may_have_writer) == (True, False)
        copy.close()
    with Source(os.open(path, os.O_RDONLY), path) as plain:
        assert plain.may_have_writer


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_reader_is_no_writer(path: str) -> None:
    with open_source(path, "none") as source:
        with held(Path(path), "LOCK_SH"):
            assert writer(source) is None
        with held(Path(path), "LOCK_EX"):
            assert writer(source) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_reader_waits_for_a_writer_only(path: str) -> None:
    with open_source(path, "none") as source, held(Path(path), "LOCK_SH"):
        assert not wait_for_lock(source, 0.01, exclusive=True)
        assert wait_for_lock(source, 0.01)


def test_a_file_system_without_locks(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, *, exclusive: bool) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("boltcli.storage.source.take_lock", refuse)
    with open_source(path, "none") as source:
        assert not source.try_lock()
        assert (source.locked, source.reason) == (False, os.strerror(errno.ENOLCK))


def test_a_holder_of_whom_nothing_is_known() -> None:
    unknown = Holder("shared")
    assert (unknown.pid, unknown.command, unknown.since, unknown.waits) == (None, None, None, False)
    assert str(unknown) == "another process"


@pytest.mark.parametrize("timeout", [-1, -0.5, float("nan"), "1", None])
def test_a_timeout_that_is_none(timeout: float) -> None:
    with pytest.raises(ArgumentError, match="must be a number of seconds, 0 or more"):
        check_waiting("wait", timeout)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("db", ("db", [])),
        ("db!a", ("db", ["a"])),
        ("db!a!b", ("db", ["a", "b"])),
        ("db!", ("db!", [])),
        ("x!!a", ("x!", ["a"])),
        ("!a", ("!a", [])),
        ("gone!a", ("gone!a", [])),
    ],
)
def test_members_of_packed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: tuple[str, list[str]]
) -> None:
    """A mark of exclamation is a part of the name where a file is called so."""
    monkeypatch.chdir(tmp_path)
    for file in ("db", "x!"):
        Path(file).touch()
    assert split_member(name) == expected


def test_a_command_whose_output_goes_into_a_file_that_it_reads(path: str) -> None:
    kept = os.dup(1)
    try:
        with open(path, "rb+") as file:
            os.dup2(file.fileno(), 1)
        with Reading() as reading, pytest.raises(DestinationIsSource):
            open_source(path, "none")
        assert (os.stat(path).st_dev, os.stat(path).st_ino) in reading.streams
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_what_is_given_instead_of_a_path(path: str) -> None:
    """Bytes are copied, so that nobody changes them meanwhile; an open file may have a writer."""
    content = Path(path).read_bytes()
    for given in (content, bytearray(content), io.BytesIO(content)):
        with given_source(given, 0) as source:
            assert (source.is_own_copy, source.may_have_writer) == (True, False)
    with open(path, "rb") as file, given_source(file, 0) as source:
        assert (source.is_own_copy, source.may_have_writer) == (False, True)
