"""What is said of a file in a few lines: its summary, who holds its lock, how much of it was read from elsewhere."""

from __future__ import annotations

from ..text.sizes import size
from ..text.values import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..storage.holders import Holder
    from ..storage.snapshot import Snapshot


_NAMES = 8  # of buckets


def info_text(snapshot: Snapshot, application: str) -> bytes:
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


def traffic_text(requests: int, read: int, total: int) -> str:
    """Return a line about it."""
    return f"read {size(read)} of {size(total)} in {requests} round trips\n"


def holders_text(found: list[Holder]) -> bytes:
    """Return the report of ``lock``: a paragraph for each process that holds the lock, or waits for it."""
    return "\n".join(map(_holder, found)).encode("utf-8", "surrogateescape") or b"not locked\n"


def _holder(holder: Holder) -> str:
    from ..text.times import SECOND, time_text

    since = "unknown"
    if holder.since is not None:
        since = time_text(int(holder.since) * SECOND)
    lines = [f"Lock: {holder.mode}{', waiting for it' if holder.waits else ''}"]
    lines += [f"Process: {holder.pid or 'unknown'}", f"Command: {holder.command or 'unknown'}"]
    lines += [f"Running since: {since}"]
    if holder.mode == "exclusive" and not holder.waits:
        lines += [f"Writer: {'unknown' if holder.writes is None else 'yes' if holder.writes else 'no'}"]
    return "".join(f"{line}\n" for line in lines)
