"""Stores of bolthold, a Go layer of records and indexes. Source: timshannon/bolthold ``encode.go``, ``index.go``."""

from __future__ import annotations

from itertools import islice

from .codecs.gob import gob
from .codecs.integers import i64
from .contract import ANY, CERTAIN, LIKELY, Application, Codec, Recognition, View
from .json_values import jsonable, load
from .values import as_text, buckets, columns, pairs, text_or_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import Path, Pattern, Plain
    from .store import Store

_INDEX = b"_index:"
_LOOKED_AT = 64  # types, to recognise a store by


def decoded(data: bytes) -> Plain:
    """Return a key or a value: a gob stream, or JSON; other encoders' stay as they are."""
    try:
        return gob(data)
    except ValueError:
        pass
    found = load(data)
    return text_or_bytes(data) if found is data else found


def keys_of(data: bytes) -> list[Plain]:
    """Return the keys that an index lists for a value: a list of encoded keys, itself encoded."""
    found = decoded(data)
    if not isinstance(found, list):
        return [] if found is None else [found]
    return [decoded(_raw(each)) for each in found]


def _raw(each: Plain) -> bytes:
    """Return an encoded key in a list: bytes in gob, base64 in JSON."""
    if isinstance(each, bytes):
        return each
    if isinstance(each, str):
        from base64 import b64decode

        try:
            return b64decode(each, validate=True)
        except ValueError:
            return each.encode()
    return str(each).encode()


def _type_buckets(db: Store) -> Iterator[tuple[bytes, Store]]:
    for name, bucket in buckets(db):
        if not name.startswith(_INDEX):
            yield name, bucket


def _types(db: Store) -> Iterator[tuple[Any, ...]]:
    fields: dict[bytes, list[str]] = {}
    for name, _ in buckets(db):
        if name.startswith(_INDEX):
            type_, _, field = name[len(_INDEX) :].rpartition(b":")
            fields.setdefault(type_, []).append(as_text(field))
    for name, bucket in _type_buckets(db):
        yield as_text(name), sum(1 for _ in pairs(bucket)), bucket.sequence, fields.get(name, [])


def _records(db: Store, type: str | None = None) -> Iterator[tuple[Any, ...]]:
    for name, bucket in _type_buckets(db):
        if type is None or as_text(name) == type:
            for key, value in pairs(bucket):
                yield as_text(name), jsonable(decoded(key)), len(value), jsonable(decoded(value))


def _indexes(db: Store) -> Iterator[tuple[Any, ...]]:
    for name, bucket in buckets(db):
        if name.startswith(_INDEX):
            type_, _, field = name[len(_INDEX) :].rpartition(b":")
            for key, value in pairs(bucket):
                found = keys_of(value)
                yield as_text(type_), as_text(field), jsonable(decoded(key)), len(found), jsonable(found)


def _key(key: bytes) -> Plain:
    return decoded(key)


def _value(key: bytes, value: bytes) -> Plain:
    return decoded(value)


def _index_value(key: bytes, value: bytes) -> Plain:
    return keys_of(value)


_RECORDS, _INDEXES = Codec(_key, _value), Codec(_key, _index_value)
_CODECS: dict[Pattern, Codec] = {(ANY,): _RECORDS}


class Bolthold(Application):
    name = "bolthold"
    title = "Stores of Go programs that use timshannon/bolthold"
    hints = ("view FILE types", "view FILE records --set type=Item", "view FILE indexes")
    codecs = _CODECS
    views = (
        View("types", columns("type records:integer sequence:integer indexes:json"), _types, "Types of records"),
        View("records", columns("type key:json bytes:integer record:json"), _records, "Records of all types",
             {"type": "only this type"}),
        View("indexes", columns("type field value:json count:integer keys:json"), _indexes,
             "Values that are indexed, with the keys of their records"),
    )  # fmt: skip

    def codec(self, path: Path) -> Codec | None:
        return _INDEXES if len(path) == 1 and path[0].startswith(_INDEX) else super().codec(path)

    def recognise(self, db: Store) -> Recognition | None:
        index = next(db.prefix(_INDEX), None)
        if index is not None and not isinstance(index[1], bytes) and index[0].count(b":") >= 2:
            return Recognition(self.name, _encoder(index[1]), CERTAIN)
        # Without an index: types by Go's names, with one level of gob keys and values.
        found = 0
        for found, (name, bucket) in enumerate(islice(_type_buckets(db), _LOOKED_AT), 1):  # noqa: B007
            first = next(bucket.range(), None) if name[:1].isupper() else None
            if first is None or not isinstance(first[1], bytes) or not (_is_gob(first[0]) and _is_gob(first[1])):
                return None
        return Recognition(self.name, "gob", LIKELY) if found else None


def _encoder(bucket: Store) -> str:
    first = next(pairs(bucket), None)
    if first is None:
        return "empty"
    if _is_gob(first[1]):
        return "gob"
    return "json" if load(first[1]) is not first[1] else "unknown encoder"


def _is_gob(data: bytes) -> bool:
    try:
        gob(data)
    except ValueError:
        return False
    return i64(data) is None or len(data) != 8


APPLICATION = Bolthold()
