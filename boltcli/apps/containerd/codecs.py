"""What containerd's pairs mean: the key says what its value is."""

from ...text.times import go_time, time_text
from ...text.values import text_or_bytes
from ..codecs.integers import varint, whole_uvarint
from ..contract import ANY, REST, Codec, Pattern, Plain
from ..values import TEXT, or_else
from .layout import V1, any_value, parent_and_child


def value(key: bytes, data: bytes) -> Plain:
    if key in (b"createdat", b"updatedat", b"expireat"):
        return time_text(go_time(data)) or data
    if key in (b"size", b"version", b"inodes"):
        return or_else(varint(data), text_or_bytes(data))
    text = text_or_bytes(data)
    if isinstance(text, str) and text.isprintable():
        return text
    kind, found = any_value(data)
    return data if kind is None or ("/" not in kind and "." not in kind) else {"type": kind, "value": found}


def _snapshot_value(key: bytes, data: bytes) -> Plain:
    if key == b"id":
        return or_else(whole_uvarint(data), data)
    if key == b"kind":
        return data[0] if len(data) == 1 else data
    return value(key, data)


def _parents_key(key: bytes) -> Plain:
    ids = parent_and_child(key)
    return key if ids is None else {"parent": ids[0], "id": ids[1]}


# Buckets whose keys are anybody's, a "size" among them, are text at any depth.
_TEXTS = {(V1, *[ANY] * depth, name): TEXT for depth in range(1, 6) for name in (b"labels", b"annotations")}
CODECS: dict[Pattern, Codec] = _TEXTS | {
    (V1, b"parents"): Codec(_parents_key, TEXT.value),
    (V1, b"snapshots", ANY): Codec(text_or_bytes, _snapshot_value),
    (V1, REST): Codec(text_or_bytes, value),
}
