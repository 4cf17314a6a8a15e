"""Tables that are read as far as they are shown: a bucket's keys, the rows of a view, the first rows in another order.

Their methods run in the reader's thread; what they return is for the screen.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from heapq import nlargest, nsmallest
from typing import Any, NamedTuple

from ...apps.contract import Column, View
from ...apps.decode import Decoded, plain
from ...apps.rows import selected, view_rows
from ...errors import BoltError, Changed
from ...format.page import find
from ...render.decoded import readable
from ...text.cells import cell_text
from ...text.sizes import counted
from ...text.values import bytes_text
from .filters import Filter, needle
from .keys import Gap, LeafPart, Row, parts, rows_of
from .reader import Looking
from .session import Path, State

FIRST = 10_000  # rows of a table in another order: those that come first
_HELD = 12_000  # rows of a view in memory
_DROPPED = 2_000  # of these at a time
_DECODED = 1 << 16  # bytes of the largest value that is decoded for a preview
_PREVIEW = 300  # characters of a preview
_TYPED = {"u64 big-endian": "u64:", "u32 big-endian": "u32:"}  # notations of numbers in keys
_KEY = 512  # bytes of a key that is shown

BUCKET_COLUMNS = (Column("key"), Column("preview"), Column("size", "size"))


class Shown(NamedTuple):
    """What is on the screen: ``rows``, the one ``at`` the cursor, the number of rows before them where it is known.

    ``note`` is for the status line.
    """

    rows: list[Row]
    at: int = 0
    start: int | None = None
    note: str = ""


class BucketTable:
    """The rows of the bucket at ``path`` that fit ``filter``, in the order of their keys."""

    columns = BUCKET_COLUMNS

    def __init__(self, path: Path, filter: Filter = Filter()) -> None:  # noqa: B008 - a tuple
        self.path = path
        self.filter = filter

    def go(self, state: State, job: Looking, height: int, key: bytes = b"") -> Shown:
        """Return the rows from ``key`` on; if they don't fill the screen, also rows before it."""
        rows = self._rows(state, job, height, start=key)
        before = self._rows(state, job, height - len(rows), stop=key, reverse=True) if key else []
        return Shown(before[::-1] + rows, min(len(before), max(len(before) + len(rows) - 1, 0)))

    def end(self, state: State, job: Looking, height: int) -> Shown:
        rows = self._rows(state, job, height, reverse=True)[::-1]
        return Shown(rows, max(len(rows) - 1, 0))

    def move(self, state: State, job: Looking, height: int, shown: Shown, count: int) -> Shown:
        """Return the screen after a move by ``count`` rows, up if it is negative."""
        rows, target = shown.rows, shown.at + count
        if not rows:
            return self.go(state, job, height)
        if target < 0:
            new = self._rows(state, job, -target, stop=rows[0].key, reverse=True)
            return Shown((new[::-1] + rows)[:height], max(target + len(new), 0))
        after = rows[-1].after
        if target >= len(rows) and after is not None:
            rows = rows + self._rows(state, job, target - len(rows) + 1, start=after)
        cut = max(len(rows) - height, 0)
        return Shown(rows[cut:], min(target, len(rows) - 1) - cut)

    def fill(self, state: State, job: Looking, height: int, shown: Shown) -> Shown:
        """Return the screen with as many rows as fit; the chosen one stays."""
        if not shown.rows:
            return self.go(state, job, height)
        cut = max(shown.at - height + 1, 0)
        rows = shown.rows[cut : cut + height]
        after = rows[-1].after
        if after is not None:
            rows = rows + self._rows(state, job, height - len(rows), start=after)
        before = self._rows(state, job, height - len(rows), stop=rows[0].key, reverse=True)[::-1]
        return Shown(before + rows, shown.at - cut + len(before))

    def search(self, state: State, job: Looking, height: int, shown: Shown, word: str) -> Shown:
        """Return the screen at the next row that has ``word`` in its key or value, from the top after the end.

        Damaged pages are passed over, and the note says so. Raises LookupError.
        """
        chosen = shown.rows[shown.at] if shown.rows else None
        after = chosen.after if chosen else b""
        wanted = self.filter._replace(words=(*self.filter.words, word))
        gaps: list[Gap] = []
        spans = [(after, None), (b"", after)] if after is not None else [(b"", None)]
        for start, stop in spans:
            for row in self._walk(state, job, wanted, start or b"", stop):
                if row.gap is not None:
                    gaps.append(row.gap)
                    continue
                note = "continued from the top" * (stop is not None or after is None)
                return self.go(state, job, height, row.key)._replace(
                    note="; ".join(filter(None, [note, counted_gaps(gaps)]))
                )
        raise LookupError(_not_found(f"{word!r} is not in this bucket", gaps))

    def tally(self, state: State) -> Iterator[tuple[int, int, int]]:
        """Yield for each leaf page its id, the number of rows that fit the filter, and of damages so far."""
        damages = 0
        for part in parts(state.snapshot, state.bucket(self.path)):
            if isinstance(part, Gap):
                damages += 1
                yield 0, 0, damages
            else:
                yield part.leaf.page.pgid, len(self._places(state, part, self.filter)), damages

    def every(self, state: State, job: Looking) -> Iterator[Row]:
        """Yield all rows, with cells, and the gaps between them."""
        return self._walk(state, job, self.filter)

    def sorted_rows(self, state: State, job: Looking, sort: str) -> Iterator[Row]:
        """Yield the first rows in the order of the column ``sort`` (with -: descending), then the gaps."""
        gaps: list[Row] = []

        def light() -> Iterator[Row]:
            for row in self._walk(state, job, self.filter, dressed=False):
                if row.gap is None:
                    yield row
                else:
                    gaps.append(row)

        first = nlargest if sort.startswith("-") else nsmallest
        by_size = sort.removeprefix("-") == "size"
        for row in first(FIRST, light(), key=lambda row: row.size if by_size else row.key):
            yield from self._rows(state, job, 1, start=row.key)
        yield from gaps

    def _rows(
        self, state: State, job: Looking, count: int, *,
        start: bytes = b"", stop: bytes | None = None, reverse: bool = False,
    ) -> list[Row]:  # fmt: skip
        found: list[Row] = []
        if not reverse:
            job.rows = found
        if count > 0:
            for row in self._walk(state, job, self.filter, start, stop, reverse=reverse):
                found.append(row)
                if len(found) >= count:
                    break
        return found

    def _walk(
        self, state: State, job: Looking, wanted: Filter, start: bytes = b"", stop: bytes | None = None,
        *, reverse: bool = False, dressed: bool = True,
    ) -> Iterator[Row]:  # fmt: skip
        for part in parts(state.snapshot, state.bucket(self.path), start, stop, reverse=reverse):
            if isinstance(part, Gap):
                job.look()
                yield Row((), part.low, gap=part)
                continue
            job.look(part.high - part.low)
            rows = rows_of(part, self._places(state, part, wanted))
            for row in reversed(rows) if reverse else rows:
                yield self._dressed(state, part, row) if dressed else row

    def _places(self, state: State, part: LeafPart, wanted: Filter) -> range | list[int]:
        """Return which keys of ``part`` fit ``wanted``, whether they are in range or not."""
        places: range | list[int] = range(len(part.keys))
        if not (wanted.where or wanted.words) or not part.keys:
            return places
        leaf, buffer = part.leaf, part.leaf.buffer
        page = leaf.page
        as_they_are = self._key_text(state, part.keys[0]) == bytes_text(part.keys[0])
        for word, data in zip(wanted.words, wanted.needles):
            if as_they_are and find(buffer, data, page.offset, page.end) < 0:
                return []
            places = [
                at
                for at in places
                if data in part.keys[at]
                or find(buffer, data, *leaf.value_span(part.indexes[at])) >= 0
                or (not as_they_are and word in self._key_text(state, part.keys[at]))
            ]
        for name, text in wanted.where:
            if name == "size":
                places = [at for at in places if str(leaf.value_sizes[part.indexes[at]]) == text]
            elif name == "key":
                key = needle(text)
                places = [at for at in places if part.keys[at] == key or self._key_text(state, part.keys[at]) == text]
            else:
                places = [
                    row.place
                    for row in rows_of(part._replace(low=0, high=len(part.keys)))
                    if row.place in places and self._dressed(state, part, row).cells[1] == text
                ]
        return places

    def _key_text(self, state: State, key: bytes) -> str:
        return key_text(state, self.path, key)

    def _dressed(self, state: State, part: LeafPart, row: Row) -> Row:
        """Return ``row`` with its cells: the key, the beginning of what the value means, its size."""
        index = part.indexes[bisect_left(part.keys, row.key)]
        if row.is_bucket:
            try:
                number = state.keys_in(self.path, row.key)
                text = "bucket" if number is None else f"bucket, {counted(number, 'key')}"
            except BoltError as error:
                text = f"bucket, damaged: {error}"
        else:
            start, stop = part.leaf.value_span(index)
            if row.size <= _DECODED:
                found = state.decoder.value(self.path, row.key, part.leaf.buffer[start:stop])
                text = readable(Decoded(found.value))[:_PREVIEW]
            else:
                text = readable(Decoded(plain(part.leaf.buffer[start : start + _PREVIEW]))) + "…"
        return Row((self._key_text(state, row.key), text, None if row.is_bucket else row.size), row.key, row.size,
                   row.is_bucket, row.page, row.place)  # fmt: skip


