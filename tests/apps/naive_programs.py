"""Naive readers of the small programs' stores, as trees in memory: what views must show, from the layouts alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgpack

from tests.apps.support import Sequence, Tree

Row = dict[str, Any]


def inner(tree: Any, *path: bytes) -> Any:
    """The content of the bucket at ``path``."""
    for name in path:
        tree = tree.get(name, {})
        tree = tree.content if isinstance(tree, Sequence) else tree
    return tree


def docker_networks(tree: Tree) -> list[Row]:
    rows = []
    for key, value in sorted(inner(tree, b"libnetwork").items()):
        parts = key.decode().split("/")
        if parts[3] != "network":
            continue
        found = json.loads(value[8:]) if len(value) > 8 else None
        info = json.loads((found or {}).get("ipamV4Info", "[]"))
        data = [json.loads(each["IPAMData"]) for each in info]
        rows.append({
            "id": parts[4], "name": found and found["name"],
            "subnet": ", ".join(each["Pool"] for each in data) or None,
            "gateway": ", ".join(each["Gateway"] for each in data) or None, "record": found,
        })  # fmt: skip
    return rows


def docker_records(tree: Tree) -> list[Row]:
    return [
        {
            "kind": key.decode().split("/")[3], "id": "/".join(key.decode().split("/")[4:-1]),
            "index": int.from_bytes(value[:8], "little"), "record": json.loads(value[8:]) if value[8:] else None,
        }
        for key, value in sorted(inner(tree, b"libnetwork").items())
    ]  # fmt: skip


STATES = ["unknown", "created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping"]


def podman_containers(tree: Tree) -> list[Row]:
    containers = inner(tree, b"ctr")
    rows = []
    for id in sorted(containers):
        config, state = (json.loads(inner(containers, id)[name]) for name in (b"config", b"state"))
        named = STATES[state["state"]]
        needs = [other for other in sorted(containers) if id in inner(containers, other, b"dependencies")]
        rows.append({
            "id": id.decode(), "name": config["name"], "image": config.get("rootfsImageName"), "state": named,
            "pod": config.get("pod"), "labels": config.get("labels", {}),
            "exit_code": state.get("exitCode", 0 if named in ("stopped", "exited") else None),
            "dependencies": [other.decode() for other in needs],
        })  # fmt: skip
    return rows


def podman_volumes(tree: Tree) -> list[Row]:
    configs = [json.loads(inner(tree, b"vol", name)[b"config"]) for name in sorted(inner(tree, b"vol"))]
    return [
        {"name": each["name"], "driver": each["volumeDriver"], "mountpoint": each["mountPoint"]} for each in configs
    ]


def unvarint(data: bytes) -> tuple[int, bytes]:
    """An unsigned varint, and what is after it."""
    number = data[0] & 127
    if data[0] < 128:
        return number, data[1:]
    more, rest = unvarint(data[1:])
    return number | more << 7, rest


def snapshots(tree: Tree) -> list[Row]:
    all_of_them = inner(tree, b"v1", b"snapshots")
    ids = {name: unvarint(inner(all_of_them, name)[b"id"])[0] for name in all_of_them}
    children: dict[int, list[str]] = {}
    for key, name in sorted(inner(tree, b"v1", b"parents").items()):
        parent, rest = unvarint(key)
        assert rest[0] == 0
        assert unvarint(rest[1:]) == (ids[name], b"")
        children.setdefault(parent, []).append(name.decode())
    return [
        {
            "key": name.decode(), "id": ids[name],
            "parent": inner(all_of_them, name).get(b"parent", b"").decode() or None,
            "children": children.get(ids[name], []),
            "kind": ["", "View", "Active", "Committed"][inner(all_of_them, name)[b"kind"][0]],
        }
        for name in sorted(all_of_them)
    ]  # fmt: skip


def storm_value(data: bytes, codec: str) -> Any:
    if codec.startswith("aes"):
        return "encrypted"
    if codec == "msgpack":
        return msgpack.unpackb(data)
    return json.loads(data) if codec == "json" else f"0x{data.hex()}"


def storm_id(data: bytes) -> Any:
    return int.from_bytes(data, "big") if len(data) == 8 and data[0] < 32 else data.decode()


def storm_records(tree: Tree, path: tuple[bytes, ...] = ()) -> list[Row]:
    rows = []
    here = inner(tree, *path)
    meta = inner(here, b"__storm_metadata") if b"__storm_metadata" in here else None
    for key, value in sorted(here.items()):
        if isinstance(value, bytes):
            codec = (meta or inner(tree, b"__storm_db", b"__storm_metadata"))[b"codec"].decode()
            rows.append({
                "node": "/".join(name.decode() for name in path[:-1]) or None, "type": path[-1].decode(),
                "id": storm_id(key), "bytes": len(value), "record": storm_value(value, codec),
            })  # fmt: skip
    for key, value in sorted(here.items()):
        if not isinstance(value, bytes) and not key.startswith(b"__storm"):
            rows += storm_records(tree, (*path, key))
    return rows


def bolthold_indexes(tree: Tree) -> list[Row]:
    rows = []
    for name, content in sorted(tree.items()):
        if name.startswith(b"_index:"):
            _, type_, field = name.decode().split(":")
            for key, value in sorted(content.items()):
                keys = [json.loads(base64.b64decode(each)) for each in json.loads(value)]
                rows.append({
                    "type": type_, "field": field, "value": json.loads(key), "count": len(keys), "keys": keys,
                })  # fmt: skip
    return rows
