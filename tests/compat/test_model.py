"""The comparison itself: what it keeps, and what it takes for a difference."""

from __future__ import annotations

import json

import pytest

from tests.compat import bbolt
from tests.compat.differences import command, difference
from tests.compat.model import (
    INLINE_LIMIT,
    Case,
    Outcome,
    Text,
    error_line,
    from_json,
    in_our_name,
    to_json,
)

EVERY_BYTE = bytes(range(256))


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        (b"", None),
        (b"Usage:\n  x\n", None),
        (b"Error: a\nError: b\n", b"Error: a"),
        (b"note\nError: a\r\x0bb\n", b"Error: a\r\x0bb"),
        (b"an Error: a\n", None),
        (b"Error: no newline ", b"Error: no newline "),
    ],
)
def test_error_line(stderr: bytes, line: bytes | None) -> None:
    assert error_line(stderr) == line


def test_only_the_program_name_in_unknown_command_is_translated() -> None:
    assert in_our_name(b'Error: unknown command "x" for "bbolt"') == b'Error: unknown command "x" for "boltcli"'
    assert in_our_name(b'Error: unknown command "x" for "bbolt surgery"') == (
        b'Error: unknown command "x" for "boltcli surgery"'
    )
    assert in_our_name(b'Error: no "x" for "bbolt"') == b'Error: no "x" for "bbolt"'
    assert in_our_name(None) is None


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (Case(("get", "a.db", "\udcff\n\u2028")), Outcome(1, b"Error: \xff", Text.of(EVERY_BYTE))),
        (Case((), text_is_ours=True), Outcome(0, None, None)),
        (Case(("compact",), outputs=("o",)), Outcome(0, None, Text.of(b""), (("o", Text.of(EVERY_BYTE[100:])),))),
        (Case(("compact",), outputs=("out.db",)), Outcome(1, b"Error: x", Text.of(b""), (("out.db", None),))),
    ],
)
def test_golden_line_is_read_back_as_written(case: Case, outcome: Outcome) -> None:
    line = to_json(case, outcome)
    assert "\n" not in line
    assert line.isascii()
    assert from_json(json.loads(line)) == (case, outcome)


def test_long_text_is_compared_by_hash() -> None:
    case, data = Case(("keys", "a.db")), b"x" * INLINE_LIMIT + b"\n"
    _, stored = from_json(json.loads(to_json(case, Outcome(0, None, Text.of(data)))))
    assert stored.stdout is not None
    assert stored.stdout.data is None
    assert difference(case, stored, Outcome(0, None, Text.of(data))) is None
    assert difference(case, stored, Outcome(0, None, Text.of(data[:-1]))) is not None
    assert difference(case, stored, Outcome(0, None, Text.of(data[:-1] + b"y"))) is not None


@pytest.mark.parametrize(
    "ours",
    [
        Outcome(0, b"Error: a", Text.of(b"x\n")),
        Outcome(1, None, Text.of(b"x\n")),
        Outcome(1, b"Error: a ", Text.of(b"x\n")),
        Outcome(1, b"Error: a", Text.of(b"x")),
        Outcome(1, b"Error: a", Text.of(b"x\r\n")),
        Outcome(1, b"Error: a", Text.of(b"")),
    ],
)
def test_every_part_of_the_contract_counts(ours: Outcome) -> None:
    case, theirs = Case(("info", "a.db")), Outcome(1, b"Error: a", Text.of(b"x\n"))
    assert difference(case, theirs, theirs) is None
    assert difference(case, theirs, ours) is not None


def test_command_line_shown_can_be_pasted_into_a_shell() -> None:
    assert command(Case(("get", "a.db", "it's", "\udcff\n"))) == "$ boltcli get a.db 'it'\"'\"'s' $'\\xff\\x0a'"


def test_spread_keeps_both_ends() -> None:
    assert bbolt.spread(range(100), 4) == [0, 33, 66, 99]
    assert bbolt.spread("ab", 4) == ["a", "b"]
    assert bbolt.spread("abc", 1) == ["a"]
    assert bbolt.spread("abc", 0) == []
