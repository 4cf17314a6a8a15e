"""Suggest commands that show what is in a file."""

from __future__ import annotations

from ..render.names import shell_quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..storage.snapshot import Snapshot


def application(snapshot: Snapshot) -> tuple[str, bool]:
    """Return the program that wrote the database, its layout ("" if unknown), and whether boltcli can audit it."""
    from ..apps.registry import recognised
    from ..database import Database
    from ..errors import BoltError

    try:
        found = recognised(snapshot)
        return ("", False) if found is None else (str(found), found.application.has_audit(Database(snapshot)))
    except BoltError:
        return "", False


def next_steps(path: str, snapshot: Snapshot) -> bytes:
    """Return suggestions for the next commands, depending on the state of the file and its application."""
    from ..errors import BoltError
    from ..format.page import LeafElements
    from ..tree.bucket import root_bucket
    from ..tree.walk import Whole, leaf_pages

    file = shell_quoted(path)
    known, has_audit = application(snapshot)
    steps = [("tree", file, "its buckets and what is in them"), ("check", file, "whether it is sound")]
    try:
        for page in leaf_pages(snapshot, root_bucket(snapshot), guard=Whole(snapshot)):
            LeafElements(page).keys()
    except BoltError:
        steps = [("doctor", file, "what is damaged and what can be saved"),
                 ("recover", f"-o DEST {file}", "saves all that can still be read")]  # fmt: skip
    if known:
        steps.append(("view", file, "its records"))
        steps += [("audit", file, "whether its records are consistent, and what is stuck")] * has_audit
    elif len(steps) < 3:
        steps.append(("du", file, "where its bytes are"))
    lines = [f"  boltcli {name:<{max(len(step[0]) for step in steps)}} {rest}  {what}" for name, rest, what in steps]
    return ("\n".join(["", "Next:", *lines]) + "\n").encode("utf-8", "surrogateescape")
