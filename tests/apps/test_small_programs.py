"""trivy-db, BuildKit, storm, bolthold, bleve, Docker, podman: shared stores against what their programs said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boltcli.apps.contract import Application, AuditOptions
from boltcli.apps.registry import recognise
from tests.apps.support import STORES, Opened, Tree, expected, make
from tests.apps.test_codecs import FULL
from tests.schema import run_json


def rows(path: Path, *words: str) -> list[dict[str, Any]]:
    status, found, err = run_json("view", path, *words)
    assert status == 0, err
    return found


def stores(prefix: str) -> list[str]:
    return sorted(path.stem for path in STORES.glob(f"{prefix}*.db"))


def program(path: Path) -> tuple[str, str, str]:
    with Opened(path) as db:
        found = recognise(db)
        assert found is not None
        return found.name, found.layout, found.certainty


def audit(path: Path) -> dict[str, list[str]]:
    with Opened(path) as db:
        found = recognise(db)
        assert found is not None
        application: Application = found.application
        done = application.audit(db, AuditOptions(0))
        assert done is not None
        json.dumps(done.answers)
        by_question: dict[str, list[str]] = {}
        for finding in done.findings:
            by_question.setdefault(finding.question, []).append(finding.subject)
        return by_question


@pytest.mark.parametrize("name", stores("trivy-db"))
def test_trivy(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    assert program(path)[0] == "trivy-db"
    assert {row["id"]: row["record"] for row in rows(path, "vulnerabilities")} == said["vulnerabilities"]
    for row in rows(path, "vulnerabilities"):
        assert row["published"] == said["vulnerabilities"][row["id"]]["PublishedDate"]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows(path, "advisories"):
        found.setdefault(row["platform"], {}).setdefault(row["package"], {})[row["id"]] = row["advisory"]
    # What the program was asked for, of what is there.
    for platform, packages in said["advisories"].items():
        for package, advisories in packages.items():
            assert found[platform][package] == advisories
    assert {
        row["platform"]: {"ID": row["id"], "Name": row["name"], "URL": row["url"]} for row in rows(path, "data_sources")
    } == said["data_sources"]
    assert audit(path) == {}


def test_trivy_faults(tmp_path: Path) -> None:
    advisory = {b"curl": {b"CVE-1": b"{}", b"CVE-2": b'{"FixedVersion":"1"}'}}
    tree: Tree = {b"vulnerability": {b"CVE-1": b"{}"}, b"data-source": {b"a": b"{}"}, b"a": advisory, b"b": advisory}
    path = make(tmp_path / "trivy.db", tree)
    assert audit(path) == {"advisories_without_vulnerability": ["CVE-2"], "platforms_without_data_source": ["b"]}
    assert [row["fixed_version"] for row in rows(path, "advisories")] == [None, "1"] * 2


def test_trivy_of_red_hat(tmp_path: Path) -> None:
    """An advisory has entries, each with its version and its CVEs; the key is that of the advisory."""
    entries = {"Entries": [
        {"FixedVersion": "1-2.el8", "Affected": [1], "Cves": [{"ID": "CVE-1", "Severity": 3}, {"ID": "CVE-3"}]},
        {"FixedVersion": "1-2.el9", "Cves": [{"ID": "CVE-2"}]}, {"FixedVersion": "1-2.el8", "Cves": [{"Severity": 1}]},
    ]}  # fmt: skip
    open_ = {"Entries": [{"Affected": [2], "Cves": [{"Severity": 2}], "Status": 5}]}
    package = {b"RHSA-1": json.dumps(entries).encode(), b"CVE-1": json.dumps(open_).encode()}
    tree: Tree = {b"vulnerability": {b"CVE-1": b"{}", b"CVE-2": b"{}"}, b"data-source": {b"Red Hat": b"{}"},
                  b"Red Hat": {b"curl": package}}  # fmt: skip
    path = make(tmp_path / "trivy.db", tree)
    assert {row["id"]: row["fixed_version"] for row in rows(path, "advisories")} == {
        "RHSA-1": "1-2.el8, 1-2.el9", "CVE-1": None,
    }  # fmt: skip
    assert audit(path) == {"advisories_without_vulnerability": ["CVE-3"]}
    (platform,) = rows(path, "platforms")
    assert (platform["advisories"], platform["unfixed"]) == (2, 1)


@pytest.mark.parametrize("name", stores("buildkit-cache"))
def test_buildkit(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    assert program(path) == ("buildkit", "solver cache", "certain")
    found = sorted((row["key"], row["id"], row["created_at"]) for row in rows(path, "results"))
    assert found == sorted(
        (key, each["ID"], each["CreatedAt"]) for key, results in said["results"].items() for each in results or []
    )
    links = {(row["from"], row["to"]): row["link"] for row in rows(path, "links")}
    assert links == {(each["from"], each["to"]): each["link"] for each in said["links_added"]}
    assert audit(path) == {}


def test_buildkit_faults(tmp_path: Path) -> None:
    tree: Tree = {
        b"_result": {b"k1": {b"r1": b'{"ID":"r1"}'}, b"k5": {}},
        b"_byresult": {b"r2": {b"k1": b""}},
        b"_links": {b"k1": {b'{"Input":1}@k2': b""}},
        b"_backlinks": {b"k3": {b"k1": b""}},
    }
    assert audit(make(tmp_path / "cache.db", tree)) == {
        "results_without_record": ["k1"], "records_without_result": ["k1"], "links_without_backlink": ["k1"],
        "backlinks_without_link": ["k1"], "keys_without_result_or_link": ["k3", "k5"],
    }  # fmt: skip


@pytest.mark.parametrize("name", stores("storm-"))
def test_storm(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    assert program(path) == ("storm", f"2.0.0, {said['codec']}", "certain")
    users = [row["record"] for row in rows(path, "records", "--set", "type=User")]
    assert users == said["users"]
    assert [row["id"] for row in rows(path, "records", "--set", "type=User")] == [each["ID"] for each in users]
    (kind,) = [row for row in rows(path, "types") if row["type"] == "User"]
    assert (kind["records"], kind["codec"]) == (len(users), said["codec"])
    settings = [row for row in rows(path, "records", "--set", "type=Setting") if row["node"] == "tenant-a"]
    assert [row["record"] for row in settings] == said["tenant_a_settings"]
    if said["codec"] == "json":
        sessions = rows(path, "records", "--set", "type=sessions")
        assert {str(row["id"]): row["record"] for row in sessions} == said["sessions"]


def test_storm_gob(tmp_path: Path) -> None:
    text, number = bytes.fromhex("060c0003616263"), bytes.fromhex("050400fe0258")
    version = bytes.fromhex("080c0005322e302e30")
    tree: Tree = {
        b"__storm_db": {b"version": version, b"__storm_metadata": {b"codec": b"gob"}},
        b"Rec": {(5).to_bytes(8, "big"): FULL, b"__storm_metadata": {b"codec": b"gob", b"IDcounter": bytes(7) + b"\5"}},
        b"plain": {b"name": text, number: text},
    }
    path = make(tmp_path / "storm.db", tree)
    assert program(path) == ("storm", "2.0.0, gob", "certain")
    (record,) = rows(path, "records", "--set", "type=Rec")
    assert (record["id"], record["record"]["Name"]) == (5, "é")
    assert [row["record"] for row in rows(path, "records", "--set", "type=plain")] == ["abc", "abc"]
    (kind,) = [row for row in rows(path, "types") if row["type"] == "Rec"]
    assert kind["id_counter"] == 5


@pytest.mark.parametrize("encoder", ["gob", "json"])
def test_bolthold(encoder: str, tmp_path: Path) -> None:
    if encoder == "gob":
        one, record, value = bytes.fromhex("03040002"), FULL, bytes.fromhex("060c0003616263")
        # [][]byte{one}, as Go encodes it
        listed = bytes.fromhex("0cff91020102ff9200010a00000aff92000104") + one
        listed = bytes.fromhex("0cff91020102ff9200010a000009ff92000104") + one
    else:
        one, record, value, listed = b"1", b'{"Name":"\xc3\xa9"}', b'"abc"', b'["MQ=="]'
    path = make(tmp_path / "hold.db", {b"Item": {one: record}, b"_index:Item:Name": {value: listed}})
    assert program(path) == ("bolthold", encoder, "certain")
    (row,) = rows(path, "records")
    assert (row["type"], row["key"], row["record"]["Name"]) == ("Item", 1, "é")
    (index,) = rows(path, "indexes")
    assert (index["type"], index["field"], index["value"], index["keys"]) == ("Item", "Name", "abc", [1])
    assert rows(path, "types")[0]["indexes"] == ["Name"]


def test_bolthold_without_an_index(tmp_path: Path) -> None:
    path = make(tmp_path / "hold.db", {b"Item": {bytes.fromhex("03040002"): FULL}})
    assert program(path) == ("bolthold", "gob", "likely")
    with Opened(make(tmp_path / "no.db", {b"Item": {b"a": b"b"}})) as db:
        assert recognise(db) is None


def test_bleve(tmp_path: Path) -> None:
    path = make(
        tmp_path / "upside.db",
        {b"bleve": {
            b"v": b"\x07", b"f\0\0": b"title\xff", b"f\1\0": b"body\xff", b"d\0\0web": b"\x03", b"d\0\0api": b"\x01",
            b"bdoc1": b"\x0a\x01a", b"i_mapping": b'{"a":1}', b"t\0\0web\xffdoc1": b"\x01",
        }},
    )  # fmt: skip
    assert program(path) == ("bleve", "upside_down", "certain")
    assert rows(path, "fields") == [
        {"number": 0, "name": "title", "terms": 2}, {"number": 1, "name": "body", "terms": 0},
    ]  # fmt: skip
    assert [(row["term"], row["documents"]) for row in rows(path, "terms")] == [("api", 1), ("web", 3)]
    assert rows(path, "internal") == [{"epoch": None, "key": "_mapping", "value": {"a": 1}}]
    assert {row["type"]: row["count"] for row in rows(path, "rows")}["dictionary"] == 2
    _, found, _ = run_json("items", path, "bleve", "--prefix", "v", "--decode", "auto")
    assert [row["value_decoded"] for row in found] == [7]
    segment: Tree = {b"p": b"00000a.zap", b"stats": b"{}"}
    inner: Tree = {b"i": {b"TotBytesWritten": b"\x09" + bytes(7)}, b"m": {b"type": b"zap"}, b"\x8a": segment}
    path = make(tmp_path / "root.bolt", {b"s": {b"\x89": inner}})
    assert program(path) == ("bleve", "scorch", "certain")
    (row,) = rows(path, "segments")
    assert (row["epoch"], row["segment"], row["path"]) == (1, 2, "00000a.zap")
    assert rows(path, "internal") == [{"epoch": 1, "key": "TotBytesWritten", "value": 9}]


def test_docker(tmp_path: Path) -> None:
    index = (7).to_bytes(8, "little")
    path = make(
        tmp_path / "local-kv.db",
        {b"libnetwork": {
            b"docker/network/v1.0/network/abc/": index + b'{"id":"abc","name":"bridge","networkType":"bridge"}',
            b"docker/network/v1.0/endpoint/abc/e1/": index + b'{"id":"e1","name":"web"}',
        }},
    )  # fmt: skip
    assert program(path) == ("docker", "local-kv", "certain")
    (network,) = rows(path, "networks")
    assert (network["id"], network["name"], network["type"]) == ("abc", "bridge", "bridge")
    (endpoint,) = rows(path, "endpoints")
    assert (endpoint["id"], endpoint["network"]) == ("e1", "abc")
    assert [(row["kind"], row["index"]) for row in rows(path, "records")] == [("endpoint", 7), ("network", 7)]
    path = make(tmp_path / "metadata.db", {b"volumes": {b"v": b'{"Name":"v","Driver":"local","Labels":{"a":"b"}}'}})
    assert program(path) == ("docker", "volumes", "certain")
    assert rows(path, "volumes") == [{"name": "v", "driver": "local", "labels": {"a": "b"}, "options": None}]


def test_podman(tmp_path: Path) -> None:
    config = b'{"name":"web","rootfsImageName":"alpine","createdTime":"2024-01-02T03:04:05.5Z"}'
    path = make(
        tmp_path / "bolt_state.db",
        {
            b"id-registry": {b"c1": b"web"}, b"name-registry": {b"web": b"c1"}, b"runtime-config": {b"os": b"linux"},
            b"ctr": {
                b"c0": {b"config": b'{"name":"db"}', b"state": b'{"state":6}', b"dependencies": {b"c1": b"web"}},
                b"c1": {b"config": config, b"state": b'{"state":3,"exitCode":0}', b"dependencies": {}},
            },
            b"pod": {b"p1": {b"config": b'{"name":"pod"}', b"containers": {b"c1": b"web"}}}, b"vol": {},
        },
    )  # fmt: skip
    assert program(path) == ("podman", "libpod state", "certain")
    ended, row = rows(path, "containers")
    assert (ended["state"], ended["exit_code"], ended["dependencies"]) == ("exited", 0, [])
    assert (row["id"], row["name"], row["state"], row["created"], row["dependencies"]) == (
        "c1", "web", "running", "2024-01-02T03:04:05.5Z", ["c0"],
    )  # fmt: skip
    assert rows(path, "pods")[0]["containers"] == ["c1"]
    assert rows(path, "config") == [{"key": "os", "value": "linux"}]


@pytest.mark.parametrize("name", ["etcd", "raft-boltdb", "vault", "containerd", "trivy-db", "buildkit", "storm",
                                  "bolthold", "bleve", "docker", "podman"])  # fmt: skip
def test_views_bear_any_database(name: str) -> None:
    from tests.support import fixture

    for file in ("inline", "binary-keys", "bucket-and-key-mix", "document", "nested-8"):
        run_json("view", "--app", name, fixture(file))


def test_only_stores_that_may_be_bolthold_s_are_shown_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads records with gob, which no other file needs."""
    from boltcli.apps import bolthold

    asked: list[bool] = []
    original = bolthold.recognise

    def recognise_(db: Any) -> Any:
        asked.append(True)
        return original(db)

    monkeypatch.setattr(bolthold, "recognise", recognise_)
    for tree, wanted in (
        ({b"item": {b"a": b"b"}}, False), ({b"item": {b"a": b"b"}, b"other": {}}, False), ({}, False),
        ({b"Item": {bytes.fromhex("03040002"): FULL}}, True), ({b"item": {}, b"_index:item:Name": {}}, True),
    ):  # fmt: skip
        asked.clear()
        with Opened(make(tmp_path / "a.db", tree)) as db:
            found = recognise(db)
        (tmp_path / "a.db").unlink()
        assert bool(asked) == wanted
        assert (found is not None) == wanted


def test_an_audit_is_suggested_only_where_there_is_one(tmp_path: Path) -> None:
    from tests.support import run

    metadata: Tree = {b"v1": {b"snapshots": {b"a": {b"id": b"\1", b"kind": b"\3"}}, b"parents": {}}}
    trivy: Tree = {b"vulnerability": {b"CVE-1": b"{}"}, b"data-source": {}}
    for name, tree, wanted in (("metadata.db", metadata, False), ("trivy.db", trivy, True)):
        path = make(tmp_path / name, tree)
        with Opened(path) as db:
            found = recognise(db)
            assert found is not None
            assert found.application.has_audit(db) == wanted
            assert (found.application.audit(db, AuditOptions(0)) is not None) == wanted
        out = b"".join(run(path)[1:])
        assert b"boltcli view" in out
        assert (b"boltcli audit" in out) == wanted


def test_vault_without_an_index_says_no_number(tmp_path: Path) -> None:
    path = make(tmp_path / "vault.db", {b"data": {b"core/a": b"x", b"sys/b": b"y", b"logical/c": b"z"}, b"config": {}})
    (row,) = rows(path, "status")
    assert (row["index"], row["term"], row["paths"]) == (None, None, 3)
