"""Write a database as a SQLite file (tables ``pairs``, ``buckets`` and one for each view), and read such a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import count, repeat
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import ArgumentError
from ..ops.read.content import Enter, Pairs, bucket_at
from ..text.cells import cell, row_chunks
from ..text.json import parsed, plain_text
from .relations import Relation, TableFile, name_bytes, name_text

if TYPE_CHECKING:
    from ..ops.read.content import Placed
    from ..progress import Progress

MAGIC = b"SQLite format 3\0"
_TYPES = {"integer": "INTEGER", "boolean": "INTEGER", "number": "REAL", "bytes": "BLOB", "time": "INTEGER"}
_ROWS = 10_000
_LARGE = 1 << 20  # bytes; a larger value is written and read by itself
_MOST = 1 << 63  # an INTEGER of SQLite has 64 bits, signed: a column with a larger one is text


def write_database(
    path: str, content: Iterable[Placed] | None, file: TableFile, views: Sequence[Relation]
) -> dict[str, int]:
    """Write a SQLite file of the ``content`` of a database (None: none) and of ``views``; return rows by table.

    ``path`` must not be there. ``pairs`` has ``id`` (the order), ``bucket`` (a JSON list of names), ``key`` and
    ``value`` as BLOBs; ``buckets`` has ``bucket`` and ``sequence`` as text, which holds all 64 bits.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "BEGIN"):
            connection.execute(statement)
        counts = _write_content(connection, content) if content is not None else {}
        for view in views:
            counts[view.name] = _write_view(connection, view, file)
        connection.execute("COMMIT")
    return counts


def _write_content(connection: sqlite3.Connection, content: Iterable[Placed]) -> dict[str, int]:
    connection.execute("CREATE TABLE buckets (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, sequence TEXT NOT NULL)")
    connection.execute(
        "CREATE TABLE pairs (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL)"
    )
    buckets = pairs = 0
    for path, event in content:
        names = plain_text(list(map(name_text, path)))
        number = buckets + pairs + 1
        if isinstance(event, Enter):
            buckets += 1
            connection.execute("INSERT INTO buckets VALUES (?, ?, ?)", (number, names, str(event.sequence)))
        elif len(event.values[0]) > _LARGE:  # it stands alone
            pairs += 1
            row = (number, names, event.keys[0], len(event.values[0]))
            connection.execute("INSERT INTO pairs VALUES (?, ?, ?, zeroblob(?))", row)
            with connection.blobopen("pairs", "value", number) as blob:  # without SQLite's copies of it
                blob.write(event.values[0])
        else:
            pairs += len(event.keys)
            rows = zip(count(number), repeat(names), event.keys, event.values)
            connection.executemany("INSERT INTO pairs VALUES (?, ?, ?, ?)", rows)
    return {"buckets": buckets, "pairs": pairs}


def _write_view(
    connection: sqlite3.Connection, view: Relation, file: TableFile, as_text: frozenset[int] = frozenset()
) -> int:
    """Write a table, again for each column that is to be ``as_text``: SQLite makes a large integer a REAL."""
    columns = view.columns[1:]
    types = ["TEXT" if at in as_text else _TYPES.get(column.type, "TEXT") for at, column in enumerate(columns)]
    described = ", ".join(f"{_quoted(column.name)} {type}" for column, type in zip(columns, types))
    connection.execute(f"CREATE TABLE {_quoted(view.name)} ({described})")
    places = ", ".join("?" * len(types))
    integers = [at for at, type in enumerate(types) if type == "INTEGER"]
    count = 0
    for part in row_chunks(view.rows(file), _ROWS):
        chunk = [tuple(_cell(value, column.type) for value, column in zip(row, columns)) for row in part]
        if large := {at for at in integers for row in chunk if isinstance(row[at], str)}:
            connection.execute(f"DROP TABLE {_quoted(view.name)}")
            return _write_view(connection, view, file, as_text | large)
        connection.executemany(f"INSERT INTO {_quoted(view.name)} VALUES ({places})", chunk)
        count += len(chunk)
    return count


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cell(value: Any, type: str) -> Any:
    """Return a cell as SQLite stores it."""
    found = cell(value, type)
    if found is not None and type in ("json", "names"):
        return plain_text(found)
    if isinstance(found, int):
        return found if -_MOST <= found < _MOST else str(found)
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else found


def read_rows(path: str, progress: Progress | None = None) -> Iterator[Placed]:
    """Yield what :func:`write_database` wrote to ``buckets`` and ``pairs``. Raises ArgumentError."""
    connection = sqlite3.connect(f"file:{quote(path, errors='surrogateescape')}?mode=ro&immutable=1", uri=True)
    try:
        found = connection.execute(
            "SELECT id, bucket, sequence, NULL, NULL FROM buckets UNION ALL "
            f"SELECT id, bucket, NULL, key, iif(typeof(value) = 'blob' AND length(value) > {_LARGE}, NULL, value)"
            " FROM pairs ORDER BY 1"
        )
        (last,) = connection.execute(
            "SELECT max((SELECT max(id) FROM buckets), (SELECT max(id) FROM pairs))"
        ).fetchone()
        for number, names, sequence, key, value in found:
            if progress is not None:
                progress(number, last or 0)
            bucket = tuple(map(name_bytes, parsed(names)))
            if sequence is not None:
                yield bucket_at(bucket, int(sequence))
                continue
            if value is None:
                with connection.blobopen("pairs", "value", number, readonly=True) as blob:
                    value = blob.read()
            yield bucket, Pairs([_bytes(key)], [_bytes(value)])
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise ArgumentError(f"{path}: not written by export: {error}") from None
    finally:
        connection.close()


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes):
        raise TypeError("keys and values must be BLOBs or text")
    return value
