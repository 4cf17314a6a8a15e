"""Docker, podman, containerd's snapshotter, storm, bolthold: made-up stores and the shared ones, by naive readers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from random import Random
from typing import Any

import msgpack
import pytest

from tests.apps import naive_programs as naive
from tests.apps.encoders import put_uvarint
from tests.apps.support import STORES, Opened, Tree, make, tree_of
from tests.schema import run_json

PROGRAMS = STORES.parent / "programs"
SEEDS = range(4)


def rows(path: Path, *words: str) -> list[dict[str, Any]]:
    status, found, err = run_json("view", path, *words)
    assert status == 0, err
    return found


def agree(path: Path, view: str, wanted: list[naive.Row]) -> None:
    """Compare the columns that the naive reader knows."""
    found = rows(path, view)
    assert [{name: row[name] for name in want} for row, want in zip(found, wanted, strict=True)] == wanted


def shared(name: str) -> tuple[Path, Tree]:
    path = PROGRAMS / name
    if not path.exists():
        pytest.skip("the shared stores aren't here")
    with Opened(path) as db:
        return path, tree_of(db)


def said(name: str) -> Any:
    return json.loads((PROGRAMS / f"{name}.expect.json").read_text())


def dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# Docker


def local_kv(seed: int) -> Tree:
    random = Random(seed)
    content: Tree = {}

    def put(kind: str, record: Any) -> None:
        value = random.randrange(1 << 40).to_bytes(8, "little") + (b"" if record is None else dump(record))
        content[f"docker/network/v1.0/{kind}/".encode()] = value

    put("endpoint_count", None)
    for number in range(4):
        id = f"{random.getrandbits(64):016x}"
        pools = [
            {
                "PoolID": "p",
                "IPAMData": json.dumps({"Pool": f"10.{number}.{n}.0/24", "Gateway": f"10.{number}.{n}.1/24"}),
            }
            for n in range(random.randint(0, 2))
        ]
        put(f"network/{id}", random.choice([None, {"id": id, "name": f"n{number}", "ipamV4Info": json.dumps(pools)}]))
        put(f"endpoint/{id}/{number}", random.choice([None, {"id": str(number), "name": "web"}]))
        put(f"endpoint_count/{id}", {"Count": number})
    content[b"docker/network/v1.0/network/x/"] = bytes([123, 1, 0, 0, 0, 0, 0, 0]) + b'{"id":"x","name":"{"}'
    return {b"libnetwork": content}


@pytest.mark.parametrize("seed", SEEDS)
def test_docker(seed: int, tmp_path: Path) -> None:
    tree = local_kv(seed)
    path = make(tmp_path / "local-kv.db", tree)
    agree(path, "networks", naive.docker_networks(tree))
    agree(path, "records", naive.docker_records(tree))
    _, found, _ = run_json("items", path, "libnetwork", "--decode", "auto")
    assert [row["value_decoded"] for row in found] == [
        {"index": row["index"], "record": row["record"]} for row in naive.docker_records(tree)
    ]


@pytest.mark.parametrize("name", ["docker-28-local-kv.db", "report-moby-20398-local-kv.db"])
def test_shared_docker(name: str) -> None:
    path, tree = shared(name)
    agree(path, "networks", naive.docker_networks(tree))
    agree(path, "records", naive.docker_records(tree))


def test_shared_docker_as_docker_says() -> None:
    path, _ = shared("docker-28-local-kv.db")
    wanted = said("docker-28")
    found = {row["id"]: row for row in rows(path, "networks")}
    for network in wanted["networks"]:
        row = found[network["id"]]
        assert (row["name"], row["type"], row["scope"]) == (network["name"], network["type"], network["scope"])
        assert (row["created"], row["internal"], row["labels"] or {}) == (
            network["created"], network["internal"], network["labels"],
        )  # fmt: skip
    endpoints = {(row["network"], row["id"]): row["name"] for row in rows(path, "endpoints")}
    assert endpoints == {
        (network["id"], each["id"]): each["name"]
        for network in wanted["networks"]
        for each in network["endpoints"] or ()
    }
    volumes = {row["name"]: (row["driver"], row["labels"], row["options"]) for row in rows(
        PROGRAMS / "docker-28-volumes.db", "volumes")}  # fmt: skip
    assert volumes == {each["Name"]: (each["Driver"], each["Labels"], each["Options"]) for each in wanted["volumes"]}


# podman


def bolt_state(seed: int) -> Tree:
    random = Random(seed)
    ids = [f"{random.getrandbits(128):032x}".encode() for _ in range(6)]
    containers: Tree = {}
    for number, id in enumerate(ids):
        state = {"state": random.randrange(9)} | ({"exitCode": 137} if random.random() < 0.3 else {})
        containers[id] = {
            b"config": dump({"name": f"c{number}", "rootfsImageName": "alpine", "labels": {"n": str(number)}}),
            b"state": dump(state), b"dependencies": {},
        }  # fmt: skip
        for other in random.sample(ids[:number], min(number, random.randint(0, 2))):
            containers[other][b"dependencies"][id] = b"c"  # who depends on this one
    volumes: Tree = {
        name: {b"config": dump({"name": name.decode(), "volumeDriver": driver, "mountPoint": "/m", "labels": {}})}
        for name, driver in ((b"a", "local"), (b"b", "image"))
    }
    return {
        b"ctr": containers, b"vol": volumes, b"pod": {}, b"id-registry": dict.fromkeys(ids, b"c"),
        b"name-registry": {b"c": ids[0]}, b"runtime-config": {b"os": b"linux"},
    }  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_podman(seed: int, tmp_path: Path) -> None:
    tree = bolt_state(seed)
    path = make(tmp_path / "bolt_state.db", tree)
    agree(path, "containers", naive.podman_containers(tree))
    agree(path, "volumes", naive.podman_volumes(tree))


@pytest.mark.parametrize("name", ["podman-4.3.1.db", "report-podman-12034.db"])
def test_shared_podman(name: str) -> None:
    path, tree = shared(name)
    agree(path, "containers", naive.podman_containers(tree))
    agree(path, "volumes", naive.podman_volumes(tree))


def test_shared_podman_as_podman_says() -> None:
    path, _ = shared("podman-4.3.1.db")
    wanted = said("podman-4.3.1")
    assert {row["id"]: (row["name"], row["dependencies"], row["pod"] or "", row["state"]) for row in rows(
        path, "containers")} == {
        each["Id"]: (each["Name"], each["Dependencies"], each["Pod"], each["State"]) for each in wanted["containers"]
    }  # fmt: skip
    assert {row["name"]: (row["driver"], row["mountpoint"], row["created"], row["labels"]) for row in rows(
        path, "volumes")} == {
        each["Name"]: (each["Driver"], each["Mountpoint"], each["CreatedAt"], each["Labels"])
        for each in wanted["volumes"]
    }  # fmt: skip


# containerd's snapshotter


def metadata(seed: int) -> Tree:
    random = Random(seed)
    every: Tree = {}
    parents: Tree = {}
    names: list[tuple[bytes, int]] = []
    for id in [*random.sample(range(1, 40000), 12), 127, 128]:
        name = f"k8s.io/{id}/sha256:{id}".encode()
        every[name] = {b"id": put_uvarint(id), b"kind": bytes([random.randint(1, 3)]), b"labels": {b"size": b"1"}}
        if names and random.random() < 0.7:
            parent, parent_id = random.choice(names)
            every[name][b"parent"] = parent
            parents[put_uvarint(parent_id) + b"\0" + put_uvarint(id)] = name
        names.append((name, id))
    return {b"v1": {b"snapshots": every, b"parents": parents}}


@pytest.mark.parametrize("seed", SEEDS)
def test_snapshotter(seed: int, tmp_path: Path) -> None:
    tree = metadata(seed)
    path = make(tmp_path / "metadata.db", tree)
    wanted = naive.snapshots(tree)
    agree(path, "snapshots", wanted)
    first = wanted[0]
    _, found, _ = run_json("items", path, "v1", "snapshots", first["key"], "--decode", "auto")
    decoded = {row["key"]: row["value_decoded"] for row in found if "value_decoded" in row}
    assert decoded["id"] == first["id"]
    # A label may be called as a field is.
    _, (label,), _ = run_json("items", path, "v1", "snapshots", first["key"], "labels", "--decode", "auto")
    assert label["value_decoded"] == "1"
    by_id = {row["id"]: row["key"] for row in wanted}
    _, found, _ = run_json("items", path, "v1", "parents", "--decode", "auto")
    assert {by_id[row["key_decoded"]["id"]] for row in found} == {row["key"] for row in wanted if row["parent"]}


def test_shared_snapshotter() -> None:
    path, tree = shared("containerd-2.x-snapshotter.db")
    agree(path, "snapshots", naive.snapshots(tree))
    wanted = said("containerd-2.x")
    assert {f"{row['id']}={row['key']}" for row in rows(path, "snapshots")} == set(wanted["ids"])
    assert [(row["key"], row["kind"], row["parent"], row["created_at"]) for row in rows(path, "snapshots")] == [
        (each["Name"], each["Kind"], each.get("Parent"), each["Created"]) for each in wanted["snapshotter"]
    ]


@pytest.mark.parametrize("namespace", ["k8s.io", "moby"])
def test_shared_containerd_as_containerd_says(namespace: str) -> None:
    path, _ = shared("containerd-2.x-meta.db")
    wanted = said("containerd-2.x")[namespace]
    here = ("--where", f"namespace={namespace}")
    assert [(row["name"], row["digest"], row["media_type"], row["size"], row["created_at"], row["labels"])
            for row in rows(path, "images", *here)] == [
        (each["Name"], each["Target"]["digest"], each["Target"]["mediaType"], each["Target"]["size"],
         each["CreatedAt"], each["Labels"] or {}) for each in wanted["images"]
    ]  # fmt: skip
    assert [(row["digest"], row["size"], row["updated_at"], row["labels"]) for row in rows(path, "content", *here)] == [
        (each["Digest"], each["Size"], each["UpdatedAt"], each["Labels"] or {}) for each in wanted["content"]
    ]
    assert [(row["key"], row["parent"], row["created_at"]) for row in rows(path, "snapshots", *here)] == [
        (each["Name"], each.get("Parent"), each["Created"]) for each in wanted["snapshots"]
    ]
    assert len(rows(path, "containers", *here)) == wanted["containers"]


# storm

PACK = {"json": dump, "msgpack": msgpack.packb}


def storm(seed: int) -> Tree:
    """Types of all codecs side by side, in nodes too; what a codec can't do here is random bytes."""
    random = Random(seed)
    tree: Tree = {b"__storm_db": {b"version": dump("2.0.0"), b"__storm_metadata": {b"codec": b"json"}}}
    for codec in ("json", "msgpack", "aes-json", "sereal"):
        name = codec.title().encode()
        pack = PACK.get(codec, lambda value: random.randbytes(30) + b"\xff")
        place = tree if random.random() < 0.5 else tree.setdefault(b"node", {}).setdefault(b"sub", {})
        records = {number.to_bytes(8, "big"): pack({"ID": number, "Name": f"u{number}"}) for number in (1, 64, 200)}
        records[b"text__id"] = pack([1.5, None])
        unique = {f"u__{random.random()}".encode(): id for id in records}  # no list index, whatever is in it
        values = {id: random.choice([b"a__b", (20).to_bytes(8, "big"), pack("2025"), b"__"]) for id in records}
        place[name] = {
            **records, b"__storm_metadata": {b"codec": codec.encode(), b"IDcounter": (200).to_bytes(8, "big")},
            b"__storm_index_Name": unique,
            b"__storm_index_Age": {
                **{value + b"__" + id: id for id, value in values.items()},
                b"storm__ids": {id: value + b"__" + id for id, value in values.items()},
            },
        }  # fmt: skip
    tree[b"plain"] = {b"k": dump([1])}  # names no codec: that of the whole store
    return tree


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_storm(seed: int, tmp_path: Path) -> None:
    tree = storm(seed)
    path = make(tmp_path / "storm.db", tree)
    agree(path, "records", naive.storm_records(tree))
    # Beside the records the indexes, by the codec of their own type.
    for codec in ("json", "msgpack", "aes-json", "sereal"):
        name = codec.title().encode()
        place = () if name in tree else (b"node", b"sub")
        type_ = naive.inner(tree, *place, name)
        where = [part.decode() for part in (*place, name)]
        _, found, _ = run_json("items", path, *where, "--decode", "auto")
        wanted = [row for row in naive.storm_records(tree) if row["type"] == name.decode()]
        assert [row["value_decoded"] for row in found if "value_decoded" in row] == [row["record"] for row in wanted]
        assert [row["key_decoded"] for row in found if "value_decoded" in row] == [row["id"] for row in wanted]
        _, found, _ = run_json("items", path, *where, "__storm_index_Age", "--decode", "auto")
        entries = {key: id for key, id in type_[b"__storm_index_Age"].items() if isinstance(id, bytes)}
        rows_ = [row for row in found if "value_decoded" in row]
        for row, (key, id) in zip(rows_, sorted(entries.items()), strict=True):
            assert row["value_decoded"] == row["key_decoded"]["id"] == naive.storm_id(id)
            raw = key[: -len(id) - 2]
            if raw in (b"a__b", b"__"):
                assert row["key_decoded"]["value"] == raw.decode()
            elif len(raw) == 8:
                assert row["key_decoded"]["value"] == 20
            else:
                assert row["key_decoded"]["value"] == naive.storm_value(raw, codec)
        _, found, _ = run_json("items", path, *where, "__storm_index_Age", "storm__ids", "--decode", "auto")
        assert [row["key_decoded"] for row in found] == [row["value_decoded"]["id"] for row in found]
        _, found, _ = run_json("items", path, *where, "__storm_index_Name", "--decode", "auto")
        assert [row["key_decoded"] for row in found] == [row["key"] for row in found]
        # A page of the same pairs says the same, though the database is closed by then.
        _, pages, _ = run_json("page", path, "--all", "--decode", "auto")
        shown = [row["value_decoded"] for row in pages if row.get("key") == "text__id" and "value_decoded" in row]
        assert next(row["record"] for row in wanted if row["id"] == "text__id") in shown


