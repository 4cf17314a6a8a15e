"""etcd: malformed revision keys, who votes, what lies beside the database, members apart, old Secrets."""

from __future__ import annotations

import json
import tarfile
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.apps.encoders import put
from tests.apps.support import STORES, Tree, make
from tests.apps.test_etcd import audit, record, revision, rows, store, u64
from tests.schema import run_json
from tests.support import run

FAULTS = STORES.parent / "faults"
needs_faults = pytest.mark.skipif(not FAULTS.exists(), reason="the shared files are not here")

# Keys that are no revisions: too short, too long, no underscore, another mark, numbers that an int64 can't be.
MALFORMED = [
    b"\0", b"zzz", b"\x7f" * 16, b"\x7f" * 17, revision(70)[:16], revision(70) + b"u", revision(70) + b"tt",
    revision(70).replace(b"_", b"-"), b"\xff" + revision(70)[1:], revision(70)[:9] + b"\x80" + revision(70)[10:],
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("key", MALFORMED, ids=bytes.hex)
def test_no_number_comes_from_a_malformed_key(key: bytes, tmp_path: Path) -> None:
    sound = make(tmp_path / "sound.db", store())
    path = make(tmp_path / "odd.db", store(key={key: record(b"zz", 70, 70, 1, b"not counted")}))
    (was,), (status,) = rows(sound, "status"), rows(path, "status")
    assert status["hash"] is None
    odd = {"hash", "size", "in_use"}
    assert {name: status[name] for name in status.keys() - odd} == {name: was[name] for name in was.keys() - odd}
    for view in ("keys", "revisions", "history", "usage", "hashkv", "leases"):
        assert rows(path, view) == rows(sound, view), view
    assert run("view", path, "keys", "--rev", "9")[0] == 1  # in the future
    answers, findings = audit(path)
    assert findings["malformed_revision_keys"] == ["1"]
    assert answers["malformed_revision_keys"] == [f"0x{key.hex()}"]
    assert (answers["revision"], answers["revisions"], answers["keys"]) == (8, 7, 4)
    assert run("audit", path)[0] == 1
    _, verified, _ = run_json("verify", path)
    assert (verified[0]["application"], verified[0]["revision"]) == ("etcd", 8)
    _, items, _ = run_json("items", "--decode", "auto", path, "key")
    assert [item for item in items if isinstance(item.get("key"), dict) and item["key"].get("main", 0) > 8] == []


@needs_faults
def test_the_shared_malformed_key() -> None:
    path = FAULTS / "etcd-malformed-last-key.db"
    assert rows(path, "status")[0]["revision"] == rows(path, "hashkv")[0]["hash_revision"] == 62
    assert "malformed_revision_keys" in audit(path)[1]


def members(learner: bool, voters: list[int], learners: list[int], version: bytes = b"3.5.0") -> Tree:
    tree = store(
        members={b"2a": b'{"id":42,"name":"m","isLearner":%s}' % (b"true" if learner else b"false")},
        meta={b"confState": json.dumps({"voters": voters, "learners": learners}).encode()},
        cluster={b"clusterVersion": version},
    )
    if version < b"3.6":
        del tree[b"meta"][b"storageVersion"]
    return tree


@pytest.mark.parametrize(
    ("attribute", "voters", "learners", "learner", "questions"),
    [
        (True, [31, 42], [], False, {"learner_attribute": ["2a"]}),
        (False, [31], [42], True, {"learner_attribute": ["2a"], "learners": ["2a"]}),
        (True, [31], [42], True, {"learners": ["2a"]}),
        (False, [31, 42], [], False, {}),
        (False, [31], [], False, {"conf_state": ["2a"]}),
        (False, [31, 42, 255], [], False, {"conf_state": ["ff"]}),
        (True, [129, 130], [131], True, {"conf_state": [""]}),  # other ids altogether: the attribute is all there is
    ],
)
def test_who_votes_is_what_raft_says(
    attribute: bool, voters: list[int], learners: list[int], learner: bool, questions: dict[str, Any], tmp_path: Path
) -> None:
    path = make(tmp_path / "m.db", members(attribute, voters, learners))
    (row,) = [row for row in rows(path, "members") if row["id"] == 42]
    assert (row["learner"], row["learner_attribute"]) == (learner, attribute)
    answers, findings = audit(path)
    (member,) = [each for each in answers["members"] if each["id"] == "2a"]
    assert (member["learner"], member["learner_attribute"]) == (learner, attribute)
    about = ("learner_attribute", "learners", "conf_state")
    assert {name: found for name, found in findings.items() if name in about} == questions


def test_the_attribute_counts_from_3_6_on(tmp_path: Path) -> None:
    for version, severity in ((b"3.5.0", "warning"), (b"3.6.0", "error"), (b"3.10.0", "error")):
        tree = members(True, [31, 42], [], version)
        if version > b"3.1.0" and version != b"3.5.0":
            tree[b"meta"][b"storageVersion"] = version
        path = make(tmp_path / f"{version.decode()}.db", tree)
        _, (found,), _ = run_json("audit", path)
        assert [each["severity"] for each in found["findings"] if each["question"] == "learner_attribute"] == [severity]


@needs_faults
def test_the_shared_learners() -> None:
    path = FAULTS / "etcd35-learner-flag-vs-confstate.db"
    _, findings = audit(path)
    assert findings == {"learner_attribute": ["6e073efc245dcc13", "cd049b3845fd6f3e"]}
    assert not any(row["learner"] for row in rows(path, "members"))


SNAPSHOT = "0000000000000003-{:016x}.snap"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "severity"),
    [
        ([SNAPSHOT.format(21)], "error"),
        ([SNAPSHOT.format(20)], None),
        ([SNAPSHOT.format(3), SNAPSHOT.format(0x21)], "error"),
        (["0000000000000002-00000000000000ff.snap", SNAPSHOT.format(4)], None),  # the newest by term counts
        ([SNAPSHOT.format(21), f"{21:016x}.snap.db"], "info"),
        ([SNAPSHOT.format(21) + ".broken", "db.tmp", "x-y.snap", f"{0:016x}-{'z' * 16}.snap"], None),
        ([], None),
    ],
)
def test_a_database_behind_its_raft_snapshot(names: list[str], severity: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "member" / "snap"
    folder.mkdir(parents=True)
    tree = store()
    make(tmp_path / "made.db", tree).rename(folder / "db")  # consistent_index 20
    for name in names:
        (folder / name).write_bytes(b"")
    (tmp_path / "linked.db").symlink_to(folder / "db")
    (tmp_path / "made.ndjson").unlink()
    for named in (tmp_path / "data", folder / "db", tmp_path / "linked.db"):
        examined, (diagnosis,), _ = run_json("doctor", named)
        assert (examined, diagnosis["ok"]) == (severity == "error", severity != "error")
        assert (diagnosis["records"] or {"errors": 0})["errors"] == (severity == "error")
        assert (b"the structure is sound; its records: 1 error" in run("doctor", named)[1]) == (severity == "error")
        status, (found,), _ = run_json("audit", named)
        severities = [each["severity"] for each in found["findings"] if each["question"] == "raft_snapshot"]
        assert severities == ([severity] if severity else [])
        assert status == (severity == "error")


def test_what_lies_beside_an_archive_is_not_the_stores(tmp_path: Path) -> None:
    path = make(tmp_path / "db", store())
    (tmp_path / SNAPSHOT.format(99)).touch()
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        archive.add(path, "member/snap/db")
    assert run("audit", path)[0] == 1
    assert run("audit", tmp_path / "b.tar.gz")[0] == 0


@needs_faults
def test_the_shared_directory_that_does_not_start(tmp_path: Path) -> None:
    with tarfile.open(FAULTS / "etcd-db-behind-raft-snapshot.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    status, out, _ = run("audit", tmp_path)
    assert status == 1
    assert b"index 609" in out
    assert b"only 314" in out


def history(until: int, *, apart: int = 0, compacted: int = 0, finished: bool = True) -> Tree:
    """Keys a to e in turn, a delete every seventh revision; ``apart``: from there on with another value."""
    content: Tree = {}
    for main in range(2, until + 1):
        key = b"abcde"[main % 5 : main % 5 + 1]
        if main % 7 == 0:
            content[revision(main, tombstone=True)] = put(1, key)
        else:
            value = b"value %d%s" % (main, b"!" * (0 < apart <= main))
            content[revision(main)] = record(key, 2, main, 1, value)
    if compacted and finished:
        newest: dict[bytes, bytes] = {}
        for main in range(2, compacted + 1):
            key = b"abcde"[main % 5 : main % 5 + 1]
            at = revision(main, tombstone=main % 7 == 0)
            if key in newest:
                del content[newest[key]]
            newest[key] = at
        for at in newest.values():
            if at[17:]:
                del content[at]
    tree = store(meta={b"consistent_index": u64(until + 10)})
    tree[b"key"] = content
    for name in (b"scheduledCompactRev", *[b"finishedCompactRev"] * finished):
        tree[b"meta"][name] = revision(compacted)
    return tree


def with_old(tree: Tree, value: bytes, *, deleted: bool) -> Tree:
    """Add a key that was written only at 2, and one that was written at 3 and ``deleted`` at 4, which may be gone."""
    for main in (2, 3, 4):
        tree[b"key"].pop(revision(main), None)
    tree[b"key"][revision(2)] = record(b"still", 2, 2, 1, value)
    if deleted:
        tree[b"key"][revision(3)] = record(b"gone", 3, 3, 1, b"")
        tree[b"key"][revision(4, tombstone=True)] = put(1, b"gone")
    return tree


def test_what_compactions_keep_and_drop(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.db", with_old(history(40), b"v", deleted=True))
    compacted = make(tmp_path / "compacted.db", with_old(history(40, compacted=28), b"v", deleted=False))
    other = make(tmp_path / "other.db", with_old(history(40, compacted=28), b"w", deleted=False))
    assert contents([whole, compacted]) == (0, [[], []])
    for path in (whole, compacted):
        assert contents([path, other]) == (1, [[("error", "2")], [("error", "2")]])
    # Begun, and not finished: some of what is to go is gone.
    begun = history(40, compacted=28)
    del begun[b"meta"][b"finishedCompactRev"]
    assert contents([whole, make(tmp_path / "begun.db", with_old(begun, b"v", deleted=False))]) == (0, [[], []])


def contents(paths: list[Path]) -> tuple[int, list[list[tuple[str, str]]]]:
    status, found, _ = run_json("audit", *paths)
    return status, [
        [(each["severity"], each["subject"]) for each in record_["findings"] if each["question"] == "content"]
        for record_ in found
    ]


def test_members_at_one_revision_with_other_content(tmp_path: Path) -> None:
    one, same, two = (
        make(tmp_path / f"{number}.db", history(40, apart=apart)) for number, apart in enumerate((0, 0, 33))
    )
    assert contents([one, same]) == (0, [[], []])
    assert contents([one, two]) == (1, [[("error", "33")], [("error", "33")]])
    status, found = contents([one, same, two])
    assert status == 1
    assert found[2]
    behind = make(tmp_path / "behind.db", history(35, apart=33))
    assert contents([behind, one])[0] == 1
    agreed = make(tmp_path / "agreed.db", history(32, apart=33))  # they came apart only afterwards
    assert contents([one, agreed]) == (0, [[], []])


@pytest.mark.slow
def test_where_a_compaction_stands_is_no_difference(tmp_path: Path) -> None:
    paths = [
        make(tmp_path / f"{number}.db", history(until, compacted=compacted, finished=finished))
        for number, (until, compacted, finished) in enumerate(
            [(40, 0, True), (40, 14, True), (40, 28, True), (40, 28, False), (38, 21, True), (40, 40, True)]
        )
    ]
    for pair in permutations(paths, 2):
        status, found = contents(list(pair))
        assert status == 0
        assert not [each for each in found if ("error" in dict(each))], pair
    # A difference among compacted revisions that are still needed, and one above them, is found.
    for number, (compacted, apart) in enumerate([(21, 19), (21, 30), (28, 27)]):
        other = make(tmp_path / f"apart-{number}.db", history(40, compacted=compacted, apart=apart))
        for path in (paths[0], paths[1]):
            assert contents([path, other])[0] == 1, (path, compacted, apart)


def test_members_without_a_common_revision_are_not_compared(tmp_path: Path) -> None:
    old = make(tmp_path / "old.db", history(20))
    new = make(tmp_path / "new.db", history(40, compacted=30, apart=5))
    assert contents([old, new]) == (0, [[("info", "20")], []])


def test_stores_of_other_clusters_are_not_compared(tmp_path: Path) -> None:
    other = history(40, apart=3)
    other[b"members"] = {b"77": b"{}"}
    assert contents([make(tmp_path / "a.db", history(40)), make(tmp_path / "b.db", other)]) == (0, [[], []])


def test_equal_index_and_other_revision_is_an_error(tmp_path: Path) -> None:
    tree = history(39)
    tree[b"meta"][b"consistent_index"] = u64(50)
    paths = [make(tmp_path / "a.db", history(40)), make(tmp_path / "b.db", tree)]
    status, found, _ = run_json("audit", *paths)
    assert status == 1
    assert [each["question"] for each in found[1]["findings"] if each["severity"] == "error"] == ["consistent_index"]


@needs_faults
def test_the_shared_members_that_came_apart() -> None:
    paths = [FAULTS / f"etcd-diverged-m{number}.db" for number in (1, 2)]
    assert contents(paths) == (1, [[("error", "611")], [("error", "611")]])


PLAIN = b"k8s\0" + put(1, put(1, b"v1") + put(2, b"Secret"))
SEALED = b"k8s:enc:aescbc:v1:key1:zz"


def secret(*values: bytes | None) -> dict[bytes, bytes]:
    name = b"/registry/secrets/shop/s"
    return {
        revision(20 + number, tombstone=value is None): put(1, name) if value is None
        else record(name, 20, 20 + number, 1 + number, value)
        for number, value in enumerate(values)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "severity", "open_now"),
    [
        ([PLAIN, SEALED], "warning", False),
        ([PLAIN, SEALED, SEALED], "warning", False),
        ([PLAIN, None], "info", False),
        ([PLAIN, None, SEALED], "warning", False),
        ([SEALED, PLAIN], None, True),
        ([PLAIN, PLAIN], None, True),
        ([SEALED, SEALED], None, False),
        ([b"", SEALED], None, False),
    ],
)
def test_older_plain_revisions_of_a_secret(
    values: list[bytes | None], severity: str | None, open_now: bool, tmp_path: Path
) -> None:
    path = make(tmp_path / "s.db", store(key=secret(*values)))
    _, (found,), _ = run_json("audit", path)
    question = "secrets_plain_in_older_revisions"
    assert [each["severity"] for each in found["findings"] if each["question"] == question] == (
        [severity] if severity else []
    )
    assert found["answers"][question] == ["/registry/secrets/shop/s"] * bool(severity)
    assert found["answers"]["unencrypted_secrets"] == ["/registry/secrets/shop/s"] * open_now
