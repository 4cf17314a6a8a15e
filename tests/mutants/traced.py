"""Which tests run a line of the program, how long each takes; which start programs. Pytest loads it as a plugin."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

ROOMS = {
    "format": "boltcli/format", "tree": "boltcli/tree", "check": "boltcli/ops/check", "storage": "boltcli/storage",
    "write": "boltcli/ops/write", "rescue": "boltcli/ops/rescue",
}  # fmt: skip
OPTIONS = ("-p", "tests.mutants.traced", "--cov=boltcli", "--cov-context=test", "--cov-report=")
FILES = ("traced.json", ".coverage")  # what a run with these options leaves, in the folder where it runs
_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec"}


class Traced:
    """What a run of the tests with ``OPTIONS`` has left, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        found = json.loads((folder / FILES[0]).read_text(encoding="utf-8"))
        self.seconds: dict[str, float] = found["seconds"]
        self.starters = set(found["starters"])
        self.failed: list[str] = found["failed"]
        data = coverage.CoverageData(folder / FILES[1])
        data.read()
        self._contexts: dict[str, dict[int, list[str]]] = {}
        for name in data.measured_files():
            path = name[name.rindex("/boltcli/") + 1 :]
            self._contexts[path] = data.contexts_by_lineno(name)

    def tests(self, path: str, line: int, source: bytes) -> set[str]:
        """Return the tests that run ``line``; what is run on import belongs to all that run something of the module."""
        lines = self._contexts.get(path, {})
        first = max((first for first, last in _bodies(source) if first <= line <= last), default=0)
        # The line of a part of a statement may have no code of its own: then it is that of the lines before.
        near = next((lines[each] for each in range(line, first - 1, -1) if lines.get(each)), []) if first else []
        if not near:
            near = [context for contexts in lines.values() for context in contexts]
        return {context.rpartition("|")[0] for context in near} & self.seconds.keys()


def own_tests(room: str) -> str:
    """Return the folder of the tests of a room."""
    return "tests" + ROOMS[room].removeprefix("boltcli") + "/"


def _bodies(source: bytes) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each function's body."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            yield node.body[0].lineno, node.end_lineno


_running: list[pytest.Item] = []
_seconds: dict[str, float] = {}
_failed: set[str] = set()
_starters: set[str] = set()


def pytest_configure(config: pytest.Config) -> None:
    def hook(event: str, _: object) -> None:
        if event in _STARTS and _running:
            _running[0].user_properties.append(("starts", "a program"))

    sys.addaudithook(hook)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    near = tuple(map(own_tests, ROOMS))
    items[:] = [item for item in items if item.get_closest_marker("slow") is None or item.nodeid.startswith(near)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _running[:] = [item]
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0) + report.duration
    if report.failed:
        _failed.add(report.nodeid)
    if report.user_properties:
        _starters.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and _seconds:
        # The name of a test with a path of this copy of the tree in it is another one in the next copy.
        passed = _seconds.keys() - _failed
        seconds = {test: _seconds[test] for test in sorted(passed) if str(Path.cwd()) not in test}
        starters = sorted(_starters & seconds.keys())
        text = json.dumps({"seconds": seconds, "starters": starters, "failed": sorted(_failed)})
        Path(FILES[0]).write_text(text, encoding="utf-8")
