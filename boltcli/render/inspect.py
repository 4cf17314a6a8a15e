"""The tree that ``inspect`` prints: Go's ``MarshalIndent`` with four spaces."""

from __future__ import annotations

from ..text.golang import PLAIN_IN_JSON, json_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..ops.stats import BucketRecord


_INDENT = b"        "  # of a bucket in another


def bucket_tree(buckets: list[BucketRecord]) -> Iterator[bytes]:
    """Yield ``buckets``, each before those inside it, as a tree in JSON, in pieces, with a newline at the end."""
    names = [b"root", *(bucket.name for bucket in buckets[1:])]
    if b"".join(names).translate(None, PLAIN_IN_JSON):
        names = [json_string(name)[1:-1] for name in names]
    levels = [bucket.level for bucket in buckets]
    forms: dict[tuple[int, int], bytes] = {}
    for bucket, name, place in zip(buckets, names, zip(levels, [*levels[1:], 0])):
        form = forms.get(place)
        if form is None:
            form = forms[place] = _form(*place)
        yield form % (name, bucket.pairs)


def _form(level: int, after: int) -> bytes:
    """Return the text from a bucket at ``level`` to the next one, at level ``after``, as a format of name and pairs."""
    indent = _INDENT * level
    fields = b'%b{\n%b    "name": "%%b",\n%b    "keyN": %%d' % (indent, indent, indent)
    if after > level:
        return b'%b,\n%b    "buckets": [\n' % (fields, indent)
    ends = b"".join(b"\n%b    ]\n%b}" % (_INDENT * above, _INDENT * above) for above in range(level - 1, after - 1, -1))
    return b"%b\n%b}%b%b" % (fields, indent, ends, b",\n" if after > 0 else b"\n")
