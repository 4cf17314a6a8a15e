"""Decoded pairs as lines of JSON or text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import UnreadablePage
from ..format.bucket import BucketRef
from ..format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import LeafElements
from ..text.json import line
from ..text.visible import visible
from .records import put_decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..apps.decode import Decoded, Decoder
    from ..ops.compare.change import Change
    from ..ops.read.select_items import Items
    from ..storage.raw import RawPage

    Path = tuple[bytes, ...]
    Record = dict[str, Any]


def text_lines(part: Items, decoder: Decoder, above: int, *, key: bool = True, value: bool = True) -> bytes:
    """Return a line for each element: its buckets beyond the first ``above``, the key, a tab and the value."""
    found = []
    margin = "".join(f"{readable_bytes(name)}\t" for name in part.path[above:])
    for name, content in zip(part.keys, part.values):
        if isinstance(content, BucketRef):
            fields = [readable_bytes(name)] if key else []
        else:
            fields = [readable(decoder.key(part.path, name))] if key else []
            if value:
                fields.append(readable(decoder.value(part.path, name, content)))
        if fields:
            found.append(margin * key + "\t".join(fields) + "\n")
    return "".join(found).encode("utf-8", "surrogateescape")


def change_record(decoder: Decoder, change: Change) -> Record:
    """Return what the key, the old and the new value of a change mean, as further fields of it."""
    record: Record = {}
    if change.key is not None:
        put_decoded(record, "key", decoder.key(change.bucket, change.key))
        for name, value in (("old", change.old), ("new", change.new)):
            if isinstance(value, bytes):
                put_decoded(record, name, decoder.value(change.bucket, change.key, value))
    return record


def readable_change(decoder: Decoder, change: Change) -> Change:
    """Return a change with key and values as text that says what they mean."""
    if change.key is None:
        return change
    key, path = change.key, change.bucket

    def shown(value: bytes | int | None) -> bytes | int | None:
        return _encoded(readable(decoder.value(path, key, value))) if isinstance(value, bytes) else value

    text = _encoded(readable(decoder.key(path, key)))
    return type(change)(change.op, path, text, shown(change.old), shown(change.new))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def readable(found: Decoded) -> str:
    """Return a decoded value on one line: text as it is, anything else as JSON; a guess is said to be one."""
    text = found.value if isinstance(found.value, str) else line(found.value).decode().rstrip("\n")
    text = visible(text).replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text if found.guess is None else f"{text} (guess: {found.guess})"


def readable_bytes(name: bytes) -> str:
    """Return a bucket's name as text, or as 0x and hex digits."""
    from ..text.values import bytes_text

    return bytes_text(name)


def leaf_pairs(page: RawPage, path: Path, decoder: Decoder) -> Iterator[tuple[int, bytes, Decoded, bytes, Decoded]]:
    """Yield index, key and value of the pairs of a leaf page that can be read, each with what it means."""
    if page.flags != LEAF_PAGE:
        return
    leaf = LeafElements(page)
    for index in range(leaf.count):
        try:
            if leaf.flags[index] & BUCKET_LEAF_FLAG:
                continue
            key, value = leaf.key(index), leaf.value(index)
        except UnreadablePage:
            return
        yield index, key, decoder.key(path, key), value, decoder.value(path, key, value)
