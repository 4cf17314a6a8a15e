"""Whether a redacted copy of a damaged file shows a piece of a value that the sound file had.

The reference is naive and has no code of boltcli's: all values of the sound file by ``rescue_score.truth``, those of
freed pages too. By hand: ``python -m tests.damage.leaks --damages 1000 [--seed 1] [FILE ...]``.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from boltcli.ops.rescue.redact import redact
from tests.damage.mutations import Mutation, sample
from tests.rescue_score.truth import read
from tests.support import DATABASES, ROOT

PIECE, DISTINCT = 12, 6
_RUNS = re.compile(rb"([x\0])\1{23,}")
_KINDS = ("copied", "swapped", "zeroed", "cut", "table bit", "table byte", "header bit", "field beside")


def pieces(content: bytes) -> set[bytes]:
    """All pieces that say something."""
    found = {content[i : i + PIECE] for i in range(len(content) - PIECE + 1)}
    return {piece for piece in found if len(set(piece)) > DISTINCT}


class Secrets:
    """What may not be shown of a sound file: pieces of its values that are not pieces of its keys."""

    def __init__(self, content: bytes) -> None:
        truth = read(content)
        values = {entry[0] for entry in truth.pairs.values()} | {value for _, value in truth.stale}
        keys = {part for path, key in truth.pairs for part in (*path, key)} | {
            part for path in truth.buckets for part in path
        }
        keys |= {key for key, _ in truth.stale} | set(truth.names)
        shown = b"\xff".join(keys)
        self.pieces = {piece for value in values for piece in pieces(value)}
        # A key, and by chance one or two bytes of what stands beside it, or the zeros of a header.
        self.pieces = {
            piece
            for piece in self.pieces
            if piece.strip(b"\0") not in shown and not any(piece[i : i + PIECE - 2] in shown for i in range(3))
        }

    def in_copy(self, copy: bytes) -> set[bytes]:
        """The pieces that stand in ``copy``."""
        short = _RUNS.sub(lambda run: run[1] * PIECE, copy)
        return {short[i : i + PIECE] for i in range(len(short) - PIECE + 1)} & self.pieces


def damages(content: bytes, count: int, seed: int | str) -> Iterator[Mutation]:
    """Those of ``mutations``, and others that take no care of which page is which."""
    half = count // 2
    yield from sample(content, half, seed)
    chance = random.Random(f"leaks {seed}")
    size = read(content).page_size
    pages = len(content) // size
    heads = [page for page in range(2, pages) if content[page * size + 8] in (1, 2)] or [2]

    def page(number: int) -> bytes:
        return content[number * size : (number + 1) * size]

    for number in range(count - half):
        kind = _KINDS[number % len(_KINDS)]
        one, other, head = chance.randrange(pages), chance.randrange(2, pages), chance.choice(heads)
        table = head * size + 16 + 16 * chance.randrange(max(1, int.from_bytes(page(head)[10:12], "little")))
        at = min(table + chance.randrange(16), len(content) - 1)
        if kind == "copied":
            yield Mutation(kind, f"page {other} over page {one}", ((one * size, page(other)),))
        elif kind == "swapped":
            yield Mutation(kind, f"pages {one} and {other}", ((one * size, page(other)), (other * size, page(one))))
        elif kind == "zeroed":
            yield Mutation(kind, f"page {one}", ((one * size, bytes(size)),))
        elif kind == "cut":
            yield Mutation(kind, (what := f"size {chance.randrange(2 * size, len(content))}"), size=int(what[5:]))
        elif kind == "header bit":
            at = one * size + chance.randrange(16)
            yield Mutation(kind, f"offset {at}", ((at, bytes([content[at] ^ 1 << chance.randrange(8)])),))
        elif kind == "field beside":
            field = table + chance.choice((4, 8, 12))
            number = int.from_bytes(content[field : field + 4], "little") + chance.choice(
                (-16, 12, 13, 16, 20, 40, 100)
            )
            yield Mutation(kind, f"offset {field} = {number}", ((field, (number % (1 << 32)).to_bytes(4, "little")),))
        else:
            byte = content[at] ^ 1 << chance.randrange(8) if kind == "table bit" else chance.randrange(256)
            yield Mutation(kind, f"offset {at}", ((at, bytes([byte])),))


def leaks(path: Path, folder: Path, count: int, seed: int | str) -> Iterator[tuple[Mutation, bool, set[bytes]]]:
    """Damage the file in ``count`` ways and redact it, without and with keys; yield what is shown then."""
    content = path.read_bytes()
    secrets = Secrets(content)
    broken, copy = folder / "broken.db", folder / "copy.db"
    for mutation in damages(content, count, f"{path.stem} {seed}"):
        mutant = mutation.apply(content)
        if not mutant:
            continue
        broken.write_bytes(mutant)
        for keys in (False, True):
            redact(str(broken), str(copy), keys=keys, replace=True, sync=False)
            yield mutation, keys, secrets.in_copy(copy.read_bytes())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=200, help="of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("files", nargs="*", type=Path)
    args = parser.parse_args()
    shared = ROOT.parent / "shared" / "data"
    files = args.files or [*DATABASES, *shared.glob("stores/*.db"), *shared.glob("programs/*")]
    tried = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            if path.suffix not in (".db", ".bolt") or "damaged" in path.stem:
                continue
            for mutation, keys, shown in leaks(path, Path(folder), args.damages, args.seed):
                tried += 1
                if shown:
                    bad += 1
                    print(
                        f"{path.stem}: {mutation.kind}: {mutation.what}; keys={keys}: {sorted(shown)[:3]}", flush=True
                    )
    print(f"{tried} copies, {bad} of them show a piece of a value")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
