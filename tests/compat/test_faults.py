"""Damaged files on which bbolt answers: boltcli answers the same."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.live import build
from tests.compat.test_live import SHARED
from tests.support import run

pytestmark = pytest.mark.compat

FAULTS = sorted((SHARED / "faults").glob("*.db")) if SHARED.exists() else []

# What bbolt reads there lies outside its page or value, or in memory that is not the file's; or it takes hours.
OURS = {
    ("amp4000.db", "page"), ("count-118.db", "page"), ("root-element-damaged.db", "buckets"),
    ("inlinesmall-1110.db", "keys"), ("inline3900.db", "inspect"), ("smallbucket-1188.db", "stats"),
    ("smallbucket-1188.db", "inspect"), ("smallbucket-1188.db", "keys"), ("smallbucket-1188.db", "get"),
}  # fmt: skip
SECONDS = 20


@pytest.fixture(scope="module")
def bbolt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("tools")).bbolt


def _ask(bbolt: Path, *words: str) -> tuple[int, bytes, bytes] | None:
    """Status, stdout and ``Error:`` line; None where bbolt dies, or takes too long."""
    try:
        done = subprocess.run([bbolt, *words], capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return (done.returncode, done.stdout, _error(done.stderr)) if done.returncode in (0, 1) else None


def _error(err: bytes) -> bytes:
    return next((line for line in err.split(b"\n") if line.startswith(b"Error: ")), b"")


def _calls(bbolt: Path, path: Path) -> Iterator[tuple[str, ...]]:
    yield from (("buckets", str(path)), ("stats", str(path)), ("inspect", str(path)), ("info", str(path)))
    yield from (("pages", str(path)), ("page", str(path), "0", "1", "2", "3", "4"))
    listed = _ask(bbolt, "buckets", str(path))
    for name in (listed[1] if listed else b"").splitlines()[:4]:
        if b"\0" in name or len(name) > 200:
            continue
        bucket = name.decode("utf-8", "surrogateescape")
        yield "keys", str(path), bucket
        keys = _ask(bbolt, "keys", str(path), bucket)
        for key in (keys[1] if keys else b"").splitlines()[:1]:
            if key and b"\0" not in key:
                yield "get", str(path), bucket, key.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.name)
def test_where_bbolt_answers(path: Path, bbolt: Path) -> None:
    for call in _calls(bbolt, path):
        if (path.name, call[0]) in OURS:
            continue
        theirs = _ask(bbolt, *call)
        if theirs is not None:
            status, out, err = run(*call)
            assert (status, out, _error(err)) == theirs, call
