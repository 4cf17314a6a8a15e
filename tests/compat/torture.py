"""Reading a database without its lock while the real bbolt writes it as fast as it can.

Each state that the writer (``fixtures/generator/writer.go``) commits follows
from the number of its transaction, and boltcli says on stderr which
transaction it read: so one look at what a command printed tells whether it is
that one state, whole. A command may also say that it could not; nothing else.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boltcli
from boltcli.errors import BoltError, Changed
from tests.compat import ours
from tests.compat.bbolt import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = 400
BUCKETS = 8
NESTED = 12
PROCESSES = 25
"""Every so many runs one is a process of its own."""
REFUSAL = b"is written too fast to be read without the lock: "


@dataclass(frozen=True)
class Scenario:
    """How the writer writes; see ``writer.go``."""

    name: str
    page_size: int = 4096
    no_freelist_sync: bool = False
    keys: int = 1000
    value: int = 200
    pause: str = "0"
    rest: str = "0"

    def arguments(self, path: Path) -> list[str]:
        """The generator's."""
        options = [f"-page-size={self.page_size}", f"-keys={self.keys}", f"-value={self.value}"]
        options += [f"-pause={self.pause}", f"-rest={self.rest}"]
        return ["writer", *options, *(["-no-freelist-sync"] if self.no_freelist_sync else []), "-o", str(path)]


@dataclass
class Count:
    """What came of the runs, by command: whole, refused, or a description of what was wrong."""

    whole: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    torn: list[str] = field(default_factory=list)
    transactions: set[int] = field(default_factory=set)

    @property
    def runs(self) -> int:
        return self.whole.total() + self.refused.total() + len(self.torn)

    def add(self, other: Count) -> None:
        """Take another worker's in."""
        self.whole += other.whole
        self.refused += other.refused
        self.torn += other.torn
        self.transactions |= other.transactions

    def __str__(self) -> str:
        whole = f"{self.whole.total()} whole {dict(self.whole)} of {len(self.transactions)} transactions"
        return f"{self.runs} runs: {whole}, {self.refused.total()} refused {dict(self.refused)}, {len(self.torn)} torn"


