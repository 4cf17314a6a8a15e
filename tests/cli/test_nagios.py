"""``--nagios``: the state, the line and the numbers of a monitoring plugin. Nothing but a sound file is OK."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from boltcli.cli import many
from boltcli.cli.command_table import COMMANDS
from boltcli.render.nagios import CRITICAL, OK, STATES, UNKNOWN, WARNING, Verdicts
from tests.live import held
from tests.support import ROOT, fixture, freelist, meta, page, pgid, run, small

NUMBER = re.compile(r"[a-z]+=(U|\d+(\.\d+)?(s|B)?;;;0)")


def _run(*argv: str | Path) -> tuple[int, str, dict[str, str]]:
    """State, text and numbers of a call, whose form is verified."""
    status, out, err = run(*argv, "--nagios")
    assert err == b""
    line = out.decode()
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line.isascii() == out.isascii()
    text, _, numbers = line.rstrip("\n").partition(" | ")
    assert text.startswith(("CHECK ", "VERIFY ", "BOLTCLI "))
    assert "|" not in text + numbers
    assert text.split()[1] == STATES[status]
    found = {}
    for number in numbers.split():
        assert NUMBER.fullmatch(number), number
        name, _, value = number.partition("=")
        found[name] = value.partition(";")[0]
    if found:
        assert int(found["files"]) == sum(int(found[state.lower()]) for state in STATES)
    return status, text, found


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), page(9, 2)))
    return path


@pytest.fixture
def fallen_back(tmp_path: Path) -> Path:
    """Sound, but the newest meta page isn't valid: an older transaction is read."""
    data = bytearray(fixture("inline").read_bytes())
    newest = max((0, 4096), key=lambda at: data[at + 64])
    data[newest + 70] ^= 1
    path = tmp_path / "older.db"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("command", ["check", "verify"])
def test_sound(command: str) -> None:
    status, text, numbers = _run(command, fixture("inline"))
    assert (status, text) == (OK, f"{command.upper()} OK - {fixture('inline')}")
    assert numbers["errors"] == "0"
    if command == "verify":
        assert (numbers["pairs"], numbers["size"]) == ("11", "65536B")
    status, text, numbers = _run(command, fixture("inline"), fixture("document"))
    assert (status, text, numbers["files"]) == (OK, f"{command.upper()} OK - 2 files: 2 OK", "2")


@pytest.mark.parametrize("command", ["check", "verify"])
def test_damaged(command: str, damaged: Path) -> None:
    status, text, numbers = _run(command, damaged)
    assert status == CRITICAL
    assert int(numbers["errors"]) > 0
    assert text.startswith(f"{command.upper()} CRITICAL - {damaged}: {numbers['errors']} error")
    status, text, numbers = _run(command, fixture("inline"), damaged)
    assert (status, numbers["ok"], numbers["critical"]) == (CRITICAL, "1", "1")
    assert text.startswith(f"{command.upper()} CRITICAL - 2 files: 1 CRITICAL, 1 OK; {damaged}: ")


@pytest.mark.parametrize("command", ["check", "verify"])
def test_warnings(command: str, fallen_back: Path, damaged: Path) -> None:
    status, text, numbers = _run(command, fallen_back)
    assert (status, numbers["warning"], numbers["errors"]) == (WARNING, "1", "0")
    assert str(fallen_back) in text
    assert _run(command, fallen_back, fixture("inline"))[0] == WARNING
    assert _run(command, fallen_back, damaged)[0] == CRITICAL


@pytest.mark.parametrize("command", ["check", "verify"])
def test_what_cannot_be_read(command: str, tmp_path: Path) -> None:
    missing, empty, text = tmp_path / "missing.db", tmp_path / "empty.db", tmp_path / "text.db"
    empty.touch()
    text.write_bytes(b"a text\n" * 9999)
    packed = tmp_path / "packed.db.gz"
    packed.write_bytes(gzip.compress(fixture("inline").read_bytes())[:900])
    assert _run(command, packed)[0] == CRITICAL
    for path, said in ((missing, "doesn't exist"), (empty, "the file is empty"), (text, "invalid database")):
        status, line, numbers = _run(command, path)
        assert status == CRITICAL
        assert said in line
        assert str(path) in line
        assert numbers["errors"] == "U"
        assert _run(command, fixture("inline"), path)[0] == CRITICAL
    name = f"{missing}\0".replace("\0", "") * 60  # too long for the system: no fault of a file
    assert _run(command, name)[0] == _run(command, name, fixture("inline"))[0] == UNKNOWN


