"""What a terminal is sent: nothing of a file's names, keys and values that it would obey."""

from __future__ import annotations

import os
import shlex
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boltcli.cli.streams import Terminal
from boltcli.ops.read.select_items import Items
from boltcli.render.item_columns import ItemColumns
from boltcli.text.values import path_text, shell_quoted, typed
from boltcli.text.visible import visible, visible_bytes
from tests.cli.test_streams import on_a_terminal
from tests.live import held
from tests.support import ROOT, fixture, freelist, page, run, small

NASTY = "\x1b[31mred\x07 \x7f \x9b31m \u202eevil\u2069 \u061c".encode() + b" \x9b\xff"


BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def is_obeyed(char: str) -> bool:
    """Whether a terminal may do something with ``char`` but show it: Unicode's own word."""
    if unicodedata.bidirectional(char) in BIDI:
        return True
    return char not in "\n\t" and unicodedata.category(char) in ("Cc", "Zl", "Zp")


@given(st.text() | st.text(st.characters(codec="utf-8", max_codepoint=0xA0)))
def test_nothing_that_is_obeyed(text: str) -> None:
    shown = visible(text)
    assert not any(map(is_obeyed, shown))
    assert visible(shown) == shown
    harmless = "".join(char for char in text if not is_obeyed(char) and char not in "\u061c\u200e\u200f")
    assert visible(harmless) == harmless


