"""The text reports of bbolt's commands, and of ``tree`` and ``du``."""

from __future__ import annotations

from ..text.golang import percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ops.stats import BucketStats
    from ..storage.holders import Holder


def stats(count: int, total: BucketStats, human: bool = False) -> bytes:
    """Return the report of ``stats`` over ``count`` top-level buckets; ``human``: with sizes in KiB and the like."""
    t = total
    size: Callable[[int], str] = str
    if human:
        from ..text.sizes import size
    branch = percent(t.branch_inuse, t.branch_alloc)
    leaf = percent(t.leaf_inuse, t.leaf_alloc)
    inline = percent(t.inline_buckets, t.buckets)
    inline_bytes = percent(t.inline_bucket_inuse, t.leaf_inuse)
    return f"""\
Aggregate statistics for {count} buckets

Page count statistics
\tNumber of logical branch pages: {t.branch_pages}
\tNumber of physical branch overflow pages: {t.branch_overflow_pages}
\tNumber of logical leaf pages: {t.leaf_pages}
\tNumber of physical leaf overflow pages: {t.leaf_overflow_pages}
Tree statistics
\tNumber of keys/value pairs: {t.keys}
\tNumber of levels in B+tree: {t.depth}
Page size utilization
\tBytes allocated for physical branch pages: {size(t.branch_alloc)}
\tBytes actually used for branch data: {size(t.branch_inuse)} ({branch}%)
\tBytes allocated for physical leaf pages: {size(t.leaf_alloc)}
\tBytes actually used for leaf data: {size(t.leaf_inuse)} ({leaf}%)
Bucket statistics
\tTotal number of buckets: {t.buckets}
\tTotal number on inlined buckets: {t.inline_buckets} ({inline}%)
\tBytes used for inlined buckets: {size(t.inline_bucket_inuse)} ({inline_bytes}%)
""".encode()


def holders(found: list[Holder]) -> bytes:
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
