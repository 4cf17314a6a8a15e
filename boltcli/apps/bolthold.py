"""Stores of bolthold, a Go layer of records and indexes. Source: timshannon/bolthold ``encode.go``, ``index.go``."""

from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from itertools import islice

from ..text.json import jsonable, load
from ..text.values import as_text, text_or_bytes
from .codecs.gob import gob
from .contract import ANY, CERTAIN, LIKELY, Codec, Path, Pattern, Plain, Recognition, Store
from .values import buckets, decoded_by, first, pairs
from .views import Rows, view

_INDEX = b"_index:"


def decoded(data: bytes) -> Plain:
    """Return a key or a value: a gob stream, or JSON; other encoders' stay as they are."""
    found = decoded_by(data, gob, load)
    return text_or_bytes(data) if found is data else found


def keys_of(data: bytes) -> list[Plain]:
    """Return the keys that an index lists for a value: a list of encoded keys (in JSON of base64), itself encoded."""
    found = decoded(data)
    if not isinstance(found, list):
        return [] if found is None else [found]
    return [decoded(each if isinstance(each, bytes) else _unquoted(each)) for each in found]


def _unquoted(each: Plain) -> bytes:
    data = str(each).encode()
    return decoded_by(data, partial(b64decode, validate=True)) if isinstance(each, str) else data


def _types_in(db: Store) -> Iterator[tuple[bytes, Store]]:
    return ((name, bucket) for name, bucket in buckets(db) if not name.startswith(_INDEX))


def _indexes_in(db: Store) -> Iterator[tuple[bytes, str, Store]]:
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


@view("Indexed values, with the keys of their records", "type field value:json count:integer keys:json")
def indexes(db: Store) -> Rows:
    for type_, field, bucket in _indexes_in(db):
        for key, value in pairs(bucket):
            found = keys_of(value)
            yield as_text(type_), field, jsonable(decoded(key)), len(found), jsonable(found)


CODECS: dict[Pattern, Codec] = {(ANY,): Codec(decoded, lambda key, value: decoded(value))}
VIEWS = (types, records, indexes)


def codec(path: Path) -> Codec | None:
    is_index = len(path) == 1 and path[0].startswith(_INDEX)
    return Codec(decoded, lambda key, value: keys_of(value)) if is_index else CODECS[ANY,] if len(path) == 1 else None


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is bolthold's: by an index, else by types of Go's names whose pairs are gob."""
    name, index = next(db.prefix(_INDEX), (b"", b""))
    if not isinstance(index, bytes) and name.count(b":") >= 2:
        return Recognition("bolthold", _encoder(index), CERTAIN)
    found = list(islice(_types_in(db), 64))
    for name, bucket in found:
        key, value = first(bucket)
        if not name[:1].isupper() or not isinstance(value, bytes) or not (_is_gob(key) and _is_gob(value)):
            return None
    return Recognition("bolthold", "gob", LIKELY) if found else None


def _encoder(bucket: Store) -> str:
    _, value = next(pairs(bucket), (b"", None))
    if value is None:
        return "empty"
    return "gob" if _is_gob(value) else "json" if load(value) is not value else "unknown encoder"


def _is_gob(data: bytes) -> bool:
    return len(data) != 8 and decoded_by(data, gob) is not data
