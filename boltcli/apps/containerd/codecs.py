"""What containerd's pairs mean: the key says what its value is."""

from __future__ import annotations

from ..codecs.go_time import go_time
from ..codecs.integers import varint
from ..contract import ANY, REST, Codec
from ..values import text_or_bytes
from ..words import time_text
from .layout import V1, any_value, parent_and_child, whole_uvarint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contract import Path, Pattern, Plain

_TIMES = (b"createdat", b"updatedat", b"expireat")
_NUMBERS = (b"size", b"version", b"inodes")
_TEXTS = (b"labels", b"annotations")  # buckets whose keys are anybody's, a "size" among them


def value(key: bytes, data: bytes) -> Plain:
    """Return a time, a number, a protobuf Any or text."""
    if key in _TIMES:
        moment = go_time(data)
        return data if moment is None else time_text(moment)
    if key in _NUMBERS:
        number = varint(data)
        return text_or_bytes(data) if number is None else number
    text = text_or_bytes(data)
    if isinstance(text, str) and text.isprintable():
        return text
    kind, found = any_value(data)
    return data if kind is None or ("/" not in kind and "." not in kind) else {"type": kind, "value": found}


def _snapshot_value(key: bytes, data: bytes) -> Plain:
    """Return a field of a snapshot in a snapshotter's own file."""
    if key == b"id":
        number = whole_uvarint(data)
        return data if number is None else number
    if key == b"kind":
        return data[0] if len(data) == 1 else data
    return value(key, data)


def _parents_key(key: bytes) -> Plain:
    ids = parent_and_child(key)
    return key if ids is None else {"parent": ids[0], "id": ids[1]}


def _text_value(key: bytes, data: bytes) -> Plain:
    return text_or_bytes(data)


TEXT = Codec(text_or_bytes, _text_value)
CODECS: dict[Pattern, Codec] = {
    (V1, b"parents"): Codec(_parents_key, _text_value),
    (V1, b"snapshots", ANY): Codec(text_or_bytes, _snapshot_value),
    (V1, REST): Codec(text_or_bytes, value),
}


def is_text(path: Path) -> bool:
    """Say whether the pairs of the bucket at ``path`` are text, whatever their keys are called."""
    return len(path) > 2 and path[0] == V1 and path[-1] in _TEXTS
