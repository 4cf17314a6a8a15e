"""Stores of storm, the Go toolkit asdine/storm (v2, v3): records by type, by the codec that the type names.

Source: asdine/storm ``metadata.go``, ``index/list.go``, ``codec/``.
"""

from __future__ import annotations

from .codecs.gob import gob
from .codecs.integers import i64
from .codecs.messagepack import messagepack
from .codecs.wire import any_message
from .columns import as_text, columns, pairs, text_of, text_or_bytes, value_of
from .contract import CERTAIN, REST, Application, Codec, Recognition, View
from .json_values import jsonable, load
from .store import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .contract import Pattern, Plain
    from .store import Store

_META, _DB, _INDEX = b"__storm_metadata", b"__storm_db", b"__storm_index_"
_OWN = b"__storm"
_DEEPEST = 16  # nodes in nodes


def decoder(codec: str) -> Callable[[bytes], Plain]:
    """Return what decodes the values of a codec by its name; of an unknown one whatever takes them. It never raises."""
    known: dict[str, Callable[[bytes], Any]] = {"json": load, "gob": gob, "msgpack": messagepack}
    first = known.get(codec)

    def decode(data: bytes) -> Plain:
        for each in (first,) if first is not None else (load, gob):
            try:
                found = each(data)
            except Exception:  # another codec's, or MissingExtra
                continue
            if found is not data:
                return found
        if codec == "protobuf":
            message = any_message(data)
            return data if message is None else message
        return text_or_bytes(data)

    return decode


def key_of(key: bytes, decode: Callable[[bytes], Plain]) -> Plain:
    """Return an id: text as it is, integers in 8 bytes, others by the codec."""
    if key[:1] == b'"' or not key.isascii():
        found = decode(key)
        if not isinstance(found, (bytes, str)) or key[:1] == b'"':
            return found
    text = text_or_bytes(key)
    if isinstance(text, str) and text.isprintable():
        return text
    number = i64(key)
    if number is not None:
        return number
    found = decode(key)
    return text if isinstance(found, bytes) else found


def types(db: Store) -> Iterator[tuple[tuple[bytes, ...], Store, str]]:
    """Yield each bucket that holds records or plain values, its path and its codec ("" where none is named)."""
    pending: list[tuple[tuple[bytes, ...], Store]] = [((), db)]
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
            yield path, store, (text_of(meta, b"codec") or "") if meta is not None else ""
        if len(path) < _DEEPEST:
            pending += reversed(inner)


def _codec_of_all(db: Store) -> str:
    """Return the codec that the store was made with: that of values whose bucket names none."""
    meta = find(db, _DB, _META)
    return "" if meta is None else text_of(meta, b"codec") or ""


def _types(db: Store) -> Iterator[tuple[Any, ...]]:
    for path, store, codec in types(db):
        meta = find(store, _META)
        counter = None if meta is None else i64(meta.get(b"IDcounter"))
        indexes = [as_text(key[len(_INDEX) :]) for key, value in store.prefix(_INDEX) if not isinstance(value, bytes)]
        count = sum(1 for _ in pairs(store))
        yield "/".join(map(as_text, path[:-1])) or None, as_text(path[-1]), codec or None, count, counter, indexes


def _records(db: Store, type: str | None = None) -> Iterator[tuple[Any, ...]]:
    default = _codec_of_all(db)
    for path, store, codec in types(db):
        if type is not None and as_text(path[-1]) != type:
            continue
        decode = decoder(codec or default)
        for key, value in pairs(store):
            yield (
                "/".join(map(as_text, path[:-1])) or None, as_text(path[-1]),
                _shown(key_of(key, decode)), len(value), jsonable(decode(value)),
            )  # fmt: skip


def _shown(key: Plain) -> Plain:
    return jsonable(key) if not isinstance(key, (int, float)) or isinstance(key, bool) else key


def _decode_key(key: bytes) -> Plain:
    return key_of(key, decoder(""))


def _decode_value(key: bytes, value: bytes) -> Plain:
    if key == b"IDcounter":
        number = i64(value)
        return value if number is None else number
    if not value:
        return ""
    number = i64(value)  # an index maps to ids
    return decoder("")(value) if number is None or (value.isascii() and as_text(value).isprintable()) else number


_CODECS: dict[Pattern, Codec] = {(REST,): Codec(_decode_key, _decode_value)}


class Storm(Application):
    name = "storm"
    title = "Stores of Go programs that use asdine/storm"
    hints = ("view FILE types", "view FILE records --set type=User")
    codecs = _CODECS
    views = (
        View("types", columns("node type codec records:integer id_counter:integer indexes:json"), _types,
             "Types of records, with codec and indexes; plain buckets have no codec"),
        View("records", columns("node type id:json bytes:integer record:json"), _records, "Records of all types",
             {"type": "only this type"}),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        own = find(db, _DB)
        value = None if own is None else value_of(own, b"version")
        if value is None:
            return None
        codec = _codec_of_all(db)
        version = decoder(codec)(value)
        return Recognition(self.name, f"{version if isinstance(version, str) else 'unknown version'}, {codec}", CERTAIN)


APPLICATION = Storm()
