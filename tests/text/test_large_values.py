"""Large values that are written slice by slice are the same text as those that are written at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.errors import ArgumentError
from boltcli.render import item_lines, records
from boltcli.text import large_values as slices
from boltcli.text.values import FORMATS, formatted

DATA = (
    st.binary(max_size=40)
    | st.text(max_size=40).map(str.encode)
    | st.text("'\"\\\né\U0001f600", max_size=20).map(str.encode)
)


@pytest.fixture(autouse=True, scope="module")
def small_slices() -> Any:
    """Slices of three bytes, and every value is a large one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_SLICE", 3)
        for module in (records, item_lines):
            patch.setattr(module, "LARGE", -1)
        yield


@given(DATA, st.sampled_from(FORMATS))
def test_formats(data: bytes, form: str) -> None:
    expected = formatted([data], form)[0]
    if form not in ("u64", "time"):  # no large value is one
        assert "".join(slices.slices(data, form)).encode("utf-8", "surrogateescape") == expected
    if form == "auto":
        assert b"".join(item_lines.value_line(data, form)) == expected + b"\n"


def test_an_unknown_format() -> None:
    with pytest.raises(ArgumentError, match="unsupported format: x"):
        list(slices.slices(b"a", "x"))
    with pytest.raises(ArgumentError, match="unsupported format: x"):
        records.field("value", b"a", "x")


@given(DATA, st.sampled_from([form for form in FORMATS if form not in ("u64", "time", "json")]))
def test_json(data: bytes, form: str) -> None:
    record = {"a": 1} | records.field("value", data, form)
    written = b"".join(records.pieces([record]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LARGE", 1000)
        whole = {"a": 1} | records.field("value", data, form)
    assert written == records.line(whole) == records.line(record)
