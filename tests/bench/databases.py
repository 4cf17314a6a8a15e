"""The tools and the databases, made once in a build folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "fixtures" / "generator"
BUCKET = "bench"
"""The top-level bucket that all pairs are in."""

SHAPES = {
    "sequential": ("1M pairs of 16 + 100 bytes, in order", 1_000_000),
    "random": ("the same in random order", 1_000_000),
    "inline": ("400k rows in 100k inline buckets", 400_000),
    "values": ("100k values of 4 KiB", 100_000),
}
# Stores as programs write them: what is counted, how many, the bucket whose keys are listed.
REAL = {
    "etcd": ("etcd: revisions, compacted in between", 600_000, "key"),
    "bacalhau": ("Bacalhau: jobs, executions, a history bucket each", 40_000, "execution"),
    "containerd": ("containerd: seven small buckets an image", 40_000, "v1"),
    "raft": ("raft: log entries of 200 B to 200 KB", 60_000, "logs"),
    "sizes": ("keys of 8 to 64, values of 0 to 299 bytes, at random", 1_000_000, "data"),
    "sequential": ("16 + 100 bytes, in order", 1_000_000, "bench"),
    "random": ("the same in random order", 1_000_000, "bench"),
    "inline": ("rows in inline buckets of four", 400_000, "bench"),
    "values": ("values of 4 KiB", 100_000, "bench"),
}
GROWTH = (10_000, 100_000, 1_000_000)
LARGE = 10_000_000
"""Pairs of the database of more than 2 GB."""


class Workshop:
    """The folder where all is built; what is there already is not built again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.bbolt = folder / "bbolt"
        self.generator = folder / "generator"

    def build(self) -> None:
        """Build bbolt and the generator. Raises RuntimeError without Go."""
        if shutil.which("go") is None:
            raise RuntimeError(
                "the benchmark needs bbolt, and building that needs the go command, which is not on PATH"
            )
        for target, package in ((self.bbolt, "go.etcd.io/bbolt/cmd/bbolt"), (self.generator, ".")):
            subprocess.run(["go", "build", "-o", target.resolve(), package], cwd=GENERATOR, check=True)

    def database(self, shape: str, pairs: int) -> Path:
        """A database of ``shape``, made by bbolt."""
        path = self.folder / f"{shape}-{pairs}.db"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            subprocess.run(
                [self.generator, "bench", "-shape", shape, "-pairs", str(pairs), "-o", unfinished], check=True
            )
            unfinished.rename(path)
        return path

    def versions(self) -> str:
        """What bbolt is (its own ``version`` command names another release than the module), and its compiler."""
        bbolt = self._go("list", "-m", "-f", "{{.Version}}", "go.etcd.io/bbolt")
        return f"bbolt {bbolt.removeprefix('v')} built with {self._go('env', 'GOVERSION')}"

    @staticmethod
    def _go(*words: str) -> str:
        return subprocess.run(["go", *words], cwd=GENERATOR, capture_output=True, text=True, check=True).stdout.strip()
