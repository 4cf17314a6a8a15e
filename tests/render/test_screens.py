"""What commands show on a terminal, as kept text: at 80 and 120 columns, in colours, and in ASCII.

``BOLTCLI_WRITE_SCREENS=1`` writes the files in ``screens`` anew; look at the difference before it is kept.
"""

from __future__ import annotations

import os
import re
import shutil
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import pytest

from boltcli.__main__ import main
from boltcli.ops.stats import BucketRecord
from boltcli.render import screen, table
from boltcli.render.du_report import tree_screen
from boltcli.text.visible import room_of
from tests.support import fixture

SCREENS = Path(__file__).parent / "screens"
NOW = 1_800_000_000 * 10**9  # nanoseconds since 1970

CASES = {
    "doctor-sound": "doctor document.db",
    "doctor-damaged": "doctor damaged.db",
    "du": "du nested.db",
    "du-all": "du --all nested.db",
    "tree": "tree requester.db",
    "tree-all": "tree --all nested.db",
    "tree-deep": "tree deep.db",
    "tree-damaged": "tree damaged.db",
    "verify-one": "verify damaged.db",
    "verify": "verify document.db damaged.db nothing.db",
    "verify-sound": "verify document.db nested.db",
    "audit": "audit --now 1800000000 requester.db",
    "audit-faults": "audit --now 1800000000 compute.db",
    "map": "map free.db",
    "map-damaged": "map damaged.db",
    "check-damaged": "check damaged.db",
    "top": "top --limit 4 free.db",
    "view": "view requester.db executions",
    "view-jobs": "view requester.db jobs",
    "diff": "diff --summary document.db requester.db",
    "diff-all": "diff --all --summary document.db requester.db",
    "deleted": "deleted --limit 4 free.db",
    "recover": "recover --force -o made.db document.db",
    "recover-losses": "recover --force -o made.db damaged.db",
    "why": "why document.db 4",
    "why-damaged": "why damaged.db 5",
}
FORMS = {
    "80 columns": {"COLUMNS": "80", "NO_COLOR": "1"},
    "120 columns": {"COLUMNS": "120", "NO_COLOR": "1"},
    "80 columns, in colours": {"COLUMNS": "80"},
    "80 columns, in ASCII": {"COLUMNS": "80", "NO_COLOR": "1", "LC_ALL": "C"},
}


class Terminal(BytesIO):
    def isatty(self) -> bool:
        return True


def make_files(folder: Path) -> None:
    """Make the databases that the commands are about."""
    names = {
        "document": "document", "nested": "nested-8", "requester": "bacalhau-requester-1.4",
        "compute": "bacalhau-compute-1.4", "free": "many-free", "deep": "depth-4",
    }  # fmt: skip
    for name, source in names.items():
        shutil.copy(fixture(source), folder / f"{name}.db")
    content = bytearray(fixture("many-free").read_bytes())
    content[5 * 4096 : 5 * 4096 + 64] = b"x" * 64
    (folder / "damaged.db").write_bytes(content)
    (folder / "nothing.db").write_bytes(bytes(8192))


def shown(words: str, form: dict[str, str]) -> str:
    """Return what a command writes to a terminal, first the results, then the messages."""
    without = {"FORCE_COLOR", "NO_COLOR", "LC_CTYPE", "BOLTCLI_LOCK", "BOLTCLI_EXIT_STATUS"}
    env = {name: value for name, value in os.environ.items() if name not in without}
    env |= {"LC_ALL": "C.UTF-8", "TERM": "xterm", **form}
    out, err = Terminal(), Terminal()
    with patch.dict(os.environ, env, clear=True), patch.object(table, "time_ns", lambda: NOW):
        main(words.split(), out, err)
    return (out.getvalue() + err.getvalue()).decode()


