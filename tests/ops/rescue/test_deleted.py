"""deleted: what free pages still hold, compared with a reader of its own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.rescue_score.truth import read
from tests.schema import run_json
from tests.support import ROOT, fixture, run

ETCD = ROOT.parent / "shared" / "data" / "wild" / "etcd13406.db"
NAMES = ("after-deletes", "many-free", "no-freelist", "bacalhau-compute-1.4", "depth-4", "empty", "all-deleted")


def raw(record: dict[str, str], field: str) -> bytes:
    return record[field].encode() if field in record else bytes.fromhex(record[f"{field}_hex"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_all_versions_are_listed(name: str) -> None:
    truth = read(fixture(name).read_bytes())
    status, records, _ = run_json("deleted", "--versions", fixture(name))
    assert status == 0
    listed = {(raw(record, "key"), raw(record, "value")) for record in records}
    live = {(key, entry[0]) for (_, key), entry in truth.pairs.items()}
    assert truth.stale <= listed
    assert listed <= truth.stale | live  # the same pair may be gone from one bucket and be there in another
    places = [(tuple(record["bucket"]), raw(record, "key"), raw(record, "value")) for record in records]
    assert len(places) == len(set(places))
    assert not {place for place in places if truth.pairs.get((tuple(map(str.encode, place[0])), place[1]), (b"",))[0]
                == place[2] != b""}  # fmt: skip


@pytest.mark.parametrize("name", ["after-deletes", "many-free", "no-freelist"])
def test_import_takes_it(name: str, tmp_path: Path) -> None:
    _, out, _ = run("deleted", "--json", fixture(name))
    (tmp_path / "rows").write_bytes(out)
    assert run("import", "-o", tmp_path / "new.db", tmp_path / "rows")[0] == 0
    rows = [json.loads(line) for line in out.splitlines()]
    there = read((tmp_path / "new.db").read_bytes()).pairs
    assert {(tuple(map(str.encode, row["bucket"])), raw(row, "key")): raw(row, "value") for row in rows} == {
        place: entry[0] for place, entry in there.items()
    }
    assert rows


def test_filters_and_buckets() -> None:
    path = fixture("after-deletes")
    everything = run("deleted", path)[1].splitlines()
    part = run("deleted", path, "thinned")[1].splitlines()
    assert part
    assert set(part) == {line for line in everything if line.split(b"\t")[2] == b"thinned"}
    key = part[0].split(b"\t")[3].decode()
    assert run("deleted", "--prefix", key, path, "thinned")[1].splitlines() == part[:1]
    assert run("deleted", "--limit", "2", path, "thinned")[1].splitlines() == part[:2]


@pytest.mark.slow
def test_the_history_of_a_key_begins_with_what_the_tree_has() -> None:
    path = fixture("bacalhau-compute-1.4")
    _, records, _ = run_json("deleted", path)
    truth = read(path.read_bytes())
    for record in records:
        _, versions, _ = run_json("deleted", "--history", "hex:" + raw(record, "key").hex(), path, *record["bucket"])
        assert {raw(each, "key") for each in versions} == {raw(record, "key")}
        assert any(raw(each, "value") == raw(record, "value") for each in versions)
        place = tuple(map(str.encode, record["bucket"])), raw(record, "key")
        assert (versions[0]["certainty"] == "live") == (place in truth.pairs)


@pytest.mark.slow
@pytest.mark.skipif(not ETCD.exists(), reason="the shared files are not here")
def test_the_deleted_pairs_of_an_etcd_member() -> None:
    _, out, _ = run("deleted", "--json", "--decode", "off", ETCD)
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 1357
    assert {row["bucket"][0] for row in rows} == {"key", "meta"}
    _, decoded, _ = run("deleted", "--json", "--versions", ETCD)
    assert len({row["key_hex"] for row in map(json.loads, decoded.splitlines()) if "version_of" in row}) == 1354


def test_a_line_is_no_longer_than_the_terminal_is_wide() -> None:
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 60))
    command = [sys.executable, "-m", "boltcli", "deleted", "--limit", "20", str(fixture("many-free"))]
    env = {**os.environ, "NO_COLOR": "1"}
    env.pop("FORCE_COLOR", None)
    # With an environment, as readline, which pytest may load, tells C of the size of another terminal.
    done = subprocess.Popen(command, stdout=child, stderr=subprocess.DEVNULL, env=env)
    os.close(child)
    lines = read_all(parent).decode().splitlines()
    assert done.wait() == 0
    assert len(lines) == 20
    assert max(map(len, lines)) == 60
    assert run("deleted", "--limit", "20", fixture("many-free"))[1].count(b"\t") >= 60


def read_all(fd: int) -> bytes:
    """What comes from the other side until that is closed."""
    data = b""
    try:
        while piece := os.read(fd, 1 << 16):
            data += piece
    except OSError:
        pass
    os.close(fd)
    return data
