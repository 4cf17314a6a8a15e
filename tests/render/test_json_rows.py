"""Reading lines of JSON many at a time says what reading each says, and refuses the same lines."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.errors import ArgumentError
from boltcli.ops.read.content import Enter
from boltcli.render import json_streams as long_lines
from boltcli.render.element_lines import element_lines
from boltcli.render.json_rows import End, parse_row, parsed_rows
from boltcli.render.records import field, of_bucket
from boltcli.text.json import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boltcli.ops.read.content import Placed

Row = tuple[object, ...]


def pair(path: Sequence[bytes], key: bytes, value: bytes, form: str) -> dict[str, object]:
    return of_bucket(path) | field("key", key) | field("value", value, form)


BYTES = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=12).map(str.encode),
    st.sampled_from([
        b"", b"a", b'"', b"\\", b'","value":"', b'","value_hex":"', b'{"a":"b c"}', b"\x7f", b"%b", b"\n\t", b"\x1e",
        b"\\u001e", b"\xc3", b"\xa9",
    ]),
)  # fmt: skip


def _rows(said: Placed | End) -> list[Row]:
    assert not isinstance(said, End)
    path, event = said
    if isinstance(event, Enter):
        return [(path, event.sequence)]
    return [(path, key, value) for key, value in zip(event.keys, event.values, strict=True)]


def _lines(path: tuple[bytes, ...], pairs: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(element_lines(path, [key for key, _ in pairs], [value for _, value in pairs])) if pairs else b""


def _one_by_one(content: bytes) -> list[Row] | str:
    found: list[Row] = []
    try:
        for line in content.split(b"\n"):
            if line.strip():
                found += _rows(parse_row(line, {}))
    except ArgumentError as error:
        return str(error)
    return found


def _read(content: bytes) -> list[Row] | str:
    found: list[Row] = []
    try:
        for row, _ in parsed_rows(io.BytesIO(content)):
            found += _rows(row)
    except ArgumentError as error:
        return str(error).partition(": ")[2]
    return found


PIECES = [
    "a", "b", " ", "\x7f", "/", "é", "\u2028", "😀", '"', "\\", "\n", '\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r",
    "\\t", "\\u", "\\x", "\\u00e9", "\\u00E9", "\\u0000", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u12", "\\uffff",
    "\\u07ff", "\\u0800", "00", "fF", "g",
]  # fmt: skip
STRINGS = st.lists(
    st.sampled_from(PIECES),
    max_size=4,
).map("".join)
LINES = st.one_of(
    st.builds(
        '{{"{}":[{}],"{}":"{}","{}":"{}"}}'.format,
        st.sampled_from(["bucket", "bucket_hex"]),
        st.lists(STRINGS.map('"{}"'.format), max_size=2).map(",".join),
        st.sampled_from(["key", "key_hex", "value"]), STRINGS, st.sampled_from(["value", "value_hex"]), STRINGS,
    ),
    st.builds('{{"bucket":["{}"],"sequence":{}}}'.format, STRINGS, st.integers() | st.sampled_from(["", "01", "1.0"])),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [False, True])
@given(st.lists(LINES, min_size=1, max_size=4), st.integers(0, 40), st.sampled_from([b"", b'"', b"{", b" ", b"\xc3"]))
@settings(max_examples=400, deadline=None)
def test_strings_of_all_kinds(spoil: bool, lines: list[str], at: int, what: bytes) -> None:
    """As the parser that takes one line says it."""
    content = "\n".join(lines).encode()
    if spoil:
        content = content[:at] + what + content[at + 1 :]
    assert _read(content) == _one_by_one(content)


@pytest.mark.slow
@given(st.lists(st.tuples(BYTES, BYTES), max_size=20), st.lists(BYTES, max_size=2), st.data())
@settings(max_examples=300, deadline=None)
def test_the_same_as_one_by_one(pairs: list[tuple[bytes, bytes]], path: list[bytes], data: st.DataObject) -> None:
    content = _lines(tuple(path), pairs)
    assert content == b"".join(line(pair(path, key, value, "auto")) for key, value in pairs)
    assert _one_by_one(content) == _read(content) == [(tuple(path), key, value) for key, value in pairs]
    if content:  # one byte that is another
        at = data.draw(st.integers(0, len(content) - 1))
        byte = data.draw(st.sampled_from(b'"\\{}[]:,0gx \n\t\0\xff'))
        content = content[:at] + bytes([byte]) + content[at + 1 :]
        assert _one_by_one(content) == _read(content)


NAMES = st.binary(max_size=6) | st.text(max_size=3).map(str.encode)


@pytest.mark.slow
@given(st.lists(st.tuples(NAMES, BYTES), max_size=5), st.lists(NAMES, max_size=2), st.integers(30, 40), st.data())
@settings(max_examples=300, deadline=None)
def test_long_lines_say_the_same(
    pairs: list[tuple[bytes, bytes]], path: list[bytes], block: int, data: st.DataObject
) -> None:
    """Lines that are decoded as they come are refused where others are, and say the same."""
    records = [pair(path, key, value * 9, "auto") for key, value in pairs]
    content = b"".join(map(line, records)).decode()
    if data.draw(st.booleans()):
        content = json.dumps([json.loads(each) for each in content.split("\n")[:-1]])[1:-1].replace("}, {", "}\n{")
    if content and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(content) - 1))
        content = content[:at] + data.draw(st.sampled_from('"\\{}[]:,0gx \n\t\0')) + content[at + 1 :]
    expected = _one_by_one(content.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_lines, "BLOCK", block)
        patch.setattr(long_lines, "_LONG", 2 * block)
        found = _read(content.encode())
    assert found == expected or (isinstance(found, str) and isinstance(expected, str))


def test_blocks_of_any_size_and_the_number_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(b"%03d" % number, b"v" * number) for number in range(50)]
    content = _lines((b"b",), pairs)
    for size in (1, 7, 100, 5000):
        monkeypatch.setattr(long_lines, "BLOCK", size)
        assert _read(content) == _one_by_one(content)
        with pytest.raises(ArgumentError, match=r"^line 51: not JSON"):
            list(parsed_rows(io.BytesIO(content + b"nonsense\n")))
    monkeypatch.setattr(long_lines, "BLOCK", 36)
    monkeypatch.setattr(long_lines, "_LONG", 72)
    values = (b"\0" * 11 + b"\x80") * 9, b"", b"\0" * 9
    content = b"".join(line(pair((), b"", value, "auto")) for value in values)
    assert _read(content) == _one_by_one(content)
    monkeypatch.setattr(long_lines, "BLOCK", 7)
    monkeypatch.setattr(long_lines, "_LONG", 20)
    monkeypatch.setattr(long_lines, "LONGEST", 60)
    with pytest.raises(ArgumentError, match=r"^line 2: it is longer than 60 bytes"):
        list(parsed_rows(io.BytesIO(b"\n" + 100 * b"x")))


@pytest.mark.parametrize("names", [b'"a"', b'{"a":1}', b"null", b'["a",1]', b'[["a"]]'])
@pytest.mark.parametrize("rest", [b'"key":"k","value":"v"', b'"sequence":1'])
def test_a_bucket_is_a_list_of_names(names: bytes, rest: bytes) -> None:
    for name in (b"bucket", b"bucket_hex"):
        line = b'{"%b":%b,%b}' % (name, names, rest)
        with pytest.raises(
            ArgumentError, match=r"^line 1: (it must have either bucket|a bucket's name must be|'a' is not hex)"
        ):
            list(parsed_rows(io.BytesIO(line)))


def test_a_field_twice_is_refused_beside_quotes_in_strings() -> None:
    line = b'{"bucket":["b"],"key":"k","value":"{\\"a\\":\\"b \\"}"}'
    assert _rows(parse_row(line, {})) == [((b"b",), b"k", b'{"a":"b "}')]
    for twice in (b'"key":"x",', b'"key" :"x",', b'"k\\u0065y":"x",'):
        with pytest.raises(ArgumentError, match="twice"):
            parse_row(line[:1] + twice + line[1:], {})
        with pytest.raises(ArgumentError, match=r"^line 2: .*twice"):
            list(parsed_rows(io.BytesIO(line + b"\n" + line[:1] + twice + line[1:])))


def test_white_space_is_no_hexadecimal() -> None:
    assert _one_by_one(b'{"bucket":["b"],"key":"k","value_hex":"00\\f00"}\n') == "'00\\x0c00' is not hexadecimal"
