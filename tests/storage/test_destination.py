"""Result files: complete or not there, whatever happens on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boltcli.errors import DestinationError, DestinationExists, DestinationIsSource
from boltcli.storage.destination import Destination
from boltcli.storage.opened import Reading
from boltcli.storage.source import open_source
from tests.support import fixture


@pytest.fixture(params=[True, False], ids=["nameless", "named"], autouse=True)
def _with_and_without_nameless_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("replace", [True, False])
def test_it_is_there_after_the_commit_only(tmp_path: Path, sync: bool, replace: bool) -> None:
    path = tmp_path / "out"
    with Destination(str(path), mode=0o640, sync=sync, replace=replace) as destination:
        os.write(destination.fd, b"content")
        assert not path.exists()
        destination.commit()
    assert path.read_bytes() == b"content"
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o640 & ~umask
    assert os.listdir(tmp_path) == ["out"]


def test_the_mode_that_is_asked_for_counts_and_not_that_of_the_file_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    path.chmod(0o666)
    for public in (False, True):
        with Destination(str(path), mode=0o626, public=public, replace=True) as destination:
            destination.commit()
        assert path.stat().st_mode & 0o777 == 0o604  # less the umask
        path.chmod(0o666)
    with Destination(str(path), public=True, replace=True) as destination:
        destination.commit()
    assert path.stat().st_mode & 0o777 == 0o666


def test_without_a_commit_nothing_is_left(tmp_path: Path) -> None:
    def fail() -> None:
        with Destination(str(tmp_path / "out")) as destination:
            os.write(destination.fd, b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == []


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(DestinationExists) as caught:
        Destination(str(path))
    assert str(caught.value) == f"output file {str(path)!r} already exists"
    with Destination(str(path), replace=True) as destination:
        os.write(destination.fd, b"new")
        assert path.read_bytes() == b"old"
        destination.commit()
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with Destination(str(path)) as destination:
        path.write_bytes(b"somebody else's")
        with pytest.raises(DestinationExists):
            destination.commit()
    assert path.read_bytes() == b"somebody else's"
    assert os.listdir(tmp_path) == ["out"]


def test_only_files_are_replaced(tmp_path: Path) -> None:
    for path in (str(tmp_path), os.devnull):
        with pytest.raises(DestinationExists):
            Destination(path, replace=True)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "folder" / "target")
    with Destination(str(link)) as destination:
        destination.commit()
    assert link.is_symlink()
    assert os.listdir(tmp_path / "folder") == ["target"]


@pytest.mark.parametrize("name", ["missing/out", "file/out", "a\0b"])
def test_places_that_cannot_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DestinationError):
        Destination(str(tmp_path / name))
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("is_command", [True, False])
def test_what_is_opened_in_the_meantime_counts(tmp_path: Path, is_command: bool) -> None:
    """In a command also after it was closed."""
    source, output, link = tmp_path / "source", tmp_path / "out", tmp_path / "link"
    source.write_bytes(fixture("inline").read_bytes())
    source.chmod(0o600)
    link.write_bytes(b"replaceable")
    link.chmod(0o644)

    def write() -> None:
        with Destination(str(output)) as first, Destination(str(link), replace=True) as second:
            opened = open_source(str(source), "none")
            if is_command:
                opened.close()
            first.commit()
            link.unlink()
            link.hardlink_to(source)
            try:
                with pytest.raises(DestinationIsSource):
                    second.commit()
            finally:
                opened.close()

    if is_command:
        with Reading():
            write()
    else:
        write()
    assert output.stat().st_mode & 0o777 == 0o600
    assert link.read_bytes() == source.read_bytes()
    with Destination(str(link), replace=True) as again:  # nothing is read any more
        again.commit()
