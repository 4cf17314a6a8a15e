"""``version``: print the versions of boltcli, bbolt and Python."""

from __future__ import annotations

import os
import sys

from ... import BBOLT_VERSION, __version__
from ...kernel import problem, state
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from ..options import argument
    from ..output import Output


def one_line() -> bytes:
    """Return the output of ``boltcli --version``."""
    return f"boltcli version {__version__}\n".encode()


@command("version", example="boltcli version", group="Help")
def version(
    out: Output, *, ignored: Annotated[list[str], argument(None, "Ignored, as by bbolt.", hidden=True)] = []
) -> None:
    """Print the versions of boltcli and Python."""
    python = ".".join(map(str, sys.version_info[:3]))
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "unknown")
    versions = {"boltcli": __version__, "bbolt": BBOLT_VERSION, "python": python, "kernel": state()}
    out.record(
        versions | {"platform": f"{sys.platform}/{machine}"},
        lambda: (
            f"boltcli Version: {__version__}\n"
            f"Equivalent to bbolt: {BBOLT_VERSION}\n"
            f"Python Version: {python}\n"
            f"Python OS/Arch: {sys.platform}/{machine}\n"
            f"Kernel: {state()}\n{_about_kernel()}"
        ),
    )


def _about_kernel() -> str:
    """Return why the compiled kernel isn't used and what to do, in lines; nothing if it is."""
    why = problem()
    if not why:
        return ""
    if state() == "turned off":
        remedy = "To use it: unset BOLTCLI_KERNEL"
    else:
        from ...installation import installation

        remedy = f"To build it, with a C compiler and Python's headers: {installation().again()}"
    return (
        f"  {why}\n  Without it every command works, but takes one to ten times as long on large files.\n  {remedy}\n"
    )
