"""Read a bucket's keys a leaf page at a time from any key, in both directions, and on past damaged pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...errors import BoltError, Corrupted
from ...format.bucket import BucketRef
from ...format.constants import BUCKET_LEAF_FLAG, LEAF_PAGE
from ...format.page import BranchElements, LeafElements, Page, ascend
from ...storage.snapshot import Snapshot
from ...tree.walk import Seen, in_order, pages_or_damage, refuse_hiding, within


class Gap(NamedTuple):
    """Keys from ``low`` to before ``high`` (None: to the end) that ``error`` hides."""

    low: bytes
    high: bytes | None
    error: BoltError


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: ``cells``, a value for each column.

    In a bucket it is an element: its ``key``, the ``size`` of its value in bytes, the id of the ``page`` it is on, its
    ``place`` among the rows of that page. A row with a ``gap`` stands for what can't be read there.
    """

    cells: tuple[Any, ...] = ()
    key: bytes = b""
    size: int = 0
    is_bucket: bool = False
    page: int = 0
    place: int = 0
    gap: Gap | None = None

    @property
    def after(self) -> bytes | None:
        """The smallest key that a row after this one can have; None: there is none."""
        return self.gap.high if self.gap is not None else self.key + b"\0"


class LeafPart(NamedTuple):
    """The readable ``keys`` of a leaf page, in order, and the ``indexes`` of their elements.

    Those from ``low`` to before ``high`` are in the range that was asked for.
    """

    leaf: LeafElements
    keys: list[bytes]
    indexes: range | list[int]
    low: int
    high: int


def parts(
    snapshot: Snapshot, bucket: BucketRef, start: bytes = b"", stop: bytes | None = None, *, reverse: bool = False
) -> Iterator[LeafPart | Gap]:
    """Yield the leaf pages with keys from ``start`` to before ``stop`` in order, or in ``reverse``, and the gaps."""
    if stop == b"":
        return
    bounds: dict[int, tuple[bytes, bytes | None]] = {bucket.root: (b"", None)}

    def children(page: Page) -> list[int]:
        branch = BranchElements(page)
        keys = branch.keys()
        low, high = bounds[page.pgid]
        if not in_order(keys, None, high):
            raise page.damaged("its keys are out of order")
        bounds.update(zip(branch.pgids, zip([low, *keys[1:]], [*keys[1:], high])))
        below = branch.pgids[within(keys, start, stop)]
        return below[::-1] if reverse else below

    seen, last = Seen(snapshot), None
    for page in pages_or_damage(snapshot, bucket, seen, children):
        snapshot.poll()
        if isinstance(page, Corrupted):
            last = Gap(*bounds[page.stack[-1] if page.stack else bucket.root], page)
            found: list[LeafPart | Gap] = [last]
        elif page.flags == LEAF_PAGE:
            found = list(_read(page, *bounds[page.pgid if bucket.root else 0]))
        else:
            continue
        for part in reversed(found) if reverse else found:
            if isinstance(part, Gap):
                if (stop is None or part.low < stop) and (part.high is None or part.high > start):
                    yield part
                continue
            low = next((at for at, key in enumerate(part.keys) if key >= start), len(part.keys)) if start else 0
            high = len(part.keys)
            while stop is not None and high > low and part.keys[high - 1] >= stop:
                high -= 1
            if low < high:
                yield part._replace(low=low, high=high)
    if last is not None and not seen.pass_over():  # too much damage: the walk has ended early
        rest = Gap(b"", last.low, last.error) if reverse else Gap(last.high or b"", None, last.error)
        if rest.low != rest.high and last.high is not None:
            yield rest


def _read(page: Page, low: bytes, high: bytes | None) -> Iterator[LeafPart | Gap]:
    """Yield what can be read of a leaf page whose keys are from ``low`` to before ``high``, then a gap for the rest."""
    try:
        refuse_hiding(page, below=len(page.stack) > 1)
        leaf = LeafElements(page)
    except Corrupted as error:
        yield Gap(low, high, error)
        return
    try:
        keys = leaf.keys()
        leaf.verify_values()
        if not in_order(keys, low, high):
            raise page.damaged(f"its keys are {'outside their bounds' if ascend(keys) else 'out of order'}")
        yield LeafPart(leaf, keys, range(len(keys)), 0, 0)
    except Corrupted as error:
        kept: dict[bytes, int] = {}
        for index in range(leaf.count):
            try:
                key = leaf.key(index)
                leaf.value_span(index)
            except Corrupted:
                continue
            if low <= key and (high is None or key < high):
                kept.setdefault(key, index)
        keys = sorted(kept)
        if keys:
            yield LeafPart(leaf, keys, [kept[key] for key in keys], 0, 0)
        yield Gap(keys[-1] + b"\0" if keys else low, high, error)


def rows_of(part: LeafPart, places: range | list[int] | None = None) -> list[Row]:
    """Return the elements of ``part`` that are in range as rows without cells; ``places``: only these, in order."""
    leaf, page = part.leaf, part.leaf.page
    sizes, flags, pgid = leaf.value_sizes, leaf.flags, page.pgid
    chosen = range(len(part.keys)) if places is None else places
    return [
        Row(
            (), part.keys[at], sizes[part.indexes[at]], bool(flags[part.indexes[at]] & BUCKET_LEAF_FLAG), pgid, place
        )
        for place, at in enumerate(chosen)
        if part.low <= at < part.high
    ]  # fmt: skip


def counts(snapshot: Snapshot, bucket: BucketRef) -> Iterator[tuple[int, int, int]]:
    """Yield for each leaf page its id, the number of its elements, and of damages so far: reads only page headers."""
    damages = 0
    if bucket.root == 0:
        page = bucket.inline
        yield 0, page.count if page is not None and page.flags == LEAF_PAGE else 0, 0
        return
    for found in pages_or_damage(snapshot, bucket, Seen(snapshot)):
        snapshot.poll()
        if isinstance(found, Corrupted):
            damages += 1
            yield 0, 0, damages
        elif found.flags == LEAF_PAGE:
            hides = not found.count and len(found.stack) > 1
            damages += hides
            yield found.pgid, found.count, damages
