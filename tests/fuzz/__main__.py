"""``python -m tests.fuzz [libFuzzer's options]``: needs atheris, which ``make fuzz`` installs.

The corpus is kept under ``build/fuzz``, and begins with the fixtures that have
small pages. A crash is written there too: what it shows becomes a test.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["boltcli"]):
    from tests.fuzz.target import LONGEST, read_everything, sealed

from tests.support import FIXTURES

BUILD = Path(__file__).resolve().parents[2] / "build" / "fuzz"
SEEDS = ("page-1024", "depth-4")


def main() -> None:
    corpus = BUILD / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for name in SEEDS:
        (corpus / name).write_bytes((FIXTURES / f"{name}.db").read_bytes()[:LONGEST])
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder, "fuzz.db")
        options = [f"-max_len={LONGEST}", "-timeout=60", "-rss_limit_mb=1024", f"-artifact_prefix={BUILD}/"]
        atheris.Setup(
            [sys.argv[0], *options, *sys.argv[1:], str(corpus)], lambda data: read_everything(path, sealed(data))
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
