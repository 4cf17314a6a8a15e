"""Find deleted pairs and older versions: bbolt never wipes a page that it frees.

They are intact in free pages, in pages beyond the high-water mark, and in the slack of pages in use. Older trees, whose
roots are in free pages too, show which bucket they belonged to, and which version is newer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import groupby, islice
from typing import NamedTuple

from ...format.constants import ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from .elements import Elements, page_elements, read_elements, readable, with_inline
from .roots import Candidate, PageGraph, candidates
from .tree import RecoveredTree, find_keys, newest_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.page import Buffer

Path = tuple[bytes, ...]
Test = Callable[[bytes, bytes], bool]
# Of a pair of the bucket at a path: the key that it is a version of, and whether it is a delete.
VersionOf = Callable[[Path, bytes, bytes], "tuple[bytes, bool] | None"]
CERTAIN, LIKELY, UNKNOWN, LIVE = "certain", "likely", "unknown", "live"
NOWHERE = b"lost+found"  # for pairs of which the bucket isn't known, as recover has it
_SAMPLES = 8
_OLDEST = 1 << 30


class Deleted(NamedTuple):
    """A deleted pair or an older version of one; ``page`` holds it, ``certainty`` says how sure its bucket is.

    ``age`` orders versions of a key, 0 the newest. ``version_of`` is the key that the pair is a version of, where the
    program keeps versions as pairs of their own.
    """

    path: tuple[bytes, ...]
    key: bytes
    value: bytes
    page: int
    certainty: str
    age: int
    version_of: bytes | None = None


class _Place(NamedTuple):
    """Where a pair lies: key and value in the file. ``sure`` and ``path`` are those of its page, or of its bucket.

    ``version_of`` is as in :class:`Deleted`.
    """

    path: tuple[bytes, ...]
    start: int
    middle: int
    stop: int
    page: int
    sure: str
    age: int
    version_of: bytes | None = None


def deleted(
    buffer: Buffer, path: Path = (), *, start: bytes = b"", stop: bytes | None = None, wanted: Test | None = None,
    versions: bool = False, live: bool = False, version_of: VersionOf = lambda *_: None,
    ascending: bool = False, progress: Callable[[int, int], None] | None = None,
) -> Iterator[Deleted]:  # fmt: skip
    """Yield the pairs of ``buffer``, the content of a file, that its tree no longer has, by bucket and key.

    Only those in the bucket ``path`` or below, with keys from ``start`` up to ``stop`` for which ``wanted`` is true.
    Of several versions of a key only the newest one, unless ``versions``: then all of them, the newest first. With
    ``live`` also the version that the tree has, before the others.

    Where ``version_of`` says of which key a pair is a version, that key takes the place of the pair's own, later pairs
    are newer, and a delete is no version unless all are asked for. The pairs are in the order of these keys; with
    ``ascending`` in that of their own, as ``import`` takes them.
    """
    tree, metas = newest_tree(buffer)
    search = _Search(tree, [meta.root for meta in metas[1:]])

    def key_of(place: _Place) -> bytes:
        return buffer[place.start : place.middle]

    def name_of(place: _Place) -> bytes:
        return key_of(place) if place.version_of is None else place.version_of

    def value_of(place: _Place) -> bytes:
        return buffer[place.middle : place.stop]

    def fitting(places: Iterable[_Place]) -> Iterator[_Place]:
        for place in places:
            if place.path[: len(path)] != path:
                continue
            key, value = key_of(place), value_of(place)
            version = version_of(place.path, key, value)
            if version is not None:
                if version[1] and not versions:
                    continue
                key = version[0]
                place = place._replace(version_of=key)
            if start <= key and (stop is None or key < stop) and (wanted is None or wanted(key, value)):
                yield place

    def chosen(places: list[_Place]) -> Iterator[_Place]:
        for _, group in groupby(places, key=lambda place: (place.path, name_of(place))):
            seen: set[tuple[bytes, bytes]] = set()
            for place in group if versions else islice(group, 1):
                pair = key_of(place), value_of(place)
                if pair not in seen:
                    seen.add(pair)
                    yield place

    places = search.without_live(list(fitting(search.places(progress))))
    if live:
        places += fitting(search.live_places())
    places.sort(key=lambda place: (place.age, place.page))
    # Later pairs are newer ones. Sorting keeps the order of equal ones, reversed too.
    places.sort(key=lambda place: b"" if place.version_of is None else key_of(place), reverse=True)
    places.sort(key=lambda place: (*place.path, name_of(place)))
    found: Iterable[_Place] = chosen(places)
    if ascending:
        found = sorted(found, key=lambda place: (*place.path, key_of(place)))
    for place in found:
        key, value, age = key_of(place), value_of(place), max(place.age, 0)
        yield Deleted(place.path, key, value, place.page, place.sure, age, place.version_of)


class _Search:
    """The pages of one file, those of its tree and the others."""

    def __init__(self, tree: RecoveredTree, roots: list[int]) -> None:
        self.table = table = tree.table
        self.tree = tree
        found = [
            made for made in candidates(table, PageGraph(table), tree.names or None, every=True)
            if not tree.owner[made.root]
        ]  # fmt: skip
        known = {made.root for made in found}
        # The other meta page's tree is the newest of the older ones.
        older = [Candidate(table, root) for root in roots if root not in known] + found
        self.older = [made.tree for made in sorted(older, key=lambda made: made.root not in roots)]

    def places(self, progress: Callable[[int, int], None] | None) -> Iterator[_Place]:
        """Yield all pairs in pages that the tree doesn't use, and in the slack of those that it uses."""
        table = self.table
        pages = [
            page for page in range(2, table.pages)
            if not self.tree.used[page] and table.is_tree(page) and table.kind[page] == LEAF_PAGE
        ]  # fmt: skip
        owners: dict[int, tuple[Path, str, int]] = {}
        for age, tree in enumerate(self.older):
            for page in pages:
                if page not in owners and (bucket := tree.owner_of(page)) is not None:
                    owners[page] = bucket.path(), CERTAIN, age
        for page, path in self._likely([page for page in pages if page not in owners]).items():
            owners[page] = path, LIKELY, _OLDEST
        for number, page in enumerate(pages):
            if progress is not None:
                progress(number, len(pages))
            found = page_elements(table, page)
            if found is None:
                continue
            if table.is_torn(page):  # those that don't lie in the pages that overwrote the run's end
                over = next(each for each in table.run(page)[1:] if table.own[each]) * table.page_size
                found.keep([i for i, stop in enumerate(found.ends) if stop <= over])
            path, sure, age = owners.get(page, ((NOWHERE, str(page).encode()), UNKNOWN, _OLDEST))
            yield from _pairs(found, path, page, sure, age)
        for owner in self.tree.buckets:
            for page in owner.leaves:
                slack = self._slack(page)
                if slack is not None:
                    yield from _pairs(slack, owner.path(), page, CERTAIN, _OLDEST)

    def live_places(self) -> Iterator[_Place]:
        """Yield the pairs of the tree."""
        for bucket in self.tree.buckets:
            for page, found in readable(self.table, bucket.leaves):
                yield from _pairs(found, bucket.path(), page, LIVE, -1)

    def without_live(self, places: list[_Place]) -> list[_Place]:
        """Return those that the tree doesn't hold as they are."""
        buffer = self.table.buffer
        marks: dict[bytes, list[_Place]] = {}
        for place in places:
            marks.setdefault(_mark(buffer, place), []).append(place)
        gone = {
            place
            for live in (self.live_places() if marks else ())
            for place in marks.get(_mark(buffer, live), ())
            if place.path == live.path or place.sure != CERTAIN
        }
        return [place for place in places if place not in gone]

    def _likely(self, pages: list[int]) -> dict[int, Path]:
        """Return the bucket that has or had most of a page's keys; else the only one with such keys."""
        samples = {
            page: list(zip(found.keys, found.flags))[:: max(1, found.count // _SAMPLES)]
            for page, found in readable(self.table, pages)
        }
        wanted = {key for pairs in samples.values() for key, _ in pairs}
        votes: dict[int, Counter[Path]] = {page: Counter() for page in samples}
        for tree in (self.tree, *self.older):
            hits = find_keys(tree, wanted)
            for page, pairs in samples.items():
                votes[page].update(path for key, flag in pairs for path, kind, _ in hits.get(key, ()) if kind == flag)
        lengths = {  # of the buckets that have pages of their own
            (bucket.path(), _usual_length(elements.keys))
            for bucket in self.tree.buckets[1:]
            for _, elements in readable(self.table, bucket.some_leaves())
        }
        chosen: dict[int, Path] = {}
        for page, counted in votes.items():
            if counted:
                chosen[page] = max(counted, key=lambda path: (counted[path], path))
                continue
            length = _usual_length([key for key, _ in samples[page]])
            alike = [path for path, usual in lengths if usual == length]
            if len(alike) == 1:
                chosen[page] = alike[0]
        return chosen

    def _slack(self, page: int) -> Elements | None:
        """Return elements after the last one that the header counts, whose data are still there."""
        table = self.table
        count, start = table.counts[page], page * table.page_size
        if table.kind[page] != LEAF_PAGE or not count or table.overflows[page]:
            return None
        first = start + PAGE_HEADER_SIZE
        position = int.from_bytes(table.buffer[first + 4 : first + 8], "little")
        more = position // ELEMENT_SIZE
        end = min(start + table.page_size, table.size)
        if position % ELEMENT_SIZE or not count < more <= (end - first) // ELEMENT_SIZE:
            return None
        found = read_elements(table.buffer, start, LEAF_PAGE, more, end)
        if not found.sound or found.count != more:
            return None
        found.keep(range(count, more))
        return found


def _pairs(found: Elements, path: Path, page: int, sure: str, age: int) -> Iterator[_Place]:
    """Yield the pairs of a page, those of inline buckets too."""
    for inside, each in with_inline(path, found):
        for start, middle, stop, flag in zip(each.starts, each.mids, each.ends, each.flags):
            if not flag:
                yield _Place(inside, start, middle, stop, page, sure, age)


def _usual_length(keys: list[bytes]) -> int:
    """Return the length that more than half of the keys have; 0: there is none."""
    usual, times = Counter(map(len, keys)).most_common(1)[0]
    return usual if times > len(keys) // 2 else 0


def _mark(buffer: Buffer, place: _Place) -> bytes:
    """Return a digest of a pair."""
    size = (place.middle - place.start).to_bytes(4, "little")
    return blake2b(size + buffer[place.start : place.stop], digest_size=12).digest()
