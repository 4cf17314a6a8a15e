"""The part of orjson's interface that boltcli uses, made from the standard library, for where orjson is not installed.

A zipapp runs from its archive, which cannot hold compiled modules. The output is the same bytes as orjson's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

# orjson's numbers.
OPT_INDENT_2 = 1
OPT_APPEND_NEWLINE = 1 << 10

_MARK = os.urandom(12).hex()  # stands where a fragment goes; no record holds it

JSONDecodeError = json.JSONDecodeError
JSONEncodeError = TypeError


class Fragment:
    """JSON text that is written as it is."""

    def __init__(self, contents: bytes) -> None:
        self.contents = contents


def dumps(record: Any, default: Callable[[Any], Fragment] | None = None, option: int = 0) -> bytes:
    """Return ``record`` as JSON in UTF-8; ``default`` makes fragments of what JSON cannot say. Raises TypeError."""
    fragments: list[bytes] = []

    def stand_in(value: object) -> str:
        if not isinstance(value, Fragment) and default is not None:
            value = default(value)
        if not isinstance(value, Fragment):
            raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")
        fragments.append(value.contents)
        return f"{_MARK}{len(fragments) - 1}"

    separators, indent = ((",", ": "), 2) if option & OPT_INDENT_2 else ((",", ":"), None)
    text = json.dumps(record, ensure_ascii=False, separators=separators, indent=indent, default=stand_in).encode()
    for number, contents in enumerate(fragments):
        text = text.replace(f'"{_MARK}{number}"'.encode(), contents, 1)
    return text + b"\n" * bool(option & OPT_APPEND_NEWLINE)


def loads(data: bytes) -> Any:
    """Return the value that ``data`` is. Raises JSONDecodeError, a ValueError."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise JSONDecodeError(str(error), "", 0) from None
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise JSONDecodeError(f"{name} is not JSON", name, 0)
