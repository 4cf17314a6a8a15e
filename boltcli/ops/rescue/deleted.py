"""Find deleted pairs and older versions: bbolt never wipes a page that it frees.

They are intact in free pages, in pages beyond the high-water mark, and in the slack of pages in use. Older trees, whose
roots are in free pages too, show which bucket they belonged to, and which version is newer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
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
    """Where a pair lies: key and value in the file. ``sure`` and ``path`` are those of its page, or of its bucket."""

    path: tuple[bytes, ...]
    start: int
    middle: int
    stop: int
    page: int
    sure: str
    age: int


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
    search = _Search(tree, [meta.root for meta in metas[1:]], progress)
    names: dict[_Place, bytes] = {}  # of versions

    def fits(place: _Place) -> bool:
        if place.path[: len(path)] != path:
            return False
        key, value = buffer[place.start : place.middle], buffer[place.middle : place.stop]
        version = version_of(place.path, key, value)
        if version is not None:
            if version[1] and not versions:
                return False
            key = names[place] = version[0]
        if key < start or (stop is not None and key >= stop):
            return False
        return wanted is None or wanted(key, value)

    def name(place: _Place) -> bytes:
        return names[place] if place in names else buffer[place.start : place.middle]

    places = [place for place in search.places() if fits(place)]
    places = search.without_live(places)
    if live:
        places += [place for place in search.live_places() if fits(place)]
    places.sort(key=lambda place: (place.age, place.page))
    # Later pairs are newer ones. Sorting keeps the order of equal ones, reversed too.
    places.sort(key=lambda place: buffer[place.start : place.middle] if place in names else b"", reverse=True)
    places.sort(key=lambda place: (*place.path, name(place)))
    chosen: Iterable[_Place] = _chosen(places, name, buffer, versions=versions)
    if ascending:
        chosen = sorted(chosen, key=lambda place: (*place.path, buffer[place.start : place.middle]))
    for place in chosen:
        key, value = buffer[place.start : place.middle], buffer[place.middle : place.stop]
        yield Deleted(place.path, key, value, place.page, place.sure, max(place.age, 0), names.get(place))


def _chosen(
    places: list[_Place], name: Callable[[_Place], bytes], buffer: Buffer, *, versions: bool
) -> Iterator[_Place]:
    """Yield the first place of each key, or with ``versions`` each of its pairs once."""
    last: tuple[Path, bytes] | None = None
    seen: set[tuple[bytes, bytes]] = set()
    for place in places:
        here = place.path, name(place)
        pair = buffer[place.start : place.middle], buffer[place.middle : place.stop]
        if here != last:
            seen.clear()
        elif not versions or pair in seen:
            continue
        last = here
        seen.add(pair)
        yield place


class _Search:
    """The pages of one file, those of its tree and the others."""

    def __init__(self, tree: RecoveredTree, roots: list[int], progress: Callable[[int, int], None] | None) -> None:
        self.table = table = tree.table
        self.tree = tree
        self.progress = progress
        found = [
            made for made in candidates(table, PageGraph(table), tree.names or None, every=True)
            if not tree.owner[made.root]
        ]  # fmt: skip
        known = {made.root for made in found}
        # The other meta page's tree is the newest of the older ones.
        older = [Candidate(table, root) for root in roots if root not in known] + found
        self.older = [made.tree for made in sorted(older, key=lambda made: made.root not in roots)]

    def places(self) -> Iterator[_Place]:
        """Yield all pairs in pages that the tree doesn't use, and in the slack of those that it uses."""
        table = self.table
        pages = [
            page for page in range(2, table.pages)
            if not self.tree.used[page] and table.is_tree(page) and table.kind[page] == LEAF_PAGE
        ]  # fmt: skip
        owners = {page: owner for page in pages if (owner := self._older_owner(page)) is not None}
        for page, path in self._likely([page for page in pages if page not in owners]).items():
            owners[page] = path, LIKELY, _OLDEST
        for number, page in enumerate(pages):
            if self.progress is not None:
                self.progress(number, len(pages))
            found = page_elements(table, page)
            if found is None:
                continue
            path, sure, age = owners.get(page, ((NOWHERE, str(page).encode()), UNKNOWN, _OLDEST))
            if table.is_torn(page):
                found = self._untorn(page, found)
            yield from self._pairs(found, path, page, sure, age)
        for page in range(2, table.pages):
            bucket = self.tree.owner_of(page)
            if bucket is not None and table.kind[page] == LEAF_PAGE:
                slack = self._slack(page)
                if slack is not None:
                    yield from self._pairs(slack, bucket.path(), page, CERTAIN, _OLDEST)

    def live_places(self) -> Iterator[_Place]:
        """Yield the pairs of the tree."""
        for page in range(2, self.table.pages):
            owner = self.tree.owner_of(page)
            if owner is None:
                continue
            found = page_elements(self.table, page)
            if found is not None and found.leaf:
                yield from self._pairs(found, owner.path(), page, LIVE, -1)

    def without_live(self, places: list[_Place]) -> list[_Place]:
        """Return those that the tree doesn't hold as they are."""
        buffer = self.table.buffer
        marks: dict[bytes, list[int]] = {}
        for number, place in enumerate(places):
            marks.setdefault(_mark(buffer, place), []).append(number)
        gone: set[int] = set()
        for place in self.live_places() if marks else ():
            for number in marks.get(_mark(buffer, place), ()):
                if places[number].path == place.path or places[number].sure != CERTAIN:
                    gone.add(number)
        return [place for number, place in enumerate(places) if number not in gone]

    def _older_owner(self, page: int) -> tuple[Path, str, int] | None:
        """Return the bucket of the newest older tree that leads to the page, and which one that is."""
        owners = ((tree.owner_of(page), age) for age, tree in enumerate(self.older))
        return next(((owner.path(), CERTAIN, age) for owner, age in owners if owner is not None), None)

    def _likely(self, pages: list[int]) -> dict[int, Path]:
        """Return the bucket that has or had most of a page's keys; else the only one with such keys."""
        samples: dict[int, list[tuple[bytes, int]]] = {}
        for page, found in readable(self.table, pages):
            samples[page] = list(zip(found.keys, found.flags))[:: max(1, found.count // _SAMPLES)]
        wanted = {key for pairs in samples.values() for key, _ in pairs}
        votes: dict[int, dict[Path, int]] = {page: {} for page in samples}
        for tree in (self.tree, *self.older):
            hits = find_keys(tree, wanted)
            for page, pairs in samples.items():
                for key, flag in pairs:
                    for path, kind, _ in hits.get(key, ()):
                        if kind == flag:
                            votes[page][path] = votes[page].get(path, 0) + 1
        lengths = self._lengths()
        chosen: dict[int, Path] = {}
        for page, found_votes in votes.items():
            if found_votes:
                chosen[page] = max(found_votes, key=lambda path: (found_votes[path], path))
                continue
            length = _usual_length([key for key, _ in samples[page]])
            alike = [path for path, usual in lengths.items() if length in usual]
            if len(alike) == 1:
                chosen[page] = alike[0]
        return chosen

    def _lengths(self) -> dict[Path, set[int]]:
        """Return the usual lengths of keys of the buckets that have pages of their own."""
        found: dict[Path, set[int]] = {}
        for bucket in self.tree.buckets[1:]:
            for _, elements in readable(self.table, bucket.some_leaves()):
                found.setdefault(bucket.path(), set()).add(_usual_length(elements.keys))
        return found

    def _untorn(self, page: int, found: Elements) -> Elements:
        """Return the elements that don't lie in the pages that overwrote the run's end."""
        table = self.table
        over = next(each for each in table.run(page)[1:] if table.own[each]) * table.page_size
        found.keep([i for i, stop in enumerate(found.ends) if stop <= over])
        return found

    def _slack(self, page: int) -> Elements | None:
        """Return elements after the last one that the header counts, whose data are still there."""
        table = self.table
        count, start = table.counts[page], page * table.page_size
        if not count or table.overflows[page]:
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

    def _pairs(self, found: Elements, path: Path, page: int, sure: str, age: int) -> Iterator[_Place]:
        """Yield the pairs of a page, those of inline buckets too."""
        for inside, each in with_inline(path, found):
            for i, start in enumerate(each.starts):
                if not (each.flags and each.flags[i]):
                    yield _Place(inside, start, each.mids[i], each.ends[i], page, sure, age)


def _usual_length(keys: list[bytes]) -> int:
    """Return the length that more than half of the keys have; 0: there is none."""
    lengths = list(map(len, keys))
    usual = max(set(lengths), key=lengths.count)
    return usual if lengths.count(usual) > len(lengths) // 2 else 0


def _mark(buffer: Buffer, place: _Place) -> bytes:
    """Return a digest of a pair."""
    size = (place.middle - place.start).to_bytes(4, "little")
    return blake2b(size + buffer[place.start : place.stop], digest_size=12).digest()
