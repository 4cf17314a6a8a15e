"""Find deleted pairs and older versions: bbolt never wipes a page that it frees.

They are intact in free pages, in pages beyond the high-water mark, and in the slack of pages in use. Older trees, whose
roots are in free pages too, show which bucket they belonged to, and which version is newer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from ...format.constants import ELEMENT_SIZE, LEAF_PAGE, PAGE_HEADER_SIZE
from ...progress import portion
from ...record import Record
from .elements import Elements, page_elements, read_elements, readable, usual_size, with_inline
from .pages import Buffer, Path
from .roots import Candidate, PageGraph, candidates
from .tree import find_keys, newest_tree, sample

if TYPE_CHECKING:
    from ...progress import Progress

Test = Callable[[bytes, bytes], bool]
# Of a pair of the bucket at a path: the key that it is a version of, and whether it is a delete.
VersionOf = Callable[[Path, bytes, bytes], "tuple[bytes, bool] | None"]
CERTAIN, LIKELY, UNKNOWN, LIVE = "certain", "likely", "unknown", "live"
NOWHERE = b"lost+found"  # for pairs of which the bucket isn't known, as recover has it
_OLDEST = 1 << 30
_SEARCHES = 4  # passes over the pages that the search for older trees takes, about


@dataclass(frozen=True, slots=True)
class Deleted(Record):
    """A deleted pair, or an older version of one, of ``bucket``; ``page`` holds it.

    ``certainty`` says how sure the bucket is: certain, likely, unknown; live is what the tree has. ``version_of`` is
    the key that the pair is a version of, where the program keeps versions as pairs of their own. What key and value
    mean is filled in where the program is known.
    """

    bucket: Path
    key: bytes
    value: bytes
    page: int
    certainty: str
    version_of: bytes | None = None
    key_decoded: Any = None
    value_decoded: Any = None


@dataclass(slots=True, eq=False)
class _Pair:
    """A pair in ``buffer``: its key from ``start`` to ``middle``, its value to ``stop``.

    ``age`` orders versions of a key, the newest first. ``version_of`` is the key that the pair is a version of, where
    the program keeps versions as pairs of their own.
    """

    buffer: Buffer
    path: Path
    start: int
    middle: int
    stop: int
    page: int
    certainty: str
    age: int
    version_of: bytes | None = None

    @property
    def key(self) -> bytes:
        return self.buffer[self.start : self.middle]

    @property
    def value(self) -> bytes:
        return self.buffer[self.middle : self.stop]

    @property
    def name(self) -> bytes:
        return self.key if self.version_of is None else self.version_of


def deleted(
    buffer: Buffer, path: Path = (), *, start: bytes = b"", stop: bytes | None = None, wanted: Test | None = None,
    versions: bool = False, live: bool = False, version_of: VersionOf = lambda *_: None,
    ascending: bool = False, progress: Progress | None = None,
) -> Iterator[Deleted]:  # fmt: skip
    """Yield the pairs of ``buffer``, the content of a file, that its tree no longer has, by bucket and key.

    Only those in the bucket ``path`` or below, with keys from ``start`` up to ``stop`` for which ``wanted`` is true.
    Of several versions of a key only the newest one, unless ``versions``: then all of them, the newest first. With
    ``live`` also the version that the tree has, before the others.

    Where ``version_of`` says of which key a pair is a version, that key takes the place of the pair's own, later pairs
    are newer, and a delete is no version unless all are asked for. The pairs are in the order of these keys; with
    ``ascending`` in that of their own, as ``import`` takes them.
    """
    search = _Search(buffer, portion(progress, 0, 0.7))

    def fitting(pairs: Iterable[_Pair]) -> Iterator[_Pair]:
        for pair in pairs:
            if pair.path[: len(path)] != path:
                continue
            version = version_of(pair.path, pair.key, pair.value)
            if version is not None:
                pair.version_of, is_delete = version
                if is_delete and not versions:
                    continue
            name = pair.name
            if start <= name and (stop is None or name < stop) and (wanted is None or wanted(name, pair.value)):
                yield pair

    def chosen(pairs: list[_Pair]) -> Iterator[_Pair]:
        for _, group in groupby(pairs, key=lambda pair: (pair.path, pair.name)):
            seen: set[tuple[bytes, bytes]] = set()
            for pair in group if versions else islice(group, 1):
                if (pair.key, pair.value) not in seen:
                    seen.add((pair.key, pair.value))
                    yield pair

    pairs = list(fitting(search.pairs(portion(progress, 0.7, 0.9))))
    search.table.watch(portion(progress, 0.9, 1))
    pairs = search.without_live(pairs)
    if live:
        pairs += fitting(search.live_pairs())
    pairs.sort(key=lambda pair: (pair.age, pair.page))
    # Later pairs are newer ones. Sorting keeps the order of equal ones, reversed too.
    pairs.sort(key=lambda pair: b"" if pair.version_of is None else pair.key, reverse=True)
    pairs.sort(key=lambda pair: (*pair.path, pair.name))
    found = chosen(pairs)
    for pair in sorted(found, key=lambda pair: (*pair.path, pair.key)) if ascending else found:
        yield Deleted(pair.path, pair.key, pair.value, pair.page, pair.certainty, pair.version_of)


class _Search:
    def __init__(self, buffer: Buffer, progress: Progress | None) -> None:
        self.tree, metas = newest_tree(buffer, portion(progress, 0, 0.35))
        self.table = table = self.tree.table
        table.watch(portion(progress, 0.35, 1), _SEARCHES)
        found = candidates(table, PageGraph(table), self.tree.names or None)
        older = {made.root: made.tree for made in found if not self.tree.owner[made.root]}
        # The tree of the other meta page is the newest of the older ones.
        roots = [meta.root for meta in metas[1:]]
        first = {root: older.pop(root) if root in older else Candidate(table, root).tree for root in roots}
        self.older = [*first.values(), *older.values()]

    def pairs(self, progress: Progress | None) -> Iterator[_Pair]:
        """Yield all pairs in pages that the tree doesn't use, and in the slack of those that it uses."""
        table = self.table
        pages = [page for page in self.tree.unreached(None) if table.kind[page] == LEAF_PAGE]
        owners: dict[int, tuple[Path, str, int]] = {}
        for age, tree in enumerate(self.older):
            for page in pages:
                if page not in owners and (bucket := tree.owner[page]) is not None:
                    owners[page] = bucket.path(), CERTAIN, age
        for page, path in self._likely([page for page in pages if page not in owners]).items():
            owners[page] = path, LIKELY, _OLDEST
        self.table.watch(progress)
        for page in pages:
            found = page_elements(table, page)
            if found is None:
                continue
            # Another page may have overwritten the run's end.
            over = next((each for each in table.run(page)[1:] if table.own[each]), table.pages)
            path, sure, age = owners.get(page, ((NOWHERE, str(page).encode()), UNKNOWN, _OLDEST))
            yield from _pairs(found, path, page, sure, age, high=over * table.page_size)
        for owner in self.tree.buckets:
            for page in owner.leaves:
                slack = self._slack(page)
                if slack is not None:
                    found, low = slack
                    yield from _pairs(found, owner.path(), page, CERTAIN, _OLDEST, low=low)

    def live_pairs(self) -> Iterator[_Pair]:
        for bucket in self.tree.buckets:
            for page, found in readable(self.table, bucket.leaves):
                yield from _pairs(found, bucket.path(), page, LIVE, -1)

    def without_live(self, pairs: list[_Pair]) -> list[_Pair]:
        by_content: dict[int, list[_Pair]] = {}
        for pair in pairs:
            by_content.setdefault(hash((pair.key, pair.value)), []).append(pair)
        gone = {
            pair
            for live in (self.live_pairs() if pairs else ())
            for pair in by_content.get(hash((live.key, live.value)), ())
            if pair.path == live.path or pair.certainty != CERTAIN
        }
        return [pair for pair in pairs if pair not in gone]

    def _likely(self, pages: list[int]) -> dict[int, Path]:
        """Return the bucket that has or had most of a page's keys; else the only one with such keys."""
        samples = {page: sample(found) for page, found in readable(self.table, pages)}
        wanted = {key for pairs in samples.values() for key in pairs}
        votes: dict[int, Counter[Path]] = {page: Counter() for page in samples}
        for tree in (self.tree, *self.older):
            hits = find_keys(tree, wanted)
            for page, pairs in samples.items():
                places = ((flag, hits.get(key, ())) for key, (flag, _) in pairs.items())
                votes[page].update(path for flag, found in places for path, kind, _ in found if kind == flag)
        lengths = {  # of the buckets that have pages of their own
            (bucket.path(), _usual_length(found.keys))
            for bucket in self.tree.buckets[1:]
            for _, found in readable(self.table, bucket.some_leaves())
        }
        chosen: dict[int, Path] = {}
        for page, counted in votes.items():
            length = _usual_length(samples[page])
            alike = [path for path, usual in lengths if usual == length]
            if counted or len(alike) == 1:
                chosen[page] = max(counted or alike, key=lambda path: (counted[path], path))
        return chosen

    def _slack(self, page: int) -> tuple[Elements, int] | None:
        """Return elements, those after the last one that the header counts too, and where these have their data."""
        table = self.table
        count, start = table.counts[page], page * table.page_size
        if table.kind[page] != LEAF_PAGE or not count or table.overflows[page]:
            return None
        first = start + PAGE_HEADER_SIZE
        more, odd = divmod(int.from_bytes(table.buffer[first + 4 : first + 8], "little"), ELEMENT_SIZE)
        end = min(start + table.page_size, table.size)
        if odd or not count < more <= (end - first) // ELEMENT_SIZE:
            return None
        found = read_elements(table.buffer, start, LEAF_PAGE, more, end)
        return (found, found.starts[count]) if found.sound and found.count == more else None


def _pairs(
    found: Elements, path: Path, page: int, sure: str, age: int, *, low: int = 0, high: int | None = None
) -> Iterator[_Pair]:
    for inside, each in with_inline(path, found):
        for start, middle, stop, flag in zip(each.starts, each.mids, each.ends, each.flags):
            if not flag and start >= low and (high is None or stop <= high):
                yield _Pair(each.buffer, inside, start, middle, stop, page, sure, age)


def _usual_length(keys: Iterable[bytes]) -> int:
    return usual_size(list(map(len, keys)))