@pytest.mark.parametrize("name", ["storm-msgpack", "storm-aes"])
def test_shared_storm(name: str) -> None:
    path, _ = shared(f"{name}.db")
    wanted = said(name)
    found = rows(path, "records", "--set", "type=User")
    assert [row["id"] for row in found] == [each["ID"] for each in wanted["users"]]
    sessions = rows(path, "records", "--set", "type=Session")
    assert [row["id"] for row in sessions] == [each["Token"] for each in wanted["sessions"]]
    if name == "storm-aes":
        assert {row["record"] for row in rows(path, "records")} == {"encrypted"}
        return
    assert [row["record"] for row in sessions] == wanted["sessions"]
    for row, each in zip(found, wanted["users"]):
        password = "0x" + base64.b64decode(each.pop("Password")).hex()
        assert row["record"] == each | {"Password": password}


def test_shared_storm_protobuf() -> None:
    path, _ = shared("storm-protobuf.db")
    assert [row["record"] for row in rows(path, "records")] == [
        {"1": each["id"], "2": each["name"]} for each in said("storm-protobuf")
    ]


def test_storm_takes_no_other_codec_than_its_bucket_names(tmp_path: Path) -> None:
    tree: Tree = {
        b"__storm_db": {b"version": b"x", b"__storm_metadata": {b"codec": b"sereal"}},
        b"Own": {b"k": b'{"a":1}', b"__storm_metadata": {b"codec": b"sereal"}},
        b"Json": {b"k": b'{"a":1}', b"__storm_metadata": {b"codec": b"json"}},
    }
    path = make(tmp_path / "storm.db", tree)
    assert {row["type"]: row["record"] for row in rows(path, "records")} == {"Own": '{"a":1}', "Json": {"a": 1}}


# bolthold


def test_bolthold_json(tmp_path: Path) -> None:
    random = Random(1)
    keys = [dump(key) for key in (1, 20, "a b", "MQ==", 3.5)]

    def listed(*chosen: bytes) -> bytes:
        return dump([base64.b64encode(key).decode() for key in chosen])

    tree: Tree = {
        b"Item": {key: dump({"Raw": ["MQ=="], "n": random.random()}) for key in keys},
        b"_index:Item:Kind": {dump("x"): listed(*keys[:3]), dump("y"): listed(*keys[3:]), dump(7): listed()},
    }
    path = make(tmp_path / "hold.db", tree)
    agree(path, "indexes", naive.bolthold_indexes(tree))
    _, found, _ = run_json("items", path, "_index:Item:Kind", "--decode", "auto")
    assert [row["value_decoded"] for row in found] == [row["keys"] for row in naive.bolthold_indexes(tree)]
    # A record's own list of texts is no index.
    _, found, _ = run_json("items", path, "Item", "--decode", "auto")
    assert all(row["value_decoded"]["Raw"] == ["MQ=="] for row in found)
