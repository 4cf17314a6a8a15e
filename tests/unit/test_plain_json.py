"""What stands in for orjson writes and reads the same."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.render import plain_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@pytest.mark.slow
@given(VALUES)
def test_writes_the_same_bytes(value: Any) -> None:
    for option in (0, orjson.OPT_APPEND_NEWLINE):
        assert plain_json.dumps(value, option=option) == orjson.dumps(value, option=option)


@given(st.lists(st.integers()))
def test_fragments_stand_as_they_are(numbers: list[int]) -> None:
    parts = [b"[1.0e5, %d]" % number for number in numbers]
    ours = plain_json.dumps({"a": [plain_json.Fragment(part) for part in parts], "b": "\0" + "0\0"})
    assert ours == orjson.dumps({"a": [orjson.Fragment(part) for part in parts], "b": "\0" + "0\0"})


@pytest.mark.parametrize("text", [b"{", b"NaN", b"\xff", b"[1,]", b""])
def test_refuses_what_is_not_json(text: bytes) -> None:
    for library in (orjson, plain_json):
        with pytest.raises(ValueError):
            library.loads(text)


@pytest.mark.slow
@given(VALUES)
def test_reads_the_same(value: Any) -> None:
    assert plain_json.loads(orjson.dumps(value)) == value
