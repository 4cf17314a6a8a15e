"""``info``: the page size."""

from __future__ import annotations

from ...storage.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def run(arguments: list[str], options: dict[str, str | int], out: BinaryIO) -> None:
    with Snapshot(arguments[0]) as snapshot:
        out.write(b"Page Size: %d\n" % snapshot.page_size)
