"""A database as lines of JSON, and back: an object for each bucket and for each pair, in key order."""

from __future__ import annotations

import re
from binascii import hexlify
from functools import lru_cache
from itertools import chain, repeat
from operator import is_
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..format.bucket import BucketRef
from .formats import LARGE, formatted
from .orjson_writer import line, parsed
from .records import pair, pieces, put_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..ops.read.select_items import Items
    from ..ops.write.load_rows import Row

_FIELDS = {"bucket", "bucket_hex", "key", "key_hex", "value", "value_hex", "sequence"}
# Where the pairs that deleted lists come from, and what pairs mean.
_DECODED = {"key_decoded", "key_guess", "value_decoded", "value_guess"}
_IGNORED = {"page", "certainty", "version_of", "version_of_hex", *_DECODED}
_SPACE_BEFORE_COLON = re.compile(rb'"[ \t\r]+:')
PLAIN = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))  # bytes that a string of JSON has as they are


def rows(part: Items) -> Iterator[bytes]:
    """Yield a line for each element, many of them together."""
    path, keys, values = part.path, part.keys, part.values
    if BucketRef not in set(map(type, values)):
        yield from _pair_lines(path, keys, values)  # type: ignore[arg-type]
        return
    begin = 0
    for at, value in enumerate(values):
        if isinstance(value, BucketRef):
            yield from _pair_lines(path, keys[begin:at], values[begin:at])  # type: ignore[arg-type]
            yield b'%b"sequence":%d}\n' % (pair_head((*path, keys[at])), value.sequence)
            begin = at + 1
    yield from _pair_lines(path, keys[begin:], values[begin:])  # type: ignore[arg-type]


def _pair_lines(path: tuple[bytes, ...], keys: list[bytes], values: list[bytes]) -> Iterator[bytes]:
    """Yield the lines of pairs: a large value, which stands alone, slice by slice; others together."""
    if not keys:
        return
    if len(keys) == 1 and len(values[0]) > LARGE:
        yield from pieces([pair(path, keys[0], values[0], "auto")])
        return
    head = pair_head(path)
    texts = formatted(keys, "auto")
    if _are_plain(values) and _are_plain(texts) and all(map(is_, keys, texts)):
        form = head.replace(b"%", b"%%") + b'"key":"%b","value":"%b"}\n'
        yield b"".join(map(form.__mod__, zip(keys, values)))
        return
    before, after = head + b'"key_hex":"', b'",'
    if any(map(is_, keys, texts)):
        before, after = head, b","
        texts = [
            b'"key":%b' % _string(key.decode(), key) if text is key else b'"key_hex":"%b"' % text
            for key, text in zip(keys, texts)
        ]
    yield b"".join(chain.from_iterable(zip(repeat(before), texts, repeat(after), map(_value, values), repeat(b"}\n"))))


def _are_plain(items: list[bytes]) -> bool:
    """Return whether strings of JSON have all ``items`` as they are."""
    if items and items[0].translate(None, PLAIN):
        return False  # most often the others are alike
    data = b"".join(items)
    return data.isascii() and not data.translate(None, PLAIN)


@lru_cache(maxsize=2)
def pair_head(path: tuple[bytes, ...]) -> bytes:
    """Return how the line of a pair in the bucket at ``path``, or of that bucket, begins: up to its key or sequence."""
    record: dict[str, Any] = {}
    put_bucket(record, path)
    return line(record)[:-2] + b","


def _string(text: str, data: bytes) -> bytes:
    """Return a string of JSON: ``text``, which is ``data`` decoded."""
    if '"' in text or "\\" in text or not (text.isascii() and text.isprintable()):
        return line(text)[:-1]
    return b'"%b"' % data


def _value(data: bytes) -> bytes:
    """Return the field of a value: text, or hexadecimal if it is none."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return b'"value_hex":"%b"' % hexlify(data)
    return b'"value":' + _string(text, data)


def bucket_row(path: tuple[bytes, ...], sequence: int) -> dict[str, Any]:
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


def parse_row(text: bytes, long: dict[str, bytes] | None = None) -> Row | End:
    """Return what a line says; ``long`` are strings left out of it. Raises :class:`~boltcli.errors.ArgumentError`."""
    try:
        record = parsed(text)
    except ValueError as error:
        raise ArgumentError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ArgumentError("not an object")
    if not has_fields_once(text, len(record)):
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
        return path, sequence
    texts = {name: _bytes(_one(record, name, str), f"{name}_hex" in record) for name in ("key", "value")}
    for field, content in (long or {}).items():
        texts[field.removesuffix("_hex")] = content
    return path, texts["key"], texts["value"]


def _name(name: Any) -> bytes:
    return _bytes(name, in_hex=False)


def _hex_name(name: Any) -> bytes:
    return _bytes(name, in_hex=True)


def plain_names(names: list[Any]) -> tuple[bytes, ...]:
    """Return the names of a path that are written as text. Raises ArgumentError."""
    return tuple(map(_name, names))


def hex_names(names: list[Any]) -> tuple[bytes, ...]:
    """Return the names of a path that are written in hexadecimal. Raises ArgumentError."""
    return tuple(map(_hex_name, names))


def has_fields_once(text: bytes, count: int) -> bool:
    """Return whether objects that are parsed as ``count`` fields certainly have no more: parsers keep one of a name."""
    # Without the quotes inside strings, which are escaped, each of these ends the name of a field. (One that ends in a
    # backslash is unknown.)
    bare = text.replace(b'\\"', b"") if b"\\" in text else text
    return bare.count(b'":') == count and not _SPACE_BEFORE_COLON.search(bare)


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
