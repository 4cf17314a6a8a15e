"""Stores of storm, the Go toolkit asdine/storm (v2, v3): records by type, by the codec that the type names.

Source: asdine/storm ``metadata.go``, ``index/list.go``, ``codec/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..text.json import jsonable, load
from ..text.values import as_text, text_or_bytes
from .codecs.gob import gob
from .codecs.integers import i64
from .codecs.messagepack import messagepack
from .codecs.wire import any_message, printable
from .contract import CERTAIN, REST, Codec, Path, Pattern, Plain, Recognition, Store
from .values import find, pairs, text_of, value_of
from .views import Rows, view

_META, _DB, _INDEX = b"__storm_metadata", b"__storm_db", b"__storm_index_"
_IDS = b"storm__ids"  # in an index: the keys of each record
_BETWEEN = b"__"  # value and id in a key of an index
_OWN = b"__storm"
_DEEPEST = 16  # nodes in nodes
_INTEGERS = (1, 2, 4)  # bytes of ids of small integer types; those of others have 8
_LARGEST_ID = 1 << 53  # integers beyond it are rather something else of 8 bytes, if the codec takes it
ENCRYPTED = "encrypted"


def is_encrypted(codec: str) -> bool:
    """Say whether a codec encrypts what it writes (aes-json and the like)."""
    return codec.startswith("aes")


def decoder(codec: str) -> Callable[[bytes], Plain]:
    """Return what decodes the values of the codec that a bucket names, and of no other; it never raises.

    What isn't of the codec stays as it is. Where no codec is named ("") whatever takes a value decodes it.
    """
    if is_encrypted(codec):
        return lambda data: ENCRYPTED if data else ""
    known: dict[str, tuple[Callable[[bytes], Any], ...]] = {
        "json": (load,), "gob": (gob,), "msgpack": (messagepack,), "": (load, gob),
        # What is no protobuf message that codec writes as JSON.
        "protobuf": (_json, _message),
    }  # fmt: skip

    def decode(data: bytes) -> Plain:
        for each in known.get(codec, ()):
            try:
                found = each(data)
            except Exception:  # another codec's, or MissingExtra
                continue
            if found is not data:
                return found
        return data

    return decode


def _json(data: bytes) -> Plain:
    return load(data) if data[:1] in (b"{", b"[", b'"') or data.isalnum() else data


def _message(data: bytes) -> Plain:
    found = {} if not data else any_message(data)
    return data if found is None else found


def key_of(key: bytes, codec: str) -> Plain:
    """Return an id or an indexed value: text as it is, integers big-endian, others by the codec."""
    text = printable(key)
    if text is not None and not (codec in ("json", "") and key[:1] == b'"'):
        return text
    number = i64(key)
    if number is not None and text is None and abs(number) < _LARGEST_ID:
        return number
    found = decoder(codec)(key)
    if found is not key and not (found == ENCRYPTED and (number is not None or len(key) in _INTEGERS)):
        return found
    if number is not None and text is None:
        return number
    if len(key) in _INTEGERS and text is None:
        return int.from_bytes(key, "big", signed=True)
    return text_or_bytes(key) if text is None else text


def split_entry(key: bytes, ids: Store | None = None) -> tuple[bytes, bytes] | None:
    """Return value and id of an entry of a list index, ``value__id``; None if it isn't one.

    Both may have __ in them: ``ids`` says of each id which entry it has, without it the last __ counts.
    """
    at = key.rfind(_BETWEEN)
    last = at
    while at >= 0:
        if ids is not None and ids.get(key[at + len(_BETWEEN) :]) == key:
            return key[:at], key[at + len(_BETWEEN) :]
        at = key.rfind(_BETWEEN, 0, at + 1)
    return None if last < 0 or ids is not None else (key[:last], key[last + len(_BETWEEN) :])


def _types_in(db: Store) -> Iterator[tuple[Path, Store, str]]:
    """Yield each bucket that holds records or plain values, its path and its codec ("" where none is named)."""
    pending: list[tuple[Path, Store]] = [((), db)]
    while pending:
        path, store = pending.pop()
        inner = []
        holds = False
        for key, value in store.range():
            if isinstance(value, bytes):
                holds = True
            elif not key.startswith(_OWN):
                inner.append(((*path, key), value))
        meta = find(store, _META)
        if path and (holds or meta is not None):
            yield path, store, text_of(meta, b"codec") or ""
        if len(path) < _DEEPEST:
            pending += reversed(inner)


def _codec_of_all(db: Store) -> str:
    """Return the codec that the store was made with: that of values whose bucket names none."""
    return text_of(find(db, _DB, _META), b"codec") or ""


def _node(path: Path) -> str | None:
    return "/".join(map(as_text, path[:-1])) or None


@view(
    "Types of records, with codec and indexes; plain buckets have no codec",
    "node type codec records:integer id_counter:integer indexes:json",
)
def types(db: Store) -> Rows:
    for path, store, codec in _types_in(db):
        meta = find(store, _META)
        counter = None if meta is None else i64(meta.get(b"IDcounter"))
        indexes = [as_text(key[len(_INDEX) :]) for key, value in store.prefix(_INDEX) if not isinstance(value, bytes)]
        yield _node(path), as_text(path[-1]), codec or None, sum(1 for _ in pairs(store)), counter, indexes


@view("Records of all types", "node type id:json bytes:integer record:json", options={"type": "only this type"})
def records(db: Store, type: str | None = None) -> Rows:
    default = _codec_of_all(db)
    for path, store, own in _types_in(db):
        if type is None or as_text(path[-1]) == type:
            codec = own or default
            decode = decoder(codec)
            for key, value in pairs(store):
                id_, record = jsonable(key_of(key, codec), printable), jsonable(decode(value), printable)
                yield _node(path), as_text(path[-1]), id_, len(value), record


def _values(codec: str) -> Codec:
    """Return how the pairs of a bucket of records are decoded."""
    decode = decoder(codec)
    return Codec(lambda key: key_of(key, codec), lambda key, value: decode(value))


def _index(codec: str, bucket: Store | None) -> Codec:
    """Return how an index is decoded: the value, in a list index with the id of its record, to the id."""
    ids = None if bucket is None else find(bucket, _IDS)

    def decode_key(key: bytes) -> Plain:
        parts = split_entry(key, ids) if bucket is None or ids is not None else None
        if parts is None:
            return key_of(key, codec)
        return {"value": key_of(parts[0], codec), "id": key_of(parts[1], codec)}

    return Codec(decode_key, lambda key, value: key_of(value, codec))


def _ids(codec: str) -> Codec:
    """Return how the ids of a list index are decoded: each with its entry."""

    def decode_value(key: bytes, value: bytes) -> Plain:
        if not value.endswith(_BETWEEN + key):
            return value
        return {"value": key_of(value[: -len(_BETWEEN) - len(key)], codec), "id": key_of(key, codec)}

    return Codec(lambda key: key_of(key, codec), decode_value)


def _meta_value(key: bytes, value: bytes) -> Plain:
    number = i64(value) if key == b"IDcounter" else None
    return text_or_bytes(value) if number is None else number


_META_CODEC = Codec(text_or_bytes, _meta_value)


def codec_of(path: Path, codec: str, bucket: Store | None = None) -> Codec:
    """Return the codec of the pairs at ``path``, of a type whose own codec is ``codec`` ("" if that isn't known)."""
    if path and path[-1] == _META:
        return _META_CODEC
    if len(path) > 1 and path[-1] == _IDS and path[-2].startswith(_INDEX):
        return _ids(codec)
    if path and path[-1].startswith(_INDEX):
        return _index(codec, bucket)
    return _values(codec)


CODECS: dict[Pattern, Codec] = {(REST,): _values("")}
VIEWS = (types, records)


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is storm's: by the version that it keeps."""
    value = value_of(find(db, _DB), b"version")
    if value is None:
        return None
    codec = _codec_of_all(db)
    version = decoder(codec)(value)
    return Recognition("storm", f"{version if isinstance(version, str) else 'unknown version'}, {codec}", CERTAIN)


def codec(path: Path) -> Codec | None:
    """Return the codec of the bucket at ``path`` where the file can't be asked."""
    return codec_of(path, "")


def codec_in(db: Store, path: Path) -> Codec | None:
    """Return the codec that the type names, or that of the whole store."""
    end = next((at for at, name in enumerate(path) if name.startswith(_OWN) and name != _DB), len(path))
    named = text_of(find(db, *path[:end], _META), b"codec") or _codec_of_all(db)
    return codec_of(path, named, find(db, *path))