class ListTable:
    """Rows that can only be read from the first one on, from what ``make`` returns: those of a view, or sorted ones.

    It holds those near the screen; to go back further it reads anew.
    """

    def __init__(self, columns: tuple[Column, ...], make: Callable[[State, Looking], Iterator[Row]]) -> None:
        self.columns = columns
        self.make = make
        self._held: list[Row] = []
        self._first = 0  # the number of rows before those that are held
        self._state: State | None = None
        self._source: Iterator[Row] = iter(())
        self._job: Looking | None = None  # for which the source is read now
        self.rows: list[Row] = []  # that it finds

    def look(self, more: int = 1) -> None:
        """Say to the job of this moment that ``more`` rows were looked at."""
        if self._job is not None:
            self._job.look(more)

    def _load(self, state: State, job: Looking, start: int, stop: int) -> list[Row]:
        """Return the rows from ``start`` to before ``stop``; there may be fewer."""
        self._job = job
        if self._state is not state or start < self._first:
            self._held, self._first, self._state = [], 0, state
            self._source = self.make(state, self)
        try:
            while self._first + len(self._held) < stop:
                job.look()
                row = next(self._source, None)
                if row is None:
                    break
                self._held.append(row)
                if len(self._held) > _HELD:
                    del self._held[:_DROPPED]
                    self._first += _DROPPED
        except BaseException:
            self._state = None  # the source is exhausted now
            raise
        return self._held[max(start - self._first, 0) : stop - self._first]

    def _at(self, state: State, job: Looking, height: int, start: int, target: int) -> Shown:
        rows = self._load(state, job, start, start + height)
        if len(rows) < height:
            total = self._first + len(self._held)
            start = max(total - height, 0)
            rows, target = self._load(state, job, start, start + height), min(target, max(total - 1, 0))
        return Shown(rows, target - start, start)

    def go(self, state: State, job: Looking, height: int, key: bytes = b"") -> Shown:
        """Return the rows from the first one on, or from the first whose first cell begins with ``key``."""
        if not key:
            return self._at(state, job, height, 0, 0)
        text = bytes_text(key)
        for number in self._numbers(state, job, 0, lambda row: "".join(self._texts(row)[:1]).startswith(text)):
            return self._at(state, job, height, number, number)
        return self.end(state, job, height)

    def end(self, state: State, job: Looking, height: int) -> Shown:
        self._load(state, job, self._first, 1 << 62)
        total = self._first + len(self._held)
        return self._at(state, job, height, max(total - height, 0), max(total - 1, 0))

    def move(self, state: State, job: Looking, height: int, shown: Shown, count: int) -> Shown:
        start = shown.start or 0
        target = max(start + shown.at + count, 0)
        if target >= start + height:
            start = target - height + 1
        return self._at(state, job, height, min(start, target), target)

    def fill(self, state: State, job: Looking, height: int, shown: Shown) -> Shown:
        target = (shown.start or 0) + shown.at
        return self._at(state, job, height, max(min(shown.start or 0, target), target - height + 1), target)

    def search(self, state: State, job: Looking, height: int, shown: Shown, word: str) -> Shown:
        """Return the screen at the next row with ``word`` in a cell, from the top after the end. Raises LookupError."""
        chosen = (shown.start or 0) + shown.at
        note = ""
        for first in (chosen + 1, 0):
            for number in self._numbers(state, job, first, lambda row: any(word in text for text in self._texts(row))):
                return self._at(state, job, height, max(number - height // 2, 0), number)._replace(note=note)
            note = "continued from the top"
        gaps = [row.gap for row in self._held if row.gap is not None]
        raise LookupError(_not_found(f"{word!r} is in no row", gaps))

    def _numbers(self, state: State, job: Looking, start: int, fits: Callable[[Row], bool]) -> Iterator[int]:
        while rows := self._load(state, job, start, start + 100):
            yield from (start + at for at, row in enumerate(rows) if fits(row))
            start += len(rows)

    def _texts(self, row: Row) -> list[str]:
        return [cell_text(value, column.type) for value, column in zip(row.cells, self.columns)]

    def every(self, state: State, job: Looking) -> Iterator[Row]:
        """Yield all rows."""
        return self.make(state, job)


Table = BucketTable | ListTable


def table_of_view(view: View, wanted: Filter, sort: str) -> ListTable:
    """Return the rows of ``view`` that are ``wanted``, in its own order or sorted: then the first ``FIRST``."""
    return ListTable(tuple(view.columns), partial(_view_rows, view, wanted, sort))


def table_of_bucket(path: Path, wanted: Filter, sort: str) -> Table:
    """Return the rows of the bucket at ``path`` that are ``wanted``."""
    table = BucketTable(path, wanted)
    return ListTable(BUCKET_COLUMNS, partial(table.sorted_rows, sort=sort)) if sort else table


def _view_rows(view: View, wanted: Filter, sort: str, state: State, job: Looking) -> Iterator[Row]:
    types = [column.type for column in view.columns]

    def source() -> Iterator[tuple[Any, ...]]:
        for row in view_rows(view, state.db, {}):
            job.look()
            texts = list(map(cell_text, row, types)) if wanted.words else []
            if all(any(word in text for text in texts) for word in wanted.words):
                yield row

    try:
        for row in selected(view, source(), where=wanted.where, sort=sort, limit=FIRST if sort else 0)[1]:
            yield Row(row)
    except Changed:
        raise
    except BoltError as error:
        yield Row(gap=Gap(b"", None, error))


def counted_rows(number: int) -> str:
    """Return ``1 row``, ``2,000 rows``."""
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def counted_gaps(gaps: list[Gap]) -> str:
    """Say which damaged pages a search has passed over; "" for none."""
    if not gaps:
        return ""
    pages = ", ".join(str(gap.error.page) for gap in gaps[:3]) + ", …" * (len(gaps) > 3)
    return f"{counted(len(gaps), 'unreadable page')} passed over: {pages}"


def _not_found(what: str, gaps: list[Gap]) -> str:
    return f"{what}, as far as it can be read: {counted_gaps(gaps)}" if gaps else what


def key_text(state: State, path: Path, key: bytes) -> str:
    """Return a key of the bucket at ``path`` as its application shows it; a number as it can be typed."""
    found = state.decoder.key(path, key[:_KEY])
    if found.guess in _TYPED and isinstance(found.value, int):
        return f"{_TYPED[found.guess]}{found.value}"
    return readable(Decoded(found.value)) + "…" * (len(key) > _KEY)


def gap_text(gap: Gap, key_text: Callable[[bytes], str]) -> str:
    """Say what is missing."""
    page = f"page {gap.error.page} unreadable" if gap.error.page is not None else "unreadable"
    if gap.high is None and not gap.low:
        return f"{page}: {gap.error}"
    low = key_text(gap.low.removesuffix(b"\0")) if gap.low else ""
    if gap.high is None:
        return f"{page}: {low} to the end"
    return f"{page}: {low} to {key_text(gap.high)}" if low else f"{page}: all before {key_text(gap.high)}"
