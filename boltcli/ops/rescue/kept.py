"""Count what ``recover`` keeps of a file, without writing it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ...format.constants import ELEMENT_SIZE
from ...progress import portion
from ..read.content import Enter, Pairs
from .emit import Emission
from .recover import add_lost_and_found, recovered

if TYPE_CHECKING:
    from ...progress import Progress
    from .pages import Buffer


class Kept(NamedTuple):
    """The numbers of pairs and buckets; by name of a top-level bucket its pairs, and their bytes as ``top`` counts
    them, those of nested buckets included."""

    pairs: int
    buckets: int
    pairs_of: Counter[bytes]
    bytes_of: Counter[bytes]


def kept(buffer: Buffer, progress: Progress | None = None) -> Kept:
    """Count the pairs that ``recover`` writes of a file with this content. Never raises because of damage."""
    done, _ = recovered(buffer, progress=portion(progress, 0, 0.6))
    done.table.watch(portion(progress, 0.6, 1), 2)
    pairs_of: Counter[bytes] = Counter()
    bytes_of: Counter[bytes] = Counter()
    top, depth, buckets = b"", 0, 0
    for event in Emission(done.tree, add_lost_and_found(done)).events():
        if isinstance(event, Enter):
            top = top if depth else event.name
            depth += 1
            buckets += 1
        elif isinstance(event, Pairs):
            pairs_of[top if depth else b""] += len(event.keys)
            sizes = sum(map(len, event.keys)) + sum(map(len, event.values))
            bytes_of[top if depth else b""] += sizes + ELEMENT_SIZE * len(event.keys)
        else:
            depth -= 1
    return Kept(pairs_of.total(), buckets, pairs_of, bytes_of)