@given(st.binary(), st.lists(st.integers(0, 40)))
def test_characters_in_pieces(data: bytes, cuts: list[int]) -> None:
    """A character that comes in two writes is one; bytes that are no characters are escaped."""
    reading, writing = os.pipe()
    with open(reading, "rb") as result:
        stream = Terminal(open(writing, "wb", buffering=0))  # noqa: SIM115
        start = 0
        for cut in sorted(cuts):
            assert stream.write(data[start:cut]) == len(data[start:cut])
            start = max(start, cut)
        stream.write(data[start:])
        stream.close()
        shown = result.read()
    assert shown == visible_bytes(data)
    assert not any(map(is_obeyed, shown.decode()))


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    """A database whose file name, bucket, key and value hold escape sequences."""
    inner = bytes(16) + page(0, 2, [(NASTY, NASTY)], page_size=0)
    path = tmp_path / "a\x1b]0;title\x07\u202e.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(NASTY, inner, b"\1")])))
    return path


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize(
    "argv",
    [
        *(["buckets", "F"], ["keys", "F", "B", "-f", "bytes"], ["items", "F", "B", "-f", "bytes"], ["tree", "F"]),
        *(["get", "--format", "bytes", "F", "B", "B"], ["du", "F"], ["inspect", "F"], ["check", "F"], ["info", "F"]),
        *(["items", "F", "B"], ["page", "--all", "F"], ["export", "F"], ["keys", "F.missing", "B"]),
        *(["get", "F", "B", "missing\x1b[31m"], ["keys", "F", "missing\x1b[31m"], ["nosuch\x1b[31m"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("json", [False, True], ids=["text", "json"])
def test_a_terminal_shows_and_does_not_obey(argv: list[str], json: bool, nasty: Path) -> None:
    words = [word.replace("F", str(nasty)) if word in ("F", "F.missing") else word for word in argv]
    words = [f"hex:{NASTY.hex()}" if word == "B" else word for word in words]
    for stderr in (False, True):
        shown = on_a_terminal([*words, *(["--json"] if json else [])], stderr=stderr, NO_COLOR="1").decode()
        assert not any(map(is_obeyed, shown.replace("\r\n", "\n"))), shown
    # In a pipe bbolt's bytes stay.
    if argv == ["get", "--format", "bytes", "F", "B", "B"] and not json:
        assert run(*words)[1] == NASTY + b"\n"


def test_colours_of_our_own_pass(nasty: Path) -> None:
    shown = on_a_terminal(["tree", str(nasty)]).decode()
    assert "\x1b[36m" in shown
    assert "\x1b]" not in shown
    assert "\x07" not in shown
    with held(nasty):
        assert on_a_terminal(["tree", "--lock", "try", str(nasty)]).decode() == shown


@pytest.mark.slow
def test_items_are_columns_of_the_terminal() -> None:
    path = str(fixture("document"))
    shown = on_a_terminal(["items", path, "execution"], COLUMNS="90").decode().split("\r\n")
    piped = [line.decode().split("\t") for line in run("items", path, "execution")[1].splitlines()]
    assert shown[:-1] == [f"{key}  {value[:49]}…" for key, value in piped]
    assert {len(line) for line in shown[:-1]} == {90}
    shown = on_a_terminal(["items", str(fixture("nested-8")), "level-1"], COLUMNS="90").decode().split("\r\n")
    assert shown == ["key-1    value 1 on level 1", "key-2    value 2 on level 1", "key-3    value 3 on level 1",
                     "level-2  (bucket)", "side     (bucket)", ""]  # fmt: skip


def test_columns_count_what_letters_take() -> None:
    columns = ItemColumns(60, "auto", "auto", 0)
    keys, values = ["鍵".encode() * 4, b"a" * 30, b"b"], ["値".encode() * 40, b"v" * 50, b"1\t2\n"]
    lines = columns.lines(Items((), keys, list(values))).decode().splitlines()
    assert lines[0] == "鍵" * 4 + " " * 24 + "値" * 13 + "…"
    assert lines[1:] == ["a" * 30 + "  " + "v" * 27 + "…", "b" + " " * 31 + "3109320a"]


@pytest.mark.slow
def test_a_wide_view_says_what_there_is_no_room_for() -> None:
    path = str(fixture("etcd-3.6"))
    shown = on_a_terminal(["view", path, "keys"], COLUMNS="60", NO_COLOR="1").decode()
    assert max(map(len, shown.splitlines())) <= 60
    assert "no room for " in shown
    one = on_a_terminal(["view", path, "members"], COLUMNS="60", NO_COLOR="1").decode().splitlines()
    assert len(one) > 4  # a record: a line a column


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["--lock", "none"]])
def test_tables_are_as_wide_as_the_terminal(words: list[str]) -> None:
    """Read without the lock, too, where what is shown is held back until it is known to be of one state."""
    shown = on_a_terminal(
        ["view", str(fixture("bacalhau-compute-1.4")), "executions", *words], columns=150, NO_COLOR="1", COLUMNS=""
    )
    assert 130 < max(map(len, shown.decode().splitlines())) <= 150


def test_names_are_printed_as_they_are_typed(tmp_path: Path) -> None:
    """What ``du`` and ``tree`` print of a bucket leads other commands to it, by way of a shell."""
    path = fixture("bucket-newline")
    lines = run("du", path)[1].decode().splitlines()
    paths = [line.lstrip().split("  ", 1)[1].removeprefix("(inline) ") for line in lines[:-1]]
    paths = [text for text in paths if not text.startswith("(") and text != "total"]
    assert len(paths) > 60
    script = "\n".join(f"boltcli keys {shlex.quote(str(path))} {text} >/dev/null || echo FAILED" for text in paths[:25])
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    tree = run("tree", path)[1].decode()
    assert "── hex:000102: " in tree
    assert "── str:--help: " in tree


@given(st.binary(min_size=1))
def test_typed_names_lead_back(name: bytes) -> None:
    from boltcli.cli.values import address

    assert address(typed(name)) == name
    assert not typed(name).startswith("-")


@pytest.mark.parametrize(
    ("names", "text"), [([b"a b", b"it's"], "'a b' 'it'\\''s'"), ([b"x", b"\0"], "x hex:00"), ([], "")]
)
def test_paths(names: list[bytes], text: str) -> None:
    assert path_text(names) == text
    assert shell_quoted("") == "''"
