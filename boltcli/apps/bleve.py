"""Bleve's search indexes: upside_down in one bucket, or scorch's root.bolt beside its segment files.

Source: blevesearch/bleve ``index/upsidedown/row.go``, ``index/scorch/persister.go``.
"""

from collections import Counter
from collections.abc import Iterator

from ..text.json import jsonable, load
from ..text.values import as_text, text_or_bytes
from .codecs.integers import whole_uvarint
from .codecs.wire import any_message
from .contract import CERTAIN, REST, Codec, Pattern, Plain, Recognition, Store
from .values import as_plain, buckets, find, or_else, pairs, text_of, value_of
from .views import Rows, view

_ROWS, _SNAPSHOTS = b"bleve", b"s"
_TYPES = {b"v": "version", b"f": "field", b"d": "dictionary", b"t": "term", b"b": "back index", b"s": "stored",
    b"i": "internal"}  # fmt: skip
_SEPARATOR = b"\xff"
_ZERO, _SMALL_END, _MOST = 0x88, 0xF5, 0xFD  # of numbers whose order is that of their bytes


def ordered(data: bytes) -> int | None:
    """Return a number whose bytes sort as it does (an epoch, a segment): one byte, or a length and big-endian bytes.

    >>> ordered(b"\\x89"), ordered(b"\\xf6\\xc8"), ordered(b"\\xf7\\x01\\x00")
    (1, 200, 256)
    """
    if not data:
        return None
    head, rest = data[0], data[1:]
    if not rest and _ZERO <= head <= _SMALL_END:
        return head - _ZERO
    return int.from_bytes(rest, "big") if rest and len(rest) == head - _SMALL_END <= _MOST - _SMALL_END else None


def _rows_of(db: Store, kind: bytes) -> Iterator[tuple[bytes, bytes]]:
    found = find(db, _ROWS)
    return ((key, value) for key, value in (() if found is None else found.prefix(kind)) if isinstance(value, bytes))


def _field(key: bytes) -> int:
    return int.from_bytes(key[1:3], "little")


def _names(db: Store) -> dict[int, str]:
    return {_field(key): as_text(value.split(_SEPARATOR)[0]) for key, value in _rows_of(db, b"f")}


@view("Rows by type (upside_down)", "type count:integer bytes:integer")
def rows(db: Store) -> Rows:
    counts: Counter[bytes] = Counter()
    sizes: Counter[bytes] = Counter()
    for key, value in pairs(db, _ROWS):
        counts[key[:1]] += 1
        sizes[key[:1]] += len(key) + len(value)
    for kind, count in sorted(counts.items()):
        yield _TYPES.get(kind, as_text(kind)), count, sizes[kind]


@view("Fields (upside_down)", "number:integer name terms:integer")
def fields(db: Store) -> Rows:
    terms = Counter(_field(key) for key, _ in _rows_of(db, b"d"))
    for number, name in sorted(_names(db).items()):
        yield number, name, terms[number]


@view("Terms of the dictionary (upside_down)", "field term:bytes documents:integer")
def terms(db: Store) -> Rows:
    names = _names(db)
    for key, value in _rows_of(db, b"d"):
        yield names.get(_field(key), str(_field(key))), key[3:], whole_uvarint(value)


@view("Documents, with the size of their back index", "id bytes:integer")
def documents(db: Store) -> Rows:
    for key, value in _rows_of(db, b"b"):
        yield as_text(key[1:]), len(value)


@view("Segment files by snapshot (scorch)", "epoch:integer segment:integer path stats:json deleted_bytes:integer")
def segments(db: Store) -> Rows:
    for epoch, snapshot in buckets(db, _SNAPSHOTS):
        for key, segment in buckets(snapshot):
            if (number := ordered(key)) is not None:
                deleted, stats = (value_of(segment, name) for name in (b"d", b"stats"))
                yield ordered(epoch), number, text_of(segment, b"p"), stats and load(stats), len(deleted or b"")


@view("Internal values, the mapping among them", "epoch:integer key value:json")
def internal(db: Store) -> Rows:
    for key, value in _rows_of(db, b"i"):
        yield None, as_text(key[1:]), jsonable(_plain(value))
    for epoch, snapshot in buckets(db, _SNAPSHOTS):
        for key, value in pairs(snapshot, b"i"):
            yield ordered(epoch), as_text(key), jsonable(_internal_value(key, value))


def _internal_value(key: bytes, value: bytes) -> Plain:
    is_number = key == b"TotBytesWritten" and len(value) == 8
    return int.from_bytes(value, "little") if is_number else _plain(value)


def _plain(value: bytes) -> Plain:
    return as_plain(load(value) if value[:1] in (b"{", b"[", b'"') else value)


def _row_key(key: bytes) -> Plain:
    kind, rest = _TYPES.get(key[:1]), key[1:]
    if kind is None:
        return text_or_bytes(key)
    named: dict[str, Plain] = {"row": kind}
    if kind == "stored":
        document, _, after = rest.partition(_SEPARATOR)
        return named | {"document": text_or_bytes(document), "field": int.from_bytes(after[:2], "little")}
    if kind not in ("field", "dictionary", "term") or len(rest) < 2:
        return named | {"name": text_or_bytes(rest)}
    named["field"] = _field(key)
    if kind == "dictionary":
        named["term"] = text_or_bytes(rest[2:])
    if kind == "term":
        term, _, document = rest[2:].partition(_SEPARATOR)
        named |= {"term": text_or_bytes(term), "document": text_or_bytes(document)}
    return named


def _row_value(key: bytes, value: bytes) -> Plain:
    match key[:1]:
        case b"f":
            return text_or_bytes(value.rstrip(_SEPARATOR))
        case b"d":
            found: Plain = whole_uvarint(value)
        case b"b":
            found = any_message(value)
        case b"v" if len(value) == 1:
            found = value[0]
        case b"i" | b"v":
            return _plain(value)
        case _:
            found = None
    return or_else(found, value)


CODECS: dict[Pattern, Codec] = {
    (_ROWS,): Codec(_row_key, _row_value),
    (_SNAPSHOTS, REST): Codec(lambda key: or_else(ordered(key), text_or_bytes(key)), _internal_value),
}
VIEWS = (rows, fields, terms, documents, segments, internal)


def recognise(db: Store) -> Recognition | None:
    """Say whether ``db`` is an index: by the row of the version, or by a snapshot of segments."""
    if find(db, _ROWS) is not None:
        return None if value_of(db, _ROWS, b"v") is None else Recognition("bleve", "upside_down", CERTAIN)
    snapshots = buckets(db, _SNAPSHOTS)
    known = any(ordered(epoch) is not None and find(snapshot, b"m") is not None for epoch, snapshot in snapshots)
    return Recognition("bleve", "scorch", CERTAIN) if known else None
