"""The filters of ``items`` and ``keys``, from their options."""

from __future__ import annotations

import os

from ..errors import ArgumentError
from ..tree.bucket import BucketRef
from ..tree.key_range import bounds
from .key_argument import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ops.read.select_items import Test, Value


def selection(options: dict[str, str | int], *, values: bool) -> dict[str, Any]:
    """The filters as arguments of :func:`~boltcli.ops.read.select_items.items`; the pattern may
    match ``values``, or keys only.

    Raises :class:`~boltcli.errors.ArgumentError`.
    """
    end = address(str(options["to"])) if options["to"] else None
    start, stop = bounds(address(str(options["prefix"])), address(str(options["from"])), end)
    return {
        "start": start,
        "stop": stop,
        "reverse": bool(options["reverse"]),
        "limit": int(options["limit"]),
        "recursive": bool(options["recursive"]),
        "wanted": _matching(str(options["grep"]), values) if options["grep"] else None,
    }


def _matching(pattern: str, values: bool) -> Test:
    import re

    try:
        search = re.compile(os.fsencode(pattern)).search
    except (re.error, OverflowError, RecursionError) as error:
        raise ArgumentError(f"--grep {pattern}: {error}") from None

    def matches(key: bytes, value: Value) -> bool:
        return bool(search(key) or (values and not isinstance(value, BucketRef) and search(value)))

    return matches
