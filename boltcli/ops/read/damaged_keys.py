"""The keys of a bucket that damage has left, and what it took."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.constants import LEAF_PAGE
from ...format.page import LeafElements
from ...tree.bucket import root_bucket
from ...tree.tolerant_walk import survey
from ...tree.walk import Once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot


def surviving_keys(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes] | Corrupted]:
    """Yield the keys that can be read, in order, a list a leaf page; each damage where it is met.

    After a damaged branch page what lay below it is missing, after a damaged
    element the key of that one.
    """
    for page in survey(snapshot, bucket, Once(snapshot)):
        if isinstance(page, Corrupted):
            yield page
            continue
        if page.flags != LEAF_PAGE:
            continue
        try:
            leaf = LeafElements(page)
        except Corrupted as damage:
            yield damage
            continue
        try:
            yield leaf.keys()
        except Corrupted:
            keys, problems = _each_key(leaf)
            yield keys
            words = f"{problems[0]}, {len(problems) - 1} others too" if len(problems) > 1 else problems[0]
            yield page.damaged(words)


def sound_names(snapshot: Snapshot) -> Iterator[list[bytes]]:
    """Yield the keys of the root bucket that can be read, a list a leaf page."""
    for found in surviving_keys(snapshot, root_bucket(snapshot)):
        if not isinstance(found, Corrupted):
            yield found


def _each_key(leaf: LeafElements) -> tuple[list[bytes], list[str]]:
    keys: list[bytes] = []
    problems: list[str] = []
    for index in range(leaf.count):
        try:
            keys.append(leaf.key(index))
        except Corrupted as damage:
            problems.append(damage.problem)
    return keys, problems
