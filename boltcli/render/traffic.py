"""How much was read of an object elsewhere: ``requests`` round trips in which ``read`` of ``total`` bytes came."""

from __future__ import annotations

from ..text.sizes import size
from . import records


def traffic_text(requests: int, read: int, total: int) -> str:
    """Return a line about it."""
    return f"read {size(read)} of {size(total)} in {requests} round trips\n"


def traffic_record(requests: int, read: int, total: int, path: str) -> records.Record:
    """Return a record about it."""
    record: records.Record = {"kind": "traffic", "round_trips": requests, "read": read, "size": total}
    records.put_path(record, path)
    return record
