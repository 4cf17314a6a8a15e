"""The same results on a Dask cluster as here, also when a worker is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from boltcli.errors import BoltError
from boltcli.fleet import engine
from tests.live import held
from tests.support import DATABASES, needed, run

pytestmark = pytest.mark.slow

T = TypeVar("T")


def _lines(out: bytes) -> list[dict[str, object]]:
    return sorted((json.loads(line) for line in out.splitlines()), key=lambda record: str(record["path"]))


def test_a_local_cluster_says_the_same(tmp_path: Path) -> None:
    files = [*DATABASES, tmp_path / "missing"]
    status, out, _ = run("verify", "--json", *files)
    on_cluster = run("verify", "--json", "--engine", "local:2", *files)
    assert (on_cluster[0], _lines(on_cluster[1])) == (status, _lines(out))


@pytest.fixture(scope="module", autouse=True)
def distributed() -> Any:
    return needed("distributed")


@pytest.fixture(scope="module")
def cluster(distributed: Any) -> Iterator[Any]:
    """A running cluster of two workers."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as found:
        yield found


def _address(cluster: Any) -> str:
    address: str = cluster.scheduler_address
    return address.replace("tcp://", "dask://")


@pytest.mark.skipif(sys.platform != "linux", reason="who has a file open is told by /proc")
def test_what_a_lost_worker_had_is_done_again(cluster: Any, tmp_path: Path) -> None:
    """One worker waits for the lock of a file when it is killed."""
    paths = []
    for number in range(60):
        path = tmp_path / f"{number:02}.db"
        path.write_bytes(DATABASES[number % len(DATABASES)].read_bytes())
        paths.append(path)
    results = tmp_path / "results.ndjson"
    done: list[tuple[int, bytes, bytes]] = []
    words: list[str | Path] = ["check", "--lock", "wait", "--timeout", "0", "-o", results]
    words += ["--engine", _address(cluster), *paths]
    command = threading.Thread(target=lambda: done.append(run(*words)), daemon=True)
    with held(paths[7]):
        command.start()
        pids = [worker.pid for worker in cluster.workers.values()]
        (victim,) = _until(lambda: [pid for pid in pids if str(paths[7]) in _open_files(pid)])
        assert not results.exists()
        os.kill(victim, signal.SIGKILL)
        _until(lambda: str(paths[7]) not in _open_files(victim))
    command.join(120)
    assert done[0][:2] == (0, f"60 files: 60 ok -> {results}\n".encode())
    assert [record["path"] for record in _lines(results.read_bytes())] == list(map(str, paths))


def _open_files(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.append(os.readlink(link))
        except OSError:
            continue
    return found


def _until(look: Callable[[], T]) -> T:
    until = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def fatal(number: int) -> int:
    """Work that no worker survives, of one item."""
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.thorough
def test_what_no_worker_survives_is_an_error_of_its_own(cluster: Any) -> None:
    done = dict(engine.run(fatal, range(40), range(40), engine=_address(cluster)))
    error = done.pop(5)
    assert isinstance(error, BoltError)
    assert str(error).startswith("the cluster could not process it: ")
    assert done == {number: number for number in range(40) if number != 5}


class _Future:
    def __init__(self, found: Any) -> None:
        self.key, self._found = str(id(self)), found

    def result(self) -> Any:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def release(self) -> None:
        pass


class _Completed(list[_Future]):
    def __iter__(self) -> Iterator[_Future]:
        while self:
            yield self.pop(0)

    update = list.extend


class _Client:
    """A scheduler on which an item costs its worker while others are to be done, and item 5 always."""

    status = "running"

    def __init__(self) -> None:
        self.left = 2  # tasks with item 6 that end so: in a batch, and by itself

    def submit(self, call: Any, work: Any, task: Any, **_: Any) -> _Future:
        numbers = [number for number, _ in task]
        if 6 in numbers and self.left:
            self.left -= 1
            return _Future(RuntimeError("killed"))
        return _Future(RuntimeError("killed") if 5 in numbers else call(work, task))


def test_what_was_lost_beside_another_is_done_alone() -> None:
    found = SimpleNamespace(as_completed=_Completed)
    done = dict(engine._batches(found, _Client(), str, range(8), [[0, 1, 2, 3], [4, 5, 6, 7]]))
    assert str(done.pop(5)) == "the cluster could not process it: killed"
    assert done == {number: str(number) for number in range(8) if number != 5}


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch, distributed: Any) -> None:
    monkeypatch.setattr(engine, "_PATIENCE", 0.5)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as empty:
        err = run("check", "--engine", _address(empty), DATABASES[0])[2]
    assert b"has no workers: `dask worker` starts one" in err


def test_no_scheduler() -> None:
    status, _, err = run("check", "--engine", "dask://127.0.0.1:1", DATABASES[0])
    assert status == 1
    assert err.startswith(b"Error: no Dask scheduler at dask://127.0.0.1:1")
