"""Read the elements of a page that may be damaged.

The data of elements stand one after the other, so an element table has redundancy: each element's data end where
those of the next begin. One wrong field of position, key size and value size follows from the neighbours.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from operator import add, le

from ...format.constants import BRANCH_PAGE, BUCKET_HEADER_SIZE, ELEMENT_SIZE, LEAF_PAGE, MAX_KEY_SIZE, PAGE_HEADER_SIZE
from ...format.page import BUCKET_HEADER, HEADER, BranchElements, LeafElements, Page, ascend
from ..write.compact import PAGE_SIZES
from .pages import Buffer, PageTable, Path

Place = tuple[int, int, int]  # where key, value and the end of the value stand
_LONGEST_NAME = 128  # bytes of a bucket's name that are tried
# What is wrong with an element, or a page, that was mended.
UNORDERED = "its keys did not ascend; they were sorted"
_WRONG_FIELD = "the position or a size of the element was wrong; it was derived from its neighbours"
_LEAF = LEAF_PAGE.to_bytes(2, "little")


class Elements:
    """The elements of one page that are whole, as far as ``table`` holds them; columns are made when first used.

    Columns with an entry an element: ``keys``; ``starts``, ``mids``, ``ends``: where key, value and the end of the
    value stand in ``buffer`` (branches have no values, so ``mids`` is ``ends``); ``flags`` of a leaf, ``pgids`` of a
    branch. ``lost`` counts the elements that cannot be read; ``sound``: nothing is irregular, the keys ascend.
    ``mended`` says what was taken otherwise than it stands in the page: the key (None: the whole page), and why.
    """

    def __init__(self, table: LeafElements | BranchElements) -> None:
        self.table = table
        self.buffer = table.buffer
        self.count = table.count
        self.leaf = isinstance(table, LeafElements)
        self.flags: list[int] = table.flags if isinstance(table, LeafElements) else []
        self.pgids: list[int] = table.pgids if isinstance(table, BranchElements) else []
        self.lost = 0
        self.mended: list[tuple[bytes | None, str]] = []
        self.sound = True

    @cached_property
    def keys(self) -> list[bytes]:
        return self.table.keys()

    @cached_property
    def starts(self) -> list[int]:
        return self.table.key_starts()

    @cached_property
    def mids(self) -> list[int]:
        return list(map(add, self.starts, self.table.key_sizes))

    @cached_property
    def ends(self) -> list[int]:
        return list(map(add, self.mids, self.table.value_sizes)) if isinstance(self.table, LeafElements) else self.mids

    def key(self, index: int) -> bytes:
        return self.keys[index] if "keys" in self.__dict__ else self.table.key(index % self.count)

    def value(self, index: int) -> bytes:
        return self.buffer[self.mids[index] : self.ends[index]]

    def roots(self) -> Iterator[tuple[int, bytes, int, int]]:
        """Yield index, name, root page (0: inline) and sequence of the buckets, but for values that are too small."""
        for i, flag in enumerate(self.flags) if any(self.flags) else ():
            if flag and self.ends[i] - self.mids[i] >= BUCKET_HEADER_SIZE:
                yield i, self.keys[i], *BUCKET_HEADER.unpack_from(self.buffer, self.mids[i])

    def check_order(self) -> None:
        self.sound = ascend(self.keys)
        if not self.sound:
            self.mended.append((None, UNORDERED))


def read_elements(buffer: Buffer, offset: int, kind: int, count: int, end: int, *, is_sound: bool = False) -> Elements:
    """Return the elements of the page at ``offset``, whose run ends at ``end``. ``is_sound``: that is known of it."""
    number = min(count, (end - offset - PAGE_HEADER_SIZE) // ELEMENT_SIZE)
    page = Page((0, kind, number, 0), buffer, offset, end, offset)
    found = Elements(BranchElements(page) if kind == BRANCH_PAGE else LeafElements(page))
    if is_sound:
        return found
    table = found.table
    if (
        count
        and not (
            number == count
            # All data lie one after the other, from the end of the table to the page's end.
            and found.starts[0] >= table.start + ELEMENT_SIZE * count
            and found.ends[-1] <= table.end
            and 0 < min(table.key_sizes) <= max(table.key_sizes) <= MAX_KEY_SIZE
            and max(found.flags, default=0) <= 1
            and all(map(le, found.ends, found.starts[1:]))
        )
    ):
        return _repaired(found, count)
    found.check_order()
    return found


def _repaired(stored: Elements, count: int) -> Elements:
    buffer, leaf, limit = stored.buffer, stored.leaf, stored.table.end
    starts, ends = stored.starts, stored.ends
    number = _true_count(stored.table.start, starts, ends)
    table_end = stored.table.start + ELEMENT_SIZE * number
    places = list(zip(starts, stored.mids, ends))[:number]
    good = [_good(*place, table_end, limit) for place in places]
    # An element is at its place if it touches a neighbour; two that overlap can't both be right.
    touch = [False, *(good[i] and good[i + 1] and ends[i] == starts[i + 1] for i in range(number - 1)), False]
    joined = [good[i] and (touch[i] or touch[i + 1] or number == 1) for i in range(number)]
    # Elements that overlap may have more bytes together than the page: as many as somebody wants to make of them.
    fits = sum(ends) - sum(starts) <= limit - table_end
    if number == count and all(good) and fits and 2 * sum(joined) < number and (
        max(stored.flags, default=0) <= 1 and ascend(stored.keys)
    ):  # fmt: skip
        return stored  # not as bbolt writes it, but whole: values overlap, or there are gaps between them
    found = Elements(stored.table)
    usual = usual_size([middle - start for (start, middle, _), known in zip(places, joined) if known])
    kept: list[Place] = []
    others: list[int] = []  # the column that is neither position nor size
    last = table_end
    for i, stands in enumerate(places):
        place = stands
        before = last if i == 0 or joined[i - 1] else None
        if leaf and stored.flags[i] & 1 and i + 1 == number and before is not None:
            place = _last_bucket(buffer, before, stands[1] - stands[0], stands[2] - stands[1], limit) or stands
            joined[i] |= place != stands
        after = starts[i + 1] if i + 1 < number and joined[i + 1] else None
        is_apart = place[0] >= last and (after is None or place[2] <= after)
        if not (joined[i] and is_apart):
            previous = buffer[kept[-1][0] : kept[-1][1]] if kept else None
            moved = _mended(stored, place, before, after, usual, previous)
            if moved is None and good[i] and is_apart:
                moved = place  # it fits where it is, though it touches nothing
            if moved is None or not _good(*moved, table_end, limit):
                found.lost += 1
                continue
            place = moved
            joined[i] = True
        start, middle, last = place
        kept.append(place)
        why = _WRONG_FIELD if place != stands else ""
        others.append(stored.flags[i] if leaf else stored.pgids[i])
        if leaf and others[-1] > 1:
            why = why or f"the element has the flags {others[-1]:x}"
            others[-1] = _guess_flag(buffer, middle, last)
        if why:
            found.mended.append((buffer[start:middle], why))
    found.keys = [buffer[start:middle] for start, middle, _ in kept]
    found.starts, found.mids, found.ends = ([place[part] for place in kept] for part in range(3))
    found.flags, found.pgids = (others, []) if leaf else ([], others)
    found.count = len(kept)
    if number < len(starts):
        found.mended.append((None, f"its header says {count} elements; {number} of them are in the page"))
    else:
        found.lost += count - number
    found.check_order()
    found.sound = False
    return found


def usual_size(sizes: Collection[int]) -> int:
    """Return the size that more than half of the keys have; 0: there is none."""
    usual, times = Counter(sizes).most_common(1)[0] if sizes else (0, 0)
    return usual if 2 * times > len(sizes) else 0


def _true_count(first: int, starts: list[int], ends: list[int]) -> int:
    """Return the real number of elements of a table: as many as fit before the first data, if these make a chain."""
    number, rest = divmod(starts[0] - first, ELEMENT_SIZE) if starts else (0, 0)
    links = sum(ends[i] == starts[i + 1] for i in range(min(number, len(starts)) - 1))
    return number if 0 < number < len(starts) and not rest and links >= (number - 1) // 2 else len(starts)


def _good(start: int, middle: int, stop: int, least: int, limit: int) -> bool:
    return least <= start < middle <= stop <= limit and middle - start <= MAX_KEY_SIZE


def _mended(
    found: Elements, place: Place, before: int | None, after: int | None, usual: int, previous: bytes | None
) -> Place | None:
    """Return the bounds that the neighbours allow, with one of position, key size and value size taken as wrong."""
    start, middle, stop = place
    key, value = middle - start, stop - middle
    if before is None:
        return place if stop == after else None
    if after is None or before + key + value == after:  # the position
        is_wrong = after is not None or (start != before and key <= MAX_KEY_SIZE)
        return (before, before + key, before + key + value) if is_wrong else None
    total = after - before
    if not found.leaf:
        return (before, after, after) if 0 < total <= MAX_KEY_SIZE else None

    def unlikely(size: int) -> tuple[bool, bool]:
        return size != usual, previous is not None and found.buffer[before : before + size] <= previous

    sizes = [size for size in (key, total - value) if 0 < size <= min(total, MAX_KEY_SIZE)]
    return (before, before + min(sizes, key=unlikely), after) if sizes and start == before else None


def _last_bucket(buffer: Buffer, at: int, key: int, value: int, limit: int) -> Place | None:
    """Return the bounds of the last element, a bucket that begins ``at``, found by its value if one size is wrong."""
    for size in (key if key <= MAX_KEY_SIZE else 0, *range(1, _LONGEST_NAME)):
        middle = at + size
        stop = middle + BUCKET_HEADER_SIZE
        if not size or stop > limit:
            continue
        root, sequence = BUCKET_HEADER.unpack_from(buffer, middle)
        if root == 0 and value > BUCKET_HEADER_SIZE and middle + value <= limit:
            if buffer[stop + 8 : stop + 10] == _LEAF:
                return at, middle, middle + value
        elif 1 < root < len(buffer) // PAGE_SIZES[0] and sequence < 1 << 40:
            return at, middle, stop
    return None


def _guess_flag(buffer: Buffer, start: int, stop: int) -> int:
    if stop - start < BUCKET_HEADER_SIZE:
        return 0
    root, _ = BUCKET_HEADER.unpack_from(buffer, start)
    is_inline = root == 0 and buffer[start + 24 : start + 26] == _LEAF
    return int(is_inline or (stop - start == BUCKET_HEADER_SIZE and 0 < root < 1 << 40))


def is_reused(table: PageTable, names: Collection[bytes], root: int) -> bool:
    """Return whether a nested bucket's page has the ``names`` of an outer bucket, so that it was reused for it."""
    inner = page_elements(table, root) if names and table.is_tree(root) and table.kind[root] == LEAF_PAGE else None
    if inner is None or not inner.keys or not all(inner.flags):
        return False
    common = len(set(names).intersection(inner.keys))
    return common == len(names) or (2 * common > min(len(inner.keys), len(names)) and common > 1)


