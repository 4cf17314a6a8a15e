"""The codecs: round trips where there is an encoder, the libraries as references, and no exception on any bytes."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard
from google.protobuf import descriptor_pb2, struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.apps.codecs import compressed
from boltcli.apps.codecs.crc32c import crc32c, plain
from boltcli.apps.codecs.gob import gob
from boltcli.apps.codecs.guess import guess
from boltcli.apps.codecs.integers import i64, u64, uvarint, varint
from boltcli.apps.codecs.messagepack import messagepack
from boltcli.apps.codecs.schema import message_decoder
from boltcli.apps.codecs.wire import Message, any_message, fields, printable
from boltcli.errors import ArgumentError, OpenError
from boltcli.text.json import jsonable
from boltcli.text.times import ZERO, go_time, time_text
from tests.apps.encoders import put, put_go_time, put_uvarint, put_varint

CHEAP = settings(max_examples=60, deadline=None)
BYTES = st.binary(max_size=200)


@given(st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1))
@CHEAP
def test_varints(number: int, signed: int) -> None:
    assert uvarint(put_uvarint(number)) == (number, len(put_uvarint(number)))
    assert varint(put_varint(signed)) == signed
    assert u64(struct.pack(">Q", number)) == number
    assert i64(struct.pack(">q", signed)) == signed


@given(st.integers(ZERO, 253402300799 * 10**9))
@CHEAP
def test_go_times(moment: int) -> None:
    assert go_time(put_go_time(moment)) == moment
    assert len(put_go_time(moment)) == 15


def test_go_times_that_go_wrote() -> None:
    """12:30 on a leap day, with an offset of an hour to the west, and of an hour and 30 seconds to the east."""
    assert time_text(go_time(bytes.fromhex("010000000edd727dd800000005ffc4"))) == "2024-02-29T13:30:00.000000005Z"
    assert time_text(go_time(bytes.fromhex("020000000edd72619a00000005003c1e"))) == "2024-02-29T11:29:30.000000005Z"
    assert time_text(ZERO) == "0001-01-01T00:00:00Z"
    for wrong in (b"", b"\1" * 14, b"\3" + bytes(14), b"\1" + b"\xff" * 14, b"\1" + bytes(8) + b"\x7f" * 6):
        assert go_time(wrong) is None


@given(st.lists(BYTES))
@CHEAP
def test_crc32c(parts: list[bytes]) -> None:
    """The check value of the catalogue of CRCs; with the package and without it."""
    assert crc32c(b"123456789") == plain(b"123456789") == 0xE3069283
    assert crc32c(b"") == plain(b"") == 0
    found = wanted = 0
    for part in parts:
        found, wanted = crc32c(part, found), plain(part, wanted)
    assert found == wanted == plain(b"".join(parts))


NUMBERS = st.integers(1, 1000)
FLAT = st.lists(st.tuples(NUMBERS, st.integers(0, 2**64 - 1) | st.binary(max_size=20)), max_size=8)


@given(FLAT)
@CHEAP
def test_messages(content: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(put(number, value) for number, value in content)
    assert [(number, value) for number, _, value in fields(data)] == content
    message = Message(data)
    assert message.sound
    last = dict(content)
    for number, value in last.items():
        if isinstance(value, bytes):
            assert message.data(number) == value
            assert message.all_bytes(number)[-1] == value
        else:
            assert message.unsigned(number) == value


def test_messages_that_protobuf_wrote() -> None:
    """A message of the protobuf package, read without its schema."""
    value = struct_pb2.Struct()
    value.update({"name": "web", "ok": True, "size": 2.5})
    found = any_message(value.SerializeToString(deterministic=True))
    assert found is not None
    assert sorted(map(str, found["1"])) == sorted(
        [
            "{'1': 'name', '2': {'3': 'web'}}",
            "{'1': 'ok', '2': {'4': 1}}",
            "{'1': 'size', '2': {'2': {'fixed64': 4612811918334230528, 'double': 2.5}}}",
        ]
    )


@given(BYTES)
@CHEAP
def test_any_bytes_are_no_error(data: bytes) -> None:
    json.dumps(jsonable(any_message(data)))
    json.dumps(jsonable(guess(data)))
    Message(data).text_map(1)
    go_time(data)
    varint(data)
    for decode in (
        gob,
        messagepack,
        *(lambda data, kind=kind: compressed.unpacked(data, kind) for kind in compressed.NAMES),
    ):
        try:
            json.dumps(jsonable(decode(data)))
        except ValueError:
            pass


SIMPLE = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    SIMPLE | st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"]), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN, st.booleans())
@CHEAP
def test_messagepack(value: Any, new: bool) -> None:
    assert messagepack(msgpack.packb(value, use_bin_type=new)) == value


def test_messagepack_of_what_json_lacks() -> None:
    data = msgpack.packb({b"\xff": 1, 7: [b"\x00\xff"], "e": msgpack.ExtType(5, b"x"), "n": float("nan")})
    assert messagepack(data) == {"0xff": 1, "7": [b"\x00\xff"], "e": {"extension": 5, "data": b"x"}, "n": "nan"}
    assert messagepack(msgpack.packb(msgpack.Timestamp(1700000000, 5))) == "2023-11-14T22:13:20.000000005Z"
    with pytest.raises(ValueError):
        messagepack(msgpack.packb({}) + b"\x01")
    with pytest.raises(ValueError):
        messagepack(b"\x91" * 400 + b"\x01")


# A struct with fields of all kinds, as Go 1.26 encodes it.
FULL = bytes.fromhex(
    "ff867f0301010352656301ff8000010f0102494401040001044e616d65010c00010553696e636501ff82000104546167"
    "7301ff84000102496e01ff86000103496e7301ff8a0001015001ff860001014601080001024f6b010200010352617701"
    "0a000103416e79011000010155010600010341727201ff8c0001014401040001014d01ff8e00000010ff810501010454"
    "696d6501ff820000001eff830401010e6d61705b737472696e675d696e7401ff8400010c0104000020ff850301010549"
    "6e6e657201ff8600010201014101040001014201ff8800000016ff87020101085b5d737472696e6701ff8800010c0000"
    "1bff890201010c5b5d6d61696e2e496e6e657201ff8a0001ff86000016ff8b010101065b335d696e7401ff8c00010401"
    "0600001eff8d0401010e6d61705b696e745d737472696e6701ff8e000104010c00006cff80010d0102c3a9010f010000"
    "000edf07f92500000006ffff0101016102010105010201780179000102010200000101120001fe04400101010200ff01"
    "0a6d61696e2e496e6e6572ff860301080001f88000000000000000010302040601fc7735940001010a046669766500"
)
NIL_FIELDS = bytes.fromhex(
    "ff867f0301010352656301ff8000010f0102494401040001044e616d65010c00010553696e636501ff82000104546167"
    "7301ff84000102496e01ff86000103496e7301ff8a0001015001ff860001014601080001024f6b010200010352617701"
    "0a000103416e79011000010155010600010341727201ff8c0001014401040001014d01ff8e00000010ff810501010454"
    "696d6501ff820000001eff830401010e6d61705b737472696e675d696e7401ff8400010c0104000020ff850301010549"
    "6e6e657201ff8600010201014101040001014201ff8800000016ff87020101085b5d737472696e6701ff8800010c0000"
    "1bff890201010c5b5d6d61696e2e496e6e657201ff8a0001ff86000016ff8b010101065b335d696e7401ff8c00010401"
    "0600001eff8d0401010e6d61705b696e745d737472696e6701ff8e000104010c000013ff8005000603696e740402000a"
    "020300000000"
)


def test_gob_of_all_kinds() -> None:
    assert gob(FULL) == {
        "ID": -7, "Name": "é", "Since": "2025-01-02T03:04:05.000000006Z", "Tags": {"a": 1},
        "In": {"A": -3, "B": ["x", "y"]}, "Ins": [{"A": 1, "B": None}, {"A": 0, "B": None}], "P": {"A": 9, "B": None},
        "F": 2.5, "Ok": True, "Raw": b"\x00\xff", "Any": {"A": 4, "B": None}, "U": 1 << 63, "Arr": [1, 2, 3],
        "D": 10**9, "M": {"5": "five"},
    }  # fmt: skip
    assert gob(NIL_FIELDS) | {"Since": ""} == {
        "ID": 0, "Name": "", "Since": "", "Tags": None, "In": {"A": 0, "B": None}, "Ins": None,
        "P": {"A": 0, "B": None},
        "F": 0, "Ok": False, "Raw": None, "Any": 5, "U": 0, "Arr": [0, 0, 0], "D": 0, "M": None,
    }  # fmt: skip
    for at in range(len(FULL)):
        for wrong in (FULL[:at], FULL[:at] + b"\xff" + FULL[at + 1 :]):
            try:
                json.dumps(jsonable(gob(wrong)))
            except ValueError:
                pass


def test_gob_of_go() -> None:
    """Streams that Go's encoder writes: the one of encoding/gob's documentation, and basic values."""
    point = bytes.fromhex("1fff8103010105506f696e7401ff82000102010158010400010159010400000007ff82012c014200")
    assert gob(point) == {"X": 22, "Y": 33}
    assert gob(bytes.fromhex("1fff8103010105506f696e7401ff82000102010158010400010159010400000005ff82022c00")) == {
        "X": 0,
        "Y": 22,
    }
    assert gob(bytes.fromhex("03040006")) == 3
    assert gob(bytes.fromhex("060c0003616263")) == "abc"
    assert gob(bytes.fromhex("03020001")) is True
    assert gob(bytes.fromhex("060a000300ff41")) == b"\x00\xff\x41"
    assert gob(bytes.fromhex("050800fe3140")) == 17.0
    assert gob(bytes.fromhex("050400fe0258")) == 300
    assert gob(bytes.fromhex("060e00fef03f40")) == [1.0, 2.0]
    assert (
        gob(bytes.fromhex("10ff810501010454696d6501ff8200000013ff82000f010000000edf07f92500000006ffff"))
        == "2025-01-02T03:04:05.000000006Z"
    )
    assert gob(bytes.fromhex("16ff87020101085b5d737472696e6701ff8800010c000008ff88000201610162")) == ["a", "b"]
    assert gob(bytes.fromhex("0eff8f040102ff9000010c0102000007ff900001016b01")) == {"k": True}
    assert gob(bytes.fromhex("0cff91020102ff9200010a000009ff9200020101020203")) == [b"\1", b"\2\3"]
    for cut in range(len(point)):
        with pytest.raises(ValueError):
            gob(point[:cut])


def test_compressed() -> None:
    import cramjam

    text = b'{"a": [1, 2, 3]}' * 3
    inner = b'{"a":1}'
    for kind, data in (
        ("gzip", gzip.compress(inner)),
        ("zstd", zstandard.compress(inner)),
        ("snappy", bytes(cramjam.snappy.compress(inner))),
    ):
        assert compressed.kind_of(data) == kind
        assert compressed.unpacked(data, kind) == inner
        assert guess(data) == (f"{kind}, json", {"a": 1})
    assert compressed.unpacked(bytes(cramjam.snappy.compress_raw(text)), "snappy") == text
    assert guess(gzip.compress(b"plain text")) == ("gzip", "plain text")
    assert guess(gzip.compress(gzip.compress(inner))) == ("gzip, gzip, json", {"a": 1})


def _without_size(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(level=19).compressobj()
    return packer.compress(data) + packer.flush()


def test_zstd_without_a_size() -> None:
    """As Go's encoder writes it; what is cut short is no value."""
    data = _without_size(b"a text of a program" * 1000)
    assert zstandard.frame_content_size(data) == -1
    assert compressed.unpacked(data, "zstd") == b"a text of a program" * 1000
    for cut in (len(data) - 1, len(data) // 2, 9):
        with pytest.raises(ValueError, match="no whole frame"):
            compressed.unpacked(data[:cut], "zstd")


@pytest.mark.slow
def test_what_is_unpacked_is_bounded() -> None:
    """Whatever size the bytes claim, or if they claim none, and while they are unpacked."""
    import cramjam

    large = bytes(48 << 20)
    block = (128 << 10 << 3 | 2).to_bytes(3, "little") + b"\0"  # of zstd: one byte, 128 KiB times
    bombs = (
        ("gzip", gzip.compress(large)),
        ("zstd", zstandard.compress(large)),
        ("zstd", _without_size(large)),
        ("zstd", zstandard.MAGIC_NUMBER.to_bytes(4, "little") + b"\x00\x80" + block * 20000),
        ("snappy", bytes(cramjam.snappy.compress(large))),
        ("snappy", bytes(cramjam.snappy.compress_raw(large))),
    )
    for kind, data in bombs:
        tracemalloc.start()
        with pytest.raises(ValueError, match="too large"):
            compressed.unpacked(data, kind)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 24 << 20, kind
    most = compressed.MOST
    for kind, pack in (("gzip", gzip.compress), ("zstd", _without_size), ("snappy", cramjam.snappy.compress)):
        assert compressed.unpacked(bytes(pack(large[:most])), kind) == large[:most]
        with pytest.raises(ValueError, match="too large"):
            compressed.unpacked(bytes(pack(large[: most + 1])), kind)


def test_a_chunk_of_snappy_that_claims_too_much() -> None:
    chunk = b"\0\0\0\0" + put_uvarint(1 << 31)
    with pytest.raises(ValueError, match="no snappy"):
        compressed.unpacked(b"\xff\x06\0\0sNaPpY\0" + len(chunk).to_bytes(3, "little") + chunk, "snappy")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"plain text", None),
        (b'{"a":1}', ("json", {"a": 1})),
        (b"[1, 2]", ("json", [1, 2])),
        (b"{no json", None),
        (msgpack.packb({"a": [1, "b"]}), ("msgpack", {"a": [1, "b"]})),
        (put_go_time(1700000000 * 10**9), ("go time", "2023-11-14T22:13:20Z")),
        ((7).to_bytes(8, "big"), ("u64 big-endian", 7)),
        ((7).to_bytes(8, "little"), ("u64 little-endian", 7)),
        (b"\x00\x00\x01\x07", ("u32 big-endian", 263)),
        (put(1, b"pod") + put(2, 5) + put(3, put(1, 1)), ("protobuf", {"1": "pod", "2": 5, "3": {"1": 1}})),
        (bytes.fromhex("060c0003616263"), ("gob", "abc")),
        (b"\xff\xfe\xfd\x00\x81", None),
    ],
)
def test_guesses(data: bytes, expected: Any) -> None:
    assert guess(data) == expected


