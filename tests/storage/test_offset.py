"""``--offset N``: the database that begins at a byte of a file gives the answers of a file that begins there."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest

import boltcli
from boltcli.cli.complete import answer
from boltcli.cli.registry import find, names
from boltcli.text.values import shell_quoted
from tests.support import error_line, fixture, run

FIRST, SECOND = fixture("document").read_bytes(), fixture("inline").read_bytes()
AT = len(FIRST)
# What each command that opens a database is called with, besides FILE; None: it is tested below, or needs a terminal.
CALLS: dict[str, list[str] | None] = {
    "audit": [], "browse": None, "buckets": [], "check": ["--deep"], "compact": ["--dense"], "deleted": [],
    "diff": None, "doctor": [], "dump": ["0", "3"], "du": [], "export": [], "get": ["parent", "k"], "grep": None,
    "info": [], "inspect": [], "items": ["--recursive", "parent"], "keys": ["parent"], "map": [], "metrics": ["--deep"],
    "page": ["--all"], "page-item": ["3", "0"], "pages": [], "patch": None, "recover": [], "redact": [], "report": None,
    "sql": None, "stats": [], "top": [], "tree": [], "verify": [], "view": [], "why": ["3"],
}  # fmt: skip
WRITING = ("compact", "recover", "redact")


@pytest.fixture
def joined(tmp_path: Path) -> Path:
    """Two databases in one file, whose permissions are not the usual ones."""
    path = tmp_path / "joined.db"
    path.write_bytes(FIRST + SECOND)
    path.chmod(0o640)
    return path


@pytest.fixture
def alone(tmp_path: Path, joined: Path) -> Path:
    """The second of them by itself."""
    path = tmp_path / "alone.db"
    subprocess.run(["dd", f"if={joined}", f"of={path}", "bs=4096", f"skip={AT // 4096}", "status=none"], check=True)
    path.chmod(0o640)
    return path


def test_every_command_that_opens_a_database_has_the_option() -> None:
    having = {
        command.name
        for command in map(find, names())
        if command and any(option.name == "offset" for option in command.options)
    }
    locking = {
        command.name
        for command in map(find, names())
        if command and any(option.name == "lock" for option in command.options)
    }
    assert having == set(CALLS) == locking | {"dump", "page", "page-item"}


@pytest.mark.parametrize("name", [name for name, words in CALLS.items() if words is not None])
def test_the_output_is_that_of_the_file_cut_with_dd(
    name: str, joined: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = joined.parent / "cut"
    folder.mkdir()
    cut = f"{joined.name}!@{AT}"  # the name that the part has in what is said of it
    alone.rename(folder / cut)
    results = []
    for place, words in ((joined.parent, [f"--offset={AT}", joined.name]), (folder, [cut])):
        monkeypatch.chdir(place)
        output = ["-o", "made"] if name in WRITING else []
        status, out, err = run(name, *output, *words, *CALLS[name] or [])
        lines = [line for line in out.splitlines() if b"seconds" not in line]  # times in metrics
        results.append((status, lines, err, Path("made").read_bytes() if output else b""))
        if output:
            assert Path("made").stat().st_mode & 0o077 == 0o040
    assert results[0] == results[1]
    assert joined.read_bytes() == FIRST + SECOND


def test_several_files(joined: Path, alone: Path) -> None:
    at = f"--offset={AT}"
    assert run("grep", at, "inner", joined)[:2] == run("grep", "inner", alone)[:2]
    assert run("diff", joined, f"{joined}!@{AT}")[1] == run("diff", joined, alone)[1]
    assert run("diff", at, joined, joined) == (0, b"", b"")
    assert run("diff", at, "--previous", joined)[1] == run("diff", "--previous", alone)[1]
    status, out, _ = run("check", "--json", at, joined, joined)
    assert (status, out.count(f"{joined}!@{AT}".encode())) == (0, 2)
    status, out, _ = run("stats", "--json", at, joined, str(joined))
    assert (status, out.count(f"{joined}!@{AT}".encode())) == (0, 2)


def test_the_first_file_of_patch_only(joined: Path, alone: Path, tmp_path: Path) -> None:
    changes = tmp_path / "changes"
    changes.write_bytes(run("diff", "--json", alone, joined)[1])
    assert run("patch", f"--offset={AT}", "-o", tmp_path / "patched.db", joined, changes)[0] == 0
    assert run("diff", tmp_path / "patched.db", joined)[:2] == (0, b"")


def test_the_relations_of_sql(joined: Path, alone: Path) -> None:
    pytest.importorskip("duckdb")
    for statement in (["SELECT key FROM pairs"], []):
        offset = run("sql", f"--offset={AT}", *statement, joined)
        cut = run("sql", *statement, alone)
        assert offset[0] == cut[0] == 0
        names = [f"{joined}!@{AT}", str(alone)]
        there, here = (name if statement else shell_quoted(name) for name in names)
        assert offset[1].replace(there.encode(), b"F") == cut[1].replace(here.encode(), b"F")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["check", "--offset", "x", "FILE"], b'invalid argument "x" for "--offset" flag: must be a whole number'),
        (["check", "--offset=-1", "FILE"], b'invalid argument "-1" for "--offset" flag: must be a whole number'),
        (["check", "--offset", "99999999", "FILE"], b"it has only 327680 bytes, so nothing begins at byte 99999999"),
        (["check", "--offset", "327680", "FILE"], b"it has only 327680 bytes, so nothing begins at byte 327680"),
        (["check", "--offset", "0xffffffffffffffff", "FILE"], b"nothing begins at byte 18446744073709551615"),
        (["check", "--offset", "1", "FILE"], b"invalid database"),
        (["check", "--offset", "1", "missing.db"], b'source database file "missing.db" doesn\'t exist'),
        (["check", "--offset", "1", "-"], b"-: an offset needs a local file that is not packed"),
        (["check", "--offset", "1", "memory://x/y.db"], b"memory://x/y.db: an offset needs a local file"),
        (["check", "--offset", "1", "."], b".: an offset needs a local file"),
        (["check", "--offset", "1", "FILE.gz"], b"the file is packed: unpack it"),
        (["check", "--offset", "1", "--files-from", "FILE"], b"--offset applies to files on the command line"),
        (["patch", "--offset", "1", "--in-place", "FILE", "-"], b"--in-place replaces the whole file"),
        (["surgery", "freelist", "rebuild", "--offset", "1", "FILE", "-o", "x"], b"unknown flag: --offset"),
        (["surgery", "clear-page", "--offset", "1", "--pageId", "3", "FILE", "-o", "x"], b"unknown flag: --offset"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong(words: list[str], reason: bytes, joined: Path) -> None:
    joined.with_suffix(".db.gz").write_bytes(gzip.compress(FIRST))
    status, out, err = run(*(word.replace("FILE", str(joined)) for word in words))
    assert (status, out) == (1, b"")
    assert reason in error_line(err)


def test_results_never_replace_the_file(joined: Path) -> None:
    status, _, err = run("compact", "--dense", "--force", f"--offset={AT}", "-o", joined, joined)
    assert status == 1
    assert b"is the source" in error_line(err) or b"is read" in error_line(err), err
    assert joined.read_bytes() == FIRST + SECOND


def test_library(joined: Path) -> None:
    with boltcli.open(joined, offset=AT) as database:
        assert list(database) == [b"parent", b"top-inline"]
        assert database.path == f"{joined}!@{AT}"
    assert boltcli.view(joined, lambda database: list(database), offset=AT) == [b"parent", b"top-inline"]
    done = boltcli.compact(joined, joined.with_name("copy.db"), offset=AT)
    assert done.source_size == len(SECOND)
    with boltcli.open(joined, offset=0) as database:
        assert b"execution" in database
    for wrong in (-1, "1", 0.5, None):
        with pytest.raises(boltcli.ArgumentError, match="must be a number of bytes"):
            boltcli.open(joined, offset=wrong)  # type: ignore[arg-type]


def test_memory_and_holes(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with open(path, "wb") as file:
        file.seek(3 << 30)  # far more than may be read or copied
        file.write(SECOND)
        file.truncate((3 << 30) + (1 << 30))
    before = os.statvfs(tmp_path).f_bavail
    assert run("buckets", "--offset", str(3 << 30), path)[1] == b"parent\ntop-inline\n"
    assert before - os.statvfs(tmp_path).f_bavail < (256 << 20) // 4096


def test_names_are_completed(joined: Path) -> None:
    assert answer(["plain", "keys", "--offset", str(AT), str(joined), "p"]) == b"parent\n"
    assert answer(["plain", "keys", str(joined), "--offset=x", ""]) == b""