def all_forms(words: str) -> str:
    parts = [f"== {name}\n{shown(words, form)}" for name, form in FORMS.items()]
    return "".join(parts).replace("\x1b", "␛")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("screens")
    make_files(folder)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_screen_is_as_it_was_kept(case: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    found, kept = all_forms(CASES[case]), SCREENS / f"{case}.txt"
    if os.environ.get("BOLTCLI_WRITE_SCREENS"):
        kept.write_text(found, encoding="utf-8")
    assert found == kept.read_text(encoding="utf-8")
    for part in re.split(r"^== ", found, flags=re.MULTILINE)[1:]:
        head, *lines = re.sub("␛\\[[0-9;]*m", "", part).splitlines()
        width = int(head.split()[0])
        whole = [
            line for line in lines if room_of(line) > width and not line.startswith(("hint: ", "Error: ", "warning: "))
        ]
        # Only commands, which are to be copied, and single words may be longer.
        assert [line for line in whole if "boltcli " not in line and " " in line.strip()] == [] or case in _BBOLT
        assert "ASCII" not in head or all(line.isascii() for line in lines if "…" not in line) or case == "view-jobs"


_BBOLT = ("check-damaged",)  # whose lines are bbolt's


@pytest.mark.parametrize("case", CASES)
def test_programs_get_the_same_on_a_terminal(case: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    words = [*CASES[case].split(), "--json"]
    there, elsewhere = Terminal(), BytesIO()
    assert main(words, there, BytesIO()) == main(words, elsewhere, BytesIO())
    assert there.getvalue() == elsewhere.getvalue()


def test_ascii_is_for_a_locale_that_has_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert not screen.is_plain()
    for value, plain in (
        ("C", True),
        ("POSIX", True),
        ("de_DE.ISO-8859-1", True),
        ("C.UTF-8", False),
        ("x.utf8", False),
    ):
        monkeypatch.setenv("LANG", value)
        assert screen.is_plain() is plain
    monkeypatch.setenv("LC_ALL", "C")
    assert screen.is_plain()


def test_text_is_folded_between_words_and_escaped() -> None:
    made = screen.Screen(40)
    made.text("a " * 25 + "an-extremely-long-word-which-is-longer-than-the-line end\x1b[31m", 2, hang=2)
    assert made.content().decode().splitlines() == [
        "  " + " ".join("a" * 19),
        "    a a a a a a",
        "    an-extremely-long-word-which-is-longer-than-the-line",
        "    end\\x1b[31m",
    ]


def test_a_deep_tree_ends_where_there_is_no_room() -> None:
    buckets: list[BucketRecord] = []
    for level in range(30):
        buckets.append(BucketRecord(b"b%d" % level, buckets[-1] if buckets else None, 0, inline=level > 0))
    made = [screen.Screen(80), screen.Screen(80)]
    for each, every in zip(made, (False, True)):
        tree_screen(each, "deep.db", buckets, 1000, (), every=every)
    few, all_ = (each.content().decode().splitlines() for each in made)
    assert few[-1] == " " * 44 + "└── … deeper ones: --all"
    assert len(few) == 13
    assert len(all_) == 30


def test_many_buckets_of_one_are_a_line() -> None:
    top = BucketRecord(b"", None, 0, inline=False)
    inside = [BucketRecord(b"b%03d" % number, top, 0, inline=False) for number in range(50)]
    for number, bucket in enumerate(inside):
        bucket.keys, bucket.bytes = number, 4096 + number
    made = screen.Screen(80, plain=True)
    tree_screen(made, "wide.db", [top, *inside], 1 << 20, (), every=False)
    lines = made.content().decode().splitlines()
    assert lines[1] == "|-- b010  10 pairs, 4.0 KiB, 0.4%"
    assert lines[-1] == "`-- 10 buckets, 0-9 pairs, 4.0 KiB each (--all)"
    assert len(lines) == 42


@pytest.mark.parametrize(("part", "whole", "bar"), [
    (0, 100, ""), (1, 1000, "▏"), (50, 100, "█████"), (56, 100, "█████▋"), (100, 100, "█" * 10), (5, 0, "█" * 10),
])  # fmt: skip
def test_a_bar(part: int, whole: int, bar: str) -> None:
    assert screen.Screen(80).bar(part, whole, 10) == bar.ljust(10)
