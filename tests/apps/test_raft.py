"""Raft's log: the shared files against what raft said of them, both time formats, planted faults; Vault's store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boltcli.apps.codecs.messagepack import unpack
from boltcli.apps.contract import AuditOptions
from boltcli.apps.ours import RAFT
from boltcli.apps.raft.codecs import entry
from boltcli.apps.raft.log import Entry, appended_at
from boltcli.apps.registry import recognise
from tests.apps.encoders import put, put_go_time
from tests.apps.support import STORES, Opened, Tree, expected, make
from tests.schema import run_json

NAMES = sorted(path.stem for path in STORES.glob("raft-*.db"))
SUFFRAGES = ("Voter", "Nonvoter", "Staging")


def rows(path: Path, *words: str) -> list[dict[str, Any]]:
    status, found, err = run_json("view", path, *words)
    assert status == 0, err
    return found


def hex_of(row: dict[str, Any], name: str) -> str:
    return str(row[f"{name}_hex"]) if f"{name}_hex" in row else str(row[name]).encode().hex()


@pytest.mark.skipif(not NAMES, reason="the shared stores are not here")
@pytest.mark.parametrize("name", NAMES)
def test_shared_stores(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    (status,) = rows(path, "status")
    for field in ("first_index", "last_index"):
        assert status[field] == said[field]
    fields = {"current_term": "CurrentTerm", "last_vote_term": "LastVoteTerm", "last_vote_candidate": "LastVoteCand"}
    for field, name in fields.items():
        assert status[field] == said["conf"][name]
    assert status["gaps"] == []
    logs = rows(path, "logs")
    assert [(row["index"], row["term"], row["type"], row["appended_at"]) for row in logs] == [
        (row["index"], row["term"], row["type"], None if row["appended_at"][:5] == "0001-" else row["appended_at"])
        for row in said["logs"]
    ]
    newest = None
    for row, other in zip(logs, said["logs"], strict=True):
        assert hex_of(row, "data") == other["data_hex"]
        assert hex_of(row, "extensions") == other["extensions_hex"]
        assert row["size"] == len(other["data_hex"]) // 2
        if "configuration" in other:
            newest = other["configuration"]["Servers"]
    if newest is not None:
        assert [(row["id"], row["address"], row["suffrage"]) for row in rows(path, "servers")] == [
            (each["ID"], each["Address"], SUFFRAGES[each["Suffrage"]]) for each in newest
        ]
    assert sum(row["count"] for row in rows(path, "types")) == len(logs)
    assert audit(path)[1] == {}


def log(index: int, term: int, kind: int = 0, data: bytes = b"{}", **more: Any) -> bytes:
    record = {"AppendedAt": put_go_time(10**18), "Data": data, "Extensions": None, "Index": index, "Term": term}
    packed: bytes = msgpack.packb({**record, "Type": kind, **more}, use_bin_type=False)
    return packed


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def store(logs: dict[int, bytes], term: int = 9) -> Tree:
    conf = {b"CurrentTerm": u64(term), b"LastVoteTerm": u64(term), b"LastVoteCand": b"a:1"}
    return {b"logs": {u64(index): value for index, value in logs.items()}, b"conf": conf}


def audit(path: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    with Opened(path) as db:
        found = RAFT.audit(db, AuditOptions(10**18 + 10**15))
        assert found is not None
        by_question: dict[str, list[str]] = {}
        for finding in found.findings:
            by_question.setdefault(finding.question, []).append(finding.subject)
        return found.answers, by_question


def test_planted_faults(tmp_path: Path) -> None:
    logs = {3: log(3, 4), 4: log(4, 3), 7: log(8, 5), 8: b"\xff\xff", 10: log(10, 12, 5, b"\x01")}
    answers, findings = audit(make(tmp_path / "faults.db", store(logs)))
    assert findings == {
        "gaps": ["5", "9"], "falling_terms": ["4"], "index_mismatches": ["7"], "unreadable_entries": ["8"],
        "configurations": ["10"], "current_term": ["9"],
    }  # fmt: skip
    assert answers["gaps"] == [[5, 6], [9, 9]]
    assert (answers["first_index"], answers["last_index"], answers["entries"]) == (3, 10, 5)
    (status,) = rows(tmp_path / "faults.db", "status")
    assert status["gaps"] == [[5, 6], [9, 9]]
    clean = make(tmp_path / "clean.db", store({1: log(1, 1), 2: log(2, 1)}))
    assert audit(clean)[1] == {}


@pytest.mark.parametrize(
    ("value", "expected_"),
    [
        (put_go_time(5), 5),
        (((999 << 34) | 7).to_bytes(8, "big"), 7 * 10**9 + 999),
        ((7).to_bytes(4, "big"), 7 * 10**9),
        ((3).to_bytes(4, "big") + (-1 & (1 << 64) - 1).to_bytes(8, "big"), -(10**9) + 3),
        (b"abc", None),
        (5, None),
    ],
)
def test_times(value: Any, expected_: int | None) -> None:
    assert appended_at(value) == expected_


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=40) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.binary(max_size=5), inner, max_size=20),
    max_leaves=30,
)


@pytest.mark.slow
@given(PLAIN, st.booleans())
@settings(max_examples=60, deadline=None)
def test_unpack(value: Any, new: bool) -> None:
    assert unpack(msgpack.packb(value, use_bin_type=new)) == value


@given(st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_no_error(data: bytes) -> None:
    Entry(1, data)
    entry(data[:8], data)


def test_commands_decoded() -> None:
    typed = b"\x09" + msgpack.packb({"Key": "a"})
    assert entry(u64(1), log(1, 2, data=typed))["data"] == {"type": 9, "body": {"Key": "a"}}
    assert entry(u64(1), log(1, 2, data=b'{"a":1}'))["data"] == {"a": 1}
    assert entry(u64(1), b"junk") == b"junk"


def test_vault(tmp_path: Path) -> None:
    path = make(
        tmp_path / "vault.db",
        {
            b"data": {
                b"core/keyring": b"12345", b"core/mounts": b"1", b"logical/u1/a/x": b"22", b"logical/u1/b": b"4444",
                b"logical/u2/c": b"", b"sys/policy/default": b"p",
            },
            b"config": {b"latest_indexes": put(1, 3) + put(2, 77),
                        b"latest_config": put(1, 5) + put(2, put(2, b"n1") + put(3, b"n1:8201"))},
        },
    )  # fmt: skip
    with Opened(path) as db:
        found = recognise(db)
        assert found is not None
        assert (found.name, found.certainty) == ("vault", "certain")
    assert [(row["prefix"], row["count"], row["value_bytes"]) for row in rows(path, "paths")] == [
        ("core/keyring", 1, 5), ("core/mounts", 1, 1), ("logical/u1/", 2, 6), ("logical/u2/", 1, 0),
        ("sys/policy/", 1, 1),
    ]  # fmt: skip
    assert [row["prefix"] for row in rows(path, "paths", "--set", "depth=1")] == ["core/", "logical/", "sys/"]
    assert rows(path, "status")[0]["index"] == 77
    assert rows(path, "servers") == [{"id": "n1", "address": "n1:8201", "suffrage": "Voter", "index": 5}]
