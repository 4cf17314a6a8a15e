"""What Bacalhau's pairs mean: JSON records, sequence numbers, event keys."""

from ...text.times import time_text
from ...text.values import text_or_bytes
from ..codecs.integers import u64
from ..contract import ANY, REST, Codec, Pattern, Plain
from ..values import JSON, NUMBER, or_else
from .layout import GENERATIONS, JOB_INDEXES
from .records import split_key


def event_key(key: bytes) -> Plain:
    parts = split_key(key)
    return key if parts is None else {"seq": parts[0], "time": time_text(parts[1])}


_NUMBERED, _EVENT = Codec(NUMBER.key, JSON.value), Codec(event_key, JSON.value)
_INDEX, _POSITION = Codec(text_or_bytes), Codec(text_or_bytes, lambda key, value: or_else(u64(value), value))
_JOB = (b"jobs", ANY)
CODECS: dict[Pattern, Codec] = {
    _JOB: JSON,
    **{(*_JOB, bucket): JSON for bucket in (b"executions", b"evaluations", b"job_history", b"execution_history")},
    **{(*_JOB, bucket): _NUMBERED for bucket in (b"history", b"versions")},
    **{(index, REST): _INDEX for index in JOB_INDEXES},
}
for each in GENERATIONS:
    CODECS |= {(each.executions,): JSON, (each.history, ANY): _NUMBERED if each.events else JSON}
    CODECS |= {(index, REST): _INDEX for index in each.indexes.values()}
    others = {each.events: _EVENT, each.checkpoints: _POSITION, each.sequences: _POSITION}
    CODECS |= {(bucket,): codec for bucket, codec in others.items() if bucket}