def fits(found: Elements, low: bytes, high: bytes | None, enough: int) -> bool:
    """Return whether ``enough`` of the first, middle and last keys are from ``low`` to before ``high``."""
    if not found.count:
        return True
    wanted = (found.key(0), found.key(found.count // 2), found.key(-1))
    return sum(low <= key and (high is None or key < high) for key in wanted) >= enough


def page_elements(table: PageTable, page: int) -> Elements | None:
    """Return the elements of a branch or leaf page, or None; a damaged page type is guessed from the content."""
    page_size = table.page_size
    start, end = table.bounds(page)
    if start + PAGE_HEADER_SIZE > table.size:
        return None
    table.visit()
    kind, count, cut = table.kind[page], table.counts[page], 0
    if PAGE_HEADER_SIZE + ELEMENT_SIZE * count > page_size:
        # No page's table lies in that of another one: all pages together have no more elements than the file has room.
        following = table.own.find(1, page + 1, -(-end // page_size))
        if following >= 0:
            most = ((following - page) * page_size - PAGE_HEADER_SIZE) // ELEMENT_SIZE
            cut, count = max(0, count - most), min(count, most)
    if kind in (BRANCH_PAGE, LEAF_PAGE):
        found = read_elements(table.buffer, start, kind, count, end, is_sound=bool(table.sound[page]))
        if table.sound[page]:
            return found
        if found.flags and found.flags[-1]:
            _mend_last(table, found, end)
        table.sound[page] = found.sound and count > 0 and not cut
        found = found if found.sound else _reread(table, page, kind, count, found)
        if cut:
            found.mended.append((None, f"its header says {count + cut} elements, but another page lies among them"))
        return found
    # Only a page whose elements are all in order, without gaps, is taken for one of a type that it doesn't name.
    for kind in (LEAF_PAGE, BRANCH_PAGE):
        found = read_elements(table.buffer, start, kind, count, end)
        is_dense = found.sound and found.count and found.ends[:-1] == found.starts[1:]
        if is_dense and all(1 < child < table.pages for child in found.pgids):
            return found
    return None


def readable(table: PageTable, pages: Iterable[int]) -> Iterator[tuple[int, Elements]]:
    """Yield those of ``pages`` that can be read and are not empty, with their elements."""
    for page in pages:
        found = page_elements(table, page)
        if found is not None and found.count:
            yield page, found


def _mend_last(table: PageTable, found: Elements, limit: int) -> None:
    """Move the bounds of a leaf's last element, which no neighbour follows, if the bucket's root can't be right."""
    place = start, middle, stop = found.starts[-1], found.mids[-1], found.ends[-1]
    root = BUCKET_HEADER.unpack_from(found.buffer, middle)[0] if stop - middle >= BUCKET_HEADER_SIZE else 1
    if not root or 1 < root < table.pages:
        return
    bounds = _last_bucket(found.buffer, start, middle - start, stop - middle, limit)
    if bounds is not None and bounds != place:
        _, found.mids[-1], found.ends[-1] = bounds
        found.keys[-1] = found.buffer[start : bounds[1]]
        found.mended.append((found.keys[-1], _WRONG_FIELD))
        found.sound = False


def _reread(table: PageTable, page: int, kind: int, count: int, found: Elements) -> Elements:
    start = page * table.page_size
    following = table.own.find(1, page + 1)
    limit = min(following * table.page_size, table.size) if following >= 0 else table.size
    if limit == start + (table.overflows[page] + 1) * table.page_size:
        return found
    other = read_elements(table.buffer, start, kind, count, limit)
    return other if other.lost < found.lost or other.sound else found


def inline_elements(buffer: Buffer, start: int, stop: int) -> Elements | None:
    at = start + BUCKET_HEADER_SIZE
    if at + PAGE_HEADER_SIZE > stop:
        return None
    _, flags, count, _ = HEADER.unpack_from(buffer, at)
    return read_elements(buffer, at, LEAF_PAGE, count, stop) if flags == LEAF_PAGE else None


def with_inline(path: Path, found: Elements | None) -> Iterator[tuple[Path, Elements]]:
    """Yield the elements of a leaf, if it can be read, and of the inline buckets in it, each with its bucket's path."""
    pending = [(path, found)]
    while pending:
        path, found = pending.pop()
        if found is not None:
            yield path, found
            inline = ((i, name) for i, name, root, _ in found.roots() if not root)
            pending += [
                ((*path, name), inline_elements(found.buffer, found.mids[i], found.ends[i])) for i, name in inline
            ]
