"""Fields of Bacalhau's records, read so that no record can make a reader fail."""

from __future__ import annotations

from typing import Any

from ...text.times import parse_time
from ..contract import Path
from ..rules import Deviation, Rule

Record = dict[str, Any]


def text(record: Record, field: str) -> str:
    """Return a field that is text; "" if it isn't there, or is something else."""
    value = record.get(field)
    return value if isinstance(value, str) else ""


def number(record: Record, field: str) -> int | None:
    """Return a field that is an integer, or None."""
    value = record.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def part(record: Record, field: str) -> Record:
    """Return a field that is an object; an empty one if it isn't there, or is something else."""
    value = record.get(field)
    return value if isinstance(value, dict) else {}


def moment(record: Record, field: str) -> int | None:
    """Return a field that is a time, nanoseconds or RFC 3339 text, as nanoseconds; Go's zero time is none."""
    value = record.get(field)
    if isinstance(value, str):
        return parse_time(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def name(key: bytes) -> str:
    """Return a key as text: itself where it is UTF-8, else 0x and its hex digits."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return f"0x{key.hex()}"


def place(path: Path) -> str:
    """Return where something is as one line: names joined by /, those that aren't printable as 0x and hex digits.

    >>> place((b"v1_events", bytes(3))), place((b"idx_tags", b"app"))
    ('v1_events/0x000000', 'idx_tags/app')
    """
    return "/".join(text if text.isprintable() else f"0x{part.hex()}" for text, part in zip(map(name, path), path))


class Stored:
    """A record at its place: the pair of ``key`` in the bucket at the path ``bucket``; ``kind`` is a word for it.

    ``id`` is that of its key or bucket; ``misplaced``: the record says that it is another one, or elsewhere.
    """

    kind = ""
    misplaced = False

    def __init__(self, bucket: Path, key: bytes, id: bytes) -> None:
        self.bucket = bucket
        self.key = key
        self.id = name(id)

    @property
    def place(self) -> str:
        return place((*self.bucket, self.key))

    def breaks(self, rule: Rule, **facts: Any) -> Deviation:
        """Return the deviation of the record from a rule."""
        return rule.at(self.bucket, self.key, self.id, record=self, **facts)
