"""The filters of ``items``, ``keys`` and ``deleted``, made from their options."""

from __future__ import annotations

import os

from ..read_errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ops.read.select_items import Test, Value
    from .options import Filters


def selection(filters: Filters, *, values: bool) -> dict[str, Any]:
    """Return the filters as arguments of :func:`~boltcli.ops.read.select_items.items`. The pattern matches keys, and
    with ``values`` also values. Raises :class:`~boltcli.errors.ArgumentError`."""
    from ..tree.walk import bounds

    start, stop = bounds(filters.prefix, filters.from_, filters.to or None)
    wanted = _matching(filters.grep, values) if filters.grep else None
    more = {"reverse": filters.reverse, "limit": filters.limit, "recursive": filters.recursive}
    return {"start": start, "stop": stop, "wanted": wanted, **more}


def check_pattern(filters: Filters) -> None:
    """Raise :class:`~boltcli.errors.ArgumentError` for an invalid regular expression."""
    if filters.grep:
        _matching(filters.grep, values=False)


def is_filtered(filters: Filters) -> bool:
    """Return whether there is any filter."""
    return any(vars(filters).values())


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
