"""A database as lines of JSON, and back: an object for each bucket and for each pair, in key order."""

from __future__ import annotations

from binascii import hexlify
from operator import is_
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..format.bucket import BucketRef
from .formats import formatted
from .orjson_writer import line, parsed
from .records import is_shown, pair, pieces, put_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..ops.read.select_items import Items
    from ..ops.write.load_rows import Row

_FIELDS = {"bucket", "bucket_hex", "key", "key_hex", "value", "value_hex", "sequence"}
# Where the pairs that deleted lists come from, and what pairs mean.
_DECODED = {"key_decoded", "key_guess", "value_decoded", "value_guess"}
_IGNORED = {"page", "certainty", "version_of", "version_of_hex", *_DECODED}
_FEW = 4  # pairs, for which what follows isn't quicker
PLAIN = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))  # bytes that a string of JSON has as they are


def rows(part: Items) -> Iterator[bytes]:
    """Yield a line for each element."""
    keys, values = part.keys, part.values
    if len(keys) < _FEW or BucketRef in set(map(type, values)):
        records = [
            bucket_row((*part.path, key), value.sequence)
            if isinstance(value, BucketRef)
            else pair(part.path, key, value, "auto")
            for key, value in zip(keys, values)
        ]
        yield from pieces(records)
        return
    head = pair_head(part.path)
    texts = formatted(keys, "auto")
    if _are_plain(values) and _are_plain(texts) and all(map(is_, keys, texts)):  # type: ignore[arg-type]
        form = head.replace(b"%", b"%%") + b'"key":"%b","value":"%b"}\n'
        yield b"".join(map(form.__mod__, zip(keys, values)))
        return
    shown = [
        b'"key":%b' % _string(key.decode(), key) if text is key else b'"key_hex":"%b"' % text
        for key, text in zip(keys, texts)
    ]
    yield b"".join([b"%b%b,%b}\n" % (head, key, _value(value)) for key, value in zip(shown, values)])  # type: ignore[arg-type]


def _are_plain(items: list[bytes]) -> bool:
    """Return whether strings of JSON have all ``items`` as they are."""
    if items and items[0].translate(None, PLAIN):
        return False  # most often the others are alike
    data = b"".join(items)
    return data.isascii() and not data.translate(None, PLAIN)


def pair_head(path: tuple[bytes, ...]) -> bytes:
    """Return how the line of a pair in the bucket at ``path`` begins, up to its key."""
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


def names(path: tuple[bytes, ...]) -> tuple[bytes | None, bytes]:
    """Return the names of ``path`` as they stand in a line, None if they aren't printable; and in hexadecimal."""
    plain = line([name.decode() for name in path])[1:-2] if all(map(is_shown, path)) else None
    return plain, line([name.hex() for name in path])[1:-2]


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
    # Without the quotes inside strings, which are escaped, each of these ends the name of a field. (One that ends in a
    # backslash is unknown.)
    bare = text.replace(b'\\"', b"") if b"\\" in text else text
    if bare.count(b'":') != len(record) or any(space in bare for space in (b'" ', b'"\t', b'"\r')):
        refuse_twice(text)
    if "end" in record:
        return _end(record)
    unknown = sorted(record.keys() - _FIELDS - _IGNORED)
    if unknown:
        raise ArgumentError(f"unknown field {unknown[0]!r}")
    if long and record.keys() & _DECODED:  # the long string may be one inside of what is decoded
        raise ArgumentError("a pair of this size is taken only undecoded: write it with --decode off")
    names = _one(record, "bucket", list)
    path = tuple(map(_hex_name if "bucket_hex" in record else _name, names))
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
