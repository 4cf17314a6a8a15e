"""``--decode``: what keys and values mean, in every command that shows them; bbolt's bytes without it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgpack
import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.apps.contract import Application, Codec
from boltcli.apps.decode import FORMATS, Decoder, decoder
from boltcli.apps.registry import applications
from tests.apps.encoders import put, put_go_time
from tests.apps.support import make
from tests.schema import run_json
from tests.support import error_line, fixture, run

COMPUTE = fixture("bacalhau-compute-1.4")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of no known program."""
    values = {
        b"gz": gzip.compress(b'{"a":1}'), b"json": b'{"b":[1,2]}', b"msgpack": msgpack.packb({"c": 3}),
        b"proto": put(1, b"ann") + put(2, 7), b"text": b"plain", b"time": put_go_time(10**18), b"zero": b"",
        b"\0\0\0\0\0\0\0\x05": b"\xff\xfe\xfd\x81",
    }  # fmt: skip
    return make(tmp_path_factory.mktemp("decode") / "mixed.db", {b"b": {**values, b"in": {b"x": b'"y"'}}})


EXPECTED = {
    "gz": ("gzip, json", {"a": 1}), "json": ("json", {"b": [1, 2]}), "msgpack": ("msgpack", {"c": 3}),
    "proto": ("protobuf", {"1": "ann", "2": 7}), "text": (None, "plain"), "time": ("go time", "2001-09-09T01:46:40Z"),
    "zero": (None, ""), 5: (None, "0xfffefd81"),
}  # fmt: skip


def test_guesses_are_said_to_be_guesses(mixed: Path) -> None:
    _, found, _ = run_json("items", mixed, "b", "--decode", "auto")
    pairs = [row for row in found if "sequence" not in row]
    assert {row["key_decoded"]: (row.get("value_guess"), row["value_decoded"]) for row in pairs} == EXPECTED
    assert [row["key_guess"] for row in pairs if "key_guess" in row] == ["u64 big-endian"]
    text = run("items", mixed, "b", "--decode", "auto")[1].decode().splitlines()
    assert text[:3] == ["5 (guess: u64 big-endian)\t0xfffefd81", 'gz\t{"a":1} (guess: gzip, json)', "in"]
    assert "text\tplain" in text


def test_without_it_nothing_changes(mixed: Path) -> None:
    for words in (("items", mixed, "b"), ("keys", mixed, "b"), ("get", mixed, "b", "json"), ("page", mixed, "--all"),
                  ("export", mixed)):  # fmt: skip
        for more in ((), ("--json",)):
            assert run(*words, *more) == run(*words, *more, "--decode", "off")


def test_every_command_says_the_same() -> None:
    _, rows, _ = run_json("items", COMPUTE, "execution", "--decode", "auto", "--limit", "3")
    assert len(rows) == 3
    for row in rows:
        assert row["value_decoded"] == json.loads(row["value"])
        assert "value_guess" not in row
        _, (got,), _ = run_json("get", COMPUTE, "execution", row["key"], "--decode", "auto")
        assert got["value_decoded"] == row["value_decoded"]
        text = run("get", COMPUTE, "execution", row["key"], "--decode", "auto")[1]
        assert json.loads(text) == row["value_decoded"]
    _, keys, _ = run_json("keys", COMPUTE, "execution", "--decode", "auto", "--limit", "3")
    assert [row["key_decoded"] for row in keys] == [row["key_decoded"] for row in rows]
    _, all_keys, _ = run_json("keys", COMPUTE, "execution", "--decode", "auto")
    _, plain_keys, _ = run_json("keys", COMPUTE, "execution")
    assert [row["key"] for row in all_keys] == [row["key"] for row in plain_keys]
    _, exported, _ = run_json("export", COMPUTE, "--bucket", "execution", "--decode", "auto")
    assert exported[-1]["end"] is True
    assert [row["value_decoded"] for row in exported if "key" in row][:3] == [row["value_decoded"] for row in rows]
    _, nested, _ = run_json("keys", COMPUTE, "execution-history", "--recursive", "--decode", "auto", "--limit", "4")
    assert all(row["key_decoded"] == row["key"] for row in nested if "key_decoded" in row)


