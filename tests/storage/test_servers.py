"""Databases on real servers: S3 (moto's server in a process) and SSH (the system's sshd)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.storage.servers import s3_server, ssh_server
from tests.storage.test_packed import PACKED
from tests.storage.test_remote import _large
from tests.support import fixture, needed, run

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The file system of s3fs on an S3 server with the bucket ``backups``."""
    with s3_server() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        files = needed("s3fs").S3FileSystem(skip_instance_cache=True)
        files.mkdir("backups")
        yield files


def test_s3(s3: Any, tmp_path: Path) -> None:
    files = s3
    path = _large(tmp_path)
    files.put_file(str(path), "backups/large.db")
    files.pipe_file("backups/packed.tar.gz", PACKED["tar.gz"])
    status, out, err = run("get", "--stats", "s3://backups/large.db", "b", "00012345")
    assert (status, out) == run("get", path, "b", "00012345")[:2]
    assert int(err.split()[-3]) <= 7
    for command in (["check"], ["stats"], ["info"], ["buckets"]):
        assert run(*command, "s3://backups/large.db") == run(*command, path)
    assert run("keys", "s3://backups/packed.tar.gz", "execution") == run("keys", fixture("document"), "execution")
    (tmp_path / "list").write_text("s3://backups/large.db\ns3://backups/packed.tar.gz\ns3://backups/none\n")
    results = tmp_path / "results.ndjson"
    status, out, _ = run("verify", "--files-from", tmp_path / "list", "-o", results)
    assert (status, out.partition(b" ->")[0]) == (1, b"3 files: 2 ok, 1 unreadable")
    assert (
        b"(2 from the earlier results)"
        in run("verify", "--files-from", tmp_path / "list", "--resume", results, "-o", results)[1]
    )
    files.put_file(str(fixture("inline")), "backups/large.db")
    files.invalidate_cache()
    assert (
        b"(1 from the earlier results)"
        in run("verify", "--files-from", tmp_path / "list", "--resume", results, "-o", results)[1]
    )
    for number in range(6):
        files.put_file(str(path), f"backups/{number}.db")
    (tmp_path / "more").write_text("".join(f"s3://backups/{number}.db\n" for number in range(6)))
    words: list[str | Path] = [
        "verify",
        "--jobs",
        "3",
        "--files-from",
        tmp_path / "list",
        "--files-from",
        tmp_path / "more",
    ]
    assert run(*words, "--resume", results, "-o", results)[1].startswith(b"6 files: 6 ok ->")
    status, out, _ = run("verify", "--recursive", "s3://backups/", "s3://backups/[12].db")
    assert (status, out.splitlines()[-1]) == (0, b"8 files: 8 ok")
    status, _, err = run("check", "s3://backups/none")
    assert status == 1
    assert b"very-secret" not in err
    assert b"doesn't exist" in err
    on_cluster = run("verify", "--json", "--engine", "local:2", "--files-from", tmp_path / "list")
    assert {json.loads(line)["ok"] for line in on_cluster[1].splitlines()} == {True, False}


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[str]:
    """The address of an sshd, and fsspec set up to log in there."""
    with ssh_server(tmp_path / "ssh") as (address, key):
        from fsspec.config import conf

        conf["sftp"] = {"key_filename": str(key), "look_for_keys": False, "allow_agent": False}
        yield address
        del conf["sftp"]


def test_ssh(ssh: str, tmp_path: Path) -> None:
    path = _large(tmp_path)
    for command in (["check"], ["buckets"], ["info"]):
        assert run(*command, f"{ssh}{path}") == run(*command, path), command
    status, out, err = run("get", "--stats", f"{ssh}{path}", "b", "00012345")
    assert (status, out) == run("get", path, "b", "00012345")[:2]
    assert int(err.split()[-3]) <= 7
    assert run("verify", "--recursive", f"{ssh}{path.parent}")[1].endswith(b"1 file: 1 ok\n")
    assert run("verify", f"{ssh}{path.parent}/*.db")[1].endswith(b"1 file: 1 ok\n")
    assert run("check", f"{ssh}{path}.none")[2].startswith(b"Error: source database file")
