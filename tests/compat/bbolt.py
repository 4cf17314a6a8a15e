"""Running the real bbolt, and asking it what a database holds.

bbolt is the oracle here: nothing in this module may use boltcli.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.compat.model import Case, Outcome, Text, error_line

Item = TypeVar("Item")

TIMEOUT = 10.0
"""Seconds after which an invocation counts as hung, hence not comparable."""

MEMORY = 4 << 30
"""Bytes of address space an invocation may take."""

PROBE_LIMIT = 64
"""How many keys of a bucket are tried as buckets when inspect is no help."""

DEPTH_LIMIT = 24
"""How deep nested buckets are followed."""

_Tree = dict[str, object]
"""What inspect prints of a bucket."""


@dataclass(frozen=True)
class Limits:
    """What is looked at of databases with many buckets: each costs a process."""

    siblings: int
    buckets: int


THOROUGH = Limits(siblings=24, buckets=96)
CURSORY = Limits(siblings=5, buckets=20)


@dataclass(frozen=True)
class Completed:
    """A finished process, before anything is made of it."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def comparable(self) -> bool:
        """Tell an answer from a crash.

        bbolt itself ends with 0 or 1 only; the Go runtime ends with 2 after a
        panic or a fault, and a signal shows as a negative number.
        """
        return self.status in (0, 1)


@dataclass(frozen=True)
class Bucket:
    """A bucket that can be named in argv, and its direct keys in order."""

    path: tuple[bytes, ...]
    keys: tuple[bytes, ...]
    children: frozenset[bytes]


@dataclass(frozen=True)
class Page:
    """A line of what `pages` prints."""

    id: int
    type: str
    count: int = 0
    overflow: int = 0


@dataclass(frozen=True)
class Database:
    """What bbolt tells about one file."""

    name: str
    buckets: tuple[Bucket, ...]
    high_water: int
    pages: tuple[Page, ...] = ()


def run(program: Path, argv: Sequence[str], directory: Path) -> Completed:
    """Run bbolt in a directory; a hang is reported as a crash."""
    command = [os.fsencode(program), *(os.fsencode(word) for word in argv)]
    with subprocess.Popen(
        command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        _limit_memory(process.pid)
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            return Completed(-1, b"", b"timed out")
    return Completed(process.returncode, stdout, stderr)


def _limit_memory(pid: int) -> None:
    """Stop bbolt from eating all memory, which it does on pages that form a ring.

    It then ends as after a panic.  Where limits cannot be set on another
    process (outside Linux) the time limit alone has to do.
    """
    if sys.platform == "linux":
        with suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY, MEMORY))


def outcome(program: Path, case: Case, directory: Path) -> Outcome | None:
    """Run a case; None when bbolt crashed, which nobody can be compared with."""
    done = run(program, case.argv, directory)
    if not done.comparable:
        return None
    return Outcome(
        done.status,
        error_line(done.stderr),
        None if case.text_is_ours else Text.of(done.stdout),
        collect_outputs(case, directory),
    )


def collect_outputs(case: Case, directory: Path) -> tuple[tuple[str, Text | None], ...]:
    """Take the files a case wrote away, so that the next case starts clean."""
    found: list[tuple[str, Text | None]] = []
    for name in case.outputs:
        path = directory / name
        text = Text.of(path.read_bytes()) if path.is_file() else None
        path.unlink(missing_ok=True)
        found.append((name, text))
    return tuple(found)


