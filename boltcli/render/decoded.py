"""Decoded pairs as lines of JSON or text."""

from collections.abc import Iterator

from ..apps.decode import Decoded, Decoder
from ..errors import UnreadablePage
from ..format.bucket import BucketRef
from ..format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ..format.page import LeafElements
from ..ops.compare.change import Change
from ..ops.read.select_items import Items
from ..storage.raw import RawPage
from ..text.json import line
from ..text.values import bytes_text
from ..text.visible import field_text
from .records import Record, decoded


def text_lines(part: Items, decoder: Decoder, above: int, *, key: bool = True, value: bool = True) -> bytes:
    """Return a line for each element: its buckets beyond the first ``above``, the key, a tab and the value."""
    margin = [bytes_text(name) for name in part.path[above:]] * key
    found = [fields for fields in readable_fields(part, decoder, key=key, value=value) if fields]
    return "".join(["\t".join(margin + fields) + "\n" for fields in found]).encode("utf-8", "surrogateescape")


def readable_fields(part: Items, decoder: Decoder, *, key: bool = True, value: bool = True) -> Iterator[list[str]]:
    """Yield what the key and the value of each element mean, as far as they are wanted; a bucket has no value."""
    for name, content in zip(part.keys, part.values):
        if isinstance(content, BucketRef):
            yield [bytes_text(name)] * key
        else:
            fields = [readable(decoder.key(part.path, name))] if key else []
            yield fields + ([readable(decoder.value(part.path, name, content))] if value else [])


def change_record(decoder: Decoder, change: Change) -> Record:
    """Return what the key, the old and the new value of a change mean, as further fields of it."""
    if change.key is None:
        return {}
    record = decoded("key", decoder.key(change.bucket, change.key))
    for name, value in (("old", change.old), ("new", change.new)):
        if isinstance(value, bytes):
            record |= decoded(name, decoder.value(change.bucket, change.key, value))
    return record


def readable_change(decoder: Decoder, change: Change) -> Change:
    """Return a change with key and values as text that says what they mean."""
    key, path = change.key, change.bucket
    if key is None:
        return change

    def shown(value: bytes | int | None) -> bytes | int | None:
        return _encoded(decoder.value(path, key, value)) if isinstance(value, bytes) else value

    return type(change)(change.op, path, _encoded(decoder.key(path, key)), shown(change.old), shown(change.new))


def _encoded(found: Decoded) -> bytes:
    return readable(found).encode("utf-8", "backslashreplace")


def readable(found: Decoded) -> str:
    """Return a decoded value on one line: text as it is, anything else as JSON; a guess is said to be one."""
    text = field_text(found.value if isinstance(found.value, str) else line(found.value)[:-1].decode())
    return text if found.guess is None else f"{text} (guess: {found.guess})"


def leaf_pairs(page: RawPage, path: tuple[bytes, ...], decoder: Decoder) -> Iterator[tuple[int, Decoded, Decoded]]:
    """Yield the index of each pair of a leaf page that can be read, and what its key and value mean."""
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
        yield index, decoder.key(path, key), decoder.value(path, key, value)
