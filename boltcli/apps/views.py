"""Views in few words: records at a path as columns, or a function with its columns above it.

    VERSIONS = records("versions", "All versions of the jobs", at=(b"jobs", ANY, b"versions"),
        job=parent(1), version=big_endian, name="Name", state="State.StateType", labels=json("Labels"))

    @view("Names and their ids", "name id")
    def names(db: Store) -> Rows: ...

A column shows a field, a function yields a dict by column, or a tuple. Either way each cell has its column's type,
whatever a record says: see :func:`~boltcli.text.cells.cell`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..text.cells import cell
from ..text.json import load, load_record
from ..text.values import as_text
from .contract import Column, Path, Pattern, Store, View

Rows = Iterator[dict[str, Any] | tuple[Any, ...]]
_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "integer": (int,), "number": (float,), "boolean": (bool,), "bytes": (bytes,), "time": (int,),
    "json": (dict, list, str, int, float, bool),
}  # fmt: skip


def view(
    title: str,
    columns: str,
    *,
    name: str = "",
    options: Mapping[str, str] | None = None,
    count: Callable[[Store], int] | None = None,
) -> Callable[[Callable[..., Rows]], View]:
    """Return a decorator that makes a view of a function of rows, by the function's name.

    ``columns`` are words, ``name`` or ``name:type``. What a dict lacks is None.
    """
    declared = [Column(*word.split(":")) for word in columns.split()]
    return lambda rows: _typed(View(name or rows.__name__, declared, rows, title, options or {}, count=count))  # type: ignore[arg-type]


def _typed(view: View) -> View:
    """Return ``view`` with rows that are tuples, each of the columns' types."""
    names = [column.name for column in view.columns]
    types = [column.type for column in view.columns]
    untyped = view.rows

    def typed(db: Store, **options: str) -> Iterator[tuple[Any, ...]]:
        right: set[tuple[type, ...]] = set()  # types of rows that fit as they are: views have few of these
        for row in untyped(db, **options):
            cells = tuple(map(row.get, names)) if isinstance(row, dict) else row
            found = tuple(map(type, cells))
            if found not in right:
                if all(each is type(None) or each in _TYPES[kind] for each, kind in zip(found, types)):
                    right.add(found)
                else:
                    cells = tuple(map(cell, cells, types))
            yield cells

    view.rows = typed
    return view


@dataclass
class Item:
    """A record at its place: the pair of ``key`` and ``value`` in the bucket at ``path``, and what it says."""

    path: Path
    key: bytes
    value: bytes | Store
    record: Any
    _parts: dict[str, Any] = field(default_factory=dict, init=False)

    def field(self, name: str) -> Any:
        """Return the field ``name`` of the record, or None; dots lead into objects, buckets, and values of JSON."""
        outer, _, inner = name.rpartition(".")
        if not outer:
            return _member(self.record, inner)
        if outer not in self._parts:
            found = self.field(outer)
            self._parts[outer] = load_record(found) if isinstance(found, bytes) else found
        return _member(self._parts[outer], inner)


def _member(record: Any, name: str) -> Any:
    if isinstance(record, dict):
        return record.get(name)
    if record is None or isinstance(record, (str, int, float, list, bytes)):
        return None
    return record.get(name.encode()) if hasattr(record, "range") else getattr(record, name, None)


class Source(NamedTuple):
    """Where a column's values come from: ``get`` of an :class:`Item`, as ``type``."""

    type: str
    get: Callable[[Item], Any]


def records(
    name: str, title: str, /, *, at: Pattern, read: Callable[[bytes, Any], Any] | None = None, **columns: str | Source
) -> View:
    """Return a view of the records in the buckets at ``at``, where ANY stands for any name: a row for each.

    ``read(key, value)`` returns the record, an object with attributes, a dict or a bucket; None: there is no row.
    Without it each pair is a record of JSON. A column is a :class:`Source`, or the name of a field that is text.
    """
    sources = {column: text(each) if isinstance(each, str) else each for column, each in columns.items()}

    def items(db: Store, read: Callable[[bytes, Any], Any]) -> Iterator[Item]:
        for path, bucket in buckets_like(db, at):
            for key, value in bucket.range():
                record = read(key, value)
                if record is not None:
                    yield Item(path, key, value, record)

    def rows(db: Store) -> Iterator[tuple[Any, ...]]:
        for item in items(db, read or json_record):
            yield tuple([each.get(item) for each in sources.values()])

    columns_ = [Column(column, each.type) for column, each in sources.items()]
    return _typed(View(name, columns_, rows, title, count=lambda db: sum(1 for _ in items(db, read or pair))))


def json_record(key: bytes, value: Any) -> dict[str, Any] | None:
    """Read a record of JSON: an empty one where it isn't an object; there is no row for a bucket."""
    return load_record(value) or {} if isinstance(value, bytes) else None


def pair(key: bytes, value: Any) -> bytes | None:
    """Read a pair as it is; there is no row for a bucket."""
    return value if isinstance(value, bytes) else None


def nested(key: bytes, value: Any) -> Any:
    """Read a record that is a bucket: its fields are its pairs; there is no row for a pair."""
    return None if isinstance(value, bytes) else value


def buckets_like(db: Store, pattern: Pattern, path: Path = ()) -> Iterator[tuple[Path, Store]]:
    """Yield the buckets at ``pattern``, where ANY stands for any name, each with its path."""
    if not pattern:
        yield path, db
        return
    name, rest = pattern[0], pattern[1:]
    found = [(name, db.get(name))] if isinstance(name, bytes) else db.range()
    for key, value in found:
        if value is not None and not isinstance(value, bytes):
            yield from buckets_like(value, rest, (*path, key))


def _field(kind: str) -> Callable[..., Source]:
    def source(name: str, default: Any = None) -> Source:
        """Return a column of the field ``name``; where that is None of ``default``, another column or a value."""

        def get(item: Item) -> Any:
            found = item.field(name)
            if isinstance(found, bytes) and kind in ("text", "json"):  # a value in a bucket
                found = as_text(found) if kind == "text" else load(found)
            # A number is a time in nanoseconds; 0 is none.
            found = None if kind == "time" and found == 0 else cell(found, kind)
            if found is None:
                return default.get(item) if isinstance(default, Source) else default
            return found

        return Source(kind, get)

    return source


text, integer, number, boolean, time, json, data = map(
    _field, ("text", "integer", "number", "boolean", "time", "json", "bytes")
)


def parent(place: int) -> Source:
    """Return a column of the name at ``place`` in the path of the record's bucket, as text."""
    return Source("text", lambda item: as_text(item.path[place]))


computed = Source
key_text = Source("text", lambda item: as_text(item.key))
big_endian = Source("integer", lambda item: int.from_bytes(item.key, "big"))
size = Source("integer", lambda item: len(item.value) if isinstance(item.value, bytes) else None)
whole_record = Source("json", lambda item: item.record)
