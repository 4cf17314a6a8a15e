"""Stores of bolthold, a Go layer of records and indexes. Source: timshannon/bolthold ``encode.go``, ``index.go``."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from itertools import islice

from ..text.json import jsonable, load
from ..text.values import as_text, text_or_bytes
from .codecs.gob import gob
from .codecs.integers import i64
from .contract import ANY, CERTAIN, LIKELY, Codec, Path, Pattern, Plain, Recognition, Store
from .values import buckets, pairs
from .views import Rows, view

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
        try:
            return b64decode(each, validate=True)
        except ValueError:
            return each.encode()
    return str(each).encode()


def _types_in(db: Store) -> Iterator[tuple[bytes, Store]]:
    for name, bucket in buckets(db):
        if not name.startswith(_INDEX):
            yield name, bucket


def _indexes_in(db: Store) -> Iterator[tuple[bytes, str, Store]]:
    """Yield each index with the type and the field that it is of."""
    for name, bucket in buckets(db):
        if name.startswith(_INDEX):
            type_, _, field = name[len(_INDEX) :].rpartition(b":")
            yield type_, as_text(field), bucket


@view("Types of records", "type records:integer sequence:integer indexes:json")
def types(db: Store) -> Rows:
    fields: dict[bytes, list[str]] = {}
    for type_, field, _ in _indexes_in(db):
        fields.setdefault(type_, []).append(field)
    for name, bucket in _types_in(db):
        yield as_text(name), sum(1 for _ in pairs(bucket)), bucket.sequence, fields.get(name, [])


@view("Records of all types", "type key:json bytes:integer record:json", options={"type": "only this type"})
def records(db: Store, type: str | None = None) -> Rows:
    for name, bucket in _types_in(db):
        if type is None or as_text(name) == type:
            for key, value in pairs(bucket):
                yield as_text(name), jsonable(decoded(key)), len(value), jsonable(decoded(value))


@view("Values that are indexed, with the keys of their records", "type field value:json count:integer keys:json")
def indexes(db: Store) -> Rows:
    for type_, field, bucket in _indexes_in(db):
        for key, value in pairs(bucket):
            found = keys_of(value)
            yield as_text(type_), field, jsonable(decoded(key)), len(found), jsonable(found)


_INDEX_CODEC = Codec(decoded, lambda key, value: keys_of(value))
CODECS: dict[Pattern, Codec] = {(ANY,): Codec(decoded, lambda key, value: decoded(value))}
VIEWS = (types, records, indexes)


def codec(path: Path) -> Codec | None:
    """Return the codec of records, or of an index."""
    if len(path) != 1:
        return None
    return _INDEX_CODEC if path[0].startswith(_INDEX) else CODECS[ANY,]


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is bolthold's: by an index, else by types of Go's names whose pairs are gob."""
    index = next(db.prefix(_INDEX), None)
    if index is not None and not isinstance(index[1], bytes) and index[0].count(b":") >= 2:
        return Recognition("bolthold", _encoder(index[1]), CERTAIN)
    found = list(islice(_types_in(db), _LOOKED_AT))
    for name, bucket in found:
        first = next(bucket.range(), None) if name[:1].isupper() else None
        if first is None or not isinstance(first[1], bytes) or not (_is_gob(first[0]) and _is_gob(first[1])):
            return None
    return Recognition("bolthold", "gob", LIKELY) if found else None


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
