"""containerd's metadata: the shared file against what containerd said of it, and planted faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boltcli.apps.contract import AuditOptions
from boltcli.apps.ours import CONTAINERD
from boltcli.apps.registry import recognise
from tests.apps.encoders import put_go_time, put_varint
from tests.apps.support import STORES, Opened, Tree, expected, make
from tests.schema import run_json

NAMES = sorted(path.stem for path in STORES.glob("containerd-*.db"))


def rows(path: Path, name: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of a view by namespace."""
    status, found, err = run_json("view", path, name)
    assert status == 0, err
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        by_namespace.setdefault(row["namespace"], []).append(row)
    return by_namespace


@pytest.mark.skipif(not NAMES, reason="the shared stores are not here")
@pytest.mark.parametrize("name", NAMES)
def test_shared_stores(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    views = {view: rows(path, view) for view in (view.name for view in CONTAINERD.views)}
    assert {key: found[0]["labels"] for key, found in views["namespaces"].items()} == said["namespace_labels"]
    for namespace, content in said["namespaces"].items():
        images = {row["name"]: row for row in views["images"][namespace]}
        gone = {each["Name"] for each in content["images"]} - images.keys()
        assert not [each for each in gone if each not in said["after"]]
        for each in content["images"]:
            if each["Name"] in images:
                row, target = images[each["Name"]], each["Target"]
                fields = ("digest", "mediatype", "size", "createdat", "updatedat", "labels")
                assert [row[field] for field in fields] == [
                    target["digest"], target["mediaType"], target["size"], each["CreatedAt"], each["UpdatedAt"],
                    each["Labels"] or {},
                ]  # fmt: skip
                assert row["annotations"] == target.get("annotations", {})
        for each, row in zip(content["containers"], views["containers"][namespace], strict=True):
            fields = ("id", "image", "labels", "runtime", "snapshot_key", "snapshotter")
            assert [row[field] for field in fields] == [each[field] for field in fields]
            assert (row["sandbox_id"] or "") == each.get("sandbox_id", "")
            assert (row["createdat"], row["spec_type"]) == (each["created_at"], each["spec_type_url"])
            assert row["spec"] == json.loads(each["spec_value"])
        for each, row in zip(content["content"], views["content"][namespace], strict=True):
            assert [row[field] for field in ("digest", "size", "createdat", "updatedat", "labels")] == [
                each["Digest"], each["Size"], each["CreatedAt"], each["UpdatedAt"], each["Labels"] or {},
            ]  # fmt: skip
        for each, row in zip(content["snapshots"], views["snapshots"][namespace], strict=True):
            assert [row[field] for field in ("key", "parent", "createdat", "updatedat", "labels")] == [
                each["Name"], each.get("Parent"), each["Created"], each["Updated"], each.get("Labels") or {},
            ]  # fmt: skip
        leases = {row["id"]: row for row in views["leases"][namespace]}
        for each in content["leases"]:
            row = leases[each["ID"]]
            assert (row["createdat"], row["labels"]) == (each["CreatedAt"], each["Labels"] or {})
            held = [(one["Type"], one["ID"]) for one in content["lease_resources"][each["ID"]] or []]
            assert sorted((one["type"], one["id"]) for one in row["resources"]) == sorted(held)
        assert [row["ref"] for row in views["ingests"][namespace]] == [each["Ref"] for each in content["ingests"]]
        assert [
            (row["id"], row["runtime"], row["sandboxer"], row["createdat"], row["labels"])
            for row in views["sandboxes"].get(namespace, [])
        ] == [
            (each["id"], each["runtime"], each["sandboxer"], each["created_at"], each["labels"])
            for each in content["sandboxes"] or []
        ]
    answers, findings = audit(path, 1_795_000_000 * 10**9)
    assert findings.keys() <= {"unfinished_ingests", "empty_namespaces", "expired_leases"}
    assert answers["namespaces"]["k8s.io"]["content_bytes"] == sum(
        each["Size"] for each in said["namespaces"]["k8s.io"]["content"]
    )


def audit(path: Path, now: int) -> tuple[dict[str, Any], dict[str, list[str]]]:
    with Opened(path) as db:
        found = CONTAINERD.audit(db, AuditOptions(now))
        assert found is not None
        by_question: dict[str, list[str]] = {}
        for finding in found.findings:
            by_question.setdefault(finding.question, []).append(finding.subject)
        return found.answers, by_question


def blob(size: int, **labels: str) -> Tree:
    marks = {name.encode(): value.encode() for name, value in labels.items()}
    return {b"createdat": put_go_time(0), b"size": put_varint(size), b"labels": marks}


def image(digest: bytes) -> Tree:
    return {b"target": {b"digest": digest, b"size": put_varint(5), b"mediatype": b"m"}}


def snapshot(parent: bytes, *children: bytes) -> Tree:
    return {b"name": b"n", b"parent": parent, b"children": dict.fromkeys(children, b"")}


def test_planted_faults(tmp_path: Path) -> None:
    layer = {"containerd.io/gc.ref.content.l.0": "sha256:layer"}
    tree: Tree = {
        b"v1": {
            b"version": put_varint(4),
            b"ns": {
                b"images": {b"good": image(b"sha256:a"), b"bad": image(b"sha256:none")},
                b"content": {
                    b"blob": {
                        b"sha256:a": blob(1, **layer), b"sha256:layer": blob(2), b"sha256:lost": blob(3),
                        b"sha256:leased": blob(4), b"sha256:late": blob(5),
                    },
                    b"ingests": {b"half": {b"ref": b"ns/1/half"}},
                },
                b"containers": {
                    b"c1": {b"snapshotter": b"o", b"snapshotKey": b"s1", b"sandboxid": b"p1"},
                    b"c2": {b"snapshotter": b"o", b"snapshotKey": b"s9", b"sandboxid": b"p9"},
                },
                b"sandboxes": {b"p1": {}},
                b"snapshots": {
                    b"o": {b"s1": snapshot(b"s0"), b"s0": snapshot(b"", b"s1"), b"s2": snapshot(b"s0"),
                           b"s3": snapshot(b"gone"), b"s4": snapshot(b"", b"nobody")},
                },
                b"leases": {
                    b"on": {b"createdat": put_go_time(0), b"content": {b"sha256:leased": b"", b"sha256:away": b""}},
                    b"off": {b"labels": {b"containerd.io/gc.expire": b"2020-01-01T00:00:00Z"},
                             b"content": {b"sha256:late": b""}},
                },
            },
            b"idle": {b"labels": {b"a": b"b"}},
        }
    }  # fmt: skip
    path = make(tmp_path / "meta.db", tree)
    answers, findings = audit(path, 1_700_000_000 * 10**9)
    assert findings == {
        "images_without_content": ["ns/bad"],
        "content_nobody_holds": ["ns/sha256:late", "ns/sha256:lost"],
        "containers_without_snapshot": ["ns/c2"],
        "containers_without_sandbox": ["ns/c2"],
        "snapshots_without_parent": ["ns/s3"],
        "one_sided_parents": ["ns/s2", "ns/s4"],
        "expired_leases": ["ns/off"],
        "leases_of_missing_resources": ["ns/on"],
        "unfinished_ingests": ["ns/half"],
        "empty_namespaces": ["idle"],
    }
    assert answers["namespaces"]["ns"]["content_bytes"] == 15


def test_a_snapshotter_and_others(tmp_path: Path) -> None:
    own: Tree = {
        b"v1": {
            b"snapshots": {b"k": {b"id": b"\1", b"kind": b"\3", b"size": put_varint(9), b"inodes": put_varint(2)}},
            b"parents": {},
        }
    }
    path = make(tmp_path / "metadata.db", own)
    with Opened(path) as db:
        found = recognise(db)
        assert found is not None
        assert (found.name, found.layout) == ("containerd", "snapshotter")
    (row,) = rows(path, "snapshots")[None]  # type: ignore[index]
    assert (row["key"], row["kind"], row["size"], row["inodes"]) == ("k", "Committed", 9, 2)
    with Opened(make(tmp_path / "other.db", {b"v1": {b"x": {}}})) as db:
        assert CONTAINERD.recognise(db) is None