@contextmanager
def writing(generator: Path, scenario: Scenario, path: Path) -> Iterator[Callable[[], int]]:
    """Have the real bbolt write to ``path``; the function that is given stops it and says how often it committed."""
    with subprocess.Popen(
        [generator, *scenario.arguments(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def stop() -> int:
            return int(process.communicate(timeout=60)[0])

        try:
            yield stop
        finally:
            if process.poll() is None:
                process.kill()


def read_for(path: Path, scenario: Scenario, seconds: float, seed: int, *, broken: bool = False) -> Count:
    """Run commands on the database for so long. ``broken``: without the closing look, which must not go well."""
    if broken:
        _break()
    chance = random.Random(seed)
    count = Count()
    end = time.monotonic() + seconds
    names = itertools.cycle(chance.sample(list(COMMANDS), len(COMMANDS)))
    while time.monotonic() < end and not (broken and count.torn):
        name = next(names)
        try:
            transaction = COMMANDS[name](path, scenario, chance)
        except _Refused:
            count.refused[name] += 1
        except Exception as error:
            count.torn.append(f"{name}: {error!r}")
        else:
            count.whole[name] += 1
            count.transactions.add(transaction)
    return count


def read_at_rest(path: Path, scenario: Scenario, *, previous: bool) -> int:
    """The transaction that the library reads under the lock; that ``check`` finds it sound, too."""
    with boltcli.open(path, lock="wait", previous=previous) as database:
        assert list(database.check()) == []
        return _state(database, scenario)


def _break() -> None:
    """The rule without its closing look, in this process."""
    from boltcli.storage.snapshot import Snapshot

    Snapshot.check_unchanged = lambda self: None  # type: ignore[method-assign]


class _Refused(Exception):
    """The command says that the writer is too fast."""


def size(transaction: int, most: int) -> int:
    """``writerSize`` in ``writer.go``."""
    at = transaction % PERIOD
    return 1 + (most - 1) * min(at, PERIOD - at) // (PERIOD // 2)


def _tree(transaction: int, scenario: Scenario) -> list[bytes]:
    return [b"key-%05d" % number for number in range(size(transaction, scenario.keys))]


def _run(chance: random.Random, *argv: str | Path) -> tuple[int, Completed]:
    """The transaction that a command says it read, and what it printed."""
    words = [str(word) for word in argv]
    words.insert(chance.randrange(1, len(words) + 1), "--lock=try")
    run = ours.as_process if chance.randrange(PROCESSES) == 0 else ours.in_process
    done = run(words, Path("/"))
    if done.status == 1 and REFUSAL in done.stderr and not done.stdout:
        raise _Refused
    said = re.fullmatch(
        rb"boltcli: process \d+ \(generator\) holds the lock; without it, reading transaction (\d+)\n"
        rb"(warning: there are data beyond the high-water mark, page \d+, at offset \d+: "
        rb"a transaction that is being written may use them\n)?",
        done.stderr,
    )
    assert said, done
    return int(said[1]), done


def _get(path: Path, scenario: Scenario, chance: random.Random) -> int:
    transaction, done = _run(chance, "get", path, f"bucket-{chance.randrange(BUCKETS)}", "counter")
    assert (done.status, done.stdout) == (0, b"%d\n" % transaction), (transaction, done)
    return transaction


def _keys(path: Path, scenario: Scenario, chance: random.Random) -> int:
    transaction, done = _run(chance, "keys", path, "tree")
    assert done.status == 0, (transaction, done)
    assert done.stdout.split() == _tree(transaction, scenario), transaction
    return transaction


def _check(path: Path, scenario: Scenario, chance: random.Random) -> int:
    transaction, done = _run(chance, "check", path)
    assert (done.status, done.stdout) == (0, b"OK\n"), (transaction, done)
    return transaction


def _stats(path: Path, scenario: Scenario, chance: random.Random) -> int:
    transaction, done = _run(chance, "stats", path)
    assert done.status == 0, (transaction, done)
    nested = size(transaction, NESTED)
    pairs = BUCKETS + 1 + size(transaction, scenario.keys) + 2 * nested
    for line in (
        b"Aggregate statistics for %d buckets\n" % (BUCKETS + 3),
        b"\tNumber of keys/value pairs: %d\n" % pairs,
        b"\tTotal number of buckets: %d\n" % (BUCKETS + 3 + nested),
    ):
        assert line in done.stdout, (transaction, line, done)
    return transaction


def _compact(path: Path, scenario: Scenario, chance: random.Random) -> int:
    target = path.with_name(f"{path.name}.{chance.getrandbits(64):x}")
    try:
        try:
            way = chance.choice(["--dense", "--tx-max-size=65536", "--tx-max-size=0"])
            transaction, done = _run(chance, "compact", way, f"--output={target}", path)
        except _Refused:
            assert not target.exists(), "refused, but something is there"
            raise
        assert done.status == 0, (transaction, done)
        with boltcli.open(target) as database:
            assert list(database.check()) == []
            _state(database, scenario, transaction)  # a copy counts its own transactions
    finally:
        target.unlink(missing_ok=True)
    return transaction


def _inspect(path: Path, scenario: Scenario, chance: random.Random) -> int:
    transaction, done = _run(chance, "inspect", path)
    assert done.status == 0, (transaction, done)
    buckets = {bucket["name"]: bucket for bucket in json.loads(done.stdout)["buckets"]}
    assert buckets["tree"]["keyN"] == size(transaction, scenario.keys), transaction
    assert len(buckets["nest"]["buckets"]) == size(transaction, NESTED), transaction
    return transaction


def _pages(path: Path, scenario: Scenario, chance: random.Random) -> int:
    transaction, done = _run(chance, "pages", path)
    assert done.status == 0, (transaction, done)
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    # Inline buckets have no pages: what the others hold is the tree's keys, the nested names and the top-level ones.
    items = sum(int(row[2]) for row in rows if row[1] == b"leaf")
    tree = size(transaction, scenario.keys)
    others = size(transaction, NESTED) + BUCKETS + 3
    # A tree of so few keys may be inline itself.
    assert items == others + tree or (items == others and tree <= 32), transaction
    return transaction


def _view(path: Path, scenario: Scenario, chance: random.Random) -> int:
    try:
        return boltcli.view(path, lambda database: _state(database, scenario), lock="try")
    except Changed as error:
        raise _Refused from error


def _open(path: Path, scenario: Scenario, chance: random.Random) -> int:
    try:
        database = boltcli.open(path, lock="try")
    except Changed as error:
        raise _Refused from error
    with database:
        assert list(database.check()) == []
        return _state(database, scenario)


def _state(database: boltcli.Database, scenario: Scenario, transaction: int = 0) -> int:
    """The transaction whose state ``database`` is, all of it: its own or the given one."""
    transaction = transaction or database.txid
    counters = {database.bucket(f"bucket-{number}")["counter"] for number in range(BUCKETS)}
    if counters != {b"%d" % transaction}:
        raise BoltError(f"transaction {transaction} with the counters {counters}")
    sum_ = 0
    for name in database:
        if name not in (b"sum", b"nest"):
            for key, value in database.bucket(name).pairs():
                sum_ += zlib.crc32(name + key + value)
    if database.bucket("sum")["sum"] != b"%d" % (sum_ % 2**32):
        raise BoltError(f"transaction {transaction}: the values don't add up")
    if list(database.bucket("tree")) != _tree(transaction, scenario):
        raise BoltError(f"transaction {transaction}: keys of another one")
    return transaction


COMMANDS: dict[str, Callable[[Path, Scenario, random.Random], int]] = {
    "get": _get, "keys": _keys, "check": _check, "stats": _stats, "inspect": _inspect, "pages": _pages,
    "compact": _compact, "view": _view, "open": _open,
}  # fmt: skip


SCENARIOS: Sequence[Scenario] = (
    Scenario("4-KiB-pages", keys=6000, value=600, pause="3ms", rest="60ms"),
    Scenario("1-KiB-pages", page_size=1024, keys=3000, value=400, pause="3ms", rest="40ms"),
    Scenario("no-freelist", no_freelist_sync=True, keys=4000, value=600, pause="3ms", rest="60ms"),
    Scenario("small-and-fast", keys=200, value=100),
    Scenario("large", keys=40000, value=1500, pause="10ms", rest="400ms"),
)
