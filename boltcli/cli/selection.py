"""The filters of ``items``, ``keys`` and ``deleted``, made from their options."""

from __future__ import annotations

import os

from ..read_errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ops.read.select_items import Test, Value


def selection(
    prefix: bytes, from_: bytes, to: bytes, limit: int, reverse: bool, recursive: bool, grep: str, *, values: bool
) -> dict[str, Any]:
    """Return the filters as arguments of :func:`~boltcli.ops.read.select_items.items`.

    The pattern matches keys, and with ``values`` also values. Raises :class:`~boltcli.errors.ArgumentError`.
    """
    from ..tree.walk import bounds

    start, stop = bounds(prefix, from_, to or None)
    more = {"reverse": reverse, "limit": limit, "recursive": recursive}
    return {"start": start, "stop": stop, "wanted": _matching(grep, values) if grep else None, **more}


def check_pattern(grep: str) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` for an invalid regular expression."""
    if grep:
        _matching(grep, values=False)


def _matching(pattern: str, values: bool) -> Test:
    import re

    from ..format.bucket import BucketRef

    try:
        search = re.compile(os.fsencode(pattern)).search
    except (re.error, OverflowError, RecursionError) as error:
        raise ArgumentError(f"--grep {pattern}: {error}") from None

    def matches(key: bytes, value: Value) -> bool:
        return bool(search(key) or (values and not isinstance(value, BucketRef) and search(value)))

    return matches
