"""A table: columns with a name and a type, and rows; and every form in which it is written.

A row is a sequence of values, one for each column. Rows are read as they are written, and may be millions: memory holds
a megabyte of them. In CSV and JSON a value above ``LARGE`` is written slice by slice.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import chain, count
from textwrap import wrap
from time import time_ns
from typing import Any, BinaryIO

from ..apps.contract import Column
from ..text.cells import cell, cell_text, row_chunks
from ..text.columns import Again
from ..text.large_values import Sliced, slices
from ..text.sizes import amount
from ..text.times import SECOND, parse_time, short_age
from ..text.values import LARGE
from ..text.visible import cut, field_text, folded, room_of
from .json_streams import as_array
from .records import field as field_of
from .records import pieces

Row = Sequence[Any]

_TOGETHER = 500  # rows that are written at once
_SAMPLE = 2000  # rows from which the widths of columns are taken
_WIDEST = 120  # characters of a column that is not the last
_MOST = 1 << 14  # characters of a cell on a terminal
_LEAST = 16  # columns of a terminal that a column takes, if it has as much to show
_GAP = "  "
_TEXTS = ("text", "bytes", "hex")  # types whose values may be large
_NUMBERS = ("integer", "number", "size", "growth")  # types that are aligned at the right
_COMMON = 48  # characters of a value that all rows have
_STATES = (  # words in states, and their styles
    (("fail", "error", "lost", "dead", "reject", "unhealthy", "crash"), "31"),
    (("pending", "queued", "wait", "cancel", "stop", "block", "bid", "starting", "unknown"), "33"),
    (("running", "complete", "active", "ready", "alive", "healthy", "success", "bound"), "32"),
)
_HEAD, _TITLE, _BOLD = "1;36", "3", "1"  # styles on a terminal


@dataclass
class Table:
    """Rows under ``columns``, the types of which are those of :class:`~boltcli.apps.contract.Column`.

    Beside these there are ``names``, a list of names; ``hex``, bytes that are always written in hex; ``size``, a number
    of bytes, and ``growth``, such a number with its sign, which are written with units for people.

    ``title`` stands above the table on a terminal, where columns without any value are left out of a ``sparse`` one.
    ``batches`` are the same rows as Arrow has them, where they come so: a schema, and record batches of it.
    """

    columns: Sequence[Column]
    rows: Iterable[Row]
    title: str = ""
    sparse: bool = False
    batches: tuple[Any, Iterator[Any]] | None = field(default=None, repr=False)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield what JSON says of each row: times are RFC 3339, bytes text, or hex in a field ``<name>_hex``."""
        return chain.from_iterable(self._records())

    def json_lines(self) -> Iterator[bytes]:
        """Yield the same as lines."""
        for *records, last in self._records():  # if one is large it is the last
            yield from pieces(records)
            yield from pieces([last])

    def csv_lines(self) -> Iterator[bytes]:
        """Yield CSV (RFC 4180, the line ends of Unix) with a line of names; lists and dicts are JSON."""
        types = [column.type for column in self.columns]
        yield _csv([self.names])
        for rows in row_chunks(self.rows, _TOGETHER):
            is_large = any(isinstance(value, (bytes, str)) and len(value) > LARGE for value in rows[-1])
            small = len(rows) - is_large  # only the last one may be
            yield _csv([list(map(cell_text, row, types)) for row in rows[:small]])
            for row in rows[small:]:
                for at, (value, type) in enumerate(zip(row, types)):
                    yield b"," * bool(at)
                    yield from map(_encoded, _quoted(value, type))
                yield b"\n"

    def tab_lines(self) -> Iterator[bytes]:
        """Yield lines of fields with tabs between them, after a line of names; what isn't printable is escaped."""
        for rows in chain([[[field_text(name) for name in self.names]]], self._texts(_TOGETHER)):
            yield _encoded("".join(["\t".join(row) + "\n" for row in rows]))

    def text_lines(self, *, rule: bool = True, human: bool = False) -> Iterator[bytes]:
        """Yield the rows in columns, as wide as the first rows are: with a line of names, and with one of dashes."""
        chunks = self._texts(_SAMPLE, human)
        names = [list(map(field_text, self.names))]
        sample = next(chunks, [])
        widths = [min(max(map(len, column)), _WIDEST) for column in zip(*names, *sample)]
        right = [column.type in _NUMBERS for column in self.columns]
        for row in chain(names, [["-" * width for width in widths]] * rule, sample, chain.from_iterable(chunks)):
            cells = (text.rjust(room) if at_end else text.ljust(room) for text, room, at_end in zip(row, widths, right))
            yield _encoded(_GAP.join(cells).rstrip() + "\n")

    def screen_lines(self, width: int, *, styled: bool = False) -> Iterator[bytes]:
        """Yield the rows in columns for a terminal of that ``width``; the columns are as wide as the first rows ask.

        What there is no room for is named at the end; a single row is then written a line a column. Of a ``sparse``
        table that is too wide, what all rows have stands once, ids are short, and times are ages.
        """
        chunks = ([[text[:_MOST] for text in row] for row in rows] for rows in self._texts(_SAMPLE, human=True))
        sample = next(chunks, [])
        more = next(chunks, [])
        every = not (self.sparse and sample)
        kept = [at for at in range(len(self.columns)) if every or any(row[at] for row in sample)]
        common: list[str] = []
        if self.sparse and not more and len(sample) > 1 and self._room(sample, kept) > width:
            same = [at for at in kept if len({row[at] for row in sample}) == 1]
            common = [f"{field_text(self.columns[at].name)} {cut(sample[0][at], _COMMON)}" for at in same]
            kept = [at for at in kept if at not in same]
            self._shorten(sample, kept)
        names = [field_text(self.columns[at].name) for at in kept]
        wanted = [max(map(room_of, [name, *(row[at] for row in sample)])) for name, at in zip(names, kept)]
        rooms = fitted(wanted, width, last=names[-1:] == ["file"])
        if self.title:
            title = field_text(self.title) + f": {len(sample)}" * (not more)
            yield _styled(cut(title, width), _TITLE, styled)
        if common:
            yield from _words(f"all: {', '.join(common)}", width)
        if len(sample) == 1 and not more and not all(rooms):
            yield from _record_lines(names, [sample[0][at] for at in kept], width, styled)
            return
        layout = [(at, room, self.columns[at].type in _NUMBERS) for at, room in zip(kept, rooms) if room]
        yield _styled(_fitted([*map(field_text, self.names)], layout), _HEAD, styled)
        tones = [state_style if styled and self.sparse and _is_state(column) else None for column in self.columns]
        for row in chain(sample, more, chain.from_iterable(chunks)):
            yield _encoded(_fitted(row, layout, tones) + "\n")
        without = [name for name, room in zip(names, rooms) if not room]
        if without:
            choose = "--columns chooses, --wide shows all on long lines, " * self.sparse
            note = f"no room for {', '.join(without)}: {choose}--json shows all"
            yield from _words(note, width)

    def _room(self, rows: Sequence[Sequence[str]], kept: Sequence[int]) -> int:
        """Return how many columns of a terminal the columns ``kept`` take."""
        names = [field_text(column.name) for column in self.columns]
        return sum(max(map(room_of, [names[at], *(row[at] for row in rows)])) + len(_GAP) for at in kept) - len(_GAP)

    def _shorten(self, rows: list[list[str]], kept: Sequence[int]) -> None:
        """Write ids as short as they are still different, and times as ages."""
        now = time_ns()
        for at in kept:
            if self.columns[at].type == "time":
                for row in rows:
                    found = parse_time(row[at])
                    if found is not None and found <= now:
                        row[at] = f"{short_age((now - found) / SECOND)} ago"
                continue
            short = _short_ids({row[at] for row in rows if row[at]})
            for row in rows:
                row[at] = short.get(row[at], row[at])

    def write(self, file: BinaryIO, form: str) -> int:
        """Write the rows to ``file`` as csv, ndjson, json (an array), parquet or arrow; return their number."""
        if form in ("parquet", "arrow"):
            from ..tables.arrow import write_batches, write_rows

            if self.batches is not None:
                return write_batches(file, form, self.batches[1], self.batches[0])
            return write_rows(file, form, self.columns, self.rows)
        number = count()  # of the next row
        table = replace(self, rows=(row for row, _ in zip(self.rows, number)))
        if form == "json":
            with as_array(file) as array:
                array.writelines(table.json_lines())
        else:
            file.writelines(table.csv_lines() if form == "csv" else table.json_lines())
        return next(number)

    def _records(self) -> Iterator[list[dict[str, Any]]]:
        fields = [(name, column.type) for name, column in zip(unique(self.names), self.columns)]
        for rows in row_chunks(self.rows, _TOGETHER):
            yield [_record(fields, row) for row in rows]

    def _texts(self, most: int, human: bool | None = None) -> Iterator[list[list[str]]]:
        """Yield the cells of at most ``most`` rows at once: ``human``, with units, or not, or (None) for programs."""
        types = [column.type for column in self.columns]
        for rows in row_chunks(self.rows, most):
            yield [[field_text(_cell_text(value, type, human)) for value, type in zip(row, types)] for row in rows]


