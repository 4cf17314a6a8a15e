"""Damaged files: every command answers, whatever is in the file.

A sample of all structured mutations (``mutations.py``) of several sound files;
``BOLTCLI_MUTANTS`` is how many of each file (0: all that there are),
``BOLTCLI_SEED`` which ones. What counts as an answer is in ``answers.py``.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

import boltcli
from boltcli.cli.registry import all_commands
from boltcli.errors import BoltError
from tests.damage.answers import CALLS, DATALESS, Subject
from tests.damage.mutations import Mutation, sample
from tests.support import fixture, run

SOURCES = (
    "inline", "nested-8", "page-1024", "no-freelist", "after-deletes", "binary-keys", "depth-4", "document",
    "bucket-newline", "large-branch", "all-deleted", "long-keys",
)  # fmt: skip
COUNT = int(os.environ.get("BOLTCLI_MUTANTS", "40")) or 1 << 30
PARTS = 7  # no divisor of those below: each part has its share
SEED = os.environ.get("BOLTCLI_SEED", "1")


@cache
def mutants(name: str, count: int) -> list[Mutation]:
    """Mutations of a sound file: at most ``count``, those of the seed."""
    return sample(fixture(name).read_bytes(), count, f"{name} {SEED}")


@pytest.fixture
def subject(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    """What is asked of damaged copies of a sound file, with the words that it knows."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # waiting for the disk would take most of the time
    return Subject.of(fixture(name), tmp_path / "mutant.db")


@pytest.mark.sampled(6)
@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", SOURCES)
def test_every_command_answers(name: str, part: int, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, mutation in list(enumerate(mutants(name, COUNT)))[part::PARTS]:
        _ask(name, number, mutation, subject, monkeypatch)


def _ask(name: str, number: int, mutation: Mutation, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"{name} {number}: {mutation.what}")  # pytest shows it of a test that fails
    subject.path.write_bytes(mutation.apply(fixture(name).read_bytes()))
    # The kernel, where it is there, or Python.
    monkeypatch.setenv("BOLTCLI_KERNEL", str(int(number % 3 > 0)))
    answers = subject.ask(write=number % 4 == 0)
    if number % 10 == 0:  # without the lock all that is said is held back
        assert subject.call(("check", "--no-lock", "{file}"))[:2] == answers["check", "{file}"]


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_the_mutants_are_damaged(name: str, subject: Subject) -> None:
    content = fixture(name).read_bytes()
    noticed = 0
    for mutation in mutants(name, 30):
        subject.path.write_bytes(mutation.apply(content))
        noticed += subject.call(("check", "--deep", "{file}"))[0]
    assert noticed > 10, "the mutations are too tame to mean anything"


def test_every_command_is_asked() -> None:
    asked = {call[0] for call in CALLS}
    assert all(command.name in asked or command.name.startswith(DATALESS) for command in all_commands())


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_sound_files_are_sound(name: str, tmp_path: Path) -> None:
    """What the suite asks of damaged files holds for those that aren't, and there deep means deep."""
    path = tmp_path / "sound.db"
    path.write_bytes(fixture(name).read_bytes())
    answers = Subject.of(fixture(name), path).ask()
    assert answers["check", "--deep", "{file}"] == (0, b"OK\n")
    assert run("check", "--deep", path) == (0, b"OK\n", b"")


@pytest.mark.slow
def test_the_library_raises_its_own_errors_only(tmp_path: Path) -> None:
    content = fixture("nested-8").read_bytes()
    path = tmp_path / "mutant.db"
    for mutation in sample(content, 150, "library"):
        path.write_bytes(mutation.apply(content))
        try:
            with boltcli.open(path) as db:
                list(db.check())
                list(db.check(deep=True))
                db.stats()
                list(db.pages())
                list(db.range(stop=b"x", reverse=True))
                list(db.cursor())
                for key in db:
                    value = db[key]
                    if isinstance(value, boltcli.Bucket):
                        list(value.pairs())
        except BoltError:
            pass
