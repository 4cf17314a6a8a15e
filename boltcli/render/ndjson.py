"""A database as lines of JSON, and back: an object for each bucket and for each pair, in key order."""

from __future__ import annotations

import re
from binascii import hexlify
from functools import lru_cache
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any, cast

from ..errors import ArgumentError
from ..ops.read.content import Pairs, bucket_at
from ..text.json import line, parsed
from ..text.values import LARGE, formatted
from .records import pair, pieces, put_bucket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ops.read.content import Path, Placed

_FIELDS = {"bucket", "bucket_hex", "key", "key_hex", "value", "value_hex", "sequence"}
# Where the pairs that deleted lists come from, and what pairs mean.
_DECODED = {"key_decoded", "key_guess", "value_decoded", "value_guess"}
_IGNORED = {"page", "certainty", "version_of", "version_of_hex", *_DECODED}
_PLAIN = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))  # bytes that a string of JSON has as they are
# Refuses random bytes at once, where decoding them raises an error for each value.
_UTF8 = re.compile(
    rb"(?:[\x00-\x7f]++|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*+"
).fullmatch
_END = b'"}\n'  # of the line of a pair
_MARK = b"\x1e"  # between strings that are written together
_ESCAPED_MARK = b"\\u001e"


def pair_lines(path: Path, pairs: Pairs) -> Iterable[bytes]:
    """Return the lines of pairs: a large value, which stands alone, slice by slice; others together."""
    keys, values = cast("list[bytes]", pairs.keys), cast("list[bytes]", pairs.values)
    if len(keys) == 1 and len(values[0]) > LARGE:
        return pieces([pair(path, keys[0], values[0], "auto")])
    head = _head(path)
    parts = [b""] * (4 * len(keys))
    parts[0::4], parts[1::4] = _strings(keys, formatted(keys, "auto"), head + b'"key":"', head + b'"key_hex":"')
    parts[2::4], parts[3::4] = _strings(values, _text_or_hex(values), b'","value":"', b'","value_hex":"')
    parts[0] = parts[0].removeprefix(_END)
    return (b"".join(parts), _END)


@lru_cache(maxsize=2)
def _head(path: Path) -> bytes:
    """Return the end of a line, and how that of a pair in the bucket at ``path`` begins."""
    record: dict[str, Any] = {}
    put_bucket(record, path)
    return _END + line(record)[:-2] + b","


def _text_or_hex(values: list[bytes]) -> list[bytes]:
    """Return the same for what is UTF-8, and hex for the others."""
    try:
        _MARK.join(values).decode()
    except UnicodeDecodeError:
        return [value if _UTF8(value) else hexlify(value) for value in values]
    return values


