"""Find where given keys stand in a tree, in one pass over its leaves."""

from __future__ import annotations

from .recovered_tree import page_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recovered_tree import RecoveredTree

_MOST_HITS = 12  # places of one key that are remembered

if TYPE_CHECKING:
    Hit = tuple[int, bool]  # a bucket's index, and whether the value is equal to one of the wanted


def find_keys(tree: RecoveredTree, wanted: dict[bytes, list[bytes]]) -> dict[bytes, list[Hit]]:
    """For each key of ``wanted`` (with the values it has) the buckets of ``tree`` that hold it."""
    hits: dict[bytes, list[Hit]] = {}
    if not wanted:
        return hits
    names = wanted.keys()
    for bucket in tree.buckets:
        for page in bucket.leaves:
            found = page_elements(tree.table, page)
            if found is None:
                continue
            common = names & set(found.keys)
            if not common:
                continue
            for key in common:
                places = hits.setdefault(key, [])
                if len(places) < _MOST_HITS:
                    equal = found.value(found.keys.index(key)) in wanted[key]
                    places.append((bucket.index, equal))
    return hits
