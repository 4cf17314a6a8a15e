"""What containerd's pairs mean: the key says what its value is."""

from __future__ import annotations

from ..codecs.go_time import go_time
from ..codecs.integers import varint
from ..columns import text_or_bytes
from ..contract import REST, Codec
from ..words import time_text
from .layout import V1, any_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contract import Pattern, Plain

_TIMES = (b"createdat", b"updatedat", b"expireat")
_NUMBERS = (b"size", b"version", b"inodes")


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


CODECS: dict[Pattern, Codec] = {(V1, REST): Codec(text_or_bytes, value)}
