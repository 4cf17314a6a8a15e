"""Open a snapshot of a local file or of a remote object."""

from __future__ import annotations

from .snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .source import Source


def open_snapshot(source: Source, *, previous: bool = False) -> Snapshot:
    """Return a snapshot of ``source``, which it then owns; raises as :class:`Snapshot` does."""
    if source.remote is None:
        return Snapshot(source.path, source, previous=previous)
    from .remote_snapshot import RemoteSnapshot

    return RemoteSnapshot(source.path, source, previous=previous)
