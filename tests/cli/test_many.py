"""verify, scan and many files: tables, results that a later run takes up, lists and folders."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import pickle
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boltcli.cli import many
from boltcli.cli.command import Summary
from boltcli.cli.output import Output
from boltcli.errors import BoltError, KeyNotFound, OpenError, PassedOver
from boltcli.fleet import find
from boltcli.fleet.files import Names
from tests.live import held
from tests.schema import run_json, validate
from tests.storage.test_packed import DATA, PACKED
from tests.support import DATABASES, ROOT, fixture, freelist, page, pgid, run, small

STORES = ROOT / ".." / "shared" / "data" / "stores"


@pytest.mark.slow
def test_a_reader_gets_each_file_at_once(tmp_path: Path) -> None:
    """The object of a file doesn't wait for the next one, which here waits for its lock."""
    shutil.copy(fixture("inline"), tmp_path / "locked.db")
    words = [
        "check",
        "--json",
        "--lock",
        "wait",
        "--timeout",
        "1m",
        str(fixture("one-bucket")),
        str(tmp_path / "locked.db"),
    ]
    with (
        held(tmp_path / "locked.db"),
        subprocess.Popen(
            [sys.executable, "-m", "boltcli", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
    ):
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 20)
        process.terminate()
        assert ready
        assert json.loads(process.stdout.readline())["ok"] is True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good file, packed and snapshot ones, a damaged one, one that is no database, and what may not be opened."""
    folder = tmp_path / "backups"
    (folder / "inner").mkdir(parents=True)
    (folder / "good").write_bytes(DATA)
    (folder / "inner" / "packed.zip").write_bytes(PACKED["zip"])
    (folder / "inner" / "good.db.gz").write_bytes(PACKED["gzip"])
    (folder / "inner" / "a.tar.xz").write_bytes(PACKED["tar.xz"])
    (folder / "snapshot").write_bytes(DATA + hashlib.sha256(DATA).digest())
    (folder / "wrong").write_bytes(DATA + bytes(32))
    (folder / "damaged.db").write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), page(9, 2)))
    (folder / "text.db").write_bytes(b"a text\n" * 99)
    (folder / "empty").touch()
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "link").symlink_to(folder / "good")
    return folder


GOOD = {"good", "snapshot", "inner/packed.zip", "inner/good.db.gz", "inner/a.tar.xz"}


def test_verify(folder: Path) -> None:
    status, records, _ = run_json("verify", "--recursive", folder)
    assert status == 1
    found = {os.path.relpath(record["path"], folder): record for record in records}
    assert set(found) == GOOD | {"wrong", "damaged.db"}
    assert {name for name, record in found.items() if record["ok"]} == GOOD
    sums = {name: record["sha256"] for name, record in found.items()}
    assert (sums["snapshot"], sums["wrong"], sums["good"]) == ("ok", "wrong", "none")
    assert found["damaged.db"]["check"] == "damaged"
    assert found["damaged.db"]["errors"] > 0
    assert found["damaged.db"]["problems"]
    for name in GOOD:
        assert found[name]["pairs"] == 21, name
        assert found[name]["application"] == "bacalhau"
        assert found[name]["size"] == len(DATA) + 32 * (name == "snapshot")
    assert found["inner/a.tar.xz"]["kind"] == "xz"


def test_verify_warns_as_check_does(tmp_path: Path) -> None:
    newest = bytearray(DATA)
    newest[0x20] ^= 1  # of the newest meta page
    hashed = DATA + hashlib.sha256(DATA).digest()
    files = {
        "good": DATA,
        "newest": bytes(newest),
        "cut": DATA[:163839],
        "hash cut": hashed[:-1],
        "more": DATA + b"more",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in files]
    status, _, err = run("verify", *paths)
    assert (status, err) == (0, run("check", *paths)[2])
    assert err.count(b"warning: ") >= 4
    assert f"warning: {tmp_path / 'newest'}: meta page 0 at offset 0 is not valid (checksum error); ".encode() in err
    expected = [record["warnings"] for record in run_json("check", *paths)[1]]
    assert [bool(warnings) for warnings in expected] == [False, True, True, True, True]
    assert [record["warnings"] for record in run_json("verify", "--jobs", "2", *paths)[1]] == expected
    results, again = tmp_path / "r.ndjson", tmp_path / "again.ndjson"
    run("verify", *paths, "-o", results)
    assert [row["warnings"] for row in _rows(results)] == expected
    assert run("verify", *paths, "-o", again, "--resume", results)[2] == b""  # they are in the rows
    assert _rows(again) == _rows(results)
    (tmp_path / "none").write_bytes(b"")
    assert run_json("verify", tmp_path / "none")[1][0]["warnings"] == []


def test_verify_as_a_table(folder: Path) -> None:
    status, out, err = run("verify", folder / "good", folder / "none", folder / "damaged.db", folder / "text.db")
    lines = out.decode().splitlines()
    assert (status, err) == (1, b"")
    assert [line.split()[0] for line in lines[2:-1]] == ["unreadable", "unreadable", "damaged", "ok"]
    assert lines[-1] == "4 files: 1 ok, 1 damaged, 2 unreadable"
    assert "doesn't exist" in lines[2]
    assert run("verify", folder / "good")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("level", [[], ["--quick"], ["--deep"]])
def test_fixtures_are_good(path: Path, level: list[str], walks: str) -> None:
    status, (record,), _ = run_json("verify", *level, path)
    assert (status, record["ok"], record["error"]) == (0, True, None), record
    if level != ["--quick"]:
        exported = [json.loads(line) for line in run("export", path)[1].splitlines()]
        assert exported[-1]["pairs"] == record["pairs"]
        assert exported[-1]["buckets"] == record["buckets"]


def test_a_pair_in_an_inline_bucket_that_cannot_be_read(tmp_path: Path, walks: str) -> None:
    """bbolt's check passes over the pairs of inline buckets."""
    inline = bytes(16) + page(0, 2, [(b"key", b"value")])[:40]
    for change, ok in ((b"", True), (b"\xff\xff", False)):  # the value's length
        value = inline[:44] + change + inline[44 + len(change) :] if change else inline
        (tmp_path / "db").write_bytes(small(freelist(2), page(3, 2, [(b"b", value, b"\1")])))
        assert run("check", tmp_path / "db")[0] == 0
        _, (record,), _ = run_json("verify", tmp_path / "db")
        assert (record["ok"], record["pairs"]) == (ok, int(ok)), record


def test_quick_sees_a_page_that_is_not_its_own(tmp_path: Path) -> None:
    content = bytearray(DATA)
    content[6 * 16384] ^= 0x40  # the root page
    (tmp_path / "x").write_bytes(content)
    status, (record,), _ = run_json("verify", "--quick", tmp_path / "x")
    assert (status, record["ok"], record["pairs"]) == (1, False, None)
    assert "identifies itself as page" in record["problems"][0]


def test_quick_and_deep() -> None:
    assert b"--quick and --deep can't be combined" in run("verify", "--quick", "--deep", fixture("document"))[2]


@pytest.mark.skipif(not STORES.is_dir(), reason="needs ../shared/data")
def test_verify_of_stores() -> None:
    status, records, _ = run_json("verify", *sorted(STORES.glob("*.db")))
    assert status == 0
    by_name: dict[str, Any] = {Path(record["path"]).name: record for record in records}
    for name in ("etcd-3.6-plain.db", "etcd-3.6-k8s.db"):
        assert by_name[name]["revision"] == _revision(STORES / name)
    assert by_name["etcd-3.6-k8s-snapshot.db"]["sha256"] == "ok"
    assert by_name["etcd-3.6-k8s-snapshot.db"]["revision"] == by_name["etcd-3.6-k8s.db"]["revision"]
    assert by_name["raft-boltdb-default.db"]["revision"] is None


def _revision(path: Path) -> int:
    """The largest main revision of all keys, read from hex."""
    return max(int(line[:16], 16) for line in run("keys", "--format", "hex", path, "key")[1].decode().split())


def test_scan(folder: Path) -> None:
    status, records, _ = run_json("scan", folder)
    assert status == 0
    found = {os.path.relpath(record["path"], folder): record for record in records}
    assert set(found) == GOOD | {"wrong", "damaged.db"}
    kinds = {name: record["kind"] for name, record in found.items()}
    assert kinds["inner/packed.zip"] == "zip"
    assert kinds["good"] == "bolt"
    assert kinds["inner/good.db.gz"] == "gzip"
    for name in GOOD:
        assert found[name]["application"] == "bacalhau", name
        assert found[name]["txid"] == 14
        assert abs(found[name]["age"]) < 600
        assert found[name]["size"] == (folder / name).stat().st_size
    with held(folder / "good"):
        (record,) = [one for one in run_json("scan", folder)[1] if one["path"].endswith("/good")]
        assert record["lock"] == "exclusive"
    out = run("scan", folder)[1].decode().splitlines()
    assert out[-1] == "7 databases, 9 files examined"


def test_scan_reads_little_of_other_files(tmp_path: Path) -> None:
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 40)
    start = time.monotonic()
    assert run("scan", tmp_path)[1] == b"0 databases, 1 file examined\n"
    assert time.monotonic() - start < 5


