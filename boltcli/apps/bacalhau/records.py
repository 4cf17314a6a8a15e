"""Fields of Bacalhau's records, read so that no record can make a reader fail."""

from __future__ import annotations

from typing import Any

from ...text.times import parse_time
from ..contract import Path

Record = dict[str, Any]

_ORCHESTRATOR = ("bacalhau.org/orchestrator.id", "bacalhau.org/requester.id")


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
    """Return a field that is a time, a number of nanoseconds or RFC 3339 text, as nanoseconds; None for none."""
    return moment_of(record.get(field))


def moment_of(value: object) -> int | None:
    """Return a time in either form as nanoseconds, or None; Go's zero time is none."""
    if isinstance(value, str):
        return parse_time(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def name(key: bytes) -> str:
    """Return a key as text: itself where it is UTF-8, else 0x and its hex digits."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return f"0x{key.hex()}"


def is_hex(text: str) -> bool:
    """Say whether :func:`name` made ``text`` of bytes that aren't UTF-8: it isn't the key in the file then.

    >>> is_hex("0xff"), is_hex("0x41"), is_hex("e-1")
    (True, False, False)
    """
    try:
        return text.startswith("0x") and name(bytes.fromhex(text[2:])) == text
    except ValueError:
        return False


def place(path: Path, key: bytes | None = None) -> str:
    """Return where something is as one line: names joined by /, those that aren't printable as 0x and hex digits.

    >>> place((b"v1_events",), bytes(3)), place((b"idx_tags", b"app"))
    ('v1_events/0x000000', 'idx_tags/app')
    """
    parts = path if key is None else (*path, key)
    shown = [name(part) for part in parts]
    return "/".join(text if text.isprintable() else f"0x{part.hex()}" for text, part in zip(shown, parts))


def requester(execution: Record) -> str:
    """Return the orchestrator that an Execution with its Job names; "" for none."""
    meta = part(part(execution, "Job"), "Meta")
    return next((meta[key] for key in _ORCHESTRATOR if isinstance(meta.get(key), str)), "")


def job_of(record: Record) -> str:
    """Return the job id of an execution's record in whichever form: Execution, LocalExecutionState, that of 2023."""
    inner = part(record, "Execution")
    if inner:
        return text(inner, "JobID") or text(part(inner, "Job"), "ID")
    return text(record, "JobID") or text(part(part(record, "Job"), "Metadata"), "ID") or text(part(record, "Job"), "ID")


class Stored:
    """A record at its place: the pair of ``key`` in the bucket at the path ``bucket``; ``kind`` is a word for it."""

    kind = ""

    def __init__(self, bucket: Path, key: bytes, id: bytes) -> None:
        self.bucket = bucket
        self.key = key
        self.id = name(id)
        self.misplaced = False  # it says that it is another one, or elsewhere

    @property
    def place(self) -> str:
        return place(self.bucket, self.key)
