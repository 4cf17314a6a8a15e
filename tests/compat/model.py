"""What is run, what came of it, and what counts as the same.

The contract between boltcli and bbolt is three things per invocation: the
exact bytes of stdout, the exit status, and the first stderr line that begins
with ``Error: ``.  Everything else on stderr (usage, suggestions) is each
program's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

ERROR_PREFIX = b"Error: "
INLINE_LIMIT = 4096
"""Longest stdout a golden file holds as text; longer ones are kept as a hash."""

BRIEF_LIMIT = 160
"""The same for cases that there are many of, and for files."""


@dataclass(frozen=True)
class Case:
    """One invocation.

    argv excludes the program's name; bytes that are not UTF-8 are held as
    surrogate escapes, as Python itself passes them.  Files are called by
    relative names, since bbolt repeats the path in its messages: a case runs
    in the directory that holds them.

    text_is_ours marks cases whose stdout is help, which we word ourselves.
    outputs names files the invocation is expected to write (for commands that
    produce databases); their bytes are compared too.  Cases run side by side in
    one directory, so no two may name the same output.
    """

    argv: tuple[str, ...]
    text_is_ours: bool = False
    outputs: tuple[str, ...] = ()

    @property
    def brief(self) -> bool:
        """Whether what is printed about pages is kept as a hash even if it is short: there are many of them."""
        return self.argv[:1] in (("page",), ("page-item",), ("dump",))


@dataclass(frozen=True)
class Text:
    """Bytes to compare, or, when there are many, their hash and length."""

    length: int
    sha256: str
    data: bytes | None

    @classmethod
    def of(cls, data: bytes) -> Text:
        """Keep everything: used for what a program has just printed."""
        return cls(len(data), hashlib.sha256(data).hexdigest(), data)

    def same(self, other: Text) -> bool:
        """Equality that also works when one side is known by its hash only."""
        return self.length == other.length and self.sha256 == other.sha256


@dataclass(frozen=True)
class Outcome:
    """What one invocation printed and how it ended."""

    status: int
    error: bytes | None
    stdout: Text | None
    outputs: tuple[tuple[str, Text | None], ...] = ()


def error_line(stderr: bytes) -> bytes | None:
    """Return the first line that begins with ``Error: ``, if there is one.

    Only a newline ends a line here: bytes.splitlines would also split at a
    carriage return, which may well be part of a name in the message.
    """
    for line in stderr.split(b"\n"):
        if line.startswith(ERROR_PREFIX):
            return line
    return None


def in_our_name(error: bytes | None) -> bytes | None:
    """Translate the one thing in a message that rightly differs: our name."""
    if error is None or not error.startswith(b"Error: unknown command "):
        return error
    head, found, tail = error.rpartition(b' for "bbolt')
    return head + b' for "boltcli' + tail if found else error


def expected_of_us(outcome: Outcome) -> Outcome:
    """Turn what bbolt did into what boltcli has to do.

    Where bbolt fails it leaves a copy of its source behind; boltcli leaves nothing.
    """
    outputs = outcome.outputs if outcome.status == 0 else tuple((name, None) for name, _ in outcome.outputs)
    return Outcome(outcome.status, in_our_name(outcome.error), outcome.stdout, outputs)


def _text_fields(prefix: str, text: Text | None, limit: int = BRIEF_LIMIT) -> dict[str, object]:
    if text is None:
        return {prefix: None}
    if text.data is not None and text.length <= limit:
        return {prefix: text.data.decode("latin-1")}
    return {f"{prefix}_sha256": text.sha256, f"{prefix}_length": text.length}


def _read_text(record: Mapping[str, object], prefix: str) -> Text | None:
    value = record.get(prefix)
    if isinstance(value, str):
        return Text.of(value.encode("latin-1"))
    sha256 = record.get(f"{prefix}_sha256")
    length = record.get(f"{prefix}_length")
    if isinstance(sha256, str) and isinstance(length, int):
        return Text(length, sha256, None)
    return None


def to_json(case: Case, outcome: Outcome) -> str:
    """Write a case and its outcome as one line of JSON, in ASCII.

    Bytes are shown as latin-1 so that any of them survive; argv keeps its
    surrogate escapes, which JSON writes as escapes of their own.
    """
    record: dict[str, object] = {"argv": list(case.argv), "status": outcome.status}
    if outcome.error is not None:
        record["error"] = outcome.error.decode("latin-1")
    if case.text_is_ours:
        record["text_is_ours"] = True
    else:
        record.update(_text_fields("stdout", outcome.stdout, BRIEF_LIMIT if case.brief else INLINE_LIMIT))
    if case.outputs:
        record["outputs"] = {name: _text_fields("data", text) for name, text in outcome.outputs}
    return json.dumps(record, ensure_ascii=True)


def from_json(record: Mapping[str, object]) -> tuple[Case, Outcome]:
    """Read back what to_json wrote."""
    argv, status, error = record["argv"], record["status"], record.get("error")
    outputs = record.get("outputs", {})
    if not isinstance(argv, list) or not isinstance(status, int) or not isinstance(outputs, dict):
        raise ValueError(f"not a golden case: {record!r}")
    ours = bool(record.get("text_is_ours"))
    case = Case(tuple(str(word) for word in argv), ours, tuple(outputs))
    return case, Outcome(
        status,
        error.encode("latin-1") if isinstance(error, str) else None,
        None if ours else _read_text(record, "stdout"),
        tuple((name, _read_text(fields, "data")) for name, fields in outputs.items()),
    )
