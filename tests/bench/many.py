"""Many small files: ``verify`` of all by one command, against a shell loop of ``bbolt check``; on a cluster; over S3.

Alone: ``python -m tests.bench.many``.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.bench import report
from tests.bench.databases import Workshop
from tests.bench.measure import Tool, in_turn
from tests.bench.rows import BOLTCLI
from tests.support import DATABASES

FILES = 2000
OBJECTS = 200
TITLE = f"{FILES:,} files of 16 to 1,000 KB, and {OBJECTS} objects on an S3 server here (moto, itself the limit)"


def many_files(workshop: Workshop, runs: int) -> str:
    """The table of many files."""
    folder = workshop.folder / "many"
    paths = _files(folder)
    loop = Tool(["sh", "-c", f'while read file; do {workshop.bbolt.resolve()} check "$file"; done < {folder}/list'])
    rows = []
    for name, words in (
        ("verify --jobs 2", ["--jobs", "2"]),
        ("verify --jobs 1", ["--jobs", "1"]),
        ("verify --engine local:2", ["--engine", "local:2"]),
    ):
        ours = Tool([BOLTCLI, "verify", *words, "--files-from", folder / "list"])
        pair = in_turn(ours, loop, runs, workshop.folder)
        rows.append(_row(name, statistics.median(pair.ours), len(paths), f"{pair.ratio:.2f} of a loop of bbolt check"))
    for engine in ("local:1", "local:2"):
        rate = _steady(engine, folder, workshop.folder / "output", runs)
        rows.append((f"--engine {engine}, once started", "", f"{rate:.0f}", f"{rate / int(engine[-1]):.0f} a worker"))
    rows += _over_s3(paths[:OBJECTS], folder / "objects", workshop.folder / "output", runs)
    return f"\n**{TITLE}**\n\n" + report.markdown(("", "seconds", "files a second", ""), rows)


def _over_s3(paths: list[Path], names: Path, output: Path, runs: int) -> Iterator[tuple[str, ...]]:
    if not all(map(find_spec, ("moto", "s3fs"))):
        yield "S3", "needs make servers", "", ""
        return
    with _objects(paths, names):
        for jobs in ("2", "8"):
            tool = Tool([BOLTCLI, "verify", "--jobs", jobs, "--files-from", names])
            seconds = statistics.median(tool.run(output) for _ in range(runs))
            yield _row(f"verify --jobs {jobs}, S3", seconds, len(paths), "")


def _steady(engine: str, folder: Path, output: Path, runs: int) -> float:
    """Files a second, without the start: by what all files take longer than a tenth of them."""
    names = (folder / "list").read_text().splitlines(keepends=True)
    (folder / "tenth").write_text("".join(names[: FILES // 10]))
    words: list[str | Path] = [BOLTCLI, "verify", "--engine", engine, "--files-from"]
    all_files, tenth = (
        statistics.median(Tool([*words, folder / name]).run(output) for _ in range(runs)) for name in ("list", "tenth")
    )
    return (FILES - FILES // 10) / (all_files - tenth)


def _row(name: str, seconds: float, files: int, compared: str) -> tuple[str, ...]:
    return name, f"{seconds:.2f}", f"{files / seconds:.0f}", compared


def _files(folder: Path) -> list[Path]:
    """Copies of the fixtures, and their names in the file ``list``."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number:04}.db" for number in range(FILES)]
    for number, path in enumerate(paths):
        if not path.exists():
            shutil.copy(DATABASES[number % len(DATABASES)], path)
    (folder / "list").write_text("".join(f"{path.resolve()}\n" for path in paths))
    return paths


@contextmanager
def _objects(paths: list[Path], names: Path) -> Iterator[None]:
    """Put files on an S3 server, and their addresses into the file ``names``, for the time of the block."""
    from tests.storage.servers import s3_server

    with ExitStack() as stack:
        environment = stack.enter_context(s3_server())
        os.environ.update(environment)
        stack.callback(lambda: [os.environ.pop(name) for name in environment])
        import s3fs

        files = s3fs.S3FileSystem(skip_instance_cache=True)
        files.mkdir("bench")
        files.put([str(path) for path in paths], "bench/")
        names.write_text("".join(f"s3://bench/{path.name}\n" for path in paths))
        yield


if __name__ == "__main__":
    workshop = Workshop(Path("build/bench"))
    workshop.build()
    print(report.circumstances(workshop.versions()), many_files(workshop, 3))