def test_pages(mixed: Path) -> None:
    _, found, _ = run_json("page", mixed, "--all", "--decode", "auto")
    pairs = [row for row in found if "value_decoded" in row]
    assert {row["key_decoded"]: row["value_decoded"] for row in pairs} == {
        key: value for key, (_, value) in EXPECTED.items()
    }
    first = pairs[1]
    _, (item,), _ = run_json("page-item", mixed, str(first["page"]), str(first["index"]), "--decode", "auto")
    assert item["value_decoded"] == first["value_decoded"]
    text = run("page-item", mixed, str(first["page"]), str(first["index"]), "--decode", "auto", "--value-only")[1]
    assert text == b'{"a":1} (guess: gzip, json)\n'
    shown = run("page", mixed, str(first["page"]), "--decode", "auto")[1]
    plain = run("page", mixed, str(first["page"]))[1]
    assert shown.startswith(plain)
    assert b"\nDecoded:\n" in shown
    # The bucket's program decodes pages, too.
    _, rows, _ = run_json("page", COMPUTE, "--all", "--decode", "auto")
    assert any(isinstance(row.get("value_decoded"), dict) and "value_guess" not in row for row in rows)


def test_named_formats(mixed: Path) -> None:
    for name, key in (
        ("json", "json"),
        ("msgpack", "msgpack"),
        ("protobuf", "proto"),
        ("time", "time"),
        ("gzip", "gz"),
    ):
        _, found, _ = run_json("items", mixed, "b", "--decode", name)
        rows = {row["key_decoded"]: row for row in found if "value" in row or "value_hex" in row}
        assert rows[key]["value_decoded"] == EXPECTED[key][1]
        assert not any("value_guess" in row or "key_guess" in row for row in rows.values())
        assert rows["text"]["value_decoded"] == "plain"
    status, _, err = run("items", mixed, "b", "--decode", "nosuch")
    assert status == 1
    assert error_line(err).startswith(b"--decode nosuch: must be auto, off, or one of bacalhau, ")
    _, found, _ = run_json("items", mixed, "b", "--decode", "bacalhau")
    assert any(row.get("value_guess") == "json" for row in found)


def test_a_schema(mixed: Path, tmp_path: Path) -> None:
    files = descriptor_pb2.FileDescriptorSet()
    message = files.file.add(name="a.proto", package="a", syntax="proto3").message_type.add(name="User")
    message.field.add(name="name", number=1, type=9, label=1)
    message.field.add(name="age", number=2, type=5, label=1)
    path = tmp_path / "a.pb"
    path.write_bytes(files.SerializeToString())
    _, (found,), _ = run_json("get", mixed, "b", "proto", "--proto", str(path), "--message", "a.User")
    assert found["value_decoded"] == {"name": "ann", "age": 7}
    _, (found,), _ = run_json("get", mixed, "b", "text", "--proto", str(path), "--message", "a.User")
    assert found["value_decoded"] == "plain"
    status, _, err = run("get", mixed, "b", "proto", "--proto", str(path))
    assert (status, error_line(err)[:38]) == (1, b"--proto and --message go together: a d")


def test_what_does_not_go_together(mixed: Path, tmp_path: Path) -> None:
    status, _, err = run("export", mixed, "--format", "csv", "--decode", "auto")
    assert (status, error_line(err)) == (1, b"--decode works only for pairs as lines of JSON")


class Faulty(Application):
    """A plug-in whose codecs fail."""

    name = "faulty"

    def codec(self, path: Any) -> Codec:
        def fail(*_: bytes) -> Any:
            raise ZeroDivisionError

        return Codec(fail, fail)


@given(st.binary(max_size=60), st.binary(max_size=60))
@settings(max_examples=25, deadline=None)
def test_no_pair_is_an_error(key: bytes, value: bytes) -> None:
    """Every application and every format takes any bytes in any of its buckets."""
    for found in (*applications(), Faulty()):
        each = Decoder(found)
        paths: list[tuple[bytes, ...]] = [(b"x",), (b"v1", b"a", b"images", b"b")]
        for pattern in found.codecs:
            paths.append(tuple(name if isinstance(name, bytes) else b"any" for name in pattern))
        for path in paths:
            json.dumps([each.key(path, key).value, each.value(path, key, value).value])
    for form in FORMATS:
        named = decoder(None, form)
        assert named is not None
        json.dumps([named.key((), key).value, named.value((), key, value).value])


def test_what_is_no_text_is_shown_as_bytes(tmp_path: Path) -> None:
    """UTF-8 by chance: 32 bytes with control characters; a number with a rival."""
    chance = bytes(range(1, 33))
    path = make(tmp_path / "chance.db", {b"b": {b"hash": chance, b"text": b"a\tb\n", b"two": b"\xac\x02"}})
    _, found, _ = run_json("items", path, "b", "--decode", "auto")
    assert {row["key"]: row["value_decoded"] for row in found} == {
        "hash": f"0x{chance.hex()}", "text": "a\tb\n", "two": "0xac02",
    }  # fmt: skip
    assert not any("value_guess" in row for row in found)