@pytest.mark.parametrize(
    ("data", "readings"),
    [
        (put_uvarint(300), None),  # also 44034 and 684 as u16
        (put_uvarint(128), None),
        (b"\x91\x05", None),  # MessagePack's [5], and a varint
        (b"\x90", None),
        (b"\x01\x00", {"u16 big-endian": 256, "u16 little-endian": 1}),
        (b"\x00\x00\x01\x00", {"u32 big-endian": 256, "u32 little-endian": 65536}),
        (struct.pack("<f", 1.0), {"u32 big-endian": 32831, "float32 little-endian": 1.0}),
        (struct.pack(">d", 2.5), {"float64 big-endian": 2.5, "u64 little-endian": 1088}),
        (struct.pack("<d", -20.0), {"u64 big-endian": 0x34C0, "float64 little-endian": -20.0}),
        (struct.pack("<d", 2.0), {"u64 big-endian": 64, "float64 little-endian": 2.0}),
        (struct.pack(">d", 3.14159), None),  # any eight bytes may be a float
        (put(1, b"a" * 40), {"protobuf": {"1": "a" * 40}, "text": "\n(" + "a" * 40}),
        (put(12, b"a" * 40), {"protobuf": {"12": "a" * 40}, "text": "b(" + "a" * 40}),
        (b"\n\nhello", None),  # no message: text
        (b"b4" * 32, None),
        (bytes(range(0x60, 0x80)) + b"\0", None),
    ],
)
def test_a_guess_with_a_rival_is_none(data: bytes, readings: dict[str, Any] | None) -> None:
    found = guess(data)
    if readings is None:
        assert found is None
    else:
        assert found is not None
        assert found[1] == readings
        assert found[0] == " or ".join(readings)


