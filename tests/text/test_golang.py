"""Go's formatting: expectations were printed by Go."""

from __future__ import annotations

import pytest

from boltcli.errors import ArgumentError
from boltcli.text.golang import code_point, percent, quote, quote_char
from boltcli.text.values import auto, lines, parse


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", b'""'),
        (b"abc", b'"abc"'),
        (b'a"b\\c', b'"a\\"b\\\\c"'),
        (b"\a\b\f\n\r\t\v", b'"\\a\\b\\f\\n\\r\\t\\v"'),
        (b"\x00\x1f\x7f", b'"\\x00\\x1f\\x7f"'),
        (b"\xff\xe2\x82", b'"\\xff\\xe2\\x82"'),
        ("é€😀".encode(), '"é€😀"'.encode()),
        ("\u00ad\u200b\u2028\ufeff".encode(), b'"\\u00ad\\u200b\\u2028\\ufeff"'),
        ("\U000e0001\U0010ffff".encode(), b'"\\U000e0001\\U0010ffff"'),
        (b"\xed\xa0\x80", b'"\\xed\\xa0\\x80"'),  # an encoded surrogate is not UTF-8
        ("\ufffd".encode(), '"\ufffd"'.encode()),
        ("\u00a0\u3000".encode(), b'"\\u00a0\\u3000"'),  # no space but the ASCII one is printable
    ],
)
def test_quote(data: bytes, expected: bytes) -> None:
    assert quote(data) == expected


def test_quote_char() -> None:
    assert [quote_char(char) for char in "x'\"\n\xff"] == ["'x'", "'\\''", "'\"'", "'\\n'", "'ÿ'"]


def test_code_point() -> None:
    assert code_point(0x67) == "U+0067 'g'"
    assert code_point(0x80) == "U+0080"
    assert code_point(0xFF) == "U+00FF 'ÿ'"


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, 0), (5, 0, 0), (8, 11, 72), (8991, 49152, 18), (33554428, 33554429, 100), (1, 3, 33), (2, 1, 200)],
)
def test_percent_is_float32(part: int, whole: int, expected: int) -> None:
    assert percent(part, whole) == expected


def test_auto_knows_unicode_15_whatever_python_knows() -> None:
    assert auto("\u0cf3".encode()) == "\u0cf3".encode()  # assigned in Unicode 15.0
    assert auto("\u2fff".encode()) == "\u2fff".encode().hex().encode()  # assigned in 15.1
    assert auto(b"caf\xc3\xa9 \xe2\x82\xac") == b"caf\xc3\xa9 \xe2\x82\xac"
    assert auto(b"a\n") == b"610a"
    assert auto(b"\xff") == b"ff"
    assert auto(b"") == b""


def test_lines_decide_for_each_item() -> None:
    assert lines([b"a", b"\0", b"b"], "auto") == b"a\n00\nb\n"
    assert lines([b"a\nb"], "bytes") == b"a\nb\n"
    assert lines([b"", b""], "hex") == b"\n\n"
    assert lines([b"a"], "redacted") == (
        b"<redacted len:1 sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb>\n"
    )


def test_an_unknown_format_matters_once_there_is_something_to_write() -> None:
    assert lines([], "nonsense") == b""
    with pytest.raises(ArgumentError, match=r"^formatBytes: unsupported format: nonsense$"):
        lines([b"x"], "nonsense")


def test_parse() -> None:
    assert parse(b"6B6b", "ascii-encoded") == b"6B6b"
    assert parse(b"6B6b", "hex") == b"kk"
    for bad, words in (
        (b"6", "odd length hex string"),
        (b"6g", "invalid byte: U+0067 'g'"),
        (b"x", "invalid byte: U+0078 'x'"),
    ):
        with pytest.raises(ArgumentError, match=words.replace("+", r"\+")):
            parse(bad, "hex")
    with pytest.raises(ArgumentError, match="parseBytes: unsupported format: utf8"):
        parse(b"x", "utf8")
