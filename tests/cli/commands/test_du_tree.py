"""``du`` and ``tree``: every byte is somewhere, and the numbers are those of the other commands."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
from pathlib import Path

import pytest

import boltcli
from boltcli.cli.app import main
from boltcli.ops.stats.buckets import bucket_usage
from boltcli.storage.snapshot import Snapshot
from tests.schema import run_json
from tests.support import DATABASES, ROOT, error_line, fixture, freelist, page, pgid, run, small


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_every_byte_is_somewhere(path: Path, tmp_path: Path) -> None:
    _, (du,), _ = run_json("du", path)
    outer = [bucket for bucket in du["buckets"] if len(bucket.get("bucket", bucket.get("bucket_hex"))) == 1]
    parts = [du[f"{name}_bytes"] for name in ("root", "meta", "freelist", "free", "lost", "unused")]
    assert sum(parts) + sum(bucket["bytes"] for bucket in outer if not bucket["inline"]) == du["size"]
    assert du["size"] == path.stat().st_size
    assert du["lost_bytes"] == 0
    assert du["dense_size"] == boltcli.compact(path, tmp_path / "dense.db", dense=True).size
    assert du["freed_bytes"] == du["size"] - du["dense_size"]
    text = run("du", path)[1].decode()
    assert text.endswith(f"compact --dense would free {du['freed_bytes']} bytes\n") or du["freed_bytes"] < 0
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


def test_a_tree_from_a_bucket_on() -> None:
    path = fixture("document")
    whole = run("tree", path)[1].decode().splitlines()
    part = run("tree", path, "execution-history")[1].decode().splitlines()
    start = next(place for place, line in enumerate(whole) if "execution-history" in line)
    assert part[0] == whole[start].removeprefix("├── ")
    assert part[1:] == [line.removeprefix("│   ") for line in whole[start + 1 : start + len(part)]]
    assert len(part) > 3
    _, rows, _ = run_json("tree", path, "execution-history")
    assert [row["bucket"][0] for row in rows] == ["execution-history"] * len(part)
    assert error_line(run("tree", path, "nosuch")[2]) == b"bucket not found"
    assert "depth" not in "".join(whole)
    assert "depth 4" in run("tree", fixture("depth-4"))[1].decode()
    assert "sequence 1" in run("tree", fixture("sequences"))[1].decode()


def test_a_tree_goes_on_after_damage(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    root = page(3, 2, [(b"bad", pgid(4) + pgid(0), b"\1"), (b"good", pgid(5) + pgid(0), b"\1")])
    path.write_bytes(small(freelist(2), root, page(9, 2), page(5, 2, [(b"k", b"v")])))
    status, out, err = run("tree", path)
    assert status == 1
    assert b"good: 1 pair, 4096 bytes" in out
    assert err.startswith(b"warning: not counted: page 4 at offset 16384: ")
    assert error_line(err).startswith(b"1 damaged place was skipped")


def test_a_page_of_a_tree_that_is_referenced_twice_counts_twice(tmp_path: Path) -> None:
    file = tmp_path / "db"
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    file.write_bytes(
        small(freelist(2), root, page(4, 1, [(b"a", pgid(5)), (b"b", pgid(5))]), page(5, 2, [(b"a", b"1")]))
    )
    _, (found,), _ = run_json("du", file)
    assert [bucket["bytes"] for bucket in found["buckets"]] == [3 * found["root_bytes"]]  # whose own page is one
    assert b"b: 2 pairs" in run("tree", file)[1]
    assert b'kind="leaf"} 3' in run("metrics", file)[1]


def test_the_largest_buckets() -> None:
    path = fixture("bacalhau-compute-1.5")
    _, (everything,), _ = run_json("du", path)
    _, (largest,), _ = run_json("du", "--sort", "size", "--top", "3", path)
    assert largest["buckets"] == sorted(everything["buckets"], key=lambda row: -row["bytes"])[:3]
    lines = run("du", "-H", "--sort", "size", "--top", "3", path)[1].decode().splitlines()
    assert lines[0].endswith(f"KiB  {largest['buckets'][0]['bucket'][0]}")
    assert lines[-1].startswith("compact --dense would free ")
    assert error_line(run("du", "--sort", "x", path)[2]) == b"--sort x: must be one of name, size, keys"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("words", ["lock F", "check F", "info F", "page F 0", "dump F 0", "surgery meta validate F"])
def test_what_is_no_file(words: str, tmp_path: Path) -> None:
    """It can't be read at any place, and some of it never answers."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, kind in ((str(fifo), "FIFO"), (os.devnull, "character device")):
        status, out, err = run(*[path if word == "F" else word for word in words.split()])
        assert (status, out) == (1, b"")
        expected = f"open {path}: it is a {kind}, not a file; copy its content to a file first"
        assert error_line(err) == expected.encode()


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    for command, source in (("compact", fixture("document")), ("import", tmp_path / "rows")):
        (tmp_path / "rows").write_bytes(b"")
        for options in ([], ["--force"]):
            status, _, err = run(command, "-o", tmp_path, *options, source)
            assert status == 1
            assert error_line(err) == f'output file "{tmp_path}" already exists'.encode()


def test_import_without_a_stdin(tmp_path: Path) -> None:
    command = f"boltcli import -o {shlex.quote(str(tmp_path))}/new.db - <&-"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"Error: read -: bad file descriptor\n"
    assert not list(tmp_path.iterdir())


def test_a_prefix_beside_json() -> None:
    path = fixture("document")
    _, plain, _ = run("stats", path, "execution-")
    _, (record,), _ = run_json("stats", path, "execution-")
    assert f"for {record['top_buckets']} buckets".encode() in plain
    assert record["top_buckets"] == 2
    assert run_json("stats", path, "--prefix", "execution-")[1] == [record]
    assert len(run_json("stats", path, path)[1]) == 2  # a file is a file
    assert len(run_json("check", path, "missing.db")[1]) == 2


def test_json_of_export_is_of_its_errors() -> None:
    assert run("export", "--json", fixture("document")) == run("export", fixture("document"))
    assert run("export", "missing.db", "--json")[2].startswith(b'{"kind":"not-found"')
    assert b"the rows are always JSON" in b" ".join(run("export", "--help")[1].split())


def test_a_bucket_called_as_an_option(tmp_path: Path) -> None:
    """What completion offers for it can be used."""
    path = fixture("bucket-newline")
    names = run("__complete", "plain", "keys", path, "")[1].decode().splitlines()
    assert "str:--help" in names
    assert run("keys", path, "str:--help")[0] == 0
