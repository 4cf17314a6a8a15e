"""What is said of a file in a few lines: its summary, who holds its lock, how much of it was read from elsewhere."""

from __future__ import annotations

from itertools import islice

from ..text.sizes import size
from ..text.values import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..storage.holders import Holder
    from ..storage.snapshot import Snapshot

_NAMES = 8  # of buckets that are shown
_MOST = 1000  # that are counted


def info_text(snapshot: Snapshot, application: str) -> bytes:
    """Return lines on size, transaction, top-level buckets and, if it is known, the application that wrote the file."""
    facts = {
        "File Size": f"{snapshot.size} ({size(snapshot.size)}, {snapshot.meta.hwm} pages in use or free)",
        "Transaction": snapshot.meta.txid,
        "Buckets": _buckets(snapshot),
        "Application": application,
    }
    return "".join(f"{name}: {fact}\n" for name, fact in facts.items() if fact != "").encode()


def _buckets(snapshot: Snapshot) -> str:
    from ..errors import Corrupted
    from ..ops.read.key_pages import top_buckets

    try:
        names = list(islice((name for name, bucket in top_buckets(snapshot) if bucket is not None), _MOST + 1))
    except Corrupted as damage:
        return f"not readable ({damage})"
    count = f"more than {_MOST}" if len(names) > _MOST else str(len(names))
    shown = ", ".join([*map(shell_word, names[:_NAMES]), *["..."] * (len(names) > _NAMES)])
    return f"{count} ({shown})" if names else count


def traffic_text(requests: int, read: int, total: int) -> str:
    """Return a line about it."""
    return f"read {size(read)} of {size(total)} in {requests} round trips\n"


def holders_text(found: Sequence[Holder]) -> str:
    """Return the report of ``lock``: a paragraph for each process that holds the lock, or waits for it."""
    return "\n".join(map(_holder, found)) or "not locked\n"


def _holder(holder: Holder) -> str:
    from ..text.times import moment_text

    facts = {
        "Lock": f"{holder.mode}{', waiting for it' * holder.waits}",
        "Process": holder.pid or "unknown",
        "Command": holder.command or "unknown",
        "Running since": "unknown" if holder.since is None else moment_text(holder.since.replace(microsecond=0)),
    }
    if holder.mode == "exclusive" and not holder.waits:
        facts["Writer"] = "unknown" if holder.writes is None else "yes" if holder.writes else "no"
    return "".join(f"{name}: {fact}\n" for name, fact in facts.items())
