"""Stores of storm, the Go toolkit asdine/storm (v2, v3): records by type, by the codec that the type names.

Source: asdine/storm ``metadata.go``, ``index/list.go``, ``codec/``.
"""

from collections.abc import Callable, Iterator

from ..text.json import jsonable, load
from ..text.values import as_text, text_or_bytes
from .codecs.gob import gob
from .codecs.integers import i64
from .codecs.messagepack import messagepack
from .codecs.wire import any_message, printable
from .contract import CERTAIN, REST, Codec, Path, Pattern, Plain, Recognition, Store
from .values import as_plain, decoded_by, find, or_else, pairs, text_of, value_of
from .views import Rows, view

_META, _DB, _INDEX = b"__storm_metadata", b"__storm_db", b"__storm_index_"
_IDS = b"storm__ids"  # in an index: the keys of each record
_BETWEEN = b"__"  # value and id in a key of an index
_OWN = b"__storm"
ENCRYPTED = "encrypted"


def _json(data: bytes) -> Plain:
    return load(data) if data[:1] in (b"{", b"[", b'"') or data.isalnum() else data


def _message(data: bytes) -> Plain:
    return or_else(any_message(data) if data else {}, data)


# Where no codec is named whatever takes a value decodes it; what is no protobuf message that codec writes as JSON.
_BY_CODEC: dict[str, tuple[Callable[[bytes], Plain], ...]] = {
    "json": (load,), "gob": (gob,), "msgpack": (messagepack,), "protobuf": (_json, _message), "": (load, gob),
}  # fmt: skip


def decoded(data: bytes, codec: str) -> Plain:
    """Return a value by the codec that its bucket names, and by no other; what isn't of the codec stays as it is."""
    if codec.startswith("aes"):  # aes-json and the like
        return ENCRYPTED if data else ""
    return decoded_by(data, *_BY_CODEC.get(codec, ()))


def key_of(key: bytes, codec: str) -> Plain:
    """Return an id or an indexed value: text as it is, integers big-endian, others by the codec."""
    text = printable(key)
    if text is not None and not (codec in ("json", "") and key[:1] == b'"'):
        return text
    number = int.from_bytes(key, "big", signed=True) if text is None and len(key) in (1, 2, 4, 8) else None
    # Integers beyond that are rather something else of 8 bytes, if the codec takes it.
    if number is not None and len(key) == 8 and abs(number) < 1 << 53:
        return number
    found = decoded(key, codec)
    if found is not key and not (found == ENCRYPTED and number is not None):
        return found
    if number is not None:
        return number
    return text_or_bytes(key) if text is None else text


def _split(key: bytes, ids: Store | None) -> tuple[bytes, bytes] | None:
    """Return value and id of an entry ``value__id`` of a list index, or None; of several __ in it ``ids`` tells one."""
    cuts = (at for at in reversed(range(len(key) - 1)) if key.startswith(_BETWEEN, at))
    parts = ((key[:at], key[at + len(_BETWEEN) :]) for at in cuts)
    return next((each for each in parts if ids is None or ids.get(each[1]) == key), None)


def _types_in(store: Store, path: Path = ()) -> Iterator[tuple[str | None, str, Store, str]]:
    """Yield each bucket that holds records or plain values: its node, name, and codec ("" where none is named)."""
    holds, inner = False, []
    for key, value in store.range():
        if isinstance(value, bytes):
            holds = True
        elif not key.startswith(_OWN):
            inner.append((key, value))
    meta = find(store, _META)
    if path and (holds or meta is not None):
        node, name = "/".join(map(as_text, path[:-1])) or None, as_text(path[-1])
        yield node, name, store, text_of(meta, b"codec") or ""
    for key, value in inner if len(path) < 16 else ():
        yield from _types_in(value, (*path, key))


def _codec_of_all(db: Store) -> str:
    return text_of(db, _DB, _META, b"codec") or ""


@view(
    "Types of records, with codec and indexes; plain buckets have no codec",
    "node type codec records:integer id_counter:integer indexes:json",
)
def types(db: Store) -> Rows:
    for node, name, store, codec in _types_in(db):
        counter = i64(value_of(store, _META, b"IDcounter"))
        indexes = [as_text(key[len(_INDEX) :]) for key, value in store.prefix(_INDEX) if not isinstance(value, bytes)]
        yield node, name, codec or None, sum(1 for _ in pairs(store)), counter, indexes


@view("Records of all types", "node type id:json bytes:integer record:json", options={"type": "only this type"})
def records(db: Store, type: str | None = None) -> Rows:
    default = _codec_of_all(db)
    for node, name, store, own in _types_in(db):
        for key, value in pairs(store) if type is None or name == type else ():
            decoded_ = key_of(key, own or default), decoded(value, own or default)
            id_, record = (jsonable(each, printable) for each in decoded_)
            yield node, name, id_, len(value), record


def codec_of(path: Path, codec: str, bucket: Store | None = None) -> Codec:
    """Return the codec of the pairs at ``path``, of a type whose own codec is ``codec`` ("" if that isn't known)."""

    def named(data: bytes) -> Plain:
        return key_of(data, codec)

    def entry(data: bytes, parts: tuple[bytes, bytes] | None) -> Plain:
        return named(data) if parts is None else {"value": named(parts[0]), "id": named(parts[1])}

    def entry_of(id_: bytes, data: bytes) -> Plain:
        value = data.removesuffix(_BETWEEN + id_)
        return data if value == data else entry(data, (value, id_))

    outer, last = (b"", b"", *path)[-2:]
    if last == _META:
        return Codec(
            text_or_bytes, lambda key, value: or_else(i64(value) if key == b"IDcounter" else None, as_plain(value))
        )
    if last == _IDS and outer.startswith(_INDEX):
        return Codec(named, entry_of)
    if last.startswith(_INDEX):
        ids = None if bucket is None else find(bucket, _IDS)
        is_list = bucket is None or ids is not None
        return Codec(lambda data: entry(data, _split(data, ids) if is_list else None), lambda key, value: named(value))
    return Codec(named, lambda key, value: decoded(value, codec))


CODECS: dict[Pattern, Codec] = {(REST,): codec_of((), "")}
VIEWS = (types, records)


def recognise(db: Store) -> Recognition | None:
    value = value_of(db, _DB, b"version")
    if value is None:
        return None
    codec = _codec_of_all(db)
    version = decoded(value, codec)
    return Recognition("storm", f"{version if isinstance(version, str) else 'unknown version'}, {codec}", CERTAIN)


def codec(path: Path) -> Codec | None:
    return codec_of(path, "")


def codec_in(db: Store, path: Path) -> Codec | None:
    """Return the codec that the type names, or that of the whole store."""
    end = next((at for at, name in enumerate(path) if name.startswith(_OWN) and name != _DB), len(path))
    named = text_of(db, *path[:end], _META, b"codec") or _codec_of_all(db)
    return codec_of(path, named, find(db, *path))
