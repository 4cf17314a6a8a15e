"""How to go on from a file: the commands that show what is in it."""

from __future__ import annotations

from ..render.names import shell_quoted
from .commands import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..storage.snapshot import Snapshot


def application(snapshot: Snapshot) -> str:
    """The program that wrote the database, and its layout; empty if that is not known."""
    from ..apps.registry import recognise
    from ..apps.store import SnapshotStore
    from ..errors import BoltError

    try:
        found = recognise(SnapshotStore(snapshot))
    except BoltError:
        return ""
    return f"{found[1].name}, {found[1].layout}" if found else ""


def next_steps(path: str, known: bool) -> bytes:
    """Three commands to go on with; ``known``: its application is."""
    file = shell_quoted(path)
    third = ("view", "its records") if known and "view" in COMMANDS else ("du", "where its bytes are")
    steps = (("tree", "its buckets and what is in them"), ("check", "whether it is sound"), third)
    width = max(len(name) for name, _ in steps)
    lines = [f"  boltcli {name:<{width}} {file}  {what}" for name, what in steps]
    return ("\n".join(["", "Go on with", *lines]) + "\n").encode("utf-8", "surrogateescape")
