"""Ask bbolt and boltcli the same about damaged stores, for as long as you like, and print where they differ.

Usage: python -m tests.compat.fuzz_answers [--seed N] [--answers N] [--only COMMAND] [STORE...]

Stores are the fixtures and those in ../shared/data, unless some are named. A mutation is of a field or of bytes
(``tests/damage/mutations.py``). bbolt is the build whose order of sibling buckets is settled, so that the files of
``compact`` can be compared. What the guide lists as different (``damaged.OURS``) is counted, not printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.compat import bbolt, damaged, matrix, ordered
from tests.compat.bbolt import Database, argument
from tests.compat.damaged import Tally
from tests.compat.goldens import FIXTURES, add_companion
from tests.compat.matrix import Effort
from tests.compat.model import Case
from tests.damage.mutations import sample

SHARED = FIXTURES.parent.parent / "shared" / "data"
LARGEST = 400_000  # bytes of a store: larger ones take their time
MUTANTS = 24  # of a store, before it is another's turn
CASES = 12  # that a mutant is asked, beside those of COMMON


def stores() -> list[Path]:
    """The small stores that there are."""
    found = [*FIXTURES.glob("*.db"), *SHARED.rglob("*.db"), *SHARED.rglob("*.bolt")]
    return sorted(path for path in found if path.parent.name != "faults" and path.stat().st_size <= LARGEST)


def _common(known: Database) -> list[Case]:
    """What every mutant is asked: commands whose answer is about all of the file."""
    name = known.name
    calls = [("buckets",), ("info",), ("stats",), ("inspect",), ("pages",), ("page", "--all")]
    cases = [Case((*call, name)) for call in calls]
    cases += [
        Case(("keys", name, *map(argument, each.path)))
        for each in known.buckets[:3]
        if b"\0" not in b"".join(each.path)
    ]
    for size in ("0", "65536"):
        cases.append(Case(("compact", "--no-sync", "--tx-max-size", size, "-o", "out.db", name), outputs=("out.db",)))
    return cases


def run(program: Path, paths: list[Path], seed: int, answers: int, only: str = "") -> Iterator[tuple[str, Tally]]:
    """Yield what came of each store's turn, until there are so many ``answers``."""
    chance = random.Random(seed)
    asked = 0
    while asked < answers:
        path = chance.choice(paths)
        number = chance.randrange(1 << 32)
        with tempfile.TemporaryDirectory(prefix="boltcli-fuzz-") as folder:
            tally = _turn(program, path, Path(folder), number, only)
        asked += tally.same + tally.refused + sum(tally.check.values())
        yield f"{path.name} (turn {number})", tally


def _turn(program: Path, path: Path, folder: Path, number: int, only: str) -> Tally:
    store = folder / path.name
    sound = path.read_bytes()
    store.write_bytes(sound)
    add_companion(store)
    known = bbolt.discover(program, folder, path.name, bbolt.CURSORY)
    chance = random.Random(number)
    common, more = _common(known), matrix.database_cases(known, Effort.REDUCED)
    tally = Tally()
    try:
        mutations = sample(sound, MUTANTS, number)
    except (ValueError, IndexError):
        return tally  # no meta page, or no page in use: nothing to be damaged
    for mutation in mutations:
        store.write_bytes(mutation.apply(sound))
        add_companion(store)
        where = f"[{path.name}, {mutation.what}] "
        cases = [*common, *chance.sample(more, min(CASES, len(more)))]
        if not only or only == "check":
            damaged.compare_check(tally, program, folder, Case(("check", path.name)), where)
        for case in cases:
            if not only or case.argv[0] == only:
                damaged.compare_other(tally, program, folder, case, where)
    return tally


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--only", default="", help="ask only this command")
    parser.add_argument("store", nargs="*", type=Path)
    options = parser.parse_args()
    total = Tally()
    with tempfile.TemporaryDirectory(prefix="boltcli-fuzz-") as folder:
        program, _ = ordered.build(Path(folder))
        for where, tally in run(program, options.store or stores(), options.seed, options.answers, options.only):
            for text in tally.differences:
                print(f"{where}\n{text}", flush=True)
            total.add(tally)
    print(f"seed {options.seed}: {total}")
    for words, count in Counter(total.excuses).most_common():
        print(f"{count:8} {words}")
    return int(bool(total.differences))


if __name__ == "__main__":
    sys.exit(main())
