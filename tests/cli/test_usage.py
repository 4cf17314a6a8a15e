"""``du`` and ``tree``: every byte is somewhere, and the numbers are those of the other commands."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import boltcli
from boltcli.cli.app import main
from boltcli.ops.space.space_usage import bucket_usage
from boltcli.storage.snapshot import Snapshot
from tests.schema import run_json
from tests.support import DATABASES, error_line, fixture, run


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_every_byte_is_somewhere(path: Path, tmp_path: Path) -> None:
    _, (du,), _ = run_json("du", path)
    outer = [bucket for bucket in du["buckets"] if len(bucket.get("bucket", bucket.get("bucket_hex"))) == 1]
    parts = [du[name] for name in ("root", "meta", "freelist", "free", "lost", "unused")]
    assert sum(parts) + sum(bucket["bytes"] for bucket in outer if not bucket["inline"]) == du["size"]
    assert du["size"] == path.stat().st_size
    assert du["lost"] == 0
    assert du["dense_size"] == boltcli.compact(path, tmp_path / "dense.db", dense=True).size
    assert du["gives_back"] == du["size"] - du["dense_size"]
    text = run("du", path)[1].decode()
    assert text.endswith(f"compact --dense would give back {du['gives_back']} bytes\n") or du["gives_back"] < 0
    lines = text.splitlines()
    assert len(lines) == len(du["buckets"]) + sum(part > 0 for part in parts) + 2 or "\n" in str(du["buckets"])


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_buckets_are_those_of_the_library(path: Path) -> None:
    with Snapshot(str(path)) as snapshot, boltcli.open(path) as db:
        for each in bucket_usage(snapshot):
            bucket = db.bucket(*each.path)
            assert each.pairs == sum(1 for _ in bucket.pairs())
            assert each.sequence == bucket.sequence
            if each.path:
                stats = bucket.stats()
                assert each.inline or each.bytes == stats.branch_alloc + stats.leaf_alloc
                assert each.keys <= stats.keys


def test_trees() -> None:
    path = fixture("document")
    _, plain, _ = run("tree", path)
    assert len(plain.splitlines()) == 12
    _, rows, _ = run_json("tree", path)
    assert len(rows) == 11
    assert len(run("tree", "--depth", "1", path)[1].splitlines()) == 4
    for order, key in (("size", "bytes"), ("keys", "keys")):
        _, rows, _ = run_json("tree", "--depth", "1", "--sort", order, fixture("bacalhau-compute-1.5"))
        assert [row[key] for row in rows] == sorted((row[key] for row in rows), reverse=True)
    assert error_line(run("tree", "--sort", "x", path)[2]) == b"--sort x: must be one of name, size, keys"


def test_a_tree_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out, err = Terminal(), io.BytesIO()
    assert main(["tree", str(fixture("document"))], out, err) == 0
    assert b"\x1b[" in out.getvalue()
    assert b"execution-index" in out.getvalue()
    assert err.getvalue() == b""
