"""Verify the SHA-256 that ``etcdctl snapshot save`` appends to the file.

Source: etcd, server/etcdserver/api/v3rpc/maintenance.go (``Snapshot``) and etcdutl/snapshot/v3_snapshot.go, which
assumes that a file has it if its length is 32 more than a multiple of 512.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.snapshot import Snapshot

TRAILER = 32  # bytes
_UNIT = 512
_CHUNK = 16 << 20  # bytes hashed at a time


def trailer_is_right(snapshot: Snapshot) -> bool | None:
    """Return whether the hash at the end of the file is correct; None if the file's length shows that it has none."""
    size = snapshot.size
    if size % _UNIT != TRAILER:
        return None
    from hashlib import sha256

    digest = sha256()
    end = size - TRAILER
    with memoryview(snapshot.buffer) as view:
        for start in range(0, end, _CHUNK):
            with view[start : min(start + _CHUNK, end)] as part:
                digest.update(part)
        return bytes(view[end:size]) == digest.digest()
