"""Two members of a cluster, or two states of one: at which revision they can be compared, and where they come apart."""

from __future__ import annotations

from itertools import zip_longest

from ..store import find
from .layout import KEY, compaction, current_revision, revision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contract import Plain
    from ..store import Store


def common(old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
    """Return the options at which views of both say the same thing, and what is to be known.

    That is the newest revision that both have. ``first_difference`` is the
    first revision above what either has compacted whose records differ, None
    if there is none up to the common one. Without a common revision that both
    hold whole there are no options.
    """
    at = min(current_revision(old), current_revision(new))
    compacted = max(each or 0 for store in (old, new) for each in compaction(store))
    facts: dict[str, Plain] = {"common_revision": at, "compacted_revision": compacted}
    if at < compacted:
        return {}, facts | {"common_revision": None, "first_difference": None}
    return {"rev": str(at)}, facts | {"first_difference": _first_difference(old, new, compacted, at)}


def _first_difference(old: Store, new: Store, compacted: int, until: int) -> int | None:
    for one, other in zip_longest(_records(old, compacted, until), _records(new, compacted, until)):
        if one != other:
            found = [at.main for each in (one, other) if each is not None and (at := revision(each[0])) is not None]
            return min(found)
    return None


def _records(store: Store, above: int, until: int) -> Iterator[tuple[bytes, bytes]]:
    bucket = find(store, KEY)
    start, stop = ((number + 1).to_bytes(8, "big") for number in (above, until))
    for key, value in bucket.range(start, stop) if bucket is not None else ():
        if isinstance(value, bytes) and revision(key) is not None:
            yield key, value
