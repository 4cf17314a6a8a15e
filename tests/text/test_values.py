"""Binary names as arguments, and the formats that bbolt doesn't have."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.cli.values import address
from boltcli.errors import ArgumentError
from boltcli.text.times import binary_time_text
from boltcli.text.values import FORMATS, auto, formatted, typed
from tests.support import error_line, fixture, run


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("plain", b"plain"),
        ("", b""),
        ("hex:", b""),
        ("hex:00fF", b"\0\xff"),
        ("u64:42", b"\0\0\0\0\0\0\0*"),
        ("u64:0xff", b"\0\0\0\0\0\0\0\xff"),
        (f"u64:{2**64 - 1}", b"\xff" * 8),
        ("u32:42", b"\0\0\0*"),
        ("str:hex:00", b"hex:00"),
        ("str:", b""),
        ("HEX:00", b"HEX:00"),
        ("hex", b"hex"),
        (os.fsdecode(b"str:\xff"), b"\xff"),
    ],
)
def test_addresses(argument: str, expected: bytes) -> None:
    assert address(argument) == expected


@pytest.mark.parametrize("argument", ["hex:0", "hex:zz", "u64:", "u64:x", "u64:-1", f"u64:{2**64}", f"u32:{2**32}"])
def test_addresses_that_are_none(argument: str) -> None:
    with pytest.raises(ArgumentError, match=rf"^{argument}: .*\(str:{argument} is the literal name\)$"):
        address(argument)


@given(st.binary())
def test_every_name_can_be_typed(name: bytes) -> None:
    assert address(typed(name)) == name


def test_binary_names_in_commands() -> None:
    path = fixture("integers")
    _, names, _ = run("buckets", path)
    for name in names.decode().split():
        _, keys, _ = run("keys", "--format", "hex", path, name)
        for key in keys.decode().split()[:20]:
            plain = run("get", "--parse-format", "hex", path, name, key)
            assert plain[0] == 0
            assert run("get", path, name, f"hex:{key}") == plain
            assert run("get", path, f"hex:{name.encode().hex()}", f"hex:{key}") == plain
            if len(key) == 16:
                assert run("get", path, f"str:{name}", f"u64:{int(key, 16)}") == plain
    status, out, err = run("keys", path, "hex:0")
    assert (status, out) == (1, b"")
    assert error_line(err).startswith(b"hex:0: ")
    assert run("stats", path, "str:") == run("stats", path)


def test_parse_format_hex_knows_no_prefix() -> None:
    _, _, err = run("get", "--parse-format", "hex", fixture("document"), "execution", "hex:00")
    assert error_line(err) == b"encoding/hex: invalid byte: U+0068 'h'"


@pytest.mark.parametrize(
    ("form", "data", "expected"),
    [
        ("json", b'{"a":[1,{}]}', b'{\n  "a": [\n    1,\n    {}\n  ]\n}'),
        ("json", b"no json", b"no json"),
        ("json", b"[" * 5000 + b"]" * 5000, None),
        ("json", b"\xff", b"ff"),
        ("base64", b"\0\xff", b"AP8="),
        ("base64", b"", b""),
        ("u64", b"\0" * 7 + b"*", b"42"),
        ("u64", b"seven..", b"seven.."),
        ("repr", b"a\0'", b'b"a\\x00\'"'),
        ("time", (1690968704018220913).to_bytes(8, "big"), b"2023-08-02T09:31:44.018220913Z"),
        ("time", bytes(8), b"1970-01-01T00:00:00Z"),
        ("time", b"\xff" * 8, b"2554-07-21T23:34:33.709551615Z"),
        ("time", b"no time", b"no time"),
        ("time", b"\1" + b"\x7f" * 14, b"01" + b"7f" * 14),
    ],
)
def test_formats(form: str, data: bytes, expected: bytes | None) -> None:
    assert formatted([data], form) == [auto(data) if expected is None else expected]


@given(st.binary(max_size=20), st.sampled_from(FORMATS[5:]))
def test_formats_take_anything(data: bytes, form: str) -> None:
    (text,) = formatted([data], form)
    assert text or not data


# As Go 1.26 writes them with time.MarshalBinary, and shows them in RFC 3339.
GO_TIMES = """\
010000000edc5c198001160771ffff 2023-08-02T09:31:44.018220913Z
01000000000000000000000000ffff 0001-01-01T00:00:00Z
01000000497786387f00000000ffff 9999-12-31T23:59:59Z
010000000edc5bfd60011607710078 2023-08-02T09:31:44.018220913+02:00
01ffffffffffffe3e0000000000078 0001-01-01T00:00:00+02:00
010000000edc5c4ab801160771ff2e 2023-08-02T09:31:44.018220913-03:30
0100000049778669b700000000ff2e 9999-12-31T23:59:59-03:30
020000000edc5c0b6f01160771003c01 2023-08-02T09:31:44.018220913+01:00
02fffffffffffff1ef00000000003c01 0001-01-01T00:00:00+01:00
"""


@pytest.mark.parametrize(("data", "text"), [line.split() for line in GO_TIMES.splitlines()])
def test_binary_time_of_go(data: str, text: str) -> None:
    assert binary_time_text(bytes.fromhex(data)) == text


@pytest.mark.parametrize("data", ["", "02" + "00" * 14, "01" + "7f" * 14, "010000000edc5c19803fffffffffff"])
def test_what_is_no_time(data: str) -> None:
    assert binary_time_text(bytes.fromhex(data)) is None
