"""What ``stats``, ``inspect`` and ``pages`` print, byte for byte as bbolt."""

from __future__ import annotations

from ..format.page import type_name
from ..text.golang import PLAIN_IN_JSON, json_string, percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..ops.stats import BucketRecord, BucketStats


def stats_text(count: int, total: BucketStats, human: bool = False) -> bytes:
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


_INDENT = b"        "  # of a bucket in another


def inspect_text(buckets: list[BucketRecord]) -> Iterator[bytes]:
    """Yield ``buckets``, each before those inside it, as a tree in JSON, in pieces, with a newline at the end."""
    names = [b"root", *(bucket.name for bucket in buckets[1:])]
    if b"".join(names).translate(None, PLAIN_IN_JSON):
        names = [json_string(name)[1:-1] for name in names]
    levels = [bucket.level for bucket in buckets]
    forms: dict[tuple[int, int], bytes] = {}
    for bucket, name, place in zip(buckets, names, zip(levels, [*levels[1:], 0])):
        if place not in forms:
            forms[place] = _form(*place)
        yield forms[place] % (name, bucket.pairs)


def _form(level: int, after: int) -> bytes:
    """Return the text from a bucket at ``level`` to the next one, at level ``after``, as a format of name and pairs."""
    indent = _INDENT * level
    fields = b'%b{\n%b    "name": "%%b",\n%b    "keyN": %%d' % (indent, indent, indent)
    if after > level:
        return b'%b,\n%b    "buckets": [\n' % (fields, indent)
    ends = b"".join(b"\n%b    ]\n%b}" % (_INDENT * above, _INDENT * above) for above in range(level - 1, after - 1, -1))
    return b"%b\n%b}%b%b" % (fields, indent, ends, b",\n" if after > 0 else b"\n")


PAGES_HEADING = b"ID       TYPE       ITEMS  OVRFLW\n======== ========== ====== ======\n"


def pages_text(rows: Sequence[tuple[int, int]], free: int) -> bytes:
    """Return a line for each of ``rows``: page id, and half of a header or ``free``."""
    tails = {head: _tail(head, free) for head in {head for _, head in rows}}  # most pages of a database look alike
    return "".join([str(pgid).ljust(8) + tails[head] for pgid, head in rows]).encode()


def _tail(head: int, free: int) -> str:
    words = ("free", "", "") if head == free else (type_name(head & 0xFFFF), head >> 16 & 0xFFFF, head >> 32 or "")
    return " {:<10} {:<6} {:<6}\n".format(*words)
