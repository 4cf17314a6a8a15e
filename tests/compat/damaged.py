"""Damaged copies of databases: what bbolt makes of them, and that boltcli answers the same where bbolt does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.compat import bbolt, matrix, ours
from tests.compat.bbolt import Completed
from tests.compat.differences import command, difference
from tests.compat.goldens import add_companion
from tests.compat.matrix import Effort
from tests.compat.model import Case, Outcome, Text, error_line
from tests.damage.mutations import Mutation

OTHERS = 8
"""Cases beside `check` that each mutant is asked, in turn from the matrix: each costs a process."""

AGAIN = 8
"""Runs of bbolt after which an answer that is always the same counts as one."""

OURS = re.compile(
    rb"beyond its page|do not fit|has no room for|the elements that remain need|far beyond the|"
    rb"is too small to|a branch page without elements|is its own ancestor|is nested in itself|"
    rb"does not end|have no end"
)
"""What boltcli says where bbolt reads whatever memory holds, or goes round in circles."""


BEYOND = re.compile(rb"^page \d+ at offset \d+: .*(beyond its page|do not fit|too small to be a bucket)", re.MULTILINE)
"""What our check says of elements that leave their page, or a value too small for its bucket: bbolt reads on."""


@dataclass
class Tally:
    """What came of damaged copies. ``check`` counts the copies by what bbolt's check did:

    ``passes`` over the damage, ``reports`` it, ``stops`` at an assertion or panic that it
    catches, ``dies`` of one or of a signal, ``hangs`` (or eats all memory), or ``strays``: it
    reads memory beyond the file, whatever is there, and may say now this and now that.
    """

    check: Counter[str] = field(default_factory=Counter)
    same: int = 0
    refused: int = 0  # boltcli ends with an error where bbolt prints on
    crashed: int = 0  # bbolt, on commands other than check
    differences: list[str] = field(default_factory=list)
    excuses: Counter[str] = field(default_factory=Counter)  # by what boltcli says where it ends and bbolt goes on

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.check += other.check
        self.same += other.same
        self.refused += other.refused
        self.crashed += other.crashed
        self.differences += other.differences
        self.excuses += other.excuses

    def __str__(self) -> str:
        noticed = sum(self.check.values()) - self.check["passes"]
        return (
            f"check: {dict(self.check)}, {noticed} noticed; other commands: {self.same} the same, "
            f"{self.refused} refused, {self.crashed} on which bbolt crashes"
        )


def survive(
    program: Path, directory: Path, known: bbolt.Database, sound: bytes, mutations: Sequence[tuple[int, Mutation]]
) -> Tally:
    """Ask both programs about damaged copies of ``sound``, which ``known`` describes; each comes with its number."""
    cases = matrix.database_cases(known, Effort.REDUCED)
    tally = Tally()
    database = directory / known.name
    for number, mutation in mutations:
        mutant = mutation.apply(sound)
        database.write_bytes(mutant)
        add_companion(database)
        where = f"[{known.name}, {mutation.what}] "
        compare_check(tally, program, directory, Case(("check", known.name)), where)
        for step in range(OTHERS):
            compare_other(tally, program, directory, cases[(number * OTHERS + step) % len(cases)], where)
        if database.read_bytes() != mutant:
            tally.differences.append(f"{where}the file was changed")
    return tally


def compare_check(tally: Tally, program: Path, directory: Path, case: Case, where: str) -> None:
    theirs = bbolt.run(program, case.argv, directory)
    mine = _ours(tally, case, directory, where)
    did = _what_it_did(theirs)
    if mine is None:
        return
    if did in ("passes", "reports"):
        text = difference(case, _outcome(theirs), ours.outcome(case, mine, directory), where)
        if text and (BEYOND.search(mine.stdout) or not _is_stable(program, directory, case, theirs)):
            did = "strays"
        elif text:
            tally.differences.append(text)
    elif did == "stops" and mine.status != 1:
        tally.differences.append(f"{command(case, where)}\n  bbolt panics, boltcli finds nothing")
    tally.check[did] += 1


def _what_it_did(theirs: Completed) -> str:
    if not theirs.comparable:
        return "hangs" if theirs.stderr == b"timed out" or b"out of memory" in theirs.stderr else "dies"
    if _stops(Text.of(theirs.stdout)):
        return "stops"
    return "reports" if theirs.status else "passes"


def _stops(stdout: Text | None) -> bool:
    """Whether a check caught a panic, said so, and ended."""
    printed = stdout.data if stdout and stdout.data else b""
    return b"panic: " in printed or b"runtime error: " in printed


def compare_other(tally: Tally, program: Path, directory: Path, case: Case, where: str) -> None:
    for name in case.outputs:
        (directory / name).unlink(missing_ok=True)  # bbolt leaves one where it crashes
    mine = _ours(tally, case, directory, where)
    if mine is None:
        return
    got = ours.outcome(case, mine, directory)
    expected = bbolt.outcome(program, case, directory)
    if expected is None or (case.argv[0] == "check" and _stops(expected.stdout)):
        tally.crashed += 1
    elif excuse := OURS.search(mine.stdout + mine.stderr):
        # We stop at a page where bbolt reads on: until then it must be the same.
        tally.refused += 1
        tally.excuses[f"{case.argv[0]}: {excuse[0].decode()}"] += 1
        if case.argv[0] in ("keys", "buckets") and expected.stdout and expected.stdout.data is not None:
            sound = mine.stdout if mine.status else b""
            lines = iter(expected.stdout.data.split(b"\n"))
            listed = case.argv[0] == "buckets" and all(line in lines for line in sound.split(b"\n"))  # in that order
            if not listed and not expected.stdout.data.startswith(sound) and expected.error is None:
                tally.differences.append(f"{command(case, where)}\n  what precedes the error isn't what bbolt prints")
    else:
        text = difference(case, expected, got, where)
        if text and all(bbolt.outcome(program, case, directory) == expected for _ in range(AGAIN)):
            tally.differences.append(text)
        tally.same += not text


def _ours(tally: Tally, case: Case, directory: Path, where: str) -> Completed | None:
    mine = ours.in_process(case.argv, directory)
    broken = ours.crash(mine)
    if broken:
        tally.differences.append(f"{command(case, where)}\n  {broken}")
        return None
    return mine


def _outcome(theirs: Completed) -> Outcome:
    return Outcome(theirs.status, error_line(theirs.stderr), Text.of(theirs.stdout))


def _is_stable(program: Path, directory: Path, case: Case, first: Completed) -> bool:
    answers = [bbolt.run(program, case.argv, directory) for _ in range(AGAIN)]
    return all((answer.status, answer.stdout) == (first.status, first.stdout) for answer in answers)
