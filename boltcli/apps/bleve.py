"""Bleve's search indexes: upside_down in one bucket, or scorch's root.bolt beside its segment files.

Source: blevesearch/bleve ``index/upsidedown/row.go``, ``index/scorch/persister.go``.
"""

from __future__ import annotations

from .codecs.integers import uvarint
from .codecs.wire import any_message
from .contract import CERTAIN, REST, Application, Codec, Recognition, View
from .json_values import jsonable, load
from .store import find
from .values import as_text, buckets, columns, pairs_at, text_of, text_or_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import Pattern, Plain
    from .store import Store

_ROWS, _SNAPSHOTS = b"bleve", b"s"
_TYPES = {
    b"v": "version", b"f": "field", b"d": "dictionary", b"t": "term", b"b": "back index", b"s": "stored",
    b"i": "internal",
}  # fmt: skip
_SEPARATOR = b"\xff"
_ZERO, _SMALL_END, _MOST = 0x88, 0xF5, 0xFD  # of numbers whose order is that of their bytes


def ordered(data: bytes) -> int | None:
    """Return a number whose bytes sort as it does (an epoch, a segment): one byte, or a length and big-endian bytes.

    >>> ordered(b"\\x89"), ordered(b"\\xf6\\xc8"), ordered(b"\\xf7\\x01\\x00")
    (1, 200, 256)
    """
    if not data:
        return None
    head = data[0]
    if _ZERO <= head <= _SMALL_END:
        return head - _ZERO if len(data) == 1 else None
    return int.from_bytes(data[1:], "big") if head <= _MOST and len(data) == head - _SMALL_END + 1 else None


def _rows(db: Store) -> Iterator[tuple[Any, ...]]:
    found: dict[bytes, list[int]] = {}
    for key, value in pairs_at(db, _ROWS):
        row = found.setdefault(key[:1], [0, 0])
        row[0] += 1
        row[1] += len(key) + len(value)
    for kind, (count, size) in sorted(found.items()):
        yield _TYPES.get(kind, as_text(kind)), count, size


def _names(db: Store) -> dict[int, str]:
    store = find(db, _ROWS)
    return {
        int.from_bytes(key[1:3], "little"): as_text(value.split(_SEPARATOR)[0])
        for key, value in (store.prefix(b"f") if store is not None else ())
        if isinstance(value, bytes)
    }


def _fields(db: Store) -> Iterator[tuple[Any, ...]]:
    terms: dict[int, int] = {}
    store = find(db, _ROWS)
    for key, _ in store.prefix(b"d") if store is not None else ():
        field = int.from_bytes(key[1:3], "little")
        terms[field] = terms.get(field, 0) + 1
    for number, name in sorted(_names(db).items()):
        yield number, name, terms.get(number, 0)


def _terms(db: Store) -> Iterator[tuple[Any, ...]]:
    store, names = find(db, _ROWS), _names(db)
    for key, value in store.prefix(b"d") if store is not None else ():
        if isinstance(value, bytes):
            field = int.from_bytes(key[1:3], "little")
            yield names.get(field, str(field)), key[3:], _uvarint(value)


def _uvarint(value: bytes) -> int | None:
    try:
        return uvarint(value)[0]
    except ValueError:
        return None


def _documents(db: Store) -> Iterator[tuple[Any, ...]]:
    store = find(db, _ROWS)
    for key, value in store.prefix(b"b") if store is not None else ():
        yield as_text(key[1:]), len(value) if isinstance(value, bytes) else None


def _segments(db: Store) -> Iterator[tuple[Any, ...]]:
    for epoch, snapshot in buckets(find(db, _SNAPSHOTS)):
        for key, segment in buckets(snapshot):
            number = ordered(key)
            if number is not None:
                deleted = segment.get(b"d")
                yield (
                    ordered(epoch), number, text_of(segment, b"p"),
                    jsonable(load(stats)) if isinstance(stats := segment.get(b"stats"), bytes) else None,
                    len(deleted) if isinstance(deleted, bytes) else 0,
                )  # fmt: skip


