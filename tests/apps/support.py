"""Databases from Python dicts, and the shared stores with what their programs said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boltcli.database import Database
from boltcli.storage.snapshot import Snapshot
from tests.support import ROOT, run

STORES = ROOT / "../shared/data/stores"

Tree = dict[bytes, Any]
"""Buckets by name: a value is bytes, a further dict is a bucket, ``Sequence(n, {...})`` one with a counter."""


class Sequence:
    """A bucket with its own counter."""

    def __init__(self, number: int, content: Tree) -> None:
        self.number = number
        self.content = content


def make(path: Path, tree: Tree) -> Path:
    """Write the database ``path`` with the content of ``tree``."""
    lines = path.with_suffix(".ndjson")
    with lines.open("wb") as file:
        for row in _rows(tree, ()):
            file.write(json.dumps(row).encode() + b"\n")
    status, _, err = run("import", "--partial", "-o", path, lines)
    assert status == 0, err
    return path


def _rows(tree: Tree, path: tuple[bytes, ...]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for key, value in sorted(tree.items()):
        if isinstance(value, bytes):
            rows.append({**_bucket(path), "key_hex": key.hex(), "value_hex": value.hex()})
            continue
        content, number = (value.content, value.number) if isinstance(value, Sequence) else (value, 0)
        rows.append({**_bucket((*path, key)), "sequence": number})
        rows += _rows(content, (*path, key))
    return rows


def _bucket(path: tuple[bytes, ...]) -> dict[str, Any]:
    try:
        return {"bucket": [name.decode() for name in path]}
    except UnicodeDecodeError:
        return {"bucket_hex": [name.hex() for name in path]}


class Opened:
    """``with Opened(path) as store:`` is the store of a database file."""

    def __init__(self, path: Path) -> None:
        self._snapshot = Snapshot(str(path))

    def __enter__(self) -> Database:
        return Database(self._snapshot)

    def __exit__(self, *error: Any) -> None:
        self._snapshot.close()


def tree_of(store: Any) -> Tree:
    """Return a store as a tree, which :func:`make` takes."""
    return {
        key: value if isinstance(value, bytes) else Sequence(value.sequence, tree_of(value))
        for key, value in store.range()
    }


def expected(name: str) -> dict[str, Any]:
    """Return what the program itself said of the shared store ``name``."""
    found: dict[str, Any] = json.loads((STORES / f"{name}.expect.json").read_text())
    return found
