"""Find where given keys stand in a tree, in one pass over its leaves."""

from __future__ import annotations

from .recovered_tree import page_elements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .recovered_tree import RecoveredTree

_MOST_HITS = 12  # places of one key that are remembered

if TYPE_CHECKING:
    Hit = tuple[int, bool]  # a bucket's index, and whether the value is equal to one of the wanted
    Wanted = dict[bytes, list[tuple[int, bytes]]]  # by key: whether it is a bucket's name (1) or a pair's key, value


def find_keys(tree: RecoveredTree, wanted: Wanted) -> dict[bytes, list[Hit]]:
    """For each key of ``wanted`` the buckets of ``tree`` that hold it, as a pair or as a bucket, as it is wanted."""
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
                at = found.keys.index(key)
                flag = found.flags[at]
                values = [value for kind, value in wanted[key] if kind == flag]
                places = hits.setdefault(key, [])
                if values and len(places) < _MOST_HITS:
                    places.append((bucket.index, found.value(at) in values))
    return hits