def _cell_text(value: Any, type: str, human: bool | None) -> str:
    if human is None or type not in ("size", "growth"):
        return cell_text(value, type)
    found = cell(value, type)
    return "" if found is None else "+" * (type == "growth" and found >= 0) + amount(found, human)


def _record(fields: Sequence[tuple[str, str]], row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for (name, type), value in zip(fields, row):
        found = cell(value, type)
        if isinstance(found, bytes):
            record |= field_of(name, found)
        elif isinstance(found, str) and len(found) > LARGE:
            record[name] = Sliced(found, "text")
        else:
            record[name] = cell_text(found, type) or None if type == "time" else found
    return record


def table_of(records: Iterable[dict[str, Any]]) -> Table:
    """Return records, which are read twice, as a table of all their fields, of the types that their values have."""
    kinds: dict[str, set[type]] = {}
    for record in records:
        for name, value in record.items():
            kinds.setdefault(name, set()).add(type(value))
    rows = Again(lambda: ([record.get(name) for name in kinds] for record in records))
    return Table([Column(name, _type(found)) for name, found in kinds.items()], rows)


def _type(kinds: set[type]) -> str:
    """Return the type of a column whose values are of these."""
    kinds = kinds - {type(None)}
    if kinds & {list, dict}:
        return "json"
    only = kinds.pop() if len(kinds) == 1 else str
    return {int: "integer", bool: "boolean", float: "number"}.get(only, "text")


def unique(names: Sequence[str]) -> list[str]:
    """Return ``names`` with a number after each that was there before: they become the keys of objects."""
    found: list[str] = []
    for name in names:
        other, number = name, 1
        while other in found:
            number += 1
            other = f"{name}_{number}"
        found.append(other)
    return found


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if "\r" not in text.getvalue():
        return _encoded(text.getvalue())
    # csv leaves it bare
    return _encoded("".join([",".join(["".join(_quoted(text, "text")) for text in row]) + "\n" for row in rows]))


def _quoted(value: Any, type: str) -> Iterator[str]:
    """Yield a field of CSV in quotes, a large one in parts; an empty one has none."""
    parts: Iterable[str] = [cell_text(value, type)]
    if isinstance(value, (bytes, str)) and len(value) > LARGE and type in _TEXTS:
        parts = slices(cell(value, type), "hex" if type == "hex" else "cell")
    if parts != [""]:
        yield '"'
        yield from (part.replace('"', '""') for part in parts)
        yield '"'


# An id: a UUID, perhaps after a letter that says of what; or a digest.
_ID = re.compile(r"((?:[a-z]+-)?)([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})|(sha256:)([0-9a-f]{64})")
_SHORT, _LONG = 8, 64  # characters of an id, without what is before it


def _short_ids(texts: set[str]) -> dict[str, str]:
    """Return for each id its first characters, as many as it takes that all are different; {} if not all are ids."""
    found = {text: _ID.fullmatch(text) for text in texts}
    parts = {text: match.group(1, 2) if match[2] else match.group(3, 4) for text, match in found.items() if match}
    if len(parts) < len(texts):
        return {}
    short: dict[str, str] = {}
    for room in range(_SHORT, _LONG + 1):
        short = {text: head + body[:room] for text, (head, body) in parts.items()}
        if len(set(short.values())) == len(texts):
            break
    return short


def _is_state(column: Column) -> bool:
    return column.name == "state" or column.name.endswith("_state") or column.name == "status"


def state_style(state: str) -> str:
    """Return the style of a state by its word, which says the same."""
    word = state.lower()
    return next((style for words, style in _STATES if any(part in word for part in words)), "")


def _fitted(
    row: Sequence[str], layout: Sequence[tuple[int, int, bool]], tones: Sequence[Callable[[str], str] | None] = ()
) -> str:
    """Return a line of those cells that have a place: (index, room, whether to align at the right); ``tones`` give the
    styles of cells by their index."""
    cells = []
    for at, room, right in layout:
        text = cut(row[at], room)
        blank = " " * (room - room_of(text))
        tone = tones[at] if tones else None
        style = tone(row[at]) if tone is not None else ""
        text = f"\x1b[{style}m{text}\x1b[0m" if style and text else text
        cells.append(blank + text if right else text + blank)
    return _GAP.join(cells).rstrip()


def _record_lines(names: Sequence[str], row: Sequence[str], width: int, styled: bool) -> Iterator[bytes]:
    """Yield a line for each column, and more where its text is longer."""
    margin = max(map(room_of, names))
    room = max(width - margin - len(_GAP), _LEAST)
    for name, text in zip(names, row):
        start = name + " " * (margin - room_of(name)) + _GAP
        first, *others = folded(text, room)
        yield _styled(start, _BOLD, styled, end="") + _encoded(first + "\n")
        for other in others:
            yield _encoded(" " * len(start) + other + "\n")


def fitted(wanted: Sequence[int], room: int, *, last: bool = False) -> list[int]:
    """Return widths of columns that fit ``room``, two blanks between them; 0 for one that has no room and is left out.

    The first one, what the row is about, shrinks last, the widest first; with ``last`` the last one stays as well.
    """
    least = [min(width, room if at == 0 else _LEAST) for at, width in enumerate(wanted)]
    left = room + len(_GAP)
    widths = [0] * len(wanted)
    for at in [0, *[len(wanted) - 1] * last, *range(1, len(wanted))] if wanted else []:
        if not widths[at] and least[at] + len(_GAP) <= left:
            widths[at] = least[at]
            left -= least[at] + len(_GAP)
    while left > 0:
        narrow = [at for at, width in enumerate(widths) if 0 < width < wanted[at]]
        if not narrow:
            break
        widths[min(narrow, key=widths.__getitem__)] += 1
        left -= 1
    return widths


def _words(sentence: str, width: int) -> Iterator[bytes]:
    """Yield a sentence in lines, folded between words."""
    yield from (_encoded(f"{line}\n") for line in wrap(sentence, width, break_long_words=False))


def _styled(text: str, style: str, styled: bool, end: str = "\n") -> bytes:
    return _encoded((f"\x1b[{style}m{text}\x1b[0m" if styled else text) + end)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
