"""How the browser shows values, and where their fields lead."""

from __future__ import annotations

from typing import Any

import pytest

from boltcli.apps.contract import Column, View
from boltcli.cli.browse.keys import Row
from boltcli.cli.browse.record import shown_record
from boltcli.cli.browse.references import Reference, backwards, identity, reference, target
from boltcli.cli.browse.sidebar import Place
from boltcli.cli.browse.value import hex_text, pretty, show_value
from boltcli.errors import KeyNotFound
from tests.cli.browse.support import job, state
from tests.support import fixture


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (b"plain", "", ("text", "", "plain")),
        (b'{"a": 1}', "", ("JSON", "", {"a": 1})),
        (b'{"a": 1}', "text", ("text", "", '{"a": 1}')),
        (b"\x1b[2J", "text", ("text", "", "\\x1b[2J")),
        (b"AB\xff\x00", "hexadecimal", ("hexadecimal", "", "0000 4142 ff00           AB..")),
        (b"plain", "JSON", ("text", "not JSON", "plain")),
        (b"\xff\xfe\0", "text", ("text", "", "\\xff\\xfe\\x00")),
        ((42).to_bytes(8, "big"), "", ("decoded", "guessed: u64 big-endian", "42")),
        (b"\x82\xa1a\x01\xa1b\xc0", "decoded", ("decoded", "guessed: msgpack", {"a": 1, "b": None})),
        (b"plain", "decoded", ("text", "not decoded", "plain")),
    ],
)
def test_forms_of_a_value(value: bytes, form: str, expected: tuple[str, str, Any]) -> None:
    shown = show_value(value, form, width=37)
    assert (shown.form, shown.about, shown.text if shown.data is None else shown.data) == expected


def test_json_is_indented_and_its_parts_have_styles() -> None:
    shown = show_value(b'{"a":[1,"x"],"b":{},"c":null}', "pretty JSON")
    assert isinstance(shown.text, list)
    assert "".join(part for part, _ in shown.text) == (
        '{\n  "a": [\n    1,\n    "x"\n  ],\n  "b": {},\n  "c": null\n}'
    )  # fmt: skip
    styles = dict(shown.text)
    assert len({styles['"a"'], styles["1"], styles['"x"'], styles["null"], styles[": "]}) == 5
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert "".join(part for part, _ in pretty(deep)).count("\n") < 110


@pytest.mark.parametrize("width", [20, 37, 58, 80, 120, 200])
def test_hexadecimal_fills_the_width(width: int) -> None:
    lines = hex_text(bytes(range(256)) * 4, width).splitlines()
    assert width - 14 <= max(map(len, lines)) <= width
    size = int(lines[1][:4], 16)
    shown = "".join(line[5 : 5 + size * 5 // 2] for line in lines)
    assert bytes.fromhex(shown.replace(" ", "")) == bytes(range(256)) * 4


def test_a_large_value_is_shown_in_part() -> None:
    shown = show_value(b"x" * 100_000, size=1 << 30)
    assert isinstance(shown.text, str)
    assert (shown.form, len(shown.text)) == ("text", 65536 + len("\n(1073676288 more bytes are not shown)"))
    assert shown.text.endswith("\n(1073676288 more bytes are not shown)")
    known = state(fixture("values"))
    assert len(known.value((b"large",), b"1MiB", 1000)) == 1000
    assert len(known.value((b"large",), b"1MiB", 1 << 24)) == 1 << 20
    with pytest.raises(KeyNotFound):
        known.value((b"large",), b"none", 1)


def _view(name: str, *columns: str) -> View:
    return View(name, [Column(column) for column in columns], lambda db: iter(()))


VIEWS = [
    _view("jobs", "id", "name", "namespace"),
    _view("executions", "id", "job", "previous_execution"),
    _view("content", "namespace", "digest"),
    _view("images", "namespace", "name", "digest"),
    _view("namespaces", "namespace", "jobs"),
    _view("leases", "id"),
    _view("sandboxes", "namespace", "id"),
]


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("job", "jobs"), ("job_id", "jobs"), ("JobID", "jobs"), ("jobId", "jobs"), ("previous_execution", "executions"),
        ("PreviousExecution", "executions"), ("digest", "content"), ("namespace", "namespaces"), ("lease", "leases"),
        ("sandbox_id", "sandboxes"), ("image", "images"), ("id", None), ("name", None), ("message", None),
    ],
)  # fmt: skip
def test_names_of_fields_lead_to_views(name: str, view: str | None) -> None:
    found = target(name, VIEWS)
    assert (found.name if found else None) == view


def test_references_are_to_the_column_that_names_a_record() -> None:
    assert [identity(view).name for view in VIEWS] == ["id", "id", "digest", "name", "namespace", "id", "id"]
    assert reference("job", "j-1", VIEWS, "executions") == Reference("jobs", "id", "j-1")
    assert reference("digest", "sha256:1", VIEWS, "content") is None  # itself
    assert reference("lease", 0, VIEWS) is None
    assert reference("lease", 7, VIEWS) == Reference("leases", "id", "7")
    assert backwards(VIEWS[0], ("j-1", "x", "y"), VIEWS) == [Reference("executions", "job", "j-1")]


def test_a_pair_is_shown_as_its_view_shows_it() -> None:
    known = state(fixture("document"))
    key = b"e-42bdab56-bb27-42ca-a4c2-62aeb0f76342"
    row = Row(("", "", 1), key, 1358, page=4)
    record = shown_record(Place(path=(b"execution",)), row, "", 80, None, known, job())
    ((heading, fields),) = record.groups
    assert heading == "as view executions shows it"
    texts = {field.name: field.text for field in fields}
    assert texts["state"] == "Failed"
    assert texts["create_time"] == "2023-08-02T09:31:44.018220913Z"
    assert record.data["State"] == 8
    assert next(field for field in fields if field.name == "job").leads == Reference(
        "jobs", "id", "3f0c1f5b-90a7-4be2-a4f1-0d8f6f1a5c77"
    )
    plain = shown_record(Place(path=(b"execution",)), row, "text", 80, None, known, job())
    assert not plain.groups
    view = known.views[1]
    cells = next(iter(view.rows(known.db)))
    shown = shown_record(Place("executions"), Row(cells), "", 80, view, known, job())
    assert shown.groups[-1][0] == "referred to by"
    assert shown.groups[-1][1][-1].leads == Reference("history", "execution", key.decode())
