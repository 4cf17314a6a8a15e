"""Change a sample of lines, one at a time, and run the tests that should notice (``make mutants``).

A change that no test notices is a survivor: it wants a test, or a line in ``equivalents.txt`` that says why the program
does the same with it. The quick tests, and the slow ones of the rooms, run first without a change, and ``traced.py``
notes which of them run each line. Those are asked about a change: first those of its room, then all others, also those
that run the line only if there is the kernel, and last those that start programs, as their lines aren't traced. The
tests run in copies of the tree. Prints the survivors and the share that died; the status is 1 if it is below
``--asked``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tests.mutants.changes import Change, changes
from tests.mutants.traced import FILES, OPTIONS, ROOMS, Traced, own_tests

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalents.txt")
# Without tests of the source and of the installation, which is not the copy's.
_PYTEST = [
    "-q", "-p", "no:cacheprovider", "--no-header", "-m", "not compat and not thorough",
    "--ignore=tests/mutants", "--ignore=tests/house", "--ignore=tests/test_installation.py",
]  # fmt: skip


Texts = tuple[str, str, str]  # what equivalents.txt knows a change by: the path, the line before and after


class Mutant(NamedTuple):
    room: str
    change: Change
    texts: Texts
    number: int  # of those with the same texts

    @property
    def path(self) -> str:
        return self.texts[0]

    def rank(self, seed: int) -> bytes:
        """Return its place among all in a sample, which other changes and equivalents don't move."""
        return hashlib.sha256(repr((seed, self.number, self.texts)).encode()).digest()


def modules(room: str) -> list[Path]:
    return sorted((ROOT / ROOMS[room]).rglob("*.py"))


def read_texts(path: Path) -> dict[Texts, str]:
    """Return the changes in a file, as the path and the line before and after, with the line that follows each."""
    lines = [*path.read_text(encoding="utf-8").splitlines(), ""]
    return {
        (name.partition(":")[0], old[2:], new[2:]): reason
        for name, old, new, reason in zip(lines, lines[1:], lines[2:], lines[3:])
        if old.startswith("- ") and new.startswith("+ ")
    }


def _mutants(rooms: list[str]) -> list[Mutant]:
    known, seen, found = read_texts(EQUIVALENT), Counter[Texts](), []
    for room in rooms:
        for path in modules(room):
            source = path.read_bytes()
            for change in changes(source):
                texts = path.relative_to(ROOT).as_posix(), *change.lines(source)
                if texts not in known:
                    found.append(Mutant(room, change, texts, seen[texts]))
                    seen[texts] += 1
    return found


