"""``version``: print the versions of boltcli, bbolt and Python."""

from __future__ import annotations

import os
import sys

from ... import BBOLT_VERSION, __version__
from ...kernel import state
from ..command import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..job import Job

COMMAND = Command(
    "version",
    "Print the versions of boltcli and Python.",
    example="boltcli version",
    group="Help",
)


def one_line() -> bytes:
    """Return the output of ``boltcli --version``."""
    return f"boltcli version {__version__}\n".encode()


def run(job: Job[None], out: BinaryIO, err: BinaryIO) -> None:
    python = ".".join(map(str, sys.version_info[:3]))
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "unknown")
    if job.json:
        from ...render import records

        versions = {"boltcli": __version__, "bbolt": BBOLT_VERSION, "python": python, "kernel": state()}
        out.write(records.line(versions | {"platform": f"{sys.platform}/{machine}"}))
        return
    out.write(
        f"boltcli Version: {__version__}\n"
        f"Equivalent to bbolt: {BBOLT_VERSION}\n"
        f"Python Version: {python}\n"
        f"Python OS/Arch: {sys.platform}/{machine}\n"
        f"Kernel: {state()}\n".encode()
    )
