"""The tree that ``inspect`` prints: Go's ``MarshalIndent`` with four spaces."""

from __future__ import annotations

from .golang import json_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..ops.stats.bucket_counts import BucketTree


_INDENT = b"        "  # of a bucket in another


def bucket_tree(top: BucketTree) -> Iterator[bytes]:
    """Yield the tree below ``top`` as JSON, in pieces, with a newline at the end."""
    # A stack and not recursion: buckets may nest deeper than Python calls may. A number is how deep the bucket is
    # that ends there: the lines that end it are as long as that.
    stack: list[bytes | int | tuple[BucketTree, int]] = [(top, 0)]
    while stack:
        piece = stack.pop()
        if isinstance(piece, bytes):
            yield piece
            continue
        if isinstance(piece, int):
            indent = _INDENT * piece
            yield b"\n%b    ]\n%b}" % (indent, indent)
            continue
        tree, depth = piece
        indent = _INDENT * depth
        fields = _fields(indent) % (json_string(tree.name), tree.keys)
        if not tree.children:
            yield b"%b\n%b}" % (fields, indent)
            continue
        yield b'%b,\n%b    "buckets": [\n' % (fields, indent)
        stack.append(depth)
        if any(child.children for child in tree.children):
            for child in reversed(tree.children):
                stack += ((child, depth + 1), b",\n")
            stack.pop()  # no comma before the first
        else:
            inner = indent + _INDENT
            form = b"%b\n%b}" % (_fields(inner), inner)
            yield b",\n".join([form % (json_string(child.name), child.keys) for child in tree.children])
    yield b"\n"


def _fields(indent: bytes) -> bytes:
    """Return a bucket's fields as a format, of its name and number of keys."""
    return indent + b"{\n" + indent + b'    "name": %b,\n' + indent + b'    "keyN": %d'
