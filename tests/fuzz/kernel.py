"""``python -m tests.fuzz.kernel SECONDS [SEED]``: the kernel on fixtures with mutations at random.

Ends with an AssertionError where it says something else than the exact walks,
and at once where a sanitizer finds a bad access (``make sanitize``). The file
is left in ``build/fuzz``. Needs no atheris.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from tests.damage.kernel_truth import assert_kernel_agrees
from tests.damage.mutations import systematic
from tests.fuzz.target import sealed
from tests.support import DATABASES

BUILD = Path(__file__).resolve().parents[2] / "build" / "fuzz"
LARGEST = 1 << 18  # bytes of a fixture
AT_ONCE = 400  # files made of one fixture before the next


def main(seconds: float, seed: str) -> None:
    """Try files until the time is over."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / "kernel.db"
    chance = random.Random(seed)
    sources = [path for path in DATABASES if path.stat().st_size <= LARGEST]
    end = time.monotonic() + seconds
    tried = 0
    while time.monotonic() < end:
        content = chance.choice(sources).read_bytes()
        mutations = list(systematic(content, chance.randrange(1 << 32)))
        for _ in range(AT_ONCE):
            mutant = content
            for _ in range(chance.randint(1, 3)):
                mutant = chance.choice(mutations).apply(mutant)
            if chance.random() < 0.5:
                mutant = _noise(mutant, chance)
            path.write_bytes(mutant)
            assert_kernel_agrees(path)
            tried += 1
            if time.monotonic() > end:
                break
    path.unlink()
    print(f"{tried} files, seed {seed}")


def _noise(content: bytes, chance: random.Random) -> bytes:
    """A few bytes changed behind the meta pages; their checksums hold."""
    mutant = bytearray(content)
    for _ in range(chance.randint(1, 12)):
        if len(mutant) > 3000:
            at = chance.randrange(2048, len(mutant) - 8)
            mutant[at] = chance.choice((0, 1, 2, 0xFF, chance.randrange(256)))
    return bytes(mutant) if chance.random() < 0.7 else sealed(bytes(mutant))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else str(time.time_ns()))
