"""What Bacalhau's pairs mean: JSON records, sequence numbers, event keys."""

from __future__ import annotations

from ..contract import ANY, REST, Codec
from ..json_values import load
from ..words import time_text
from .events import split_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contract import Pattern, Plain


def text_key(key: bytes) -> Plain:
    """Return an id or a name as text."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return key


def number_key(key: bytes) -> Plain:
    """Return a sequence number: 8 bytes, big-endian."""
    return int.from_bytes(key, "big") if len(key) == 8 else key


def event_key(key: bytes) -> Plain:
    """Return an event's sequence number and time."""
    parts = split_key(key)
    return key if parts is None else {"seq": parts[0], "time": time_text(parts[1])}


def record(key: bytes, value: bytes) -> Plain:
    """Return a JSON record."""
    return load(value)


def number_value(key: bytes, value: bytes) -> Plain:
    """Return a position: 8 bytes, big-endian."""
    return number_key(value)


TEXT, NUMBERED = Codec(text_key, record), Codec(number_key, record)
ENTRY = Codec(text_key)

CODECS: dict[Pattern, Codec] = {
    (b"jobs", ANY): TEXT,
    (b"jobs", ANY, b"executions"): TEXT,
    (b"jobs", ANY, b"evaluations"): TEXT,
    (b"jobs", ANY, b"job_history"): TEXT,
    (b"jobs", ANY, b"execution_history"): TEXT,
    (b"jobs", ANY, b"history"): NUMBERED,
    (b"jobs", ANY, b"versions"): NUMBERED,
    (b"execution",): TEXT,
    (b"execution-history", ANY): TEXT,
    (b"v1_executions",): TEXT,
    (b"v1_execution_history", ANY): NUMBERED,
    (b"v2_executions",): TEXT,
    (b"v2_execution_events", ANY): NUMBERED,
    (b"v1_events",): Codec(event_key, record),
    (b"v2_events",): Codec(event_key, record),
    (b"v1_checkpoints",): Codec(text_key, number_value),
    (b"v2_checkpoints",): Codec(text_key, number_value),
    (b"v2_sequence_tracking",): Codec(text_key, number_value),
    **{(name, REST): ENTRY for name in (
        b"idx_tags", b"idx_namespaces", b"idx_executions", b"idx_evaluations", b"idx_inprogress", b"idx_job_names",
        b"idx_inprogress_executions", b"idx_executions_by_node", b"execution-index", b"execution-live-index",
        b"v1_idx_executions_by_job_id", b"v1_idx_executions_by_state", b"v2_idx_executions_by_job_id",
        b"v2_idx_executions_by_state",
    )},
}  # fmt: skip