def test_nothing_found_is_not_ok(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("notes\n" * 99)
    status, text, _ = _run("verify", "--recursive", tmp_path)
    assert status == UNKNOWN
    assert "no bolt database" in text
    (tmp_path / "a.db").write_bytes(fixture("inline").read_bytes())
    status, text, _ = _run("verify", "--recursive", tmp_path)
    assert status == OK
    assert "1 file was skipped" in text


@pytest.mark.parametrize("words", [["--json"], ["-j"], ["-o", "x.csv"], ["-o", "x.ndjson", "--resume", "x.ndjson"]])
def test_it_is_the_only_form(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, text, _ = _run("check", fixture("inline"), *words)
    assert status == UNKNOWN
    assert "can't be combined" in text
    assert os.listdir() == []


@pytest.mark.parametrize("words", [[], ["--bogus", "x"], ["--quick", "--deep", "x"], ["--timeout", "soon", "x"]])
def test_a_wrong_call_is_unknown(words: list[str]) -> None:
    assert _run("verify", *words)[0] == UNKNOWN


def test_a_fault_of_the_program_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("a | b\nc")

    monkeypatch.setattr(many, "run_command", broken)
    status, text, _ = _run("check", fixture("inline"))
    assert (status, text) == (UNKNOWN, "BOLTCLI UNKNOWN - RuntimeError: a \\x7c b\\nc")


def test_a_locked_file_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    path.write_bytes(fixture("inline").read_bytes())
    with held(path):
        status, text, _ = _run("check", "--lock", "wait", "--timeout", "50ms", path)
        assert status == UNKNOWN
        assert "holds" in text
        assert _run("check", "--lock", "none", path)[0] == OK


def test_status_of_detailed_failures_does_not_count(monkeypatch: pytest.MonkeyPatch, damaged: Path) -> None:
    monkeypatch.setenv("BOLTCLI_EXIT_STATUS", "detailed")
    assert _run("check", damaged)[0] == CRITICAL
    assert _run("check", "--bogus")[0] == UNKNOWN


def test_names_stay_on_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a|b\nc \x1b[1m.db"
    path.write_bytes(b"no database")
    _, text, _ = _run("check", path)
    assert "a\\x7cb\\nc \\x1b[1m.db" in text


def test_many_files_are_counted_and_some_named(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.db").write_bytes(meta(0))
    status, text, numbers = _run("verify", *sorted(tmp_path.iterdir()))
    assert (status, numbers["critical"]) == (CRITICAL, "9")
    assert text.count(".db") == 3
    assert text.endswith("; 6 more CRITICAL")


def test_the_gravest_state_counts() -> None:
    records: dict[int, dict[str, Any]] = {
        OK: {"path": "o", "ok": True, "errors": 0, "warnings": []},
        WARNING: {"path": "w", "ok": True, "errors": 0, "warnings": ["older"]},
        UNKNOWN: {"path": "u", "error": {"kind": "open", "message": "refused"}},
        CRITICAL: {"path": "c", "ok": False, "errors": 2, "problems": ["page 3: bad"]},
    }
    verdicts = Verdicts("X", ["errors"])
    assert verdicts.state == UNKNOWN
    for state, record in records.items():  # each graver than those before it
        verdicts.add(record)
        assert verdicts.state == state
    verdicts.add(records[WARNING])
    line = verdicts.line(1.5).decode()
    assert line == (
        "X CRITICAL - 5 files: 1 CRITICAL, 1 UNKNOWN, 2 WARNING, 1 OK; c: 2 errors: page 3: bad | files=5;;;0 ok=1;;;0"
        " warning=2;;;0 critical=1;;;0 unknown=1;;;0 errors=U time=1.500s;;;0\n"
    )


def test_which_commands_have_it() -> None:
    assert {name for name, row in COMMANDS.items() if "nagios" in row["options"]} == {"check", "verify"}


@pytest.mark.slow
def test_without_a_place_for_the_line_it_is_unknown() -> None:
    words = f"{shlex.quote(sys.executable)} -m boltcli check --nagios {shlex.quote(str(fixture('inline')))}"
    for where in (">&-", ">/dev/full"):
        assert subprocess.run(["sh", "-c", f"{words} {where}"], cwd=ROOT, stderr=subprocess.PIPE).returncode == UNKNOWN
