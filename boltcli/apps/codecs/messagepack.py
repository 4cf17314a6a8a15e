"""MessagePack, old and new, by the msgpack package: the door to it."""

from __future__ import annotations

from ...extras import need
from .wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEEPEST = 48


def messagepack(data: bytes) -> Any:
    """Return the one value that ``data`` is: strings (and bytes, which old writers make strings) that are printable
    are text. Raises ValueError if it isn't one, :class:`~boltcli.errors.MissingExtra` without the package.
    """
    msgpack = need("msgpack", "apps", "MessagePack")
    try:
        return _plain(msgpack.unpackb(data, raw=True, strict_map_key=False, timestamp=0), 0)
    except ValueError:
        raise
    except Exception as error:  # its errors share no class with ValueError in all versions; TypeError for odd keys
        raise ValueError("no MessagePack") from error


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, bytes):
        text = printable(value)
        return value if text is None else text
    if isinstance(value, dict):
        return {_name(_plain(key, depth + 1)): _plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "code"):
        return [_plain(part, depth + 1) for part in value]
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has no NaN
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if hasattr(value, "code"):  # an extension
        return {"extension": value.code, "data": bytes(value.data)}
    if hasattr(value, "to_unix_nano"):
        from ..words import time_text

        return time_text(value.to_unix_nano())
    return str(value)


def _name(key: Any) -> str:
    if isinstance(key, str):
        return key
    return f"0x{key.hex()}" if isinstance(key, bytes) else str(key)
