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
_JOB, _RECORDS = (b"jobs", ANY), (b"executions", b"evaluations", b"job_history", b"execution_history")
# fmt: off
CODECS: dict[Pattern, Codec] = {
    _JOB: JSON,
    **{(*_JOB, bucket): JSON for bucket in _RECORDS},
    **{(*_JOB, bucket): _NUMBERED for bucket in (b"history", b"versions")},
    **{(bucket,): JSON for bucket in (b"execution", b"v1_executions", b"v2_executions")},
    (b"execution-history", ANY): JSON,
    **{(bucket, ANY): _NUMBERED for bucket in (b"v1_execution_history", b"v2_execution_events")},
    **{(bucket,): _EVENT for bucket in (b"v1_events", b"v2_events")},
    **{(bucket,): _POSITION for bucket in (b"v1_checkpoints", b"v2_checkpoints", b"v2_sequence_tracking")},
    **{(bucket, REST): Codec(text_key) for bucket in (
        b"idx_tags", b"idx_namespaces", b"idx_executions", b"idx_evaluations", b"idx_inprogress", b"idx_job_names",
        b"idx_inprogress_executions", b"idx_executions_by_node", b"execution-index", b"execution-live-index",
        b"v1_idx_executions_by_job_id", b"v1_idx_executions_by_state", b"v2_idx_executions_by_job_id",
        b"v2_idx_executions_by_state",
    )},
}
