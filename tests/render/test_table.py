"""A table in every form: text, terminal, CSV, JSON lines. Large values are written as small ones are."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.apps.contract import Column
from boltcli.render import table as tables
from boltcli.render.table import Table, fitted, table_of, unique
from boltcli.text import cells
from boltcli.text.cells import cell, cell_text
from boltcli.text.times import ZERO
from boltcli.text.visible import cut, folded, room_of

TYPES = ("text", "integer", "number", "boolean", "bytes", "time", "json", "names", "hex", "size", "growth")
COLUMNS = [
    Column("t"), Column("i", "integer"), Column("w", "time"), Column("b", "boolean"), Column("x", "bytes"),
    Column("j", "json"), Column("f", "number"), Column("s", "size"),
]  # fmt: skip
ROWS: list[tuple[Any, ...]] = [
    ("a\tb\nc\x1b[31m", 1, 0, True, b"\xff\x00", {"k": b"\xfe", "n": [1, None]}, 1.5, 2048),
    ("", None, None, None, None, None, None, None),
    ({"x": 1}, 1 << 70, -1, False, b"text", [], 0, 5),
]


def made(form: str, columns: list[Column] = COLUMNS, rows: Any = ROWS, **options: Any) -> str:
    parts: Any = getattr(Table(columns, rows), form)(**options)
    return b"".join(parts).decode()


def test_json() -> None:
    assert [json.loads(line) for line in made("json_lines").splitlines()] == [
        {"t": "a\tb\nc\x1b[31m", "i": 1, "w": "1970-01-01T00:00:00Z", "b": True, "x_hex": "ff00",
         "j": {"k": "0xfe", "n": [1, None]}, "f": 1.5, "s": 2048},
        {"t": "", "i": None, "w": None, "b": None, "x": None, "j": None, "f": None, "s": None},
        {"t": '{"x":1}', "i": 1 << 70, "w": "1969-12-31T23:59:59.999999999Z", "b": False, "x": "text", "j": [],
         "f": 0.0, "s": 5},
    ]  # fmt: skip
    assert made("json_lines", [Column("a"), Column("a", "integer")], [["x", 1]]) == '{"a":"x","a_2":1}\n'


def test_csv_keeps_what_text_has() -> None:
    assert list(csv.reader(io.StringIO(made("csv_lines"), newline=""))) == [
        ["t", "i", "w", "b", "x", "j", "f", "s"],
        ["a\tb\nc\x1b[31m", "1", "1970-01-01T00:00:00Z", "true", "0xff00", '{"k":"0xfe","n":[1,null]}', "1.5", "2048"],
        [""] * 8,
        ['{"x":1}', str(1 << 70), "1969-12-31T23:59:59.999999999Z", "false", "text", "[]", "0.0", "5"],
    ]
    assert made("csv_lines", [Column("h", "hex")], [[b"text"]]) == "h\n74657874\n"


def test_lines_of_text() -> None:
    lines = made("tab_lines").splitlines()
    assert [len(line.split("\t")) for line in lines] == [8] * 4
    assert lines[1].startswith("a\\tb\\nc\\x1b[31m\t1\t")
    columns = [Column("name"), Column("size", "size"), Column("change", "growth")]
    rows = [("a", 5, 0), ("long name", 12345, -2048)]
    assert made("text_lines", columns, rows) == (
        "name        size  change\n---------  -----  ------\na              5      +0\nlong name  12345   -2048\n"
    )
    assert made("text_lines", columns, rows, human=True, rule=False) == (
        "name           size    change\na               5 B      +0 B\nlong name  12.1 KiB  -2.0 KiB\n"
    )
    assert made("text_lines", [Column("name")], []) == "name\n----\n"


def test_a_terminal() -> None:
    wide = made("screen_lines", width=200).splitlines()
    assert wide[0].split() == ["t", "i", "w", "b", "x", "j", "f", "s"]
    assert wide[1].endswith("1.5  2.0 KiB")
    narrow = made("screen_lines", width=60).splitlines()
    assert narrow[-1] == "no room for x, j, f, s: --json shows all"
    assert max(map(len, narrow)) <= 60
    one = b"".join(Table(COLUMNS, ROWS[:1], "all", sparse=True).screen_lines(40, styled=True)).decode().splitlines()
    assert one[:3] == ["\x1b[3mall: 1\x1b[0m", "\x1b[1mt  \x1b[0ma\\tb\\nc\\x1b[31m", "\x1b[1mi  \x1b[0m1"]
    assert len(one) == 9
    sparse = Table(COLUMNS, ROWS[1:2], "all", sparse=True)
    assert b"".join(sparse.screen_lines(80)) == b"all: 1\n\n\n"  # no column has a value


IDS = [f"0123456{number // 2}-0000-4000-8000-00000000000{number}" for number in range(4)]


def sparse(columns: list[Column], rows: list[tuple[Any, ...]], width: int = 60, **options: Any) -> list[str]:
    return b"".join(Table(columns, rows, "all", sparse=True).screen_lines(width, **options)).decode().splitlines()


def test_what_all_rows_have_stands_once() -> None:
    columns = [Column("id"), Column("site"), Column("note"), Column("empty")]
    rows: list[tuple[Any, ...]] = [(f"k{number}", "north", "x" * 50, None) for number in range(3)]
    lines = ["all: 3", "all: site north, note", "x" * 47 + "…", "id", "k0", "k1", "k2"]
    assert sparse(columns, rows) == lines
    assert sparse(columns, rows, 100)[1].split() == ["id", "site", "note"]  # there is room
    assert sparse(columns, [*rows, ("k3", "south", "y", None)])[1].split() == ["id", "site", "note"]


def test_ids_are_as_short_as_they_are_different() -> None:
    columns = [Column("id"), Column("of"), Column("note")]
    rows = [(IDS[number], f"n-{IDS[number % 2 * 2]}", f"note {number}") for number in range(4)]
    lines = sparse(columns, rows, 80)
    assert lines[2].split() == [IDS[0], "n-01234560", "note", "0"]  # 8 characters, and all, as only the last differs
    assert sparse(columns, rows, 120)[2].split()[1] == f"n-{IDS[0]}"
    digests = [(number, f"sha256:{number}" + 63 * "a", "note") for number in range(2)]
    assert [line.split()[1] for line in sparse(columns, digests)[3:]] == ["sha256:0aaaaaaa", "sha256:1aaaaaaa"]
    assert sparse(columns, [*rows, (None, "other", "")], 80)[2].split()[1][:12] == f"n-{IDS[0]}"[:12]  # not all are ids


def test_times_are_ages_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "time_ns", lambda: 400 * 86400 * 10**9)
    columns = [Column("id"), Column("note"), Column("at", "time")]
    rows: list[tuple[Any, ...]] = [("a", "x" * 50, 0), ("b", "y" * 50, 401 * 86400 * 10**9), ("c", "z", None)]
    assert [line.split()[2:] for line in sparse(columns, rows, 70)[2:]] == [
        ["400d", "ago"],
        ["1971-02-06T00:00:00Z"],
        [],
    ]
    assert sparse(columns, rows, 90)[2].split()[2] == "1970-01-01T00:00:00Z"


def test_states_have_a_colour() -> None:
    columns = [Column("name"), Column("state"), Column("wanted_state"), Column("other")]
    rows = [("a", "Running", "Completed", "Failed"), ("b", "BidRejected", "Stopped", "x"), ("c", "Odd", "", "y")]
    first, second, third = sparse(columns, rows, 80, styled=True)[2:]
    assert first.split() == ["a", "\x1b[32mRunning\x1b[0m", "\x1b[32mCompleted\x1b[0m", "Failed"]
    assert second.split() == ["b", "\x1b[31mBidRejected\x1b[0m", "\x1b[33mStopped\x1b[0m", "x"]
    assert third.split() == ["c", "Odd", "y"]


def test_a_terminal_shows_every_row() -> None:
    """The widths are those of the first rows; what is wider in a later one is cut."""
    rows = ((f"k{number}", "x" * (9 if number > 2000 else 1)) for number in range(5000))
    lines = made("screen_lines", [Column("key"), Column("value")], rows, width=80).splitlines()
    assert (len(lines), lines[1], lines[-1]) == (5001, "k0     x", "k4999  xxxx…")


def test_rows_are_read_as_they_are_written() -> None:
    def endless() -> Any:
        while True:
            yield ("x", 1)

    columns = [Column("a"), Column("b", "integer")]
    for form, options in (("json_lines", {}), ("csv_lines", {}), ("tab_lines", {}), ("text_lines", {}),
                          ("screen_lines", {"width": 80})):  # fmt: skip
        parts = getattr(Table(columns, endless()), form)(**options)
        assert len(b"".join(next(parts) for _ in range(5))) > 5


MIXED: list[Any] = [{"b": 1}, "b", b"\xff", None, 2, [], True, -1.5, 1 << 70, float("inf"), b"a", "", (1, b"x")]


@pytest.mark.parametrize("type", [*TYPES, "what a plug-in says"])
def test_any_value_in_any_column(type: str) -> None:
    """Every form has the same cell, and none raises: a text takes all, of the others what is no such value is empty."""
    rows = [(value,) for value in MIXED]
    text = [cell_text(value, type) for value in MIXED]
    found = list(csv.reader(io.StringIO(b"".join(Table([Column("c", type)], rows).csv_lines())
                                        .decode("utf-8", "surrogateescape"), newline="")))  # fmt: skip
    assert [row[0] if row else "" for row in found[1:]] == text
    for form, options in (("json_lines", {}), ("tab_lines", {}), ("text_lines", {}), ("screen_lines", {"width": 80})):
        assert b"".join(getattr(Table([Column("c", type)], rows), form)(**options))
    assert not any("'" in each for each in text)  # nothing is as Python writes it


def test_cells() -> None:
    values: list[Any] = ["a", b"a", b"\xff", {"x": [b"k"]}, True, 1, 1.5]
    assert [cell(value, "text") for value in values] == [
        "a", "a", "0xff", '{"x":["k"]}', "true", "1", "1.5",
    ]  # fmt: skip
    assert [cell(value, "integer") for value in (1, True, 2.0, 2.5, "3", [1])] == [1, 1, 2, None, None, None]
    assert [cell(value, "number") for value in (1, "x", 10**400)] == [1.0, None, None]
    assert [cell(value, "boolean") for value in (True, 0, "false")] == [True, False, None]
    assert [cell(value, "time") for value in (0, ZERO, "soon")] == [0, None, None]
    assert [cell(value, "bytes") for value in (b"\xff", "é", [1])] == [b"\xff", "é".encode(), b"[1]"]


def test_records_as_a_table() -> None:
    table = table_of([{"a": 1, "b": "x"}, {"b": [1], "c": True, "d": 1.5}, {"a": 2}, {"d": 2}])
    assert [(column.name, column.type) for column in table.columns] == [
        ("a", "integer"), ("b", "json"), ("c", "boolean"), ("d", "text"),
    ]  # fmt: skip


@given(st.lists(st.sampled_from(["a", "a_2", "b"]), max_size=8))
def test_names_become_unique(names: list[str]) -> None:
    assert len(set(unique(names))) == len(names)


@pytest.mark.slow
@given(st.text(), st.integers(1, 30))
def test_cut_and_folded(text: str, room: int) -> None:
    assert room_of(cut(text, room)) <= room
    assert "".join(folded(text, room + 1)) == text
    assert all(room_of(part) <= room + 1 for part in folded(text, room + 1))


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 150), st.booleans())
def test_columns_of_a_table_fit(wanted: list[int], room: int, last: bool) -> None:
    wanted = [width + 1 for width in wanted]
    widths = fitted(wanted, room, last=last)
    shown = [width for width in widths if width]
    assert sum(shown) + 2 * (len(shown) - 1) <= room
    assert all(0 <= width <= most for width, most in zip(widths, wanted))
    assert all(width >= min(most, 16) for width, most in list(zip(widths, wanted))[1:] if width)
    if wanted:
        assert widths[0] >= min(wanted[0], room)
    if sum(wanted) + 2 * (len(wanted) - 1) <= room:
        assert widths == wanted


DATA = st.binary(max_size=40) | st.text(max_size=40).map(str.encode)
CELLS = st.none() | st.integers(0, 1 << 60) | DATA | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.slow
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4))
def test_large_values_are_written_as_small_ones(rows: list[tuple[Any, ...]]) -> None:
    columns = [Column("a"), Column("b", "bytes"), Column("c", "hex")]

    def all_forms() -> list[Any]:
        rows_of_csv = list(csv.reader(io.StringIO(made("csv_lines", columns, rows), newline="")))
        lines = [line.split() for line in made("text_lines", columns, rows).splitlines()[2:]]
        others = [made(form, columns, rows) for form in ("json_lines", "tab_lines")]
        return [rows_of_csv, lines, others]

    whole = all_forms()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("boltcli.text.large_values._SLICE", 3)
        patch.setattr(tables, "LARGE", -1)
        patch.setattr("boltcli.render.records.LARGE", -1)
        patch.setattr(cells, "_AT_ONCE", 0)
        assert all_forms() == whole
