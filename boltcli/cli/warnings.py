"""Warnings: lines on stderr, or objects there with ``--json``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def warn(err: BinaryIO, options: dict[str, str | int], message: str, path: str) -> None:
    """Say ``message`` of the database at ``path``."""
    if options["json"]:
        from ..render import records

        err.write(records.line(records.notice("warning", message, path)))
    else:
        err.write(f"warning: {message}\n".encode("utf-8", "surrogateescape"))
