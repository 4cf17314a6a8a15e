"""How much was read of an object that is elsewhere."""

from __future__ import annotations

from ..text.sizes import size


def traffic(requests: int, read: int, total: int, path: str, *, json: bool) -> bytes:
    """Return a line about ``requests`` round trips in which ``read`` of ``total`` bytes came."""
    if json:
        from . import records

        record: records.Record = {"kind": "traffic", "round_trips": requests, "read": read, "size": total}
        records.put_path(record, path)
        return records.line(record)
    return f"read {size(read)} of {size(total)} in {requests} round trips\n".encode()
