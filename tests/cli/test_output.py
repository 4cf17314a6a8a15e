"""Results and messages in the form that was asked for, held back, and collected."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boltcli.cli.output import Collected, Output
from boltcli.cli.streams import Terminal
from boltcli.errors import BucketNotFound
from tests.support import error_line, fixture, run


def made(write: Callable[[Output], object], **how: Any) -> tuple[bytes, bytes]:
    """What ``write`` gives on stdout and stderr."""
    out, err = io.BytesIO(), io.BytesIO()
    write(Output(out, err, **how))
    return out.getvalue(), err.getvalue()


def both(write: Callable[[Output], object]) -> list[bytes]:
    """What ``write`` gives as text and as JSON."""
    return [made(write)[0], made(write, json=True)[0]]


def never() -> Any:
    raise AssertionError("the form was not asked for")


def test_a_record_is_made_in_the_form_that_is_asked_for() -> None:
    assert made(lambda out: out.record(never, lambda: "a\udcff\n"))[0] == b"a\xff\n"
    assert made(lambda out: out.record(lambda: {"a": 1}, never), json=True)[0] == b'{"a":1}\n'
    assert both(lambda out: out.records(lambda: [{"a": 1}, {"a": 2}], [b"x", b"y"])) == [b"xy", b'{"a":1}\n{"a":2}\n']
    assert both(lambda out: out.text("head\n")) == [b"head\n", b""]
    assert both(lambda out: out.raw(b"\x00")) == [b"\x00", b"\x00"]


@pytest.mark.parametrize(("found", "written"), [([], b"[]"), ([{"b": 1}], b'[{"b":1}]'), ([1, 2], b"[1,2]")])
def test_a_field_may_be_an_iterator(found: list[Any], written: bytes) -> None:
    text, line = both(lambda out: out.record({"a": iter(found), "c": None}))
    assert (text, line) == (b"", b'{"a":' + written + b',"c":null}\n')


def test_parts_of_a_record_are_text_at_once() -> None:
    def write(out: Output) -> None:
        out.part("found", {"n": 1}, b"one\n")
        out.part("found", lambda: {"n": 2}, b"two\n")
        out.record({"ok": False, "found": [], "end": 3}, b"2 in all\n")
        out.record({"ok": True, "found": []}, b"OK\n")

    text, lines = both(write)
    assert text == b"one\ntwo\n2 in all\nOK\n"
    assert lines == b'{"ok":false,"found":[{"n":1},{"n":2}],"end":3}\n{"ok":true,"found":[]}\n'


def test_a_stream_takes_the_function_of_the_form() -> None:
    parts = both(lambda out: out.stream([1, 2], json=lambda n: [b"%d" % n, b","], text=lambda n: b"<%d>" % n))
    assert parts == [b"<1><2>", b"1,2,"]


def test_messages() -> None:
    def write(out: Output) -> None:
        out.warn("old")
        out.note("read")
        out.say("for people\n")
        out.close_with("in all")

    out, err = made(write, path="f.db")
    assert (out, err) == (b"in all\n", b"warning: old\nboltcli: read\nfor people\n")
    out, err = made(write, path="f.db", json=True)
    assert out == b""
    assert [(note["kind"], note["message"]) for note in map(json.loads, err.splitlines())] == [
        ("warning", "old"), ("reading", "read"), ("reading", "in all"),
    ]  # fmt: skip
    assert made(write, quiet=True) == (b"in all\n", b"")


def test_hints_come_last_and_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(out: Output) -> None:
        out.hint(lambda: ["look"])
        out.say("said\n")
        out.finish()

    assert made(write) == (b"", b"said\n")
    monkeypatch.setattr(Output, "is_terminal", True)
    assert made(write) == (b"", b"said\nhint: look\n")
    assert made(write, json=True) == made(write, quiet=True) == (b"", b"")


def test_held_back_until_it_is_taken() -> None:
    out, err = io.BytesIO(), io.BytesIO()
    output = Output(out, err, path="f.db")
    first, second = output.held(), output.held()
    for number, held in enumerate((first, second)):
        held.record({}, b"%d\n" % number)
        held.warn(f"w{number}")
    first.close()
    assert (out.getvalue(), err.getvalue()) == (b"", b"")
    output.take(second)
    second.close()
    assert (out.getvalue(), err.getvalue()) == (b"1\n", b"warning: w1\n")


def test_collected_as_they_are() -> None:
    output = Collected("f.db")
    lost, held = output.held(), output.held()
    lost.record({"a": 0})
    held.part("parts", {"n": 1}, never)
    held.record(lambda: {"a": 1, "parts": [], "more": iter([2])}, never)
    held.warn("old")
    held.complain(BucketNotFound(), "g.db")
    output.take(held)
    assert output.found == [{"a": 1, "parts": [{"n": 1}], "more": [2]}]
    assert [(note["kind"], note["path"]) for note in output.notes] == [
        ("warning", "f.db"), ("bucket-not-found", "g.db"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["compact", "redact", "recover"])
def test_an_output_file_is_asked_for_in_one_way(name: str) -> None:
    assert error_line(run(name, "-o", "", fixture("document"))[2]) == b"output file required"


@pytest.mark.parametrize("words", [["du", "--sort"], ["tree", "--sort"], ["deleted", "--decode"]])
def test_choices_are_checked_in_one_way(words: list[str]) -> None:
    status, _, err = run(*words, "x", fixture("document"))
    choices = {"--sort": b"name, size, keys", "--decode": b"auto, off"}[words[1]]
    assert (status, error_line(err)) == (1, words[1].encode() + b" x: must be one of " + choices)


def test_names_of_buckets_reach_a_command_as_bytes() -> None:
    path = fixture("document")
    assert run("keys", path, "hex:657865637574696f6e") == run("keys", path, "execution") != (0, b"", b"")
    status, _, err = run("keys", "nofile.db", "hex:0")  # the notation is wrong whatever the file is
    assert (status, error_line(err)[:6]) == (1, b"hex:0:")


def test_escapes_on_a_terminal() -> None:
    class Screen(Terminal):
        def isatty(self) -> bool:
            return True

    raw = io.BytesIO()
    screen = Screen(raw)
    output = Output(screen, io.BytesIO())
    output.record({}, b"\x1b[1m")
    output.records(list, b"\x1b[1m", styled=True)
    screen.flush()
    assert raw.getvalue() == b"\\x1b[1m\x1b[1m"


def test_results_in_a_file(tmp_path: Path) -> None:
    output = Output(io.BytesIO(), io.BytesIO())
    for name, content in (("a.json", b'[\n{"a":1}\n]\n'), ("a.ndjson", b'{"a":1}\n'), ("a.txt", b"text\n")):
        with output.to_file(str(tmp_path / name)) as file:
            file.record({"a": 1}, b"text\n")
        assert (tmp_path / name).read_bytes() == content
