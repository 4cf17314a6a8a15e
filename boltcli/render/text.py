"""The text reports of bbolt's commands, and of ``tree`` and ``du``."""

from __future__ import annotations

from _struct import Struct  # struct is Python code and takes longer to load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ops.stats import BucketStats
    from ..storage.holders import Holder

_FLOAT32 = Struct("<f")


def stats(count: int, total: BucketStats, human: bool = False) -> bytes:
    """Return the report of ``stats`` over ``count`` top-level buckets; ``human``: with sizes in KiB and the like."""
    t = total
    size: Callable[[int], str] = str
    if human:
        from .human import size
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
    import time

    since = "unknown"
    if holder.since is not None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(holder.since))
    lines = [f"Lock: {holder.mode}{', waiting for it' if holder.waits else ''}"]
    lines += [f"Process: {holder.pid or 'unknown'}", f"Command: {holder.command or 'unknown'}"]
    lines += [f"Running since: {since}"]
    if holder.mode == "exclusive" and not holder.waits:
        lines += [f"Writer: {'unknown' if holder.writes is None else 'yes' if holder.writes else 'no'}"]
    return "".join(f"{line}\n" for line in lines)


def percent(part: int, whole: int) -> int:
    """Return ``int(float32(part) * 100.0 / float32(whole))``, 0 if ``whole`` is 0.

    Each step is rounded to 32 bits, so 33554428 of 33554429 is 100.
    """
    if whole == 0:
        return 0
    return int(_float32(_float32(_float32(part) * 100.0) / _float32(whole)))


def _float32(value: float) -> float:
    result: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    return result
