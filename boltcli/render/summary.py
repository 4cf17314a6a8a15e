"""A summary of a database in a few lines."""

from __future__ import annotations

from ..text.sizes import size
from ..text.values import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..storage.snapshot import Snapshot

_NAMES = 8  # of buckets


def summary(snapshot: Snapshot, application: str) -> bytes:
    """Return lines on size, transaction, top-level buckets and, if it is known, the application that wrote the file."""
    meta = snapshot.meta
    lines = [
        f"File Size: {snapshot.size} ({size(snapshot.size)}, {meta.hwm} pages in use or free)",
        f"Transaction: {meta.txid}",
        _buckets(snapshot),
    ]
    if application:
        lines.append(f"Application: {application}")
    return "".join(f"{line}\n" for line in lines).encode()


def _buckets(snapshot: Snapshot) -> str:
    from ..errors import Corrupted
    from ..ops.read.key_pages import top_buckets

    names: list[bytes] = []
    try:
        for name, bucket in top_buckets(snapshot):
            if bucket is not None:
                names.append(name)
            if len(names) > 1000:
                break
    except Corrupted as damage:
        return f"Buckets: not readable ({damage})"
    count = "more than 1000" if len(names) > 1000 else str(len(names))
    shown = ", ".join(shell_word(name) for name in names[:_NAMES])
    more = ", ..." if len(names) > _NAMES else ""
    return f"Buckets: {count}" + (f" ({shown}{more})" if names else "")