def _strings(items: list[bytes], shown: list[bytes], text: bytes, other: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return what begins each field, and its string of JSON: ``text`` and an item, or ``other`` and it in hex."""
    are_text = list(map(is_, items, shown))
    if all(are_text):
        return [text] * len(items), _escaped(items)
    if not any(are_text):
        return [other] * len(items), shown
    texts = iter(_escaped([item for item, is_text in zip(items, are_text) if is_text]))
    strings = [next(texts) if is_text else string for is_text, string in zip(are_text, shown)]
    return [text if is_text else other for is_text in are_text], strings


def _escaped(items: list[bytes]) -> list[bytes]:
    """Return each of ``items``, which are UTF-8, as a string of JSON has it: all are escaped together."""
    whole = _MARK.join(items)
    if len(whole.translate(None, _PLAIN)) == len(items) - 1:
        return items
    parts = line(whole.decode())[1:-2].split(_ESCAPED_MARK)
    return parts if len(parts) == len(items) else [line(item.decode())[1:-2] for item in items]


def bucket_row(path: Path, sequence: int) -> dict[str, Any]:
    """Return the object of a bucket."""
    record: dict[str, Any] = {}
    put_bucket(record, path)
    record["sequence"] = sequence
    return record


def end_row(pairs: int, buckets: int) -> dict[str, Any]:
    """Return the last object of an export: how many pairs and buckets came before it, the root bucket not counted."""
    return {"end": True, "pairs": pairs, "buckets": buckets}


class End:
    """The last line of an export: its counts, or the ``error`` that ended it."""

    __slots__ = ("buckets", "error", "pairs")

    def __init__(self, pairs: int, buckets: int, error: str | None) -> None:
        self.pairs = pairs
        self.buckets = buckets
        self.error = error


def _end(record: dict[str, Any]) -> End:
    if record["end"] is False:
        failure = record.get("error")
        message = failure.get("message") if isinstance(failure, dict) else failure
        return End(0, 0, str(message or "an error"))
    pairs, buckets = record.get("pairs"), record.get("buckets")
    if record["end"] is not True or not isinstance(pairs, int) or not isinstance(buckets, int):
        raise ArgumentError("the end needs the numbers of pairs and buckets")
    return End(pairs, buckets, None)


def parse_row(text: bytes, long: dict[str, bytes] | None = None) -> Placed | End:
    """Return what a line says; ``long`` are strings left out of it. Raises :class:`~boltcli.errors.ArgumentError`."""
    try:
        record = parsed(text)
    except ValueError as error:
        raise ArgumentError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ArgumentError("not an object")
    if not has_fields_once(text, len(record), _strings_in(record)):
        refuse_twice(text)
    if "end" in record:
        return _end(record)
    unknown = sorted(record.keys() - _FIELDS - _IGNORED)
    if unknown:
        raise ArgumentError(f"unknown field {unknown[0]!r}")
    if long and record.keys() & _DECODED:  # the long string may be one inside of what is decoded
        raise ArgumentError("a pair of this size is taken only undecoded: write it with --decode off")
    names = _one(record, "bucket", list)
    path = (hex_names if "bucket_hex" in record else plain_names)(names)
    if "sequence" in record:
        sequence = record["sequence"]
        if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence < 1 << 64:
            raise ArgumentError("sequence must be a number of 64 bits")
        if record.keys() & {"key", "key_hex", "value", "value_hex"}:
            raise ArgumentError("a bucket has no key and no value")
        return bucket_at(path, sequence)
    texts = {name: _bytes(_one(record, name, str), f"{name}_hex" in record) for name in ("key", "value")}
    for field, content in (long or {}).items():
        texts[field.removesuffix("_hex")] = content
    return path, Pairs([texts["key"]], [texts["value"]])


def plain_names(names: list[Any]) -> Path:
    """Return the names of a path that are written as text. Raises ArgumentError."""
    return tuple([_bytes(name, in_hex=False) for name in names])


def hex_names(names: list[Any]) -> Path:
    """Return the names of a path that are written in hexadecimal. Raises ArgumentError."""
    return tuple([_bytes(name, in_hex=True) for name in names])


def _strings_in(record: dict[str, Any]) -> int:
    """Return how many strings the values of ``record`` are, and the lists in it have."""
    lists = [value if isinstance(value, list) else [value] for value in record.values()]
    return sum(isinstance(part, str) for part in chain.from_iterable(lists))


def has_fields_once(text: bytes, fields: int, strings: int) -> bool:
    """Return whether objects that are parsed as so many fields and strings have no more: parsers keep one of a name.

    Each has two quotes, but for those inside strings, which are escaped.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"') == 2 * (fields + strings)


def refuse_twice(text: bytes) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` for an object that has a field twice: parsers keep one of them."""
    import json

    def once(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in fields:
            if name in found:
                raise ArgumentError(f"the field {name!r} is there twice")
            found[name] = value
        return found

    json.loads(text, object_pairs_hook=once)


def _one(record: dict[str, Any], name: str, kind: type) -> Any:
    """Return the value of a field or of the same in hexadecimal."""
    found = [record[field] for field in (name, f"{name}_hex") if field in record]
    if len(found) != 1 or not isinstance(found[0], kind):
        what = "a list" if kind is list else "a string"
        raise ArgumentError(f"there must be {what} {name} or {name}_hex, and one of them only")
    return found[0]


def _bytes(text: Any, in_hex: bool) -> bytes:
    if not isinstance(text, str):
        raise ArgumentError("a bucket's name must be a string")
    if not in_hex:
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ArgumentError(f"{text[:40]!r} is not hexadecimal") from None
