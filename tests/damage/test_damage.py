"""Damaged files: every command answers, whatever is in the file.

Structured mutations of sound files: each field of page headers and elements
set to telling values, pages swapped, copied and zeroed, files cut at page
borders and inside pages, bits of both metas flipped. Each command must end
with status 0 or 1, without a traceback, and say why if it fails.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.cli.table import COMMANDS
from boltcli.errors import BoltError
from boltcli.storage.snapshot import Snapshot
from tests.support import fixture, run

SOURCES = ("inline", "nested-8", "page-1024", "no-freelist", "after-deletes", "binary-keys")
PER_SOURCE = 150

OPENING = {command.name for command in COMMANDS if command.opens}


def mutants(content: bytes, page_size: int, source: random.Random) -> Iterator[tuple[str, bytes]]:
    """Damaged copies of ``content`` without end, each with a word about what was done."""
    pages = len(content) // page_size
    values = (0, 1, 2, 3, 0x10, 0x7F, 0xFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1)
    for bit in source.sample(range(16, 80), 10):
        for which in (0, 1):
            mutant = bytearray(content)
            mutant[which * page_size + bit] ^= 1 << source.randrange(8)
            yield f"meta {which} byte {bit}", bytes(mutant)
    while True:
        mutant = bytearray(content)
        pgid = source.randrange(pages)
        start = pgid * page_size
        kind = source.randrange(7)
        if kind == 0:  # a field of the header
            offset, form = source.choice(((0, "Q"), (8, "H"), (10, "H"), (12, "I")))
        elif kind <= 3:  # a field of an element
            count = struct.unpack_from("<H", content, start + 10)[0] or 1
            element = 16 * source.randrange(min(count, page_size // 16 - 1))
            offset, form = 16 + element + 4 * source.randrange(4), source.choice("IQ")
            offset = min(offset, page_size - 8)
        elif kind == 4:  # a whole page
            other = source.randrange(pages) * page_size
            mutant[start : start + page_size] = source.choice(
                (bytes(page_size), content[other : other + page_size], source.randbytes(page_size))
            )
            yield f"page {pgid} replaced", bytes(mutant)
            continue
        elif kind == 5:  # cut
            yield f"cut at {start}", content[: start + source.choice((0, 1, 15, 80, page_size - 1))]
            continue
        else:
            for _ in range(8):
                mutant[source.randrange(len(mutant))] = source.randrange(256)
            yield "random bytes", bytes(mutant)
            continue
        size = struct.calcsize(form)
        value = source.choice((*values, source.randrange(pages), pgid)) % (1 << 8 * size)
        struct.pack_into("<" + form, mutant, start + offset, value)
        yield f"page {pgid} offset {offset}: {value}", bytes(mutant)


LAST = ("check", "surgery", "__complete")
"""Commands whose file doesn't come first; that of the last one is there already."""


def _surgeries(output: str, number: int) -> list[list[str]]:
    to = ["--output", output]
    return [
        ["surgery", "revert-meta-page", *to],
        ["surgery", "copy-page", "--from-page", "3", "--to-page", "2", *to],
        ["surgery", "clear-page", "--pageId", str(2 + number % 8), *to],
        ["surgery", "clear-page-elements", "--pageId", "3", "--from-index", "0", "--to-index", "1", *to],
        ["surgery", "freelist", "abandon", *to],
        ["surgery", "freelist", "rebuild", *to],
        ["surgery", "meta", "validate"],
        ["surgery", "meta", "update", "--fields", "root:3", "--meta-page", "1", *to],
    ]


@pytest.mark.parametrize("name", SOURCES)
def test_every_command_answers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # waiting for the disk would take most of the time
    content = fixture(name).read_bytes()
    with Snapshot(str(fixture(name))) as snapshot:
        page_size = snapshot.page_size
        used = content[: snapshot.meta.hwm * page_size]  # the rest is never read: mutations there say nothing
    _, names, _ = run("buckets", fixture(name))
    bucket = names.split(b"\n")[0].decode("utf-8", "surrogateescape")
    path, output = tmp_path / "mutant.db", tmp_path / "output"
    source = random.Random(f"damage {name}")
    damaged = mutants(used, page_size, source)
    noticed = 0
    for number in range(PER_SOURCE):
        what, mutant = next(damaged)
        path.write_bytes(mutant)
        where = f"{name} mutant {number}: {what}"
        for argv in (
            ["check"], ["check", "--from-page", "3"], ["buckets"], ["stats"], ["info"],
            ["keys", bucket], ["keys", bucket, "missing"], ["get", bucket, "key"],
            ["inspect"], ["pages"], ["page", "--all"], ["page-item", "3", "0"], ["dump", "2", "3"],
            ["items", bucket, "--recursive"], ["keys", bucket, "--reverse", "--limit", "3"],
            *([["export"], ["tree"], ["du"]] if number % 3 == 0 else []),
            *([["__complete", "plain", "get", str(path), bucket, ""]] if number % 4 == 0 else []),
            *(_surgeries(str(output), number) if number % 4 == 0 else []),
        ):  # fmt: skip
            call = [argv[0], *([str(path)] if argv[0] not in LAST else []), *argv[1:]]
            if argv[0] in LAST[:2]:
                call.append(str(path))
            output.unlink(missing_ok=True)
            try:
                status, out, err = run(*call)
            except BaseException as error:
                raise AssertionError(f"{where}: {call[0]} raised {error!r}") from error
            assert status in (0, 1), where
            assert (status == 1) == err.startswith(b"Error: "), where
            assert status == 0 or not output.exists(), where
            assert b"Traceback" not in err, where
            if number % 10 == 0 and argv[0] in OPENING:
                assert run(*call, "--no-lock") == (status, out, err), where
            if argv == ["check"]:
                noticed += status
                assert out == b"OK\n" if status == 0 else True, where
        assert path.read_bytes() == mutant, f"{where}: the file was written to"
    assert noticed > PER_SOURCE // 5, "the mutations are too tame to mean anything"


def test_random_bytes_behind_a_sound_head(tmp_path: Path) -> None:
    source = random.Random(7)
    head = fixture("empty").read_bytes()[:8192]
    path = tmp_path / "random.db"
    for _ in range(100):
        path.write_bytes(head + source.randbytes(source.randrange(16384)))
        for command in ("check", "buckets", "stats"):
            status, _, _ = run(command, path)
            assert status in (0, 1)


def test_the_library_raises_its_own_errors_only(tmp_path: Path) -> None:
    import boltcli

    content = fixture("nested-8").read_bytes()
    source = random.Random(8)
    damaged = mutants(content, 4096, source)
    path = tmp_path / "mutant.db"
    for _ in range(150):
        path.write_bytes(next(damaged)[1])
        try:
            with boltcli.open(path) as db:
                list(db.check())
                db.stats()
                list(db.pages())
                list(db.cursor(b"x", reverse=True))
                for key in db:
                    value = db[key]
                    if isinstance(value, boltcli.Bucket):
                        list(value.pairs())
        except BoltError:
            pass
