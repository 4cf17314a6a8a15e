"""Find where given keys stand in a tree, in one pass over its leaves."""

from __future__ import annotations

from .recovered_tree import page_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Set

    from .recovered_tree import RecoveredTree

    Hit = tuple[int, int, int]  # a bucket's index, 1 if the key is a bucket's name, and a hash of its value

_MOST_HITS = 12  # places of one key that are remembered


def find_keys(tree: RecoveredTree, wanted: Set[bytes]) -> dict[bytes, list[Hit]]:
    """For each key of ``wanted`` where in ``tree`` it stands."""
    hits: dict[bytes, list[Hit]] = {}
    if not wanted:
        return hits
    for bucket in tree.buckets:
        for page in bucket.leaves:
            found = page_elements(tree.table, page)
            if found is None:
                continue
            common: Collection[bytes] = wanted & set(found.keys)
            for key in common:
                at = found.keys.index(key)
                places = hits.setdefault(key, [])
                if len(places) < _MOST_HITS:
                    places.append((bucket.index, found.flags[at], hash(found.value(at))))
    return hits