@given(st.integers(1, (1 << 48) - 1))
@CHEAP
def test_keys_are_big_endian(number: int) -> None:
    """They are sorted by their bytes, so that a counter is one, whatever else its bytes might be."""
    assert guess(number.to_bytes(8, "big"), is_key=True) == ("u64 big-endian", number)


@given(st.floats(1e-3, 1e12), st.sampled_from("<>"))
@CHEAP
def test_floats_are_no_integers(number: float, order: str) -> None:
    found = guess(struct.pack(f"{order}d", number))
    assert found is None or " or " in found[0] or found[0] in ("protobuf", "gob", "msgpack")
    if found is not None and "u64" in found[0]:
        assert number in found[1].values()


def test_a_part_that_may_be_a_message_or_text() -> None:
    inner = put(1, b"b" * 33)
    assert any_message(put(3, inner) + put(4, b"plain")) == {
        "3": {"message": {"1": "b" * 33}, "text": inner.decode()}, "4": "plain",
    }  # fmt: skip
    assert any_message(put(3, b"\n\n")) == {"3": "\n\n"}  # cut short as a message


def test_bytes_that_happen_to_be_utf_8_are_no_text() -> None:
    from random import Random

    random = Random(7)
    taken = 0
    for _ in range(400):
        data = b"".join(chr(random.randrange(*random.choice([(32, 127), (128, 2048)]))).encode() for _ in range(20))
        taken += printable(data) is not None
    assert taken <= 20
    assert printable(bytes(random.randrange(128) for _ in range(32))) is None  # control characters
    for text in (
        "plain", "naïve café", "Привет, мир", "Δt = 5µs", "日本語OSです、カタカナ", "e\u0301a", "한국어", "हिन्दी",
        "English Русский Ελληνικά עברית", "ünïcode", "🙂 ok",
    ):  # fmt: skip
        assert printable(text.encode()) == text