def _internal(db: Store) -> Iterator[tuple[Any, ...]]:
    store = find(db, _ROWS)
    for key, value in store.prefix(b"i") if store is not None else ():
        if isinstance(value, bytes):
            yield None, as_text(key[1:]), jsonable(_plain(value))
    for epoch, snapshot in buckets(find(db, _SNAPSHOTS)):
        for key, value in pairs_at(snapshot, b"i"):
            yield ordered(epoch), as_text(key), jsonable(_internal_value(key, value))


def _internal_value(key: bytes, value: bytes) -> Plain:
    if key == b"TotBytesWritten" and len(value) == 8:
        return int.from_bytes(value, "little")
    return _plain(value)


def _plain(value: bytes) -> Plain:
    found = load(value) if value[:1] in (b"{", b"[", b'"') else value
    return text_or_bytes(found) if isinstance(found, bytes) else found


def _row_key(key: bytes) -> Plain:
    kind, rest = _TYPES.get(key[:1]), key[1:]
    if kind == "field" and len(rest) >= 2:
        return {"row": kind, "field": int.from_bytes(rest[:2], "little")}
    if kind == "dictionary" and len(rest) >= 2:
        return {"row": kind, "field": int.from_bytes(rest[:2], "little"), "term": text_or_bytes(rest[2:])}
    if kind == "term" and len(rest) >= 2:
        term, _, document = rest[2:].partition(_SEPARATOR)
        field = int.from_bytes(rest[:2], "little")
        return {"row": kind, "field": field, "term": text_or_bytes(term), "document": text_or_bytes(document)}
    if kind == "stored":
        document, _, after = rest.partition(_SEPARATOR)
        return {"row": kind, "document": text_or_bytes(document), "field": int.from_bytes(after[:2], "little")}
    return text_or_bytes(key) if kind is None else {"row": kind, "name": text_or_bytes(rest)}


def _row_value(key: bytes, value: bytes) -> Plain:
    kind = _TYPES.get(key[:1])
    if kind == "field":
        return text_or_bytes(value.rstrip(_SEPARATOR))
    if kind == "dictionary":
        number = _uvarint(value)
        return value if number is None else number
    if kind == "back index":
        message = any_message(value)
        return value if message is None else message
    if kind == "version" and len(value) == 1:
        return value[0]
    return _plain(value) if kind in ("internal", "version") else value


def _scorch_key(key: bytes) -> Plain:
    number = ordered(key)
    return text_or_bytes(key) if number is None else number


_CODECS: dict[Pattern, Codec] = {
    (_ROWS,): Codec(_row_key, _row_value),
    (_SNAPSHOTS, REST): Codec(_scorch_key, _internal_value),
}


class Bleve(Application):
    name = "bleve"
    title = "Bleve's search indexes: upside_down, and scorch's root.bolt"
    hints = ("view FILE fields", "view FILE segments")
    places = ("store/root.bolt", "index_meta/store")
    codecs = _CODECS
    views = (
        View("rows", columns("type count:integer bytes:integer"), _rows, "Rows by type (upside_down)"),
        View("fields", columns("number:integer name terms:integer"), _fields, "Fields (upside_down)"),
        View("terms", columns("field term:bytes documents:integer"), _terms, "Terms of the dictionary (upside_down)"),
        View("documents", columns("id bytes:integer"), _documents, "Documents, with the size of their back index"),
        View("segments", columns("epoch:integer segment:integer path stats:json deleted_bytes:integer"), _segments,
             "Segment files by snapshot (scorch)"),
        View("internal", columns("epoch:integer key value:json"), _internal, "Internal values, the mapping among them"),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        rows = find(db, _ROWS)
        if rows is not None:
            first = rows.get(b"v")
            return None if not isinstance(first, bytes) else Recognition(self.name, "upside_down", CERTAIN)
        for epoch, snapshot in buckets(find(db, _SNAPSHOTS)):
            if ordered(epoch) is not None and find(snapshot, b"m") is not None:
                return Recognition(self.name, "scorch", CERTAIN)
        return None


APPLICATION = Bleve()
