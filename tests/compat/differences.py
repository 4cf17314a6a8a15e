"""Putting two outcomes side by side so that a failing test can be read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from tests.compat.model import Case, Outcome, Text, expected_of_us

SHOWN = 5
"""How many differences a failure spells out; the rest are counted."""

WIDTH = 300


FORMATTED = ("get", "page", "page-item")
"""Commands whose -f is boltcli's own."""


def _is_on_purpose(case: Case, of_bbolt: Outcome, ours: Outcome) -> bool:
    """Tell whether the two differ where they should: guide/bbolt.md lists it."""
    error = of_bbolt.error or b""
    name = "".join(case.argv[:1])
    if name in FORMATTED and error.startswith(b"Error: unknown shorthand flag: 'f' in -f"):
        return True  # -f is --format everywhere
    if name in ("check", "info") and error.startswith(b"Error: accepts 1 arg(s), received ") and len(case.argv) > 2:
        return not (ours.error or b"").startswith(b"Error: accepts ")  # several files
    if name == "surgery" and of_bbolt.status == 0 and ours.status == 1:
        # A meta page that would be valid with nonsense in it needs --force; neither one valid is a failure.
        words = (ours.error or b"").removeprefix(b"Error: ")
        if words.startswith(b"meta page ") and words.endswith(b"; --force writes it anyway"):
            return True
        if words == b"neither meta page is valid":
            return True
    if name in ("surgery", "completion", "help") and of_bbolt.status == 0 and ours.status == 1:
        unknown = (b"Error: unknown command ", b"Error: there is no command and no topic ")
        return (ours.error or b"").startswith(unknown)  # where bbolt shows a help instead
    return False


def difference(case: Case, of_bbolt: Outcome, ours: Outcome, where: str = "") -> str | None:
    """Describe where boltcli departs from what bbolt did; None if nowhere, or where it should."""
    if _is_on_purpose(case, of_bbolt, ours):
        return None
    wanted = expected_of_us(of_bbolt)
    if case.argv[:1] == ("check",):
        wanted = _beyond_in_one_line(wanted, ours)
    lines: list[str] = []
    if ours.status != wanted.status:
        lines.append(f"  status: bbolt {wanted.status}, boltcli {ours.status}")
    if ours.error != wanted.error:
        lines += [f"  error:  bbolt   {_cut(wanted.error)}", f"          boltcli {_cut(ours.error)}"]
    if _gave_up(wanted.stdout):
        lines += _until_panic(wanted.stdout, ours.stdout)
    else:
        lines += _text_difference("stdout", wanted.stdout, ours.stdout, case.text_is_ours)
    for (name, theirs), (_, mine) in zip(wanted.outputs, ours.outputs, strict=True):
        lines += _text_difference(name, theirs, mine, ignored=False)
    return "\n".join([command(case, where), *lines]) if lines else None


BEYOND = re.compile(rb"^(\d+) of the pages (\d+) to (\d+), beyond the end of the file: unreachable unfreed$", re.M)


def _beyond_in_one_line(wanted: Outcome, ours: Outcome) -> Outcome:
    """Replace bbolt's lines on pages beyond the file's end by one line, where ours has one: guide/bbolt.md lists it."""
    theirs = wanted.stdout.data if wanted.stdout else None
    found = BEYOND.search(ours.stdout.data) if ours.stdout and ours.stdout.data else None
    if found is None or theirs is None:
        return wanted
    count, first, last = map(int, found.groups())
    lines, beyond = [], 0
    for line in theirs.splitlines():
        page = re.fullmatch(rb"page (\d+): unreachable unfreed", line)
        if page and first <= int(page[1]) <= last:
            beyond += 1
        else:
            lines.append(line)
    if beyond != count or not lines[-1:] or not lines[-1].endswith(b" errors found"):
        return wanted
    total = int(lines.pop().split()[0]) - count + 1
    text = b"\n".join([*lines, found[0], b"%d errors found\n" % total])
    return replace(wanted, stdout=Text.of(text))


def _gave_up(theirs: Text | None) -> bool:
    """Tell whether bbolt's check recovered from a panic, said so on stdout, and stopped there."""
    return theirs is not None and theirs.data is not None and b"panic: " in theirs.data


def _until_panic(theirs: Text | None, mine: Text | None) -> list[str]:
    """Compare what bbolt printed until it gave up: boltcli goes on from there in words of its own."""
    wanted = theirs.data if theirs and theirs.data else b""
    before = wanted[: wanted.index(b"panic: ")]
    printed = mine.data if mine and mine.data else b""
    if printed.startswith(before) and printed.endswith(b" errors found\n"):
        return []
    return [f"  stdout: bbolt   {_cut(wanted)}", f"          boltcli {_cut(printed)}"]


def command(case: Case, where: str = "") -> str:
    """Write a case as a line for a shell, bytes outside UTF-8 as escapes."""
    words = " ".join(_shell_word(word) for word in case.argv)
    return f"{where}$ boltcli {words}"[: 4 * WIDTH]


def report(differences: Sequence[str], compared: int) -> str:
    """Sum up the differences, the first few in full."""
    rest = len(differences) - SHOWN
    more = [f"... and {rest} more"] if rest > 0 else []
    head = f"{len(differences)} of {compared} cases differ"
    return "\n".join([head, *differences[:SHOWN], *more])


def _shell_word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    data = word.encode("utf-8", "surrogateescape")
    return "$'" + "".join(_shell_byte(byte) for byte in data) + "'"


def _shell_byte(byte: int) -> str:
    plain = 32 <= byte < 127 and byte not in b"'\\"
    return chr(byte) if plain else f"\\x{byte:02x}"


def _cut(data: bytes | None) -> str:
    if data is None:
        return "(none)"
    text = repr(data)
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}... ({len(data)} bytes)"


def _text_difference(name: str, theirs: Text | None, mine: Text | None, ignored: bool) -> list[str]:
    if ignored or (theirs is None and mine is None):
        return []
    if theirs is None or mine is None:
        return [f"  {name}: bbolt {'none' if theirs is None else 'some'}, boltcli {'none' if mine is None else 'some'}"]
    if theirs.same(mine):
        return []
    if theirs.data is None or mine.data is None:
        return [
            f"  {name}: bbolt   {theirs.length} bytes, sha256 {theirs.sha256}",
            f"          boltcli {mine.length} bytes, {_cut(mine.data)}",
        ]
    at = next(
        (place for place, (a, b) in enumerate(zip(theirs.data, mine.data, strict=False)) if a != b),
        min(theirs.length, mine.length),
    )
    start = theirs.data.rfind(b"\n", 0, at) + 1 if at - theirs.data.rfind(b"\n", 0, at) < WIDTH else at
    return [
        f"  {name}: differs at byte {at} (bbolt {theirs.length} bytes, boltcli {mine.length})",
        f"          bbolt   {_cut(theirs.data[start:])}",
        f"          boltcli {_cut(mine.data[start:])}",
    ]
