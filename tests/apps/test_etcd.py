"""etcd's store: the shared files against what etcd said of them, planted faults, and files that aren't etcd's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boltcli.apps.contract import AuditOptions
from boltcli.apps.etcd.history import history_hash
from boltcli.apps.etcd.kubernetes import place, read_object
from boltcli.apps.ours import ETCD
from boltcli.apps.registry import recognise
from boltcli.text.times import parse_time
from tests.apps.encoders import put
from tests.apps.support import STORES, Opened, Tree, expected, make
from tests.schema import run_json
from tests.support import error_line, run

NAMES = sorted(path.stem for path in STORES.glob("etcd-*.db") if path.with_suffix(".expect.json").exists())
needs_stores = pytest.mark.skipif(not NAMES, reason="the shared stores are not here")


def rows(path: Path, *words: str) -> list[dict[str, Any]]:
    status, found, err = run_json("view", path, *words)
    assert status == 0, err
    return found


def key_of(row: dict[str, Any]) -> str:
    return str(row["key_hex"]) if "key_hex" in row else str(row["key"]).encode().hex()


@needs_stores
@pytest.mark.parametrize("name", NAMES)
def test_shared_stores(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    (status,) = rows(path, "status")
    assert (status["revision"], status["compacted_revision"]) == (said["revision"], said["compacted_revision"])
    assert status["term"] == said["status"]["raftTerm"]
    assert status["consistent_index"] == said["status"]["raftAppliedIndex"]
    assert (status["storage_version"] or "") == said["status"].get("storageVersion", "")
    assert said["version"].startswith(f"v{status['version']}.")
    assert status["total_keys"] == len(said["current_keys"])
    fields = ("create_revision", "mod_revision", "version", "lease", "value_bytes")
    keys = rows(path, "keys")
    assert [(key_of(row), *(row[field] for field in fields)) for row in keys] == [
        (row["key_hex"], *(row[field] for field in fields)) for row in said["current_keys"]
    ]
    for row, other in zip(keys, said["current_keys"], strict=True):
        if "value_hex" in other:
            assert row.get("value_hex", row.get("value", "").encode().hex()) == other["value_hex"]
    events = [row for row in rows(path, "revisions") if row["revision"] > said["compacted_revision"]]
    assert [(key_of(row), row["type"], *(row[field] for field in fields)) for row in events] == [
        (row["key_hex"], row["type"], *(row.get(field, 0) for field in fields))
        for row in said["events_after_compaction"]
    ]
    leases = {row["id"]: row for row in rows(path, "leases")}
    assert len(leases) == len(said["leases"])
    for lease in said["leases"]:
        row = leases[lease["id"]]
        assert (row["id_hex"], row["granted_ttl"]) == (lease["id_hex"], lease["granted_ttl"])
        assert row["keys"] == lease["keys"]
        assert row["key_count"] == len(lease["keys"])
    members = [row for row in rows(path, "members") if not row["removed"]]
    assert [(row["id"], row["name"], row["peer_urls"], row["client_urls"]) for row in members] == [
        (row["ID"], row.get("name", ""), row.get("peerURLs"), row.get("clientURLs")) for row in said["members"]
    ]
    assert len(rows(path, "alarms")) == len(said["alarms"] or [])
    with Opened(path) as db:
        found = recognise(db)
        assert found is not None
        assert (found.name, found.certainty) == ("etcd", "certain")


@needs_stores
@pytest.mark.parametrize("name", [name for name in NAMES if "k8s" in name])
def test_kubernetes_objects(name: str) -> None:
    path, said = STORES / f"{name}.db", expected(name)
    objects = {row["key"]: row for row in rows(path, "objects")}
    sizes = {bytes.fromhex(row["key_hex"]).decode(): row["value_bytes"] for row in said["current_keys"]}
    assert objects.keys() >= said["k8s_objects"].keys()
    for key, content in said["k8s_objects"].items():
        row, meta = objects[key], content["metadata"]
        assert (row["api_version"], row["kind"]) == (content["apiVersion"], content["kind"])
        assert [row[field] for field in ("name", "namespace", "uid")] == [
            meta.get(field) for field in ("name", "namespace", "uid")
        ]
        assert row["labels"] == meta.get("labels", {})
        assert row["creation_time"] == meta.get("creationTimestamp")
        assert row["bytes"] == sizes[key]
    hidden = objects["/registry/secrets/shop/encrypted"]
    assert (hidden["encoding"], hidden["kind"], hidden["namespace"]) == ("aescbc:v1:key1", None, "shop")
    usage = rows(path, "usage")
    assert sum(row["count"] for row in usage) == len(said["current_keys"])
    assert sum(row["live_bytes"] for row in usage) == sum(sizes.values())
    (pods,) = [row for row in usage if row["resource"] == "pods"]
    assert pods["count"] == sum(key.startswith("/registry/pods/") for key in sizes)
    revisions = rows(path, "revisions")
    assert sum(row["revision_bytes"] for row in usage) == sum(row["value_bytes"] for row in revisions)


@needs_stores
def test_the_snapshot_is_the_store() -> None:
    paths = [STORES / "etcd-3.6-k8s.db", STORES / "etcd-3.6-k8s-snapshot.db"]
    if not all(path.exists() for path in paths):
        pytest.skip("not here")
    for view in ("keys", "objects", "hashkv"):
        assert run("view", "--json", paths[0], view)[1] == run("view", "--json", paths[1], view)[1]


def revision(main: int, sub: int = 0, *, tombstone: bool = False) -> bytes:
    return main.to_bytes(8, "big") + b"_" + sub.to_bytes(8, "big") + b"t" * tombstone


def record(key: bytes, created: int, main: int, version: int, value: bytes, lease: int = 0) -> bytes:
    parts: list[tuple[int, int | bytes]] = [
        (1, key), (2, created), (3, main), (4, version), (5, value), (6, lease),
    ]  # fmt: skip
    return b"".join(put(number, part) for number, part in parts if part)


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def store(**more: Any) -> Tree:
    """Key a: 2, 4, deleted at 6, again at 8; b: 3 (lease 7), c: 5 by the gone lease 9; compacted at 4."""
    tree: Tree = {
        b"key": {
            revision(2): record(b"a", 2, 2, 1, b"one"),
            revision(3): record(b"b", 3, 3, 1, b"bee", 7),
            revision(4): record(b"a", 2, 4, 2, b"two"),
            revision(5): record(b"c", 5, 5, 1, b"sea", 9),
            revision(6, tombstone=True): put(1, b"a"),
            revision(8): record(b"a", 8, 8, 1, b"new"),
            revision(8, 1): record(b"\xff\x00", 8, 8, 1, b"\xff"),
        },
        b"meta": {
            b"consistent_index": u64(20), b"term": u64(3), b"scheduledCompactRev": revision(4),
            b"finishedCompactRev": revision(4), b"storageVersion": b"3.6.0",
        },
        b"lease": {u64(7): put(1, 7) + put(2, 60), u64(8): put(1, 8) + put(2, 30)},
        b"alarm": {}, b"auth": {b"authEnabled": b"\0"}, b"authUsers": {}, b"authRoles": {},
        b"members": {b"1f": b'{"id":31,"name":"n","peerURLs":["http://x"]}'}, b"members_removed": {b"2": b"removed"},
        b"cluster": {b"clusterVersion": b"3.6.0"},
    }  # fmt: skip
    for name, content in more.items():
        tree[name.encode()] = {**tree[name.encode()], **content}
    return tree


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("etcd") / "small.db", store())


def test_keys_at_a_revision(small: Path) -> None:
    def at(*words: str) -> list[tuple[str, str, int]]:
        return [(key_of(row), row.get("value", ""), row["version"]) for row in rows(small, "keys", *words)]

    assert at() == [("61", "new", 1), ("62", "bee", 1), ("63", "sea", 1), ("ff00", "", 1)]
    assert at("--rev", "8") == at()
    assert at("--rev", "7") == at("--rev", "6") == [("62", "bee", 1), ("63", "sea", 1)]
    assert at("--rev", "5") == [("61", "two", 2), ("62", "bee", 1), ("63", "sea", 1)]
    assert at("--rev", "4") == [("61", "two", 2), ("62", "bee", 1)]
    assert at("--rev", "5", "--key", "a") == [("61", "two", 2)]
    for rev, message in (
        ("3", b"revision 3 has been compacted: the oldest that is whole is 4"),
        ("9", b"revision 9 is in the future: the newest is 8"),
        ("x", b"--rev takes a revision, a number above 0, not 'x'"),
    ):
        status, _, err = run("view", small, "keys", "--rev", rev)
        assert (status, error_line(err)) == (1, message)


def test_space_by_the_first_parts_of_the_keys(tmp_path: Path) -> None:
    names = [b"/a/b/c", b"/a/b/d", b"/a/x", b"/a", b"plain", b"p/q/r/s", b"/", b"p/q"]
    content = {revision(n): record(name, n, n, 1, b"x" * n) for n, name in enumerate(names, 2)}
    content |= {revision(20): record(b"/a/b/c", 2, 20, 2, b"yy"), revision(21, tombstone=True): put(1, b"/a/b/d")}
    tree = store()
    tree[b"key"] = content
    path = make(tmp_path / "p.db", tree)

    def at(*words: str) -> dict[str, list[int]]:
        found = rows(path, "prefixes", *words)
        fields = ("count", "live_bytes", "revisions", "revision_bytes")
        return {row["prefix"]: [row[field] for field in fields] for row in found}

    assert at() == {
        "/": [1, 8, 1, 8], "/a": [1, 5, 1, 5], "/a/b/": [1, 2, 4, 7], "/a/x": [1, 4, 1, 4], "p/q": [1, 9, 1, 9],
        "p/q/": [1, 7, 1, 7], "plain": [1, 6, 1, 6],
    }  # fmt: skip
    assert list(at("--set", "depth=1")) == ["/", "/a", "/a/", "p/", "plain"]
    assert list(at("--set", "depth=9")) == sorted(name.decode() for name in names)
    assert run("view", path, "prefixes", "--set", "depth=0")[0] == 1


def test_history_of_a_key(small: Path) -> None:
    found = rows(small, "history", "--key", "a")
    assert [(row["revision"], row["type"], row["version"], row["value"]) for row in found] == [
        (2, "PUT", 1, "one"), (4, "PUT", 2, "two"), (6, "DELETE", 0, None), (8, "PUT", 1, "new"),
    ]  # fmt: skip
    assert rows(small, "history", "--key", "hex:ff00") == [row for row in rows(small, "revisions") if row["sub"] == 1]
    everything = rows(small, "history")
    assert everything[:4] == found
    assert len(everything) == len(rows(small, "revisions")) == 7


def test_leases_members_and_status(small: Path) -> None:
    assert [(row["id"], row["keys"]) for row in rows(small, "leases")] == [(7, ["b"]), (8, [])]
    assert [(row["id"], row["name"], row["removed"]) for row in rows(small, "members")] == [
        (31, "n", False), (2, None, True),
    ]  # fmt: skip
    (status,) = rows(small, "status")
    assert (status["revision"], status["compacted_revision"], status["total_keys"]) == (8, 4, 4)
    assert (status["version"], status["size"] % 4096) == ("3.6", 0)
    (status_,) = rows(small, "hashkv", "--rev", "6")
    assert (status_["hash_revision"], status_["compact_revision"]) == (6, 4)


def test_history_hash_does_not_see_where_a_compaction_stands(tmp_path: Path) -> None:
    """Two members, compacted at 6: one has deleted the old revisions, the other not yet."""
    done, begun = store(), store()
    for tree in (done, begun):
        tree[b"meta"][b"scheduledCompactRev"] = revision(6)
    done[b"meta"][b"finishedCompactRev"] = revision(6)
    for main in (2, 4):
        del done[b"key"][revision(main)]
    del done[b"key"][revision(6, tombstone=True)]
    hashes = set()
    for number, tree in enumerate((done, begun)):
        with Opened(make(tmp_path / f"{number}.db", tree)) as db:
            hashes.add(history_hash(db, 8))
            assert history_hash(db, 7) != history_hash(db, 8)
    assert len(hashes) == 1


def audit(path: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    with Opened(path) as db:
        found = ETCD.audit(db, AuditOptions(0))
        assert found is not None
        by_question: dict[str, list[str]] = {}
        for finding in found.findings:
            assert finding.message.endswith((".", "first."))
            by_question.setdefault(finding.question, []).append(finding.subject)
        json.dumps(found.answers)
        return found.answers, by_question


def test_planted_faults(tmp_path: Path) -> None:
    answers, findings = audit(make(tmp_path / "few.db", store()))
    assert findings == {"keys_of_gone_leases": ["9"], "leases_without_keys": ["8"]}
    assert (answers["keys"], answers["tombstones"], answers["keys_of_gone_leases"]) == (4, 1, ["c"])
    answers, findings = audit(
        make(
            tmp_path / "many.db",
            store(
                meta={b"scheduledCompactRev": revision(7), b"storageVersion": b"3.5.0"},
                alarm={put(1, 31) + put(2, 1): b"", put(1, 31) + put(2, 2): b""},
                lease={u64(9): put(1, 9) + put(2, 60)},
                authUsers={
                    b"root": put(1, b"root") + put(2, b"$2a$x") + put(3, b"root"),
                    b"ann": put(1, b"ann") + put(4, put(1, 1)),
                },
                authRoles={b"root": put(1, b"root"), b"idle": put(1, b"idle") + put(2, put(2, b"a") + put(3, b"b"))},
                members={b"20": b'{"id":32,"peerURLs":[],"isLearner":true}'},
                key={
                    revision(9): record(b"/registry/secrets/x/s", 9, 9, 1, b"k8s\0" + put(1, put(2, b"Secret"))),
                    revision(10): record(b"/registry/secrets/x/t", 9, 9, 1, b"k8s:enc:kms:v2:k:zz"),
                    revision(11): b"\xff",
                },
            ),
        )
    )
    assert findings == {
        "unfinished_compaction": ["7"], "alarms": ["1f", "1f"], "leases_without_keys": ["8"],
        "unreadable_records": ["1"], "versions": ["3.5"], "learners": ["20"],
        "unencrypted_secrets": ["/registry/secrets/x/s"], "auth_enabled": [""], "users_without_roles": ["ann"],
        "users_without_password": ["ann"], "unused_roles": ["idle"],
    }  # fmt: skip
    assert answers["alarms"] == [{"member": "1f", "alarm": "NOSPACE"}, {"member": "1f", "alarm": "CORRUPT"}]
    _, users, _ = run_json("view", tmp_path / "many.db", "users")
    assert users == [
        {"name": "ann", "roles": [], "has_password": False, "no_password": True},
        {"name": "root", "roles": ["root"], "has_password": True, "no_password": False},
    ]
    _, roles, _ = run_json("view", tmp_path / "many.db", "roles")
    assert roles[0] == {"name": "idle", "permissions": [{"type": "READ", "key": "a", "range_end": "b"}]}


@needs_stores
@pytest.mark.parametrize("name", [name for name in NAMES if "auth" not in name])
def test_nothing_is_found_on_clean_stores(name: str) -> None:
    _, findings = audit(STORES / f"{name}.db")
    assert findings.keys() <= {"unencrypted_secrets"}


def test_members_compared(tmp_path: Path) -> None:
    one = make(tmp_path / "one.db", store())
    two = make(tmp_path / "two.db", store(meta={b"consistent_index": u64(18)}))
    apart = make(tmp_path / "apart.db", store(key={revision(9): record(b"z", 9, 9, 1, b"")}))
    _, out, _ = run("audit", "--json", "--now", "0", one, two, apart)
    found = [
        [finding["question"] for finding in json.loads(line)["findings"] if finding["question"] == "consistent_index"]
        for line in out.splitlines()
    ]
    assert found == [[], ["consistent_index"], ["consistent_index"]]


def test_versions_by_what_is_there(tmp_path: Path) -> None:
    for number, (meta, cluster, version) in enumerate(
        [
            ({b"consistent_index": u64(1)}, {}, "3.4 or older"),
            ({b"consistent_index": u64(1), b"term": u64(1)}, {}, "3.5"),
            ({b"consistent_index": u64(1), b"term": u64(1)}, {b"clusterVersion": b"3.5.0"}, "3.5"),
            ({b"consistent_index": u64(1), b"storageVersion": b"3.6.0"}, {b"clusterVersion": b"3.5.0"}, "3.6"),
        ]
    ):
        tree = store() | {b"meta": meta, b"cluster": cluster}
        with Opened(make(tmp_path / f"{number}.db", tree)) as db:
            found = recognise(db)
            assert found is not None
            assert (found.name, found.layout) == ("etcd", version)


def test_objects_of_odd_values() -> None:
    assert read_object(b"") is None
    assert read_object(b"{}") is None
    assert read_object(b'{"apiVersion":"v1","kind":"Pod","metadata":[1]}') is not None
    found = read_object(b'{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2024-01-02T03:04:05Z"}}')
    assert found is not None
    assert found.creation_time == parse_time("2024-01-02T03:04:05Z")
    for cut in (b"k8s\0", b"k8s\0\xff\xff", b"k8s\0" + put(2, b"\xff")):
        empty = read_object(cut)
        assert empty is not None
        assert (empty.encoding, empty.name) == ("protobuf", None)
    inner = put(1, put(1, b"v1") + put(2, b"X")) + put(2, b'{"metadata":{"name":"n"}}')
    wrapped = read_object(b"k8s\0" + inner)
    assert wrapped is not None
    assert (wrapped.kind, wrapped.name) == ("X", "n")
    assert place(b"compact_rev_key") == ("compact_rev_key", None)
    assert place(b"/registry/services/endpoints/ns/e") == ("endpoints", "ns")


def test_others_are_not_etcd(tmp_path: Path) -> None:
    trees: list[Tree] = [
        {b"key": {b"x": b"y"}, b"meta": {}}, {b"key": {}, b"meta": {}}, {b"key": {revision(1): {}}, b"meta": {}},
    ]  # fmt: skip
    for number, tree in enumerate(trees):
        with Opened(make(tmp_path / f"{number}.db", tree)) as db:
            assert ETCD.recognise(db) is None


def test_a_role_is_decoded_with_what_it_allows() -> None:
    codec = ETCD.codec((b"authRoles",))
    assert codec is not None
    assert codec.value is not None
    allowed = [put(1, 2) + put(2, b"a") + put(3, b"b"), put(2, b"\xff")]
    role = put(1, b"ops") + b"".join(put(2, each) for each in allowed)
    assert codec.value(b"ops", role) == {
        "name": "ops",
        "permissions": [
            {"type": "READWRITE", "key": "a", "range_end": "b"},
            {"type": "READ", "key": b"\xff", "range_end": ""},
        ],
    }