class Copy:
    """A copy of the tree in which one change after the other is made."""

    def __init__(self, folder: str) -> None:
        self.root = Path(folder)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, stdout=subprocess.PIPE, check=True,
        ).stdout  # fmt: skip
        kernels = [path.relative_to(ROOT) for path in (ROOT / "boltcli/kernel").glob("*.so")]
        for path in [*map(Path, os.fsdecode(listed).rstrip("\0").split("\0")), *kernels]:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / path).is_file():
                shutil.copy2(ROOT / path, self.root / path)
        # Compiled modules are told apart by the second in which the source was written.
        self._second = int(time.time())

    def write(self, path: str, source: bytes) -> None:
        (self.root / path).write_bytes(source)
        self._second += 1
        os.utime(self.root / path, (self._second, self._second))

    def notices(self, tests: list[str], seconds: float, *, kernel: bool, options: tuple[str, ...] = ("-x",)) -> bool:
        """Return whether one of ``tests`` fails, or they take longer than ``seconds``."""
        (self.root / "asked").write_text("\n".join(tests), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", *_PYTEST, *options, "@asked"]
        environment = os.environ | {"PYTHONPATH": str(self.root), "BOLTCLI_KERNEL": str(int(kernel))}
        with open(self.root / "said", "wb") as said, subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=said, stderr=said, start_new_session=True
        ) as process:  # fmt: skip
            try:
                return process.wait(seconds) != 0
            except subprocess.TimeoutExpired:
                return True
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def dies(self, mutant: Mutant, traced: dict[bool, Traced]) -> bool:
        """Return whether a test notices a change."""
        source = (self.root / mutant.path).read_bytes()
        run = {kernel: each.tests(mutant.path, mutant.change.line, source) for kernel, each in traced.items()}
        near = {test for test in run[False] if test.startswith(own_tests(mutant.room))}
        steps = (near, False), (run[False] - near, False), (run[True] - run[False], True)
        self.write(mutant.path, mutant.change.apply(source))
        try:
            asked: set[str] = set()
            for tests, kernel in (*steps, (traced[True].starters, True)):
                seconds = traced[kernel].seconds
                order = sorted(tests - asked, key=lambda test: (seconds[test], test))
                limit = 30 + 10 * sum(seconds[test] for test in order)
                if order and self.notices(order, limit, kernel=kernel):
                    return True
                asked |= tests
            return False
        finally:
            self.write(mutant.path, source)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutants", description="Change lines and see whether a test notices.")
    parser.add_argument("--sample", type=int, default=300, help="number of changes (300)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (the number of processors)")
    parser.add_argument("--room", action="append", choices=ROOMS, help="only this room; may be repeated")
    parser.add_argument("--only", type=Path, help="only the survivors in this file, the output of a run before")
    parser.add_argument("--traced", type=Path, help="folder to keep what each test runs, or to take it from")
    parser.add_argument("--asked", type=float, default=95, help="share that must die, in percent (95)")
    options = parser.parse_args()

    rooms = options.room or list(ROOMS)
    every = sorted(_mutants(rooms), key=lambda mutant: mutant.rank(options.seed))
    chosen = every[: options.sample]
    if options.only:
        only = read_texts(options.only)
        chosen = [mutant for mutant in every if mutant.texts in only]
    print(f"{len(every)} changes in {', '.join(rooms)}; a sample of {len(chosen)}, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="boltcli-mutants-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(options.jobs):
            copies.put(Copy(os.path.join(folder, str(number))))
        traced = _trace(copies, options.traced or Path(folder), options.jobs)

        def dies(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return copy.dies(mutant, traced)
            finally:
                copies.put(copy)

        died = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            for number, (mutant, dead) in enumerate(zip(chosen, pool.map(dies, chosen)), 1):
                died += dead
                if not dead:
                    path, old, new = mutant.texts
                    print(f"survived, {number}:\n{path}:{mutant.change.line}\n- {old}\n+ {new}\n", flush=True)
    share = 100 * died / len(chosen)
    print(f"{died} of {len(chosen)} died: {share:.1f} % (asked {options.asked:g} %)")
    return 0 if share >= options.asked else 1


def _trace(copies: SimpleQueue[Copy], folder: Path, jobs: int) -> dict[bool, Traced]:
    """Run the tests without and with the kernel, and return what each ran. Those that fail aren't asked."""
    copy = copies.get()
    traced = {}
    for kernel in (False, True):
        place = folder / ("kernel" if kernel else "python")
        if not place.exists():
            copy.notices(["tests", "boltcli"], 3600, kernel=kernel, options=("-n", str(jobs), *OPTIONS))
            if not (copy.root / FILES[0]).exists():
                raise SystemExit((copy.root / "said").read_text() + "The tests can't be run.")
            place.mkdir(parents=True)
            for name in FILES:
                shutil.move(copy.root / name, place / name)
        traced[kernel] = Traced(place)
        if copy.notices(list(traced[kernel].seconds), 600, kernel=kernel, options=("--collect-only",)):
            raise SystemExit((copy.root / "said").read_text() + "The tests can't be run one by one.")
        print(f"{place.name}: {len(traced[kernel].seconds)} tests, {sum(traced[kernel].seconds.values()):.0f} s")
        for test in traced[kernel].failed:  # without the kernel those that need it
            print(f"not asked, as it fails without a change: {test}")
    path = "boltcli/__init__.py"
    copy.write(path, b"raise RuntimeError")
    if not copy.notices(["tests/format"], 600, kernel=True):
        raise SystemExit("the tests don't read the copy: a module that fails is not noticed")
    copy.write(path, (ROOT / path).read_bytes())
    copies.put(copy)
    return traced


if __name__ == "__main__":
    sys.exit(main())
