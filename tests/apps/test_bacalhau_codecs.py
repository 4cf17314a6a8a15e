"""Bacalhau's codecs: what they say is what the bytes are, and no bytes make them fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.apps.bacalhau.codecs import CODECS, event_key
from boltcli.apps.ours import BACALHAU
from boltcli.apps.values import JSON, NUMBER
from boltcli.text.json import load, plain_text
from boltcli.text.values import text_or_bytes
from tests.apps.support import STORES, Opened
from tests.apps.worlds import u64
from tests.support import FIXTURES

FILES = sorted([*FIXTURES.glob("bacalhau-*.db"), *STORES.glob("bacalhau-*.db")])


def pairs(store: Any, path: tuple[bytes, ...] = ()) -> Any:
    for key, value in store.range():
        if isinstance(value, bytes):
            yield path, key, value
        else:
            yield from pairs(value, (*path, key))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_pair_has_its_codec(path: Path) -> None:
    damaged = 0
    with Opened(path) as db:
        for bucket, key, value in pairs(db):
            codec = BACALHAU.codec(bucket)
            assert codec is not None, bucket
            assert codec.key is not None
            decoded = codec.key(key)
            assert isinstance(decoded, (str, int, dict)), (bucket, key)
            if isinstance(decoded, str):
                assert decoded.encode() == key
            if codec.value is None:
                assert value == b""
                continue
            found = codec.value(key, value)
            if isinstance(found, bytes):
                damaged += 1
            elif isinstance(found, dict):
                assert found == json.loads(value)
            else:
                assert u64(found) == value
    assert damaged == path.stem.endswith("jobstore-v1.4.0-damaged")


@given(key=st.binary(max_size=20), value=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_make_a_codec_fail(key: bytes, value: bytes) -> None:
    for codec in CODECS.values():
        if codec.key is not None:
            plain_text(codec.key(key))
        if codec.value is not None:
            plain_text(codec.value(key, value))


@given(st.binary(max_size=20))
def test_keys_lose_nothing(key: bytes) -> None:
    named = text_or_bytes(key)
    assert named == key or (isinstance(named, str) and named.encode() == key)
    assert NUMBER.key is not None
    numbered = NUMBER.key(key)
    assert numbered == key or u64(numbered) == key
    event = event_key(key)
    assert event == key or u64(event["seq"]) == key[:8]


@pytest.mark.slow
@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20,
))  # fmt: skip
def test_json_is_read_as_python_reads_it(value: Any) -> None:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, UnicodeEncodeError):  # infinite numbers, lone surrogates
        return
    assert JSON.value is not None
    assert JSON.value(b"", text) == json.loads(text)


@pytest.mark.parametrize("text", [b"", b"{", b"nan", b"NaN", b"Infinity", b"\xff", b'{"a":1}x', b"[" * 100_000])
def test_what_is_not_json_stays(text: bytes) -> None:
    assert load(text) == text
