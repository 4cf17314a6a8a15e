"""Read the keys of a damaged bucket, and report the damage that was skipped."""

from __future__ import annotations

from ...errors import Corrupted
from ...format.constants import LEAF_PAGE
from ...format.page import LeafElements
from ...tree.bucket import root_bucket
from ...tree.walk import Seen, pages_or_damage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...format.bucket import BucketRef
    from ...storage.snapshot import Snapshot


def surviving_keys(snapshot: Snapshot, bucket: BucketRef) -> Iterator[list[bytes] | Corrupted]:
    """Yield the readable keys in order, a list for each leaf page, and each damage where it is found.

    The keys below a damaged branch page and the keys of damaged elements are
    missing.
    """
    for page in pages_or_damage(snapshot, bucket, Seen(snapshot)):
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
    """Yield the readable keys of the root bucket, a list for each leaf page."""
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
