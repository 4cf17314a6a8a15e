"""The keys of a bucket that damage has left, and what it took."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.constants import LEAF_PAGE
from ...format.page import DamagedElements
from ...tree.bucket import BucketRef, damaged, leaf_elements, root_bucket
from ...tree.tolerant_walk import survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.page import LeafElements
    from ...storage.snapshot import Snapshot


def surviving_keys(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes] | Corrupted]:
    """The keys that can be read, in order, a list a leaf page; each damage where it is met.

    After a damaged branch page what lay below it is missing, after a damaged
    element the key of that one.
    """
    for found in survey(snapshot, bucket, bytearray(snapshot.page_count)):
        if isinstance(found, Corrupted):
            yield found
            continue
        page, stack = found
        if page.flags != LEAF_PAGE:
            continue
        try:
            leaf = leaf_elements(snapshot, page, stack)
        except Corrupted as damage:
            damage.in_bucket(bucket.names)
            yield damage
            continue
        try:
            yield leaf.keys()
        except DamagedElements:
            keys, damages = _each_key(leaf)
            yield keys
            words = f"{damages[0]}, {len(damages) - 1} others too" if len(damages) > 1 else damages[0]
            with_place = damaged(snapshot, page, DamagedElements(words), stack)
            with_place.in_bucket(bucket.names)
            yield with_place


def sound_names(snapshot: Snapshot) -> Iterator[list[bytes]]:
    """The keys of the root bucket that can be read, a list a leaf page."""
    for found in surviving_keys(snapshot, root_bucket(snapshot)):
        if not isinstance(found, Corrupted):
            yield found


def _each_key(leaf: LeafElements) -> tuple[list[bytes], list[str]]:
    keys: list[bytes] = []
    damages: list[str] = []
    for index in range(leaf.count):
        try:
            keys.append(leaf.key(index))
        except DamagedElements as damage:
            damages.append(str(damage))
    return keys, damages
