"""Folders: what is in them is found by one rule, and nothing is left out without a word."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import fsspec
import pytest

from boltcli.cli.registry import all_commands
from boltcli.errors import ArgumentError
from boltcli.fleet.find import databases_in, places, resolved, select, why_passed_over
from tests.apps.support import Tree, make
from tests.live import held
from tests.schema import run_json, validate
from tests.storage.test_packed import DATA
from tests.support import ROOT, error_line, fixture, run

FAULTS = ROOT / ".." / "shared" / "data" / "faults"

ZEROED = bytes(4 * 16384) + DATA[4 * 16384 :]  # both meta pages, and the two after them
BAD = {
    "zeroed.db": ZEROED,
    "empty.db": b"",
    "EMPTY.DB": b"",
    "cut.bolt": DATA[:10],
    "overwritten.db": os.urandom(8) + b"\xff\x01\x02" * 30_000,
    "member/snap/db": b"",
    "copies/db": ZEROED,
    "index_meta/store": b"",
    "empty.db.gz": gzip.compress(b""),
    "zeros.db.gz": gzip.compress(bytes(100_000)),
    "cut.db.gz": gzip.compress(DATA)[:15],
    "cut.db.xz": b"\xfd7zXZ\x00",
    "cut.db.zip": b"PK\x03\x04",
    "no.db.tar.gz": gzip.compress(bytes(257) + b"ustar" + bytes(999)),
}
PASSED = {
    "notes.db": (b"a text\n" * 99, "text"),
    "empty": (b"", "an empty file"),
    "zeros": (bytes(5000), "a file that begins with zeros only"),
    "program": (b"\x7fELF\1\2\3", "a program (ELF)"),
    "image": (b"\x01\x02\xff\xfe" * 99, "unknown content"),
    "text.db.gz": (gzip.compress(b"a text"), "gzip with text in it"),
    "other.zip": (b"PK\x03\x04" + bytes(99), "a zip archive without a database at its beginning"),
    "other.gz": (gzip.compress(b""), "gzip without a database at its beginning"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good databases, bad ones, other files, and what is no file."""
    folder = tmp_path / "backups"
    for name, content in (BAD | {name: content for name, (content, _) in PASSED.items()}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    shutil.copy(fixture("document"), folder / "good.db")
    (folder / "good.gz").write_bytes(gzip.compress(DATA))
    with sqlite3.connect(folder / "sqlite.db") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to(folder / "good.db")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    return folder


WHY = {
    **{reason: 1 for _, reason in PASSED.values()},
    "a SQLite database": 1, "a symbolic link": 2, "not a regular file": 1,
}  # fmt: skip


def results(*words: str | Path) -> tuple[int, dict[str, Any]]:
    """Status and summary of a command that writes results to a file."""
    status, out, _ = run(*words, "--json")
    record: dict[str, Any] = json.loads(out)
    validate(record, "results")
    return status, record


def names(records: list[dict[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    return {os.path.relpath(record["path"], folder): record for record in records}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["verify", "check", "stats", "du", "info", "audit", "metrics", "scan"])
def test_what_should_be_a_database_is_a_bad_file(command: str, folder: Path) -> None:
    words: list[str | Path] = [command, folder] if command == "scan" else [command, "--recursive", folder]
    status, records, messages = run_json(*words)
    found = names([record for record in records if "path" in record], folder)
    assert status == 1
    assert found.keys() - {"."} == BAD.keys() | {"good.db", "good.gz"}
    bad = {name for name, one in found.items() if one.get("error") or one.get("up") == 0}
    assert bad == BAD.keys()
    (passed,) = [message for message in messages if "passed_over" in message]
    assert passed["passed_over"] == WHY
    assert passed["path"] == str(folder)
    status, out, err = run(*words)
    assert status == 1
    last = err.decode().splitlines()[-1]
    assert last.startswith(f"warning: {folder}: {sum(WHY.values())} files were skipped: ")
    assert all(f"{count} {reason}" in last for reason, count in WHY.items())
    assert last.split(": ", 3)[3].startswith("2 a symbolic link, ")  # the most frequent reason first
    if command in ("verify", "check", "stats", "du", "info"):
        assert out.decode().splitlines()[-1] == f"{len(found)} files: 2 ok, {len(BAD)} unreadable"
    if command == "scan":
        assert out.decode().count("\n") == len(found) + 3
    assert b"skipped" not in run(*words, "--quiet")[2]


def test_a_results_file_says_what_was_passed_over(folder: Path, tmp_path: Path) -> None:
    status, record = results("verify", "--recursive", folder, "-o", tmp_path / "r.ndjson")
    assert (status, record["files"], record["ok"], record["unreadable"]) == (1, len(BAD) + 2, 2, len(BAD))
    assert record["passed_over"] == {str(folder): WHY}
    assert len((tmp_path / "r.ndjson").read_bytes().splitlines()) == len(BAD) + 2


def test_grep_below_a_folder(folder: Path) -> None:
    status, out, err = run("grep", "-r", "--count", "Execution", folder)
    assert status == 2
    assert {line.rpartition(b"/")[2].partition(b":")[0] for line in out.splitlines()} == {b"good.db", b"good.gz"}
    assert err.count(b"\n") == len(BAD) + 1
    assert err.splitlines()[-1].startswith(os.fsencode(f"warning: {folder}: "))


@pytest.mark.skipif(not FAULTS.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize("command", ["verify", "check"])
def test_backups_of_which_two_are_lost(command: str, tmp_path: Path) -> None:
    shutil.unpack_archive(FAULTS / "backups-folder.tar.gz", tmp_path, filter="data")
    status, out, _ = run(command, "--recursive", tmp_path / "backups")
    assert (status, out.splitlines()[-1]) == (1, b"3 files: 1 ok, 2 unreadable")


def test_a_folder_inside_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "locked", "z"):
        (tmp_path / name).mkdir()
        shutil.copy(fixture("inline"), tmp_path / name)
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    status, records, _ = run_json("verify", "--recursive", tmp_path)
    assert (status, [record["ok"] for record in records]) == (1, [True, False, True])
    assert records[1]["path"] == str(tmp_path / "locked")
    status, records, _ = run_json("scan", tmp_path)
    assert (status, [record["error"] is None for record in records]) == (1, [True, False, True])


@pytest.mark.parametrize("command", [["scan"], ["check", "--recursive"], ["verify", "--recursive"]])
def test_a_folder_that_holds_nothing_is_an_error(command: list[str], tmp_path: Path) -> None:
    empty, other, missing = tmp_path / "empty", tmp_path / "other", tmp_path / "missing"
    empty.mkdir()
    other.mkdir()
    (other / "notes").write_text("a text")
    for path, why in ((empty, b"it contains no bolt database\n"),
                      (other, b"it contains no bolt database; 1 file was skipped: 1 text\n")):  # fmt: skip
        status, _, err = run(*command, path)
        assert (status, err.count(b"Error: ")) == (1, 1)
        assert err.split(b"warning: ")[0].endswith(why)
        assert run(*command, path, "--json")[0] == 1
    status, out, err = run(*command, missing)
    assert status == 1
    assert b"doesn't exist" in out + err
    shutil.copy(fixture("inline"), tmp_path)
    status, records, failures = run_json(*command, tmp_path / "inline.db", empty, missing)
    assert status == 1
    assert [record["path"] for record in records if not record.get("error")] == [str(tmp_path / "inline.db")]
    assert {failure["path"] for failure in failures} == {str(empty), str(missing)}
    (tmp_path / "text").write_text("text")
    assert run("scan", tmp_path / "text")[0] == 1
    assert run("scan", tmp_path / "inline.db")[0] == 0


def test_below_an_address() -> None:
    files = fsspec.filesystem("memory")
    content = {"good.db": DATA, "empty.db": b"", "zeroed.db": ZEROED, "notes": b"a text", "cut.db.gz": b"\x1f\x8b"}
    try:
        for name, data in content.items():
            files.pipe(f"/folder/{name}", data)
        status, records, messages = run_json("verify", "--recursive", "memory://folder")
        assert status == 1
        assert {record["path"].rpartition("/")[2]: record["ok"] for record in records} == {
            "good.db": True, "empty.db": False, "zeroed.db": False, "cut.db.gz": False,
        }  # fmt: skip
        assert [message["passed_over"] for message in messages if message["kind"] == "warning"] == [{"text": 1}]
        files.pipe("/folder/texts/notes", b"a text")
        status, _, err = run("verify", "--recursive", "memory://folder/texts")
        assert status == 1
        assert error_line(err).endswith(b"it contains no bolt database; 1 file was skipped: 1 text")
    finally:
        files.rm("/folder", recursive=True)


def test_unknown_content_of_another_name_is_no_database() -> None:
    assert why_passed_over("/x/some.dat", b"\xff\1\2" * 99) == "unknown content"
    assert why_passed_over("/x/some.db", b"\xff\1\2" * 99) == ""
    assert why_passed_over("/x/some.db", b"\xce\x9a\x57\x13" + bytes(99)) == "a GDBM database"


# Data directories.

RAFT: Tree = {b"logs": {}, b"conf": {b"CurrentTerm": (1).to_bytes(8, "big")}}
VAULT: Tree = {b"data": {b"core/x": b"1", b"sys/y": b"2"}, b"config": {b"latest_indexes": b"\x08\x01"}}
VOLUMES: Tree = {b"volumes": {b"v": b'{"Name":"v","Driver":"local"}'}}
NETWORK: Tree = {b"libnetwork": {b"docker/network/v1.0/network/1/": bytes(8) + b'{"id":"1"}'}}
BUILDKIT: Tree = {
    b"_result": {b"k": {b"r": b'{"ID":"r"}'}}, b"_byresult": {b"r": {b"k": b""}}, b"_links": {}, b"_backlinks": {},
}  # fmt: skip
LAYOUTS: dict[str, dict[str, Tree]] = {
    "docker": {
        "buildkit/cache.db": BUILDKIT, "network/files/local-kv.db": NETWORK, "volumes/metadata.db": VOLUMES,
    },
    "docker without volumes": {"network/files/local-kv.db": NETWORK, "volumes/metadata.db": {b"volumes": {}}},
    "nomad": {"client/state.db": {b"meta": {b"version": b"3"}}},
    "buildkit and vault": {"buildkit/cache.db": BUILDKIT, "vault.db": VAULT},
}  # fmt: skip
AUDITED = ("buildkit/cache.db",)


def layout(root: Path, name: str) -> list[Path]:
    for place, tree in LAYOUTS[name].items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        make(root / place, tree).with_suffix(".ndjson").unlink()
    return sorted(root / place for place in LAYOUTS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_normal_layout_is_no_error(name: str, tmp_path: Path) -> None:
    root = tmp_path / "node" / "data"
    paths = layout(root, name)
    for place in (root, tmp_path):  # a known place may be at any depth
        for command in ("verify", "check", "stats", "du", "info", "metrics", "doctor"):
            status, records, failures = run_json(command, place)
            assert (status, failures) == (0, []), (command, failures)
            if command == "doctor" or len(paths) > 1:
                assert [record["path"] for record in records] == list(map(str, paths)), command
        assert run("check", place)[1] == (run("check", *paths)[1] if len(paths) > 1 else b"OK\n")
        status, records, notes = run_json("audit", place)
        audited = [path for path in paths if str(path.relative_to(root)) in AUDITED]
        assert status == int(not audited)  # it is no all-clear if nothing was looked at
        nothing = [] if audited else [notes.pop()]
        assert all("nothing was examined" in note["message"] for note in nothing)
        assert [record["path"] for record in records] == list(map(str, audited))
        assert [note["path"] for note in notes] == [str(path) for path in paths if path not in audited]
        assert all("not audited: " in note["message"] for note in notes)
    status, _, err = run("audit", root)
    assert (status, err.count(b"\n")) == (len(nothing), len(paths) - len(audited) + len(nothing))
    status, result = results("audit", root, "-o", tmp_path / "r.csv")
    assert (status, result["files"], result["ok"]) == (len(nothing), len(audited), len(audited))


def test_one_without_an_audit_that_is_named_is_an_error(tmp_path: Path) -> None:
    (path,) = layout(tmp_path, "nomad")
    assert run("audit", path)[0] == 1
    path = make(tmp_path / "vault.db", VAULT)
    status, _, err = run("audit", path)
    assert (status, b"there is no audit of vault" in err) == (1, True)


def test_a_store_that_has_an_audit_must_be_recognised_at_its_place(tmp_path: Path) -> None:
    """Else a damaged one would be passed over."""
    for place in ("member/snap/db", "raft/raft.db"):
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        shutil.copy(fixture("document" if "snap" in place else "inline"), path)
    shutil.copy(fixture("inline"), tmp_path / "member" / "snap" / "db")
    status, _, err = run("audit", tmp_path)
    assert (status, err.count(b"no known application")) == (1, 2)


@pytest.mark.slow
def test_a_bad_file_at_a_known_place(tmp_path: Path) -> None:
    layout(tmp_path, "buildkit and vault")
    (tmp_path / "vault.db").write_bytes(b"")
    for command in ("verify", "check", "stats", "du", "info", "audit", "metrics", "doctor"):
        status, records, failures = run_json(command, tmp_path)
        assert status == 1, command
        bad = {one["path"] for one in (records if command == "doctor" else failures) if not one.get("ok")}
        assert bad == {str(tmp_path / "vault.db")}, command
        assert str(tmp_path / "buildkit/cache.db") in {record.get("path") for record in records}, command
    with sqlite3.connect(tmp_path / "meta.db") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    assert str(tmp_path / "meta.db") not in databases_in(str(tmp_path))


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("place", places())
def test_every_command_finds_the_same(place: str, tmp_path: Path) -> None:
    path = tmp_path / "d" / place.replace("*", "n-1")
    path.parent.mkdir(parents=True)
    shutil.copy(fixture("bacalhau-compute-1.5"), path)
    for words in (["audit"], ["check"], ["verify"], ["info"], ["doctor"], ["metrics"]):
        (record,) = run_json(*words, tmp_path)[1]
        assert record.get("path", str(path)) == str(path), words
    assert run("view", tmp_path)[1] == run("view", path)[1]
    assert run("buckets", tmp_path, "--json") == run("buckets", path, "--json")
    assert run("grep", "--json", "Execution", tmp_path) == run("grep", "--json", "Execution", path)
    assert run("sql", "SELECT path, count(*) FROM pairs GROUP BY ALL", tmp_path)[1].count(os.fsencode(path)) == 1


def test_commands_that_need_one_list_several(tmp_path: Path) -> None:
    paths = layout(tmp_path, "docker")
    for command in ("view", "buckets", "tree", "pages", "top"):
        status, _, err = run(command, tmp_path)
        assert status == 1
        assert error_line(err) == os.fsencode(
            f"{tmp_path} holds several databases; name one of them: {', '.join(map(str, paths))}"
        )
    assert b"--fix takes one file" in run("doctor", "--fix", "-o", tmp_path / "fixed.db", tmp_path)[2]


def test_an_error_names_few_of_many(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        shutil.copy(fixture("inline"), tmp_path / str(number) / "raft.db")
    with pytest.raises(ArgumentError) as caught:
        resolved(str(tmp_path))
    assert str(caught.value).endswith(f"{tmp_path / '7' / 'raft.db'} and 2 more")


def test_doctor_of_a_data_directory_names_the_file(tmp_path: Path) -> None:
    """Its remedies were tried on the folder: "Is a directory"."""
    (tmp_path / "member/snap").mkdir(parents=True)
    content = bytearray(fixture("large-branch").read_bytes())
    content[8 * 4096 : 9 * 4096] = bytes(4096)
    path = tmp_path / "member/snap/db"
    path.write_bytes(content)
    status, (found,), _ = run_json("doctor", tmp_path)
    assert (status, found["path"]) == (1, str(path))
    assert found["remedies"]
    assert "directory" not in json.dumps(found["remedies"])
    assert run_json("doctor", path)[1] == [found]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert error_line(run("doctor", empty)[2]) == b"invalid database"


def test_verify_hints_at_recursive(tmp_path: Path) -> None:
    shutil.copy(fixture("inline"), tmp_path / "a.db")
    for command in ("verify", "check", "metrics", "grep"):
        words: list[str | Path] = [command, *["x"] * (command == "grep"), tmp_path]
        status, _, err = run(*words)
        assert status == (2 if command == "grep" else 1)
        if command != "metrics":
            assert b"--recursive reads all databases in it" in err, command
    assert b"hint" not in run("verify", "--quiet", tmp_path)[2]


@pytest.mark.slow
def test_recursive_takes_more_than_the_known_places(tmp_path: Path) -> None:
    (tmp_path / "member/snap").mkdir(parents=True)
    shutil.copy(fixture("etcd-3.6"), tmp_path / "member/snap/db")
    shutil.copy(fixture("inline"), tmp_path / "copy")
    for command in ("check", "verify", "stats", "info", "du", "audit", "metrics"):
        assert len(run_json(command, "--recursive", tmp_path)[1]) == 2, command
    assert run("keys", "--recursive", tmp_path, "key") == run("keys", "--recursive", tmp_path / "member/snap/db", "key")


def test_patterns_of_folders(tmp_path: Path) -> None:
    for name in ("n1", "n2"):
        (tmp_path / name).mkdir()
        shutil.copy(fixture("inline"), tmp_path / name / "some")
    files = select([str(tmp_path / "n*")], recursive=True)
    assert list(files.paths) == [str(tmp_path / name / "some") for name in ("n1", "n2")]
    assert run("verify", "--recursive", str(tmp_path / "**" / "some"))[1].endswith(b"2 files: 2 ok\n")
    assert run("report", "-o", tmp_path / "r.html", str(tmp_path / "*" / "some"))[1].endswith(
        b": 2 files, 0 with findings\n"
    )


# One behaviour for one file of several that fails.

MANY = ("check", "stats", "verify", "audit", "metrics", "grep", "report", "sql", "du", "info")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["missing", "unreadable", "locked"])
@pytest.mark.parametrize("command", MANY)
def test_the_others_are_answered(command: str, how: str, tmp_path: Path) -> None:
    good, other, wrong = tmp_path / "good.db", tmp_path / "other.db", tmp_path / "wrong.db"
    for path in (good, other):
        shutil.copy(fixture("bacalhau-compute-1.5"), path)
    if how == "unreadable":
        wrong.write_bytes(b"\xff\1nothing" * 999)
    elif how == "locked":
        shutil.copy(good, wrong)
    first = {"grep": ["--count", "Execution"], "sql": ["SELECT path, count(*) FROM pairs GROUP BY ALL"],
             "report": ["-o", str(tmp_path / "r.html")], "stats": ["--recursive"]}.get(command, [])  # fmt: skip
    words: list[str | Path] = [command, *first, good, wrong, other, "--lock", "wait", "--timeout", "20ms"]
    if how == "locked":
        with held(wrong):
            status, out, err = run(*words)
    else:
        status, out, err = run(*words)
    assert status == (2 if command == "grep" else 1)
    assert b"wrong.db" in out + err
    if command == "report":
        assert out.endswith(b"3 files, 0 with findings, 1 unreadable\n")
        html = (tmp_path / "r.html").read_text()
        assert all(name in html for name in ("good.db", "other.db", "wrong.db"))
    else:
        assert b"good.db" in out
        assert b"other.db" in out
    if command not in ("check", "stats", "verify", "du", "info"):
        assert err.startswith((b"Error: ", b"warning: "))


def test_sql_without_any_file() -> None:
    status, out, err = run("sql", "SELECT 1 AS one", "none-1.db", "none-2.db")
    assert (status, out, err.count(b"Error: ")) == (1, b"", 2)


# What must not change the output.


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [each.name for each in all_commands() if any(o.name == "jobs" for o in each.options)]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_jobs_never_change_what_is_printed(
    command: str, form: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boltcli.fleet.metrics.time", lambda: 2e9)
    folder = tmp_path / "files"
    folder.mkdir()
    files = []
    for number, name in enumerate(
        ("bacalhau-compute-1.4", "bacalhau-compute-1.5", "document", "bacalhau-requester-1.4")
    ):
        files.append(shutil.copy(fixture(name), folder / f"{number}.db"))
    (folder / "5.db").write_bytes(b"")
    (folder / "notes").write_text("a text")
    cases: list[list[str | Path]] = [files[:1], files, [*files, tmp_path / "none.db"], ["--recursive", folder]]
    if command == "keys":
        cases = [[fixture("integers"), "numbers"], [fixture("document"), "execution"]]
    for words in cases:
        if command == "stats" and len(words) > 1:
            words = ["--recursive", *words]
        if command == "grep":
            words = ["e", *words]
        if command == "report":
            words = ["-o", tmp_path / "report.html", "--force", *words]
            if "--recursive" in words:
                continue
        once, zero, two = (run(command, *form, *words, "--jobs", jobs) for jobs in ("1", "0", "2"))
        assert once == run(command, *form, *words) == zero == two
    if command not in ("keys", "grep", "report"):
        results = [
            (run(command, *form, "--recursive", folder, "--jobs", jobs, "-o", tmp_path / "results.ndjson", "--force"),
             (tmp_path / "results.ndjson").read_bytes())
            for jobs in ("0", "1", "2")
        ]  # fmt: skip
        assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("command", ["check", "stats", "du", "info"])
def test_force_alone_means_nothing(command: str) -> None:
    path = fixture("document")
    assert run(command, path, "--force") == run(command, path)
    assert run(command, path, "--force", "--json") == run(command, path, "--json")
    if command == "stats":
        assert run(command, path, "execution-i", "--force") == run(command, path, "execution-i")


@pytest.mark.slow
def test_which_files_exist_does_not_change_a_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fixture("document").resolve()
    monkeypatch.chdir(tmp_path)
    lines: list[list[str | Path]] = [
        ["stats", path, "execution"], ["stats", path, "execution", "--json"], ["stats", path, "o.db", "--json"],
        ["sql", "SELECT 1", path], ["sql", "execution", path], ["sql", "o.sql", path],
    ]  # fmt: skip
    before = [run(*words) for words in lines[:4]]
    for name in ("execution", "o.db", "SELECT 1"):
        shutil.copy(path, name)
    assert [run(*words) for words in lines[:4]] == before
    assert run_json("stats", path, "execution")[1][0]["top_buckets"] == 3
    assert run(*lines[4])[0] == 1  # a word is a statement
    assert b"o.sql" in run(*lines[5])[2]  # with a dot it is a file
    ((_, _, notices),) = [run_json(*lines[2][:-1])]
    assert "o.db" in notices[0]["message"]
    for words in (["--recursive"], ["--prefix", "execution-i"]):
        assert len(run_json("stats", *words, path, "o.db")[1]) == 2
    assert len(run_json("stats", path, "./o.db")[1]) == 2
    assert len(run_json("stats", path, path, path)[1]) == 3


def test_an_error_names_the_file_and_not_the_first_argument() -> None:
    path = fixture("document")
    others = [one for one in all_commands() if one.arguments and one.arguments[0].kind != "file"]
    seen = {one.name for one in others if any(argument.kind == "file" for argument in one.arguments)}
    assert seen == {"grep", "sql"}
    for words in (
        ["grep", "--bucket", "nope", "foo", path],
        ["grep", "foo", "none.db"],
        ["sql", "SELECT x", "none.db"],
    ):
        _, _, (failure,) = run_json(*words)
        assert failure["path"] == str(words[-1]), words
    _, _, (failure,) = run_json("grep", "--bucket", "nope", "foo", path.parent / "inline.db")
    assert "this file has the buckets" in failure["hint"]


def test_only_etcd_keeps_its_keys_by_revision(tmp_path: Path) -> None:
    path = make(tmp_path / "cache.db", BUILDKIT)
    for words in (["_result", "/x"], ["/x"]):
        assert b"revision" not in run("get", path, *words)[2]
    assert b"by revision" in run("get", fixture("etcd-3.6"), "key", "/registry/namespaces/default")[2]
