"""Damage all stores in all ways, recover them, and print a table."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.rescue_score.damage import KINDS, torn_copy
from tests.rescue_score.score import Score, recovered, score, stores
from tests.rescue_score.truth import read

TORN = "torn hot copy"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kind", default="")
    parser.add_argument("--each", action="store_true", help="a line for each case that isn't perfect")
    parser.add_argument("--least", type=int, default=20, help="stores with fewer pairs are left out")
    options = parser.parse_args()
    for title, paths in ({"": options.stores} if options.stores else stores()).items():
        if paths:
            print(f"\n{title}\n" if title else "")
            measure(paths, options.kind, options.seeds, options.least, options.each)


def measure(paths: list[Path], wanted: str, seeds: int, least: int, each: bool) -> None:
    """Damage the stores in all ways whose name contains ``wanted``, and print the table."""
    table: dict[str, Score] = {}
    by_store: dict[str, Score] = {}
    for path in paths:
        for kind, sound, damaged in cases(path, wanted, seeds):
            truth = read(sound)
            if len(truth.pairs) < least:
                continue
            try:
                one = score(truth, sound, damaged, recovered(damaged))
            except Exception as error:
                print(f"FAILED {path.name} {kind}: {error!r}", file=sys.stderr)
                one = Score(1, len(truth.pairs))
            table[kind] = table.get(kind, Score()) + one
            by_store[path.name] = by_store.get(path.name, Score()) + one
            if each and (one.found < one.wanted or one.placed < one.ceiling or one.wrong):
                print(path.name, kind, *(f"{name}={value}" for name, value in one._asdict().items()))
    report(table)
    if each:
        report(by_store)


def cases(path: Path, wanted: str, seeds: int) -> Iterator[tuple[str, bytes, bytes]]:
    """The damaged versions of a store: kind, the sound file, the damaged one."""
    sound = path.read_bytes()
    truth = read(sound)
    for kind, damage in KINDS.items():
        for seed in range(seeds if wanted in kind else 0):
            content = bytearray(sound)
            damage(content, truth, random.Random(f"{path.name} {kind} {seed}"))
            yield kind, sound, bytes(content)
    before = path.with_name(path.name + ".before")
    if wanted in TORN and before.exists():
        for seed in range(seeds):
            older = before.read_bytes()
            yield TORN, older, torn_copy(older, sound, random.Random(f"{path.name} {TORN} {seed}"))


def report(table: dict[str, Score]) -> None:
    """Print the scores as a Markdown table."""
    print("| damage | cases | found % | in bucket % | ceiling % | wrong bucket | % | stale | corrupt |")
    print("|---|---|---|---|---|---|---|---|---|")
    total = Score()
    for kind, one in [*table.items(), ("**all**", None)]:
        one = total if one is None else one
        total += one if kind != "**all**" else Score()
        wanted = max(1, one.wanted)
        print(
            f"| {kind} | {one.cases} | {100 * one.found / wanted:.2f} | {100 * one.placed / wanted:.2f} "
            f"| {100 * one.ceiling / wanted:.2f} | {one.wrong} | {100 * one.wrong / wanted:.2f} "
            f"| {one.stale}+{one.stale_lost} | {one.corrupt} |"
        )


if __name__ == "__main__":
    main()
