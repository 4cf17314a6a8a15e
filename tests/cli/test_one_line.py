"""A name with line ends in it takes one line, wherever it is shown to a person."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from boltcli.text.values import shell_quoted
from tests.storage.test_packed import tar_of, zip_of
from tests.support import freelist, page, pgid, run, small

WORD = "STARTS-A-LINE"
ODD = f"n\n{WORD}\x1b[31m\u202e\r{WORD}"
FILE, BAD, OTHER = f"f{ODD}.db", f"bad{ODD}.db", f"other{ODD}"
DATA = small(
    freelist(2),
    page(3, 2, [(f"b{ODD}".encode(), pgid(4) + pgid(0), b"\1")]),
    page(4, 2, [(f"k{ODD}".encode(), b"value")]),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path(FILE).write_bytes(DATA)
    Path("ok.db").write_bytes(DATA)
    Path(BAD).write_bytes(DATA[:5000])
    Path(OTHER).write_bytes(b"x" * 5000)
    Path("two.tar").write_bytes(tar_of({f"a{ODD}": DATA, f"b{ODD}": DATA}))
    Path("none.zip").write_bytes(zip_of({f"a{ODD}": b"x"}))
    return tmp_path


# (An unknown flag is shown as it was typed: those are bbolt's words.)
COMMANDS: list[list[str]] = [
    [FILE],
    *([name, FILE] for name in ("check", "info", "du", "tree", "doctor", "audit", "map", "top", "lock", "metrics")),
    *([name, FILE, BAD] for name in ("check", "verify", "info", "stats", "du", "audit")),
    *([name, BAD] for name in ("check", "doctor", "keys", "tree")),
    *([name, OTHER] for name in ("check", "verify")),
    ["check", "two.tar"], ["check", "none.zip"], ["check", f"two.tar!x{ODD}"], ["check", f"no{ODD}"],
    ["verify", "--recursive", "."], ["scan", "."], ["why", FILE, "4"], ["diff", FILE, f"no{ODD}"],
    ["diff", FILE, "ok.db"],
    [f"no{ODD}"], ["keys", FILE, f"no{ODD}"], ["grep", WORD, FILE],
    ["recover", "-o", f"r{ODD}", FILE], ["redact", "-o", f"q{ODD}", FILE], ["compact", "-o", FILE, FILE],
    ["surgery", "freelist", "abandon", FILE, "--output", f"s{ODD}"], ["view", FILE], ["patch", FILE, "ok.db"],
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0][:8].strip())
def test_names_take_one_line(command: list[str], folder: Path) -> None:
    _, out, err = run(*command)
    shown = out + err
    if command[0] != "metrics":  # where a carriage return is no line end
        shown = shown.replace(b"\r", b"\n")
    lines = shown.split(b"\n")
    assert not [line for line in lines if line.startswith(WORD.encode())]


def test_a_quoted_name_is_the_name_for_bash() -> None:
    for name in (ODD, "a b", "it's\n", "\\\n'", "\udcff\x01f", "é\t"):
        done = subprocess.run(
            ["bash", "-c", f"printf %s {shell_quoted(name)}".encode("utf-8", "surrogateescape")], stdout=-1
        )
        assert done.stdout == name.encode("utf-8", "surrogateescape")
        assert "\n" not in shell_quoted(name)
