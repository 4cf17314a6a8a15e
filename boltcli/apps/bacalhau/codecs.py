"""What Bacalhau's pairs mean: JSON records, sequence numbers, event keys."""

from __future__ import annotations

from ...text.times import time_text
from ..contract import ANY, REST, Codec, Pattern, Plain
from ..values import JSON, NUMBER, TEXT
from .reading import split_key

assert TEXT.key is not None
assert NUMBER.key is not None
assert JSON.value is not None
text_key, number_key, record = TEXT.key, NUMBER.key, JSON.value


def event_key(key: bytes) -> Plain:
    """Return an event's sequence number and time."""
    parts = split_key(key)
    return key if parts is None else {"seq": parts[0], "time": time_text(parts[1])}


_NUMBERED, _EVENT = Codec(number_key, record), Codec(event_key, record)
_POSITION = Codec(text_key, lambda key, value: number_key(value))
CODECS: dict[Pattern, Codec] = {
    (b"jobs", ANY): JSON,
    (b"jobs", ANY, b"executions"): JSON,
    (b"jobs", ANY, b"evaluations"): JSON,
    (b"jobs", ANY, b"job_history"): JSON,
    (b"jobs", ANY, b"execution_history"): JSON,
    (b"jobs", ANY, b"history"): _NUMBERED,
    (b"jobs", ANY, b"versions"): _NUMBERED,
    (b"execution",): JSON,
    (b"execution-history", ANY): JSON,
    (b"v1_executions",): JSON,
    (b"v1_execution_history", ANY): _NUMBERED,
    (b"v2_executions",): JSON,
    (b"v2_execution_events", ANY): _NUMBERED,
    (b"v1_events",): _EVENT,
    (b"v2_events",): _EVENT,
    (b"v1_checkpoints",): _POSITION,
    (b"v2_checkpoints",): _POSITION,
    (b"v2_sequence_tracking",): _POSITION,
    **{(name, REST): Codec(text_key) for name in (
        b"idx_tags", b"idx_namespaces", b"idx_executions", b"idx_evaluations", b"idx_inprogress", b"idx_job_names",
        b"idx_inprogress_executions", b"idx_executions_by_node", b"execution-index", b"execution-live-index",
        b"v1_idx_executions_by_job_id", b"v1_idx_executions_by_state", b"v2_idx_executions_by_job_id",
        b"v2_idx_executions_by_state",
    )},
}  # fmt: skip
