"""Declared views: columns of the records at a path, and rows of functions, typed whatever the records say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.apps.contract import ANY, Column, Store
from boltcli.apps.views import (
    Item,
    Rows,
    big_endian,
    boolean,
    computed,
    integer,
    key_text,
    nested,
    pair,
    parent,
    records,
    size,
    text,
    time,
    view,
    whole_record,
)
from boltcli.apps.views import json as json_column
from boltcli.text.cells import cell
from tests.apps.support import Opened, Tree, make

JOBS: Tree = {
    b"jobs": {
        b"j-1": {b"versions": {
            (1).to_bytes(8, "big"): b'{"Name":"a","State":{"Type":"Running"},"Count":3,"Labels":{"x":"y"},"At":5}',
            (2).to_bytes(8, "big"): b'{"Name":{"odd":1},"State":"","Count":"3","At":"1970-01-01T00:00:01Z","On":true}',
            b"inner": {b"k": b"v"},
        }},
        b"j-2": {b"other": {b"k": b"{}"}},
        b"j-3": {b"versions": {b"\0": b"no JSON"}, b"spec": b"{}"},
    },
    b"things": {
        b"t": {b"name": b"thing", b"config": b'{"id":"c-1"}', b"target": {b"digest": b"sha"}},
        b"pair": b"p",
    },
}  # fmt: skip

VERSIONS = records(
    "versions", "All versions", at=(b"jobs", ANY, b"versions"),
    job=parent(1), version=big_endian, name="Name", state="State.Type", count=integer("Count"),
    labels=json_column("Labels", {}), at_time=time("At"), on=boolean("On"), bytes=size,
)  # fmt: skip


def rows_of(path: Path, tree: Tree, *, of: Any) -> list[tuple[Any, ...]]:
    with Opened(make(path, tree)) as db:
        found = list(of.rows(db))
        assert of.count(db) == len(found)
        return found


def test_records_at_a_path_are_rows(tmp_path: Path) -> None:
    assert VERSIONS.columns == (
        Column("job"), Column("version", "integer"), Column("name"), Column("state"), Column("count", "integer"),
        Column("labels", "json"), Column("at_time", "time"), Column("on", "boolean"), Column("bytes", "integer"),
    )  # fmt: skip
    assert rows_of(tmp_path / "jobs.db", JOBS, of=VERSIONS) == [
        ("j-1", 1, "a", "Running", 3, {"x": "y"}, 5, None, 75),
        ("j-1", 2, '{"odd":1}', None, None, {}, 10**9, True, 79),
        ("j-3", 0, None, None, None, {}, None, None, 7),
    ]


def test_a_record_may_be_a_bucket_or_what_a_reader_makes(tmp_path: Path) -> None:
    things = records(
        "things", "", at=(b"things",), read=nested,
        id=key_text, name="name", config="config.id", digest="target.digest", label=text("label", key_text),
    )  # fmt: skip
    assert rows_of(tmp_path / "things.db", JOBS, of=things) == [("t", "thing", "c-1", "sha", "t")]
    value = computed("text", lambda item: item.value)
    pairs = records("pairs", "", at=(b"things",), read=pair, key=key_text, value=value)
    assert rows_of(tmp_path / "pairs.db", JOBS, of=pairs) == [("pair", "p")]
    objects = records("objects", "", at=(b"things",), read=lambda key, value: Column(key.decode(), "x"), type="type")
    assert rows_of(tmp_path / "objects.db", JOBS, of=objects) == [("x",), ("x",)]


def test_a_function_s_rows_are_dicts_or_tuples(tmp_path: Path) -> None:
    @view("Two forms", "name count:integer", options={"more": "one more"})
    def forms(db: Store, more: str = "") -> Rows:
        yield {"count": 1, "name": "a"}
        yield "b", 2
        yield {"name": b"\xff"}
        if more:
            yield more, "no number"

    assert (forms.name, forms.title, forms.options) == ("forms", "Two forms", {"more": "one more"})
    assert rows_of(tmp_path / "db", {}, of=forms) == [("a", 1), ("b", 2), ("0xff", None)]
    with Opened(tmp_path / "db") as db:
        assert list(forms.rows(db, more="c"))[-1] == ("c", None)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(5, 5), ("1970-01-01T00:00:01Z", 10**9), ("soon", None), (b"soon", None), ({}, None),
     (bytes.fromhex("010000000edaefd6c70e4e1c00ffff"), 1667096519240000000)],
)  # fmt: skip
def test_times_in_any_form(value: Any, wanted: Any) -> None:
    assert cell(value, "time") == wanted


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
RIGHT = {
    "text": str, "integer": int, "number": (int, float), "boolean": bool, "bytes": bytes, "time": int,
    "json": (dict, list, str, int, float, bool),
}  # fmt: skip


@pytest.mark.slow
@given(ANYTHING)
def test_no_value_is_too_odd_for_a_column(value: Any) -> None:
    for kind, types in RIGHT.items():
        found = cell(value, kind)
        assert found is None or isinstance(found, types)  # type: ignore[arg-type]


def test_deep_values_are_no_fault() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert cell(deep, "text") is None
    assert cell((deep,), "json") is None


@pytest.mark.slow
@given(ANYTHING)
def test_no_record_is_too_odd_for_a_path(value: Any) -> None:
    item = Item((), b"", b"", {"a": value})
    for field in ("a", "a.b", "a.b.c", "a.real", "a.count", "x"):
        assert not callable(item.field(field))
    assert whole_record.get(item) == {"a": value}


def test_json_in_a_value_is_entered() -> None:
    assert Item((), b"", b"", {"a": json.dumps({"b": 1}).encode()}).field("a.b") == 1
