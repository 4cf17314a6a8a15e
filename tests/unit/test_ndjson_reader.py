"""Reading lines of JSON many at a time says what reading each says, and refuses the same lines."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.errors import ArgumentError
from boltcli.ops.read.select_items import Items
from boltcli.render import ndjson_reader
from boltcli.render.ndjson import End, parse_row, rows
from boltcli.render.ndjson_reader import parsed_lines

Row = tuple[object, ...]

BYTES = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=12).map(str.encode),
    st.sampled_from(
        [b"", b"a", b'"', b"\\", b'","value":"', b'","value_hex":"', b'{"a":"b c"}', b"\x7f", b"%b", b"\n\t"]
    ),
)


def _one_by_one(content: bytes) -> list[Row] | str:
    found: list[Row] = []
    try:
        for line in content.split(b"\n"):
            if line.strip():
                row = parse_row(line)
                assert not isinstance(row, End)
                found.append(row)
    except ArgumentError as error:
        return str(error)
    return found


def _together(content: bytes) -> list[Row] | str:
    found: list[Row] = []
    try:
        for row, _ in parsed_lines(io.BytesIO(content)):
            assert not isinstance(row, End)
            if len(row) == 3 and isinstance(row[1], list):
                found += [(row[0], key, value) for key, value in zip(row[1], row[2], strict=True)]
            else:
                found.append(row)
    except ArgumentError as error:
        return str(error).partition(": ")[2]
    return found


@given(st.lists(st.tuples(BYTES, BYTES), max_size=20), st.lists(BYTES, max_size=2), st.data())
@settings(max_examples=300, deadline=None)
def test_the_same_as_one_by_one(pairs: list[tuple[bytes, bytes]], path: list[bytes], data: st.DataObject) -> None:
    content = rows(Items(tuple(path), [key for key, _ in pairs], [value for _, value in pairs]))
    assert _one_by_one(content) == _together(content) == [(tuple(path), key, value) for key, value in pairs]
    if content:  # one byte that is another
        at = data.draw(st.integers(0, len(content) - 1))
        byte = data.draw(st.sampled_from(b'"\\{}[]:,0gx \n\t\0\xff'))
        content = content[:at] + bytes([byte]) + content[at + 1 :]
        assert _one_by_one(content) == _together(content)


def test_blocks_of_any_size_and_the_number_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    content = rows(Items((b"b",), [b"%03d" % number for number in range(50)], [b"v" * number for number in range(50)]))
    for size in (1, 7, 100, 5000):
        monkeypatch.setattr(ndjson_reader, "_BLOCK", size)
        assert _together(content) == _one_by_one(content)
        with pytest.raises(ArgumentError, match=r"^line 51: not JSON"):
            list(parsed_lines(io.BytesIO(content + b"nonsense\n")))
    monkeypatch.setattr(ndjson_reader, "_BLOCK", 7)
    monkeypatch.setattr(ndjson_reader, "_LONGEST", 60)
    with pytest.raises(ArgumentError, match=r"^line 2: it is longer than 60 bytes"):
        list(parsed_lines(io.BytesIO(b"\n" + 100 * b"x")))


def test_a_field_twice_is_refused_beside_quotes_in_strings() -> None:
    line = b'{"bucket":["b"],"key":"k","value":"{\\"a\\":\\"b \\"}"}'
    assert parse_row(line) == ((b"b",), b"k", b'{"a":"b "}')
    for twice in (b'"key":"x",', b'"key" :"x",', b'"k\\u0065y":"x",'):
        with pytest.raises(ArgumentError, match="twice"):
            parse_row(line[:1] + twice + line[1:])