def discover(program: Path, directory: Path, name: str, limits: Limits = THOROUGH) -> Database:
    """Find the buckets and keys of a database by asking bbolt alone."""
    return _Explorer(program, directory, name, limits).database()


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Choose up to count items, always with the first and the last, evenly."""
    if len(items) <= count:
        return list(items)
    if count < 2:
        return list(items[:count])
    return [items[index * (len(items) - 1) // (count - 1)] for index in range(count)]


def argument(word: bytes) -> str:
    """Make bytes an element of argv, as Python decodes its own arguments."""
    return word.decode("utf-8", "surrogateescape")


class _Explorer:
    """Asks bbolt about one database, each question once."""

    def __init__(self, program: Path, directory: Path, name: str, limits: Limits) -> None:
        self.program = program
        self.directory = directory
        self.name = name
        self.limits = limits
        self.known: dict[tuple[bytes, ...], list[bytes] | None] = {}

    def database(self) -> Database:
        tree = self._inspect()
        roots = spread(self._top_level(tree), self.limits.siblings)
        each = max(1, self.limits.buckets // max(1, len(roots)))
        buckets = [
            bucket for root in roots for bucket in itertools.islice(self._walk((root,), _child(tree, root)), each)
        ]
        pages = self._pages()
        return Database(self.name, tuple(buckets), self._high_water(pages), pages)

    def _run(self, *argv: str) -> Completed:
        return run(self.program, argv, self.directory)

    def _inspect(self) -> _Tree | None:
        done = self._run("inspect", self.name)
        if done.status != 0:
            return None
        try:
            tree = json.loads(done.stdout)
        except ValueError:
            return None
        return tree if isinstance(tree, dict) else None

    def _keys(self, path: tuple[bytes, ...]) -> list[bytes] | None:
        """List a bucket's keys; None when there is no such bucket."""
        if any(b"\0" in part for part in path):
            return None
        if path not in self.known:
            self.known[path] = self._ask_keys(path)
        return self.known[path]

    def _ask_keys(self, path: tuple[bytes, ...]) -> list[bytes] | None:
        done = self._run("keys", "--format=hex", "--", self.name, *map(argument, path))
        if done.status != 0 and not done.stdout:
            return None
        keys: list[bytes] = []
        for line in done.stdout.split(b"\n")[:-1]:
            try:
                keys.append(bytes.fromhex(line.decode("ascii")))
            except ValueError:
                break
        return keys

    def _top_level(self, tree: _Tree | None) -> list[bytes]:
        """Name the top-level buckets.

        `buckets` prints names raw, so a name with a newline in it looks like
        two; such lines are tried together with the ones after them.  `inspect`
        may still answer where `buckets` crashes.
        """
        lines = self._run("buckets", self.name).stdout.split(b"\n")[:-1]
        shown = [str(child.get("name")).encode("utf-8", "surrogatepass") for child in _children(tree)]
        candidates = spread(lines, self.limits.siblings)
        if tree is not None and len(lines) != len(shown):
            candidates = spread(shown, self.limits.siblings) + _joined(lines[: self.limits.siblings])
        return [name for name in dict.fromkeys(candidates) if self._keys((name,)) is not None]

    def _walk(self, path: tuple[bytes, ...], tree: _Tree | None) -> Iterator[Bucket]:
        keys = self._keys(path)
        if keys is None:
            return
        candidates = keys[:PROBE_LIMIT]
        if tree is not None:
            shown = {str(child.get("name")) for child in _children(tree)}
            candidates = [key for key in keys if _as_go_json(key) in shown]
        candidates = candidates if tree is None else spread(candidates, self.limits.siblings)
        children = [key for key in candidates if self._keys((*path, key)) is not None]
        yield Bucket(path, tuple(keys), frozenset(children))
        if len(path) < DEPTH_LIMIT:
            for child in children:
                yield from self._walk((*path, child), _child(tree, child))

    def _pages(self) -> tuple[Page, ...]:
        lines = self._run("pages", self.name).stdout.decode("ascii", "replace").split("\n")[2:]
        rows = [line.split() for line in lines]
        return tuple(Page(int(row[0]), row[1], *map(int, row[2:4])) for row in rows if row and row[0].isdigit())

    def _high_water(self, pages: Sequence[Page]) -> int:
        """Find the first page id beyond the database, for cases around that edge.

        A guess will do where `pages` crashes: the id is an input only.
        """
        if pages:
            return pages[-1].id + pages[-1].overflow + 1
        return (self.directory / self.name).stat().st_size // 4096


def _children(tree: _Tree | None) -> list[_Tree]:
    children = tree.get("buckets") if tree else None
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []


def _child(tree: _Tree | None, name: bytes) -> _Tree | None:
    """Find a bucket in what inspect printed.

    JSON has no bytes: Go writes U+FFFD for each byte that is not UTF-8, which
    makes the name a pattern rather than a name.
    """
    shown = _as_go_json(name)
    return next((child for child in _children(tree) if child.get("name") == shown), None)


def _as_go_json(name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape")
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in text)


def _joined(lines: list[bytes]) -> list[bytes]:
    return [
        b"\n".join(lines[start:stop])
        for start in range(len(lines))
        for stop in range(start + 1, min(start + 4, len(lines) + 1))
    ]
