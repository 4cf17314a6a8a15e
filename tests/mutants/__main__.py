"""Change a sample of lines, one at a time, and run the tests that should notice (``make mutants``).

A change that no test notices is a survivor: it wants a test, or a line in ``equivalents.txt`` that says why the program
does the same with it. Each room has tests of its own, which run without the kernel, as the kernel would answer instead
of the changed Python; what they don't notice the quick tests of the whole project are asked. The tests run in copies of
the tree. Prints the survivors and the share that died; the status is 1 if it is below ``--asked``.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tests.mutants.changes import Change, changes

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalents.txt")


class Room(NamedTuple):
    """A folder of the program, and the tests that should notice a change there, the likeliest first."""

    folder: str
    tests: tuple[str, ...]


ROOMS = {
    "format": Room(
        "boltcli/format", ("boltcli/format", "tests/format", "tests/property/test_reader.py", "tests/ops/check")
    ),
    "tree": Room(
        "boltcli/tree", ("boltcli/tree", "tests/tree", "tests/ops/read", "tests/test_library.py", "tests/ops/check")
    ),
    "check": Room("boltcli/ops/check", ("boltcli/ops/check", "tests/ops/check", "tests/damage/test_damage.py")),
    "storage": Room("boltcli/storage", ("boltcli/storage", "tests/storage", "tests/cli/test_destinations.py")),
    "write": Room("boltcli/ops/write", ("boltcli/ops/write", "tests/ops/write", "tests/property/test_compact.py")),
    "rescue": Room("boltcli/ops/rescue", ("boltcli/ops/rescue", "tests/ops/rescue")),
}  # fmt: skip
_ALL = ("tests", "boltcli")
_PYTEST = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "-m", "not compat and not slow and not thorough"]


class Mutant(NamedTuple):
    room: str
    path: str  # relative to the root
    change: Change

    def texts(self) -> tuple[str, str, str]:
        """Return what equivalents.txt knows it by: the path, the line before and after."""
        return self.path, *self.change.lines((ROOT / self.path).read_bytes())


def modules(room: str) -> list[Path]:
    return sorted((ROOT / ROOMS[room].folder).rglob("*.py"))


def read_equivalents() -> dict[tuple[str, str, str], str]:
    """Return the reasons why changes can't be noticed, by the path and the line before and after."""
    found = {}
    for part in EQUIVALENT.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in part.splitlines() if not line.startswith("#")]
        if lines:
            path, old, new, reason = lines
            found[path, old.removeprefix("- "), new.removeprefix("+ ")] = reason
    return found


def _mutants(rooms: list[str]) -> list[Mutant]:
    known = read_equivalents()
    return [
        mutant
        for room in rooms
        for path in modules(room)
        for change in changes(path.read_bytes())
        if (mutant := Mutant(room, path.relative_to(ROOT).as_posix(), change)).texts() not in known
    ]


class Copy:
    """A copy of the tree in which one change after the other is made."""

    def __init__(self, folder: str) -> None:
        self.root = Path(folder)
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
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

    def notices(self, tests: tuple[str, ...], seconds: float, *, kernel: bool) -> bool:
        """Return whether one of ``tests`` fails, or they take longer than ``seconds``."""
        command = [sys.executable, "-m", "pytest", *_PYTEST, *tests]
        environment = os.environ | {"PYTHONPATH": str(self.root), "BOLTCLI_KERNEL": "1" if kernel else "0"}
        with subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                return process.wait(seconds) != 0
            except subprocess.TimeoutExpired:
                return True
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutants", description="Change lines and see whether a test notices.")
    parser.add_argument("--sample", type=int, default=300, help="number of changes (300)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (the number of processors)")
    parser.add_argument("--room", action="append", choices=ROOMS, help="only this room; may be repeated")
    parser.add_argument("--asked", type=float, default=95, help="share that must die, in percent (95)")
    options = parser.parse_args()

    rooms = options.room or list(ROOMS)
    every = _mutants(rooms)
    chosen = random.Random(options.seed).sample(every, min(options.sample, len(every)))
    print(f"{len(every)} changes in {', '.join(rooms)}; a sample of {len(chosen)}, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="boltcli-mutants-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(options.jobs):
            copies.put(Copy(os.path.join(folder, str(number))))
        seconds = _seconds(copies, rooms)

        def dies(mutant: Mutant) -> bool:
            copy = copies.get()
            source = (ROOT / mutant.path).read_bytes()
            try:
                copy.write(mutant.path, mutant.change.apply(source))
                return copy.notices(ROOMS[mutant.room].tests, seconds[mutant.room], kernel=False) or copy.notices(
                    _ALL, seconds[""], kernel=True
                )
            finally:
                copy.write(mutant.path, source)
                copies.put(copy)

        died = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            for number, (mutant, dead) in enumerate(zip(chosen, pool.map(dies, chosen)), 1):
                died += dead
                if not dead:
                    path, old, new = mutant.texts()
                    print(f"survived, {number}:\n{path}:{mutant.change.line}\n- {old}\n+ {new}\n", flush=True)
    share = 100 * died / len(chosen)
    print(f"{died} of {len(chosen)} died: {share:.1f} % (asked {options.asked:g} %)")
    return 0 if share >= options.asked else 1


def _seconds(copies: SimpleQueue[Copy], rooms: list[str]) -> dict[str, float]:
    """Return the limits for the tests of each room and ("") all quick ones. Stops if they fail without a change."""
    copy = copies.get()
    limits = {}
    for name in [*rooms, ""]:
        tests, kernel = (ROOMS[name].tests, False) if name else (_ALL, True)
        start = time.monotonic()
        if copy.notices(tests, 3600, kernel=kernel):
            raise SystemExit(f"the tests of {name or 'the whole'} fail without a change")
        taken = time.monotonic() - start
        limits[name] = 20 + 4 * taken
        print(f"{name or 'all quick tests'}: {taken:.0f} s", flush=True)
    path = "boltcli/__init__.py"
    copy.write(path, b"raise RuntimeError")
    if not copy.notices(_ALL[:1], limits[""], kernel=True):
        raise SystemExit("the tests don't read the copy: a module that fails is not noticed")
    copy.write(path, (ROOT / path).read_bytes())
    copies.put(copy)
    return limits


if __name__ == "__main__":
    sys.exit(main())
