"""Rows as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from boltcli.render.rich_table import rich_rows
from boltcli.render.table_rows import csv_lines, json_lines, plain_table, unique

ROW = [None, True, 2**64 - 1, Decimal(5), 1.5, "a\nb", b"k", b"\xff", ["x", b"\xfe"], {"a": None}]
NAMES = ["none", "yes", "big", "decimal", "number", "text", "key", "raw", "list", "object"]


def test_json() -> None:
    (record,) = [json.loads(line) for line in b"".join(json_lines(NAMES, [ROW])).splitlines()]
    assert record == {
        "none": None, "yes": True, "big": 2**64 - 1, "decimal": 5, "number": 1.5, "text": "a\nb", "key": "k",
        "raw_hex": "ff", "list": ["x", {"hex": "fe"}], "object": {"a": None},
    }  # fmt: skip
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert b"".join(json_lines(["a", "a"], [[when, 1]])) == b'{"a":"2026-01-02T03:04:05Z","a_2":1}\n'


def test_json_of_numbers_that_64_bits_do_not_hold() -> None:
    """The sum of a column in SQL, or the nanoseconds of year 1."""
    numbers = [2**64, -(2**63) - 1, Decimal(10**30), [{"a": 2**200}]]
    (record,) = [json.loads(line) for line in b"".join(json_lines("abcd", [numbers])).splitlines()]
    assert record == {"a": 2**64, "b": -(2**63) - 1, "c": 10**30, "d": [{"a": 2**200}]}


def test_csv() -> None:
    found = list(csv.reader(io.StringIO(b"".join(csv_lines(NAMES, [ROW])).decode())))
    assert found[0] == NAMES
    assert found[1][:8] == ["", "true", str(2**64 - 1), "5", "1.5", "a b", "6b", "ff"]


def test_plain_and_rich() -> None:
    text = b"".join(plain_table(["name", "size"], [["a", 5], ["long name", 12345]]))
    assert text == b"name        size\n---------  -----\na              5\nlong name  12345\n"
    assert b"".join(plain_table(["name"], [])) == b"name\n----\n"
    drawn = rich_rows(["name"], [[f"\x1b[31m{number}"] for number in range(1002)])
    assert b"\\x1b[31m7" in drawn
    assert b"more rows: use --json" in drawn
    assert b"\x1b" not in rich_rows(["name"], [["a"]], styled=False)


@given(st.lists(st.sampled_from(["a", "a_2", "b"]), max_size=8))
def test_names_become_unique(names: list[str]) -> None:
    assert len(set(unique(names))) == len(names)
