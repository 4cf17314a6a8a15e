"""Damage all stores in all ways, recover them, and print a table."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.rescue_score.damage import KINDS
from tests.rescue_score.score import Score, recovered, score, stores
from tests.rescue_score.truth import read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kind", default="")
    parser.add_argument("--each", action="store_true", help="a line for each case that isn't perfect")
    parser.add_argument("--least", type=int, default=20, help="stores with fewer pairs are left out")
    options = parser.parse_args()
    table = {kind: Score() for kind in KINDS if options.kind in kind}
    by_store: dict[str, Score] = {}
    for path in options.stores or stores():
        sound = path.read_bytes()
        truth = read(sound)
        if len(truth.pairs) < options.least:
            continue
        for kind in table:
            for seed in range(options.seeds):
                chance = random.Random(f"{path.name} {kind} {seed}")
                content = bytearray(sound)
                KINDS[kind](content, truth, chance)
                damaged = bytes(content)
                try:
                    one = score(truth, sound, damaged, recovered(damaged))
                except Exception as error:
                    print(f"FAILED {path.name} {kind} {seed}: {error!r}", file=sys.stderr)
                    one = Score(1, len(truth.pairs))
                table[kind] += one
                by_store[path.name] = by_store.get(path.name, Score()) + one
                if options.each and (one.found < one.wanted or one.placed < one.ceiling or one.wrong):
                    print(path.name, kind, seed, *(f"{name}={value}" for name, value in one._asdict().items()))
                if len(damaged) == 0:
                    break
    report(table)
    if options.each:
        report(by_store)


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