def test_the_second_meta_page_is_enough(tmp_path: Path) -> None:
    for name in ("page-1024", "page-4096", "page-16384"):
        content = bytearray(fixture(name).read_bytes())
        content[:80] = bytes(80)
        (tmp_path / name).write_bytes(content)
        assert find.kind(str(tmp_path / name)) == "bolt"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "stats", "du", "info"])
def test_many_files_are_a_table(command: str, folder: Path) -> None:
    files = [folder / "good", folder / "missing", folder / "snapshot"]
    words: list[str | Path] = [command, *files]
    if command == "stats":
        (folder / "list").write_text("\n".join(map(str, files)))
        words = [command, "--files-from", folder / "list"]
    status, out, _ = run(*words)
    lines = out.decode().splitlines()
    assert status == 1
    assert lines[-1] == "3 files: 2 ok, 1 unreadable"
    assert lines[2].startswith("unreadable")
    assert len(lines) == 6
    assert out == run(*words, "--jobs", "3")[1]


def test_stats_keeps_its_prefix() -> None:
    status, out, _ = run("stats", fixture("document"), "execution-i")
    assert status == 0
    assert out.startswith(b"Aggregate statistics for 1 buckets")


def test_lists_and_patterns(folder: Path) -> None:
    names = folder.parent / "names"
    names.write_bytes(b"%s\0%s\0" % (os.fsencode(folder / "good"), os.fsencode(folder / "snapshot")))
    assert run("check", "--files-from", names)[1].endswith(b"2 files: 2 ok\n")
    assert run("check", str(folder / "**" / "*.gz"))[1].endswith(b"1 file: 1 ok\n")
    assert run("check", "--recursive", folder / "inner")[1].endswith(b"3 files: 3 ok\n")
    assert run("check", "--files-from", folder / "none")[2].startswith(b"Error: read ")
    assert b'path="' in run("metrics", "--recursive", folder / "inner")[1]
    assert run("audit", "--files-from", names)[1].count(b" notes (bacalhau, ") == 2


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
@pytest.mark.parametrize("command", ["verify", "check", "stats", "du", "info"])
def test_results_and_resuming(command: str, ending: str, folder: Path, tmp_path: Path) -> None:
    results = tmp_path / f"results.{ending}"
    status, out, _ = run(command, "--recursive", "-o", results, folder)
    assert out.endswith(f" -> {results}\n".encode())
    assert out.startswith(b"7 files: ")
    rows = _rows(results)
    assert {row["path"] for row in rows} == {str(folder / name) for name in GOOD | {"wrong", "damaged.db"}}
    assert run(command, "--recursive", "-o", results, folder)[0] == 1  # it is there
    if ending != "ndjson":
        err = run(command, "--recursive", "--resume", results, "-o", results, folder)[2]
        assert b"--resume needs results as lines of JSON" in err
        return
    again = run(command, "--recursive", "--resume", results, "-o", results, folder)
    assert again[0] == status
    assert b"(7 from the earlier results)" in again[1] or command in ("stats", "du")
    assert _rows(results) == rows
    shutil.copy(fixture("inline"), folder / "good")
    changed = run(command, "--recursive", "--resume", results, "-o", results, folder)[1]
    assert b"(6 from" in changed or command in ("stats", "du")
    assert _rows(results) != rows
    other = "info" if command == "check" else "check"
    assert b"from the earlier" not in run(other, "--recursive", "--resume", results, "-o", results, folder)[1]


