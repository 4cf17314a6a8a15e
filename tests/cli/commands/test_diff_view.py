"""``diff --view`` and ``diff --decode``: two members of etcd key by key, and any program's rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from boltcli.storage.snapshot import Snapshot
from boltcli.tree.bucket import find_bucket, seek
from tests.apps.support import Tree, make
from tests.apps.test_etcd import record, revision, store
from tests.schema import run_json
from tests.support import error_line, fixture, run


def views(*words: str | Path) -> tuple[int, list[dict[str, Any]]]:
    status, found, err = run_json("diff", *words)
    assert not err, err
    return status, found


@pytest.fixture
def member(tmp_path: Path) -> Path:
    return make(tmp_path / "one.db", store())


def test_members_that_agree(member: Path, tmp_path: Path) -> None:
    """One is ahead, and has compacted more: at the revision that both have nothing differs."""
    ahead = store(meta={b"scheduledCompactRev": revision(6), b"finishedCompactRev": revision(6)},
                  key={revision(9): record(b"a", 8, 9, 2, b"newer")})  # fmt: skip
    for main in (2, 4):
        del ahead[b"key"][revision(main)]
    other = make(tmp_path / "two.db", ahead)
    facts = {"common_revision": 8, "compacted_revision": 6, "first_difference": None}
    assert views("--view", "keys", member, other) == (0, [{"view": "keys", "facts": facts}])
    assert views("--view", "keys", other, member) == (0, [{"view": "keys", "facts": facts}])
    status, out, _ = run("diff", "--view", "keys", member, other)
    assert (status, out) == (0, b"# common revision 8, compacted revision 6, first difference none\n")


def test_members_that_have_come_apart(member: Path, tmp_path: Path) -> None:
    tree = store()
    tree[b"key"][revision(5)] = record(b"c", 5, 5, 1, b"SEA", 9)
    del tree[b"key"][revision(8, 1)]
    tree[b"key"][revision(8, 2)] = record(b"new", 8, 8, 1, b"n")
    other = make(tmp_path / "two.db", tree)
    status, found = views("--view", "keys", member, other)
    assert status == 1
    assert found[0]["facts"]["first_difference"] == 5
    assert [(row["op"], row.get("old", {}).get("value"), row.get("new", {}).get("value")) for row in found[1:]] == [
        ("change", "sea", "SEA"), ("add", None, "n"), ("remove", None, None),
    ]  # fmt: skip
    text = run("diff", "--view", "keys", member, other)[1].decode().splitlines()
    assert text[1:] == ["~ c\tvalue: sea -> SEA", "+ new", "- 0xff00"]


def test_without_a_common_revision(member: Path, tmp_path: Path) -> None:
    far = store(meta={b"scheduledCompactRev": revision(20), b"finishedCompactRev": revision(20)})
    _, found = views("--view", "keys", member, make(tmp_path / "far.db", far))
    assert found[0]["facts"]["common_revision"] is None


def test_other_programs(tmp_path: Path) -> None:
    tree: Tree = {b"libnetwork": {b"docker/network/v1.0/network/a/": bytes(8) + b'{"id":"a","name":"x"}'}}
    one = make(tmp_path / "one.db", tree)
    tree[b"libnetwork"][b"docker/network/v1.0/network/a/"] = bytes(8) + b'{"id":"a","name":"y"}'
    two = make(tmp_path / "two.db", tree)
    status, (row,) = views("--view", "networks", one, two)
    assert (status, row["op"], row["old"]["name"], row["new"]["name"]) == (1, "change", "x", "y")
    status, _, err = run("diff", "--view", "networks", one, fixture("bacalhau-compute-1.4"))
    assert (status, error_line(err)) == (2, b"the files are of different programs: docker and bacalhau")
    status, _, err = run("diff", "--view", "nosuch", one, two)
    assert error_line(err).startswith(b"docker has no view 'nosuch'")
    status, _, err = run("diff", "--view", "networks", "--summary", one, two)
    assert error_line(err).startswith(b"--view compares rows")


@pytest.mark.parametrize("wrong", [(0,), (1,), (0, 1)], ids=str)
def test_keys_that_are_out_of_order(wrong: tuple[int, ...], tmp_path: Path) -> None:
    """A look-up may not find them: that nothing differs can't be said, whichever file they are in."""
    files = [Path(shutil.copy(fixture("document"), tmp_path / name)) for name in ("one.db", "two.db")]
    assert run("diff", "--view", "executions", *files) == (0, b"", b"")
    with Snapshot(str(files[0])) as snapshot:
        leaf, _ = seek(snapshot, find_bucket(snapshot, [b"execution"]), b"")
        first = leaf.key_starts()[0] - leaf.page.offset + leaf.page.file_offset
    for each in wrong:
        with files[each].open("r+b") as file:
            file.seek(first)
            file.write(b"f")
    status, _, err = run("diff", "--view", "executions", *files)
    assert status == 2
    assert b"its keys are out of order" in error_line(err)


def test_decoded_changes(member: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "two.db", store(meta={b"term": (4).to_bytes(8, "big")}))
    _, (change,), _ = run_json("diff", member, other, "--decode", "auto")
    assert (change["key_decoded"], change["old_decoded"], change["new_decoded"]) == ("term", 3, 4)
    assert run("diff", member, other, "--decode", "auto", "--values")[1] == b"~ meta\tterm\t3 -> 4\n"
    changes = tmp_path / "changes.ndjson"
    changes.write_text(json.dumps(change, separators=(",", ":")) + "\n")
    status, _, err = run("patch", member, changes, "-o", tmp_path / "patched.db")
    assert status == 0, err
    assert run("diff", tmp_path / "patched.db", other)[0] == 0
