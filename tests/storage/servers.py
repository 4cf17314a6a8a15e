"""Servers in processes of their own: S3 (moto's) and SSH (the system's sshd)."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import missing, needed


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Start an S3 server; yields the environment in which s3fs and boto find it."""
    needed("s3fs")
    needed("moto.server")
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port):
        yield {
            "AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }  # fmt: skip


@contextmanager
def ssh_server(folder: Path) -> Iterator[tuple[str, Path]]:
    """Start an sshd that keeps its keys in ``folder``; yields its ``sftp://`` address and the user's private key."""
    needed("paramiko")
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not os.path.exists(sshd):
        missing("sshd")
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = _free_port()
    options = [
        f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={folder}/host", f"AuthorizedKeysFile={folder}/user.pub",
        "StrictModes=no", "PermitRootLogin=yes", "UsePAM=no", f"PidFile={folder}/pid", "Subsystem=sftp internal-sftp",
    ]  # fmt: skip
    with _running([sshd, "-D", "-e", "-f", "/dev/null", *(f"-o{option}" for option in options)], port):
        yield f"sftp://{getpass.getuser()}@127.0.0.1:{port}", folder / "user"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server for the time of the block, which begins when it answers."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command[0]} does not start: status {server.poll()}") from None
                time.sleep(0.1)
        yield
    finally:
        server.kill()
        server.wait()
