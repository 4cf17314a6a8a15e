"""How many rows there are, and where among them the chosen one is: counted while nobody waits for something else."""

from collections.abc import Iterator, Sequence

from ...errors import BoltError, Changed
from .filters import Filter
from .keys import counts
from .reader import Job
from .session import State
from .sidebar import Place
from .tables import FIRST, BucketTable, Shown, table_of_view


class Tally:
    """The rows of a place that fit a filter: ``total`` of them so far, ``damages`` beside them."""

    def __init__(self, place: Place, filter: Filter, sort: str) -> None:
        self.place = place
        self.filter = filter
        self.sort = sort
        self.total = self.damages = 0
        self.done = False
        self._before: dict[int, int] = {}  # by page id: how many rows are on the pages before it

    def count(self, state: State) -> Iterator[None]:
        """Count a page's worth of rows, or some of a view, between two yields. Raises BoltError."""
        self.total = self.damages = 0
        self._before = {}
        for page, number, damages in _counts(state, self.place, self.filter):
            self.damages = damages
            self._before.setdefault(page, self.total)
            self.total += number
            yield
        self.done = True
        if not (self.filter.where or self.filter.words):
            state.counts[key_of(self.place)] = self.total, self.damages

    def position(self, shown: Shown, state: State) -> str:
        """Return the place of the chosen row and the number of rows, as far as they are known: ``17 of 1,000``."""
        at = self._at(shown)
        total = f"at least {self.total:,}" if self.damages else f"{self.total:,}" if self.done else f"{self.total:,} …"
        if self.sort and self.total > FIRST:
            total = f"the first {FIRST:,} of {total}"
        whole = state.counts.get(key_of(self.place)) if self.filter.text else None
        among = f" (of {whole[0]:,})" if whole else ""
        return f"{f'{at + 1:,}' if at is not None else '?'} of {total}{among}" if shown.rows else f"0{among}"

    def is_last(self, shown: Shown) -> bool:
        """Whether the chosen row is the last one."""
        at = self._at(shown)
        return self.done and at is not None and at + 1 >= self.total

    def _at(self, shown: Shown) -> int | None:
        if shown.start is not None:
            return shown.start + shown.at
        row = shown.rows[shown.at] if shown.at < len(shown.rows) else None
        before = self._before.get(row.page) if row is not None and row.gap is None else None
        return before + row.place if before is not None and row is not None else None


def key_of(place: Place) -> tuple[str | bytes, ...]:
    """Return the key of a place in a state's counts."""
    return (place.view,) if place.view else place.path


def _counts(state: State, place: Place, filter: Filter) -> Iterator[tuple[int, int, int]]:
    """Yield a page id, the number of rows on that page, and of damages so far."""
    narrow = bool(filter.where or filter.words)
    if not place.view:
        bucket = state.bucket(place.path)
        yield from BucketTable(place.path, filter).tally(state) if narrow else counts(state.snapshot, bucket)
        return
    view = next(view for view in state.views if view.name == place.view)
    if not narrow:
        yield 0, view.count(state.db), 0
        return
    for row in table_of_view(view, filter, "").make(state, Job(lambda *_: None, lambda *_: None)):
        yield 0, int(row.gap is None), int(row.gap is not None)


def counted_places(state: State, wanted: Sequence[Place]) -> Iterator[None]:
    """Count what each of the places has that isn't counted yet; what can't be read at all has no count."""
    for place in wanted:
        if key_of(place) in state.counts:
            continue
        try:
            yield from Tally(place, Filter(), "").count(state)
        except Changed:
            raise
        except BoltError:
            state.counts[key_of(place)] = 0, 1
