"""raft: a hole below the newest snapshot is normal, one above it stops the server; what the commands are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgpack
import pytest

from boltcli.apps.raft.codecs import entry
from tests.apps.encoders import put
from tests.apps.support import STORES, Tree, make
from tests.apps.test_raft import log, rows, store, u64
from tests.schema import run_json
from tests.support import error_line, run

FAULTS = STORES.parent / "faults"
needs_faults = pytest.mark.skipif(not FAULTS.exists(), reason="the shared files are not here")


def holed(path: Path, *spans: tuple[int, int]) -> Path:
    return make(path, store({n: log(n, 1) for first, last in spans for n in range(first, last + 1)}))


def snapshot(folder: Path, index: int, term: int = 2, name: str = "") -> Path:
    here = folder / "snapshots" / (name or f"{term}-{index}-1795954699664")
    here.mkdir(parents=True)
    (here / "meta.json").write_text(json.dumps({"Version": 1, "Index": index, "Term": term, "ID": here.name}))
    return here


def gaps(*words: Any) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    status, (found,), _ = run_json("audit", *words)
    return status, [
        (each["severity"], each["subject"]) for each in found["findings"] if each["question"] == "gaps"
    ], found["answers"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (20, []),
        (25, []),
        (19, [("error", "20")]),  # of the hole 11 to 20 one index is above
        (5, [("error", "11")]),
        (2, [("error", "3"), ("error", "11")]),  # the log begins at 5
        (4, [("error", "11")]),
        (30, []),
        (99, []),
    ],
)
@pytest.mark.parametrize("layout", ["beside", "given", "meta.json", "folder"])
def test_a_hole_and_the_newest_snapshot(index: int, expected: list[Any], layout: str, tmp_path: Path) -> None:
    raft = tmp_path / "raft"
    raft.mkdir()
    path = holed(raft / "raft.db", (5, 10), (21, 30))
    made = snapshot(raft if layout == "beside" else tmp_path / "elsewhere", index)
    words = {
        "beside": (tmp_path,),
        "given": ("--snapshot", index, path),
        "meta.json": ("--snapshot", made / "meta.json", path),
        "folder": ("--snapshot", made.parent, path),
    }[layout]
    status, found, answers = gaps(*words)
    assert found == expected
    assert status == bool(expected)
    assert answers["snapshot"]["index"] == index
    assert answers["gaps"] == [[11, 20]]
    assert [str(first) for first, _ in answers["gaps_above_snapshot"]] == [subject for _, subject in expected]


def test_without_a_snapshot_nothing_is_condemned(tmp_path: Path) -> None:
    path = holed(tmp_path / "raft.db", (5, 10), (21, 30), (40, 41))
    status, found, answers = gaps(path)
    assert (status, found) == (0, [("warning", "11"), ("warning", "31")])
    assert answers["snapshot"] is answers["gaps_above_snapshot"] is None
    _, out, _ = run("audit", path)
    assert b"No snapshot is known here" in out
    status, _, err = run("audit", "--snapshot", "nothing", path)
    assert status == 1
    assert b"--snapshot takes an index" in error_line(err)


def test_which_snapshot_is_the_newest(tmp_path: Path) -> None:
    path = holed(tmp_path / "raft.db", (5, 10), (21, 30))
    snapshot(tmp_path, 30, 3, "3-30-7.tmp")  # one that was not finished
    assert gaps(path)[2]["snapshot"] is None  # as in Vault's folder, which is always empty
    assert gaps(path)[1] == [("warning", "11")]
    assert gaps("--snapshot", "0", path)[1] == [("error", "1"), ("error", "11")]
    snapshot(tmp_path, 12)
    assert gaps(path)[1] == [("error", "13")]
    snapshot(tmp_path, 20, 3)
    assert gaps(path)[:2] == (0, [])
    (tmp_path / "snapshots" / "3-20-1795954699664" / "meta.json").write_text("{")  # raft passes over it, too
    assert gaps(path)[1] == [("error", "13")]
    (tmp_path / "snapshots" / "2-12-1795954699664" / "meta.json").unlink()
    assert gaps(path)[1] == [("warning", "11")]  # snapshots that say nothing


def test_vault_has_applied_what_its_store_says(tmp_path: Path) -> None:
    raft = tmp_path / "raft"
    (raft / "snapshots").mkdir(parents=True)
    holed(raft / "raft.db", (5, 10), (21, 30))
    for index, expected in ((25, []), (15, [("error", "16")])):
        indexes = put(1, 2) + put(2, index)
        make(tmp_path / "vault.db", {b"data": {b"core/x": b"1"}, b"config": {b"latest_indexes": indexes}})
        assert gaps(raft / "raft.db")[1] == expected
        (tmp_path / "vault.db").unlink()


@needs_faults
def test_the_shared_holes(tmp_path: Path) -> None:
    meta = (FAULTS / "raft-healthy-hole-after-restore.meta.json").read_bytes()
    for name, expected in (("healthy-hole-after-restore", 0), ("real-hole", 1)):
        raft = tmp_path / name / "raft"
        here = raft / "snapshots" / "2-703-1795954699664"
        here.mkdir(parents=True)
        (raft / "raft.db").write_bytes((FAULTS / f"raft-{name}.db").read_bytes())
        (here / "meta.json").write_bytes(meta)
        assert run("audit", tmp_path / name)[0] == expected
        assert run("audit", FAULTS / f"raft-{name}.db")[0] == 0


@pytest.mark.parametrize("key", [b"", b"\0", b"\xff" * 7, b"\xff" * 9, b"zz"], ids=bytes.hex)
def test_no_index_comes_from_a_malformed_key(key: bytes, tmp_path: Path) -> None:
    tree: Tree = store({1: log(1, 1), 2: log(2, 1)})
    tree[b"logs"][key or b"\0\0"] = log(9, 9)
    path = make(tmp_path / "raft.db", tree)
    (status,) = rows(path, "status")
    assert (status["first_index"], status["last_index"], status["gaps"]) == (1, 2, [])
    code, (found,), _ = run_json("audit", path)
    assert [each["question"] for each in found["findings"] if each["severity"] == "error"] == ["malformed_keys"]
    assert code == 1
    assert found["answers"]["last_index"] == 2


def typed(byte: int, **body: Any) -> bytes:
    packed: bytes = msgpack.packb(body)
    return bytes([byte]) + packed


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (typed(4, Region="global", Job={}), {"type": 4, "name": "JobRegister"}),
        (typed(47, Region="g", Services=[]), {"type": 47, "name": "ServiceRegistrationUpsert"}),
        (typed(0x32, Region="g"), {"type": 50, "name": "VarApplyState"}),
        (typed(64, Region="g"), {"type": 64, "name": "NamespaceUpsert"}),
        (typed(0x80 | 64, Region="g"), {"type": 64, "name": "NamespaceUpsert", "ignorable": True}),
        (typed(0x80 | 6, Datacenter="dc1"), {"type": 6, "name": "CoordinateBatchUpdate", "ignorable": True}),
        (typed(2, Datacenter="dc1", Op="set"), {"type": 2, "name": "KVS"}),
        (typed(0x22, Something=1), {"type": 0x22}),  # whose it is isn't known: no name
        (typed(126, Region="g"), {"type": 126}),
    ],
)
def test_types_of_commands(data: bytes, expected: dict[str, Any]) -> None:
    found = entry(u64(1), log(1, 1, data=data))["data"]
    assert {name: value for name, value in found.items() if name != "body"} == expected
    assert found["body"] == msgpack.unpackb(data[1:])


def test_the_operations_of_vault_are_shown_without_values() -> None:
    operations = [put(1, 2) + put(3, b"core/lock") + put(4, b"secret"), put(1, 1) + put(3, b"sys/x")]
    found = entry(u64(1), log(1, 1, data=b"".join(put(1, each) for each in operations)))["data"]
    assert found == {
        "operations": [{"op": "put", "key": "core/lock", "bytes": 6}, {"op": "delete", "key": "sys/x", "bytes": 0}]
    }
    unknown = put(1, put(1, 3) + put(3, b"x"))
    assert entry(u64(1), log(1, 1, data=unknown))["data"] == unknown.decode()


def test_names_by_the_program_of_the_log(tmp_path: Path) -> None:
    """One command tells whose log it is; the others have their names by it, unless two programs are told."""
    datas = [typed(4, Region="g"), typed(0x80 | 4, Region="g"), typed(35, X=1), b'{"a":1}', b"plain"]
    path = make(tmp_path / "nomad.db", store({n: log(n, 1, data=data) for n, data in enumerate(datas, 1)}))
    found = {row["first_byte"]: row for row in rows(path, "types")}
    assert {byte: (row["shown"], row["command"], row["name"], row["ignorable"]) for byte, row in found.items()} == {
        4: ("0x04", 4, "JobRegister", False),
        0x84: ("0x84", 4, "JobRegister", True),
        35: ("0x23", 35, "CSIVolumeRegister", False),
        0x7B: ("{", None, None, None),
        0x70: ("0x70", None, None, None),
    }
    _, (audited,), _ = run_json("audit", path)
    assert "LogCommand 0x23 CSIVolumeRegister" in audited["answers"]["types"]
    mixed = make(tmp_path / "m.db", store({1: log(1, 1, data=datas[0]), 2: log(2, 1, data=typed(2, Datacenter="d"))}))
    assert [row["name"] for row in rows(mixed, "types")] == [None, None]