def test_protobuf_with_a_schema(tmp_path: Path) -> None:
    files = descriptor_pb2.FileDescriptorSet()
    file = files.file.add(name="shop.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="Cart")
    message.field.add(name="owner", number=1, type=9, label=1)
    message.field.add(name="items", number=2, type=5, label=3)
    path = tmp_path / "shop.pb"
    path.write_bytes(files.SerializeToString())
    decode = message_decoder(str(path), "shop.Cart")
    assert decode(put(1, b"ann") + put(2, 3) + put(2, 4)) == {"owner": "ann", "items": [3, 4]}
    with pytest.raises(ValueError):
        decode(b"\xff\xff")
    with pytest.raises(ArgumentError, match=r"has no message 'shop.Car'; it has shop.Cart"):
        message_decoder(str(path), "shop.Car")
    path.write_bytes(b"\xff")
    with pytest.raises(ArgumentError, match="is an incomplete descriptor set"):
        message_decoder(str(path), "shop.Cart")
    path.write_bytes(b"")
    with pytest.raises(ArgumentError, match="is not a descriptor set"):
        message_decoder(str(path), "shop.Cart")
    with pytest.raises(OpenError):
        message_decoder(str(tmp_path / "none"), "shop.Cart")


def test_a_schema_is_bounded(tmp_path: Path) -> None:
    """In size (think of /dev/zero) and depth; so are the messages."""
    path = tmp_path / "set.pb"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ArgumentError, match="more than 16 MiB"):
        message_decoder(str(path), "p.M")
    files = descriptor_pb2.FileDescriptorSet()
    kind = files.file.add(name="a.proto", package="p").message_type.add(name="M")
    kind.field.add(name="m", number=1, type="TYPE_MESSAGE", label="LABEL_OPTIONAL", type_name=".p.M")
    path.write_bytes(files.SerializeToString())
    decode = message_decoder(str(path), "p.M")
    data = b""
    for _ in range(5000):
        data = put(1, data)
    with pytest.raises(ValueError, match=r"no p\.M"):
        decode(data)
    assert decode(put(1, put(1, b""))) == {"m": {"m": {}}}
    deep = b""
    for _ in range(5000):
        deep = put(3, deep)  # a type in a type
    path.write_bytes(put(1, put(4, deep)))
    with pytest.raises(ArgumentError, match="an incomplete descriptor set"):
        message_decoder(str(path), "p.M")
