"""The filters of ``items`` and ``keys``, made from their options."""

from __future__ import annotations

import os

from ..errors import ArgumentError
from .key_argument import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..ops.read.select_items import Test, Value


class Filters:
    """The values of the options that choose pairs."""

    prefix: str
    from_: str
    to: str
    limit: int
    reverse: bool
    recursive: bool
    grep: str


def is_filtered(options: Filters) -> bool:
    """Return whether any filter is given."""
    return any(getattr(options, name) for name in Filters.__annotations__)


def selection(options: Filters, *, values: bool) -> dict[str, Any]:
    """Return the filters as arguments of :func:`~boltcli.ops.read.select_items.items`.

    The pattern matches keys, and with ``values`` also values. Raises :class:`~boltcli.errors.ArgumentError`.
    """
    from ..tree.walk import bounds

    end = address(options.to) if options.to else None
    start, stop = bounds(address(options.prefix), address(options.from_), end)
    return {
        "start": start,
        "stop": stop,
        "reverse": options.reverse,
        "limit": options.limit,
        "recursive": options.recursive,
        "wanted": _matching(options.grep, values) if options.grep else None,
    }


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
