"""Compare what was recovered from a damaged file with what the sound one held."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.rescue_score.truth import Pair, Truth, read

LOST = b"lost+found"


class Score(NamedTuple):
    """Numbers of pairs. ``wanted``: those whose leaf page is untouched; ``ceiling`` of them could be placed."""

    cases: int = 0
    wanted: int = 0
    found: int = 0
    placed: int = 0
    ceiling: int = 0
    wrong: int = 0
    stale: int = 0
    stale_lost: int = 0
    corrupt: int = 0

    def __add__(self, other: Score) -> Score:  # type: ignore[override]
        return Score(*map(sum, zip(self, other)))


def recovered(content: bytes) -> bytes:
    """The database that is written for a damaged file."""
    from boltcli.ops.rescue.emit import Emission
    from boltcli.ops.rescue.recover import add_lost_and_found
    from boltcli.ops.rescue.search import recover

    done = recover(content)
    add_lost_and_found(done)
    with tempfile.TemporaryFile() as stream:
        Emission(done.tree).write(stream.fileno(), done.table.page_size)
        stream.seek(0)
        return stream.read()


def score(truth: Truth, sound: bytes, damaged: bytes, result: bytes) -> Score:
    """Score one case."""
    size = truth.page_size
    touched = {
        page for page in range(-(-len(sound) // size)) if sound[page * size :][:size] != damaged[page * size :][:size]
    }
    got = read(result).pairs
    anywhere: set[Pair] = {(key, entry[0]) for (_, key), entry in got.items()}
    live = {(key, entry[0]) for (_, key), entry in truth.pairs.items()}
    wanted = found = placed = ceiling = 0
    intact = {
        name: any(damaged[start : start + len(name)] == name for start in starts)
        for name, starts in truth.names.items()
    }  # fmt: skip
    for (path, key), (value, first, last) in truth.pairs.items():
        if not touched.isdisjoint(range(first, last + 1)):
            continue
        wanted += 1
        found += (key, value) in anywhere
        entry = got.get((path, key))
        placed += entry is not None and entry[0] == value
        ceiling += all(intact.get(name) for name in path)
    wrong = stale = stale_lost = corrupt = 0
    for (path, key), (value, _, _) in got.items():
        lost = bool(path) and path[0] == LOST
        if (key, value) in live:
            # Another bucket may hold the same pair; then this one has to hold it too.
            wrong += not lost and truth.pairs.get((path, key), (None,))[0] != value
        elif (key, value) in truth.stale:
            stale += not lost
            stale_lost += lost
        else:
            corrupt += 1
    return Score(1, wanted, found, placed, ceiling, wrong, stale, stale_lost, corrupt)


def stores() -> dict[str, list[Path]]:
    """The sound files that are there, by kind: fixtures and shared ones; those of many transactions; others.

    The others are in the folders that RESCUE_STORES names.
    """
    root = Path(__file__).resolve().parents[2]
    shared = root.parent / "shared" / "data"
    folders = {
        "fixtures and shared stores": [root / "fixtures", shared / "stores", shared / "wild"],
        "stores of many transactions": [root / "fixtures" / "lived"],
        "RESCUE_STORES": [Path(name) for name in os.environ.get("RESCUE_STORES", "").split(":") if name],
    }
    return {kind: [path for folder in paths for path in sorted(folder.glob("*.db"))] for kind, paths in folders.items()}
