"""The tree that ``inspect`` prints: Go's ``MarshalIndent`` with four spaces."""

from __future__ import annotations

from .golang import json_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..ops.stats.buckets import BucketRecord


_INDENT = b"        "  # of a bucket in another


def bucket_tree(buckets: list[BucketRecord]) -> Iterator[bytes]:
    """Yield ``buckets``, each before those inside it, as a tree in JSON, in pieces, with a newline at the end."""
    forms: list[bytes] = []  # by level
    following = [bucket.level for bucket in buckets[1:]]
    for bucket, after in zip(buckets, [*following, 0]):
        level = bucket.level
        while level >= len(forms):
            forms.append(_fields(_INDENT * len(forms)))
        fields = forms[level] % (json_string(bucket.name) if bucket.parent else b'"root"', bucket.pairs)
        indent = _INDENT * level
        if after > level:
            yield b'%b,\n%b    "buckets": [\n' % (fields, indent)
            continue
        yield b"%b\n%b}" % (fields, indent)
        for above in range(level - 1, after - 1, -1):
            indent = _INDENT * above
            yield b"\n%b    ]\n%b}" % (indent, indent)
        yield b",\n" if after > 0 else b"\n"


def _fields(indent: bytes) -> bytes:
    """Return a bucket's fields as a format, of its name and number of keys."""
    return indent + b"{\n" + indent + b'    "name": %b,\n' + indent + b'    "keyN": %d'