@pytest.mark.parametrize("command", ["verify", "check"])
def test_rows_of_the_state_before_are_not_those_of_this_state(command: str, tmp_path: Path) -> None:
    content = bytearray(DATA)
    content[98304 : 98304 + 16] = bytes(16)  # the header of a page of the last transaction
    (tmp_path / "db").write_bytes(content)
    words: list[str | Path] = [command, tmp_path / "db", "-o"]
    before, again, now = (tmp_path / f"{name}.ndjson" for name in ("before", "again", "now"))
    assert run(*words, before, "--previous")[0] == 0
    (row,) = _rows(before)
    assert (row["command"], row["txid"]) == (f"{command} --previous", 13)
    assert run(*words, again, "--previous", "--resume", before)[1].startswith(b"1 file: 1 ok (1 from the earlier")
    assert _rows(again) == [row]
    assert run(*words, now, "--resume", before)[:2] == (1, f"1 file: 0 ok, 1 damaged -> {now}\n".encode())
    (row,) = _rows(now)
    assert (row["command"], row["txid"]) == (command, 14)


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet

        found: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return found
    if path.suffix == ".csv":
        with open(path) as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_names_that_are_no_utf_8(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes(os.fsencode(folder) + b"/\xff\n" + os.fsencode(folder) + b"/good\n")
    os.rename(folder / "snapshot", os.fsencode(folder) + b"/\xff")
    for ending in ("ndjson", "csv", "parquet"):
        words = ("check", "--files-from", tmp_path / "names", "-o", tmp_path / f"results.{ending}", "--resume")
        assert run(*words, tmp_path / "none")[1].startswith(b"2 files: 2 ok ->")
    again = run(*words[:-1], "--force", "--resume", tmp_path / "results.ndjson")
    assert b"(2 from the earlier results)" in again[1]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_a_run_that_is_killed_is_taken_up(ending: str, folder: Path, tmp_path: Path) -> None:
    """The eighth file of ten can't be read to its end until the run is killed: a lock of a writer is waited for."""
    files = [folder / f"{number}.db" for number in range(10)]
    for path in files:
        shutil.copy(folder / "good", path)
    results = tmp_path / f"results.{ending}"
    words = ["check", "--lock", "wait", "--timeout", "0", "--jobs", "2", "-o", str(results), *map(str, files)]
    partial = tmp_path / f"results.{ending}.partial"
    with held(files[7]):
        command = subprocess.Popen([sys.executable, "-m", "boltcli", *words], stdout=subprocess.PIPE)
        until = time.monotonic() + 30
        while (not partial.exists() or len(partial.read_bytes().splitlines()) < 9) and time.monotonic() < until:
            time.sleep(0.02)
        command.kill()
        assert command.communicate()[0] == b""
    assert (len(_rows_of(partial)), results.exists()) == (9, False)
    assert b"--resume" in run(*words)[2]
    with open(partial, "ab") as file:
        file.write(b'{"path":"' + bytes(str(files[7]), "utf-8"))  # killed while it wrote
    status, out, _ = run(*words, "--resume", results)
    assert (status, out) == (0, f"10 files: 10 ok (9 from the earlier results) -> {results}\n".encode())
    assert ({row["path"] for row in _rows(results)}, partial.exists()) == (set(map(str, files)), False)
    assert run(*words, "--force")[1] == f"10 files: 10 ok -> {results}\n".encode()


def _rows_of(partial: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in partial.read_text().splitlines()]


def test_nothing_is_done_for_results_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    for results in (folder / "none" / "r.csv", tmp_path):
        status, out, err = run("check", "-o", results, folder / "good", folder / "none")
        assert (status, out, err.count(b"Error: ")) == (1, b"", 1)
    (tmp_path / "r.csv").touch()
    assert b"already exists" in run("check", "-o", tmp_path / "r.csv", folder / "none")[2]
    assert sorted(os.listdir(tmp_path)) == ["backups", "r.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["audit", "metrics"])
def test_audit_and_metrics_as_rows(command: str, folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.parquet"
    words: list[str | Path] = [command, "--recursive", folder, "-o", results]
    assert run(*words)[:2] == (1, f"7 files: 6 ok, 1 unreadable -> {results}\n".encode())
    rows = {os.path.relpath(row["path"], folder): row for row in _rows(results)}
    assert set(rows) == GOOD | {"wrong", "damaged.db"}
    for name in GOOD:
        assert (rows[name]["application"], rows[name]["error"], rows[name]["status"]) == ("bacalhau", None, 0)
    single = json.loads(run(command, "--json", folder / "good")[1])
    if command == "audit":
        assert rows["good"]["ok"]
        assert json.loads(rows["good"]["answers"]) == single["answers"]
        assert "no known application" in rows["damaged.db"]["error"]
    else:
        assert (rows["good"]["up"], rows["good"]["size"]) == (1, len(DATA))
        assert json.loads(rows["good"]["pages"]) == single["pages"]
    lines = tmp_path / "results.ndjson"
    words[-1] = lines
    run(*words)
    run(*words, "--resume", lines)
    assert {row["path"]: row["txid"] for row in _rows(lines)} == {row["path"]: row["txid"] for row in rows.values()}
    again = json.loads(run(*words, "--resume", lines, "--json")[1])
    validate(again, "results")
    assert (again["files"], again["ok"], again["unreadable"], again["taken"]) == (7, 6, 1, 6)
    _, records, _ = run_json(command, "--jobs", "2", "--recursive", folder)
    assert len(records) == 7


def test_wrong_options(folder: Path, tmp_path: Path) -> None:
    assert b"--resume needs -o" in run("check", "--resume", tmp_path / "r.csv", folder / "good")[2]
    assert b"the ending must be one of" in run("check", "-o", tmp_path / "r.txt", folder / "good")[2]
    assert b"--engine is local:N or dask://" in run("check", "--engine", "spark", folder / "good")[2]
    results = tmp_path / "r.ndjson"
    words: list[str | Path] = ["check", "--resume", results, "-o", results, folder / "good"]
    for content, problem in ((b'{"a":1}\n', b"columns are missing"), (b"PAR1 no\n", b"not the results")):
        results.write_bytes(content)
        assert problem in run(*words)[2]


def test_packed_files_that_are_cut(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(DATA)[:-9])
    status, (record,), (failure,) = run_json("verify", tmp_path / "cut.gz")
    assert (status, record["ok"], record["kind"]) == (1, False, None)
    assert record["error"] == failure
    assert failure["kind"] == "unpack"


def test_very_many_files_have_a_short_table() -> None:
    """Of more files than a table has rows, those that are not ok are listed; what is measured has the largest."""
    out = Output(io.BytesIO(), io.BytesIO())
    for measure in (False, True):
        tally = many.Tally(Summary(("errors", "errors", "integer"), order="errors", is_measure=measure))
        for number in range(5 * many._ROWS):
            tally.add({"path": f"{number}", "errors": number, "ok": number != 7})
        assert len(tally._rows) < 2 * many._ROWS
        out.out = io.BytesIO()
        tally.show(out, human=False)
        lines = out.out.getvalue().decode().splitlines()
        assert lines[2].split() == ["damaged", "7", "7"]
        assert len(lines) == 2 + (many._ROWS if measure else 1) + 1
        assert lines[-1].startswith("5000 files: 4999 ok, 1 damaged; ")
        if measure:
            assert lines[3].split() == ["ok", "4999", "4999"]


def test_names_are_kept_as_they_are() -> None:
    names = Names()
    paths = ["a", "b/\udcff", "", "c" * 300]
    for path, how in zip(paths, ("", "place", "search", "")):
        names.add(path, how)
    assert (list(names), names[-1], names.how(2)) == (paths, paths[-1], "search")
    with pytest.raises(IndexError):
        names[4]


def test_a_file_is_met_once_unless_it_is_named_twice(folder: Path) -> None:
    good, inner = str(folder / "good"), str(folder / "inner")
    found = list(find.select([str(folder), inner, str(folder / "*"), good], recursive=True).paths)
    assert len(found) == len(set(found)) + 1  # good was named
    assert {os.path.relpath(path, folder) for path in found} >= GOOD
    # What a search has passed over is taken if it is named.
    assert str(folder / "empty") not in found[:7]
    assert str(folder / "empty") in found
    assert list(find.select([good, good], twice=False).paths) == [good]


def test_results_come_in_the_order_of_the_files() -> None:
    numbers = [0, 1, 2, 5, 7]
    assert list(many.in_turn(numbers, iter([(n, str(n)) for n in (1, 0, 5, 7, 2)]))) == [(n, str(n)) for n in numbers]

    def lost() -> Iterator[tuple[int, str]]:
        yield 5, "5"
        yield 1, "1"
        raise BoltError("lost")

    results = many.in_turn(numbers, lost())
    assert [next(results), next(results)] == [(1, "1"), (5, "5")]
    with pytest.raises(BoltError, match="lost"):
        next(results)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["check"], ["audit"], ["metrics"], ["grep", "-c", "e"], ["verify"], ["du"]])
def test_a_file_that_is_missing_is_a_row_and_a_status(words: list[str], tmp_path: Path) -> None:
    missing, there = tmp_path / "none", fixture("bacalhau-compute-1.4")
    status, (record, other), (failure,) = run_json(*words, missing, there)
    assert status == (2 if words[0] == "grep" else 1)
    assert (record["path"], record["error"]) == (str(missing), failure)
    assert (failure["kind"], other["path"], other.get("error")) == ("not-found", str(there), None)


@pytest.mark.parametrize("command", ["check", "audit", "metrics", "stats"])
def test_the_number_of_processes_changes_nothing(command: str, tmp_path: Path) -> None:
    # Copies, as metrics tell of a lock that another test has on a fixture.
    files = [tmp_path / "a.db", tmp_path / "b.db", tmp_path / "none"]
    for name, path in zip(("bacalhau-compute-1.4", "document"), files):
        shutil.copy(fixture(name), path)
    if command == "stats":
        files = ["--recursive", *files]  # type: ignore[list-item]
    now = ["--now", "0"] if command == "audit" else []
    one, three = (run(command, *now, "--jobs", jobs, *files) for jobs in ("1", "3"))
    drop = re.compile(rb"(age|timestamp)_seconds.*")
    assert (one[0], drop.sub(b"", one[1]), one[2]) == (three[0], drop.sub(b"", three[1]), three[2])


def test_nothing_looked_at_is_no_all_clear(tmp_path: Path) -> None:
    """A folder whose only store has no audit: no call of `audit` may end as if that were sound."""
    (tmp_path / "client").mkdir()
    shutil.copy(fixture("document"), tmp_path / "client" / "state.db")
    (tmp_path / "client" / "state.db").write_bytes(small(freelist(2), page(3, 2, []), page(4, 2)))
    for words in ([], ["-o", tmp_path / "results.ndjson"], ["--json"]):
        status, _, err = run("audit", *words, tmp_path)
        assert status == 1
        assert b"every file was skipped, so nothing was examined" in err
    assert run("audit", "--exit-status", "detailed", tmp_path)[0] == 2


@pytest.mark.slow
def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    """Commands that write what they find at once say the same, on both streams, from several processes."""
    (tmp_path / "cut.db").write_bytes(DATA[:40000])
    files = [
        fixture("document"),
        tmp_path / "cut.db",
        fixture("bacalhau-compute-1.4"),
        tmp_path / "none",
        fixture("inline"),
    ]
    for words in (["grep", "e-9"], ["grep", "-c", "a"], ["grep", "--json", "e-9"]):
        assert run(*words, *files) == run(*words, "--jobs", "3", *files)


def test_errors_go_through_a_pipe_as_they_are() -> None:
    for error in (KeyNotFound(b"k"), OpenError("open", "p", "no"), PassedOver("m", unknown=True)):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
