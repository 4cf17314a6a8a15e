"""Databases on real servers: S3 (moto's server in a process) and SSH (the system's sshd)."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.test_packed import PACKED
from tests.files.test_remote import _large
from tests.support import fixture, run

pytestmark = pytest.mark.slow


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            if process.poll() is not None:
                pytest.skip("the server does not start here")
            time.sleep(0.1)
    pytest.skip("the server does not answer")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("s3fs")
    pytest.importorskip("moto.server")
    port = _free_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, server)
        yield
    finally:
        server.kill()
        server.wait()


def test_s3(s3: None, tmp_path: Path) -> None:
    import s3fs

    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir("backups")
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
        b"(2 as in the earlier results)"
        in run("verify", "--files-from", tmp_path / "list", "--resume", results, "-o", results)[1]
    )
    files.put_file(str(fixture("inline")), "backups/large.db")
    files.invalidate_cache()
    assert (
        b"(1 as in the earlier results)"
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
    status, _, err = run("check", "s3://backups/none")
    assert status == 1
    assert b"very-secret" not in err
    assert b"doesn't exist" in err
    on_cluster = run("verify", "--json", "--engine", "local:2", "--files-from", tmp_path / "list")
    assert {json.loads(line)["ok"] for line in on_cluster[1].splitlines()} == {True, False}


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("paramiko")
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.path.exists(sshd) or os.geteuid() != 0:
        pytest.skip("needs an sshd")
    os.makedirs("/run/sshd", exist_ok=True)
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = _free_port()
    options = [
        f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={folder}/host", f"AuthorizedKeysFile={folder}/authorized",
        "StrictModes=no", "PermitRootLogin=yes", "UsePAM=no", f"PidFile={folder}/pid", "Subsystem=sftp internal-sftp",
    ]  # fmt: skip
    command = [sshd, "-D", "-e", "-f", "/dev/null", *[word for option in options for word in ("-o", option)]]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, server)
        from fsspec.config import conf

        conf["sftp"] = {"key_filename": str(folder / "user"), "look_for_keys": False, "allow_agent": False}
        yield f"sftp://{getpass.getuser()}@127.0.0.1:{port}"
        del conf["sftp"]
    finally:
        server.kill()
        server.wait()


def test_ssh(ssh: str, tmp_path: Path) -> None:
    path = _large(tmp_path)
    for command in (["check"], ["buckets"], ["info"]):
        assert run(*command, f"{ssh}{path}") == run(*command, path), command
    status, out, err = run("get", "--stats", f"{ssh}{path}", "b", "00012345")
    assert (status, out) == run("get", path, "b", "00012345")[:2]
    assert int(err.split()[-3]) <= 7
    assert run("check", f"{ssh}{path}.none")[2].startswith(b"Error: source database file")
