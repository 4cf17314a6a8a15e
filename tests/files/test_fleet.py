"""The same results on a Dask cluster as here, also when a worker is lost."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.support import DATABASES, needed, run

distributed = needed("distributed")
pytestmark = pytest.mark.slow


def _lines(out: bytes) -> list[dict[str, object]]:
    return sorted((json.loads(line) for line in out.splitlines()), key=lambda record: str(record["path"]))


def test_a_local_cluster_says_the_same(tmp_path: Path) -> None:
    files = [*DATABASES, tmp_path / "missing"]
    status, out, _ = run("verify", "--json", *files)
    on_cluster = run("verify", "--json", "--engine", "local:2", *files)
    assert (on_cluster[0], _lines(on_cluster[1])) == (status, _lines(out))


def test_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    paths = []
    for number in range(400):
        path = tmp_path / f"{number}.db"
        path.write_bytes(DATABASES[number % len(DATABASES)].read_bytes())
        paths.append(path)
    (tmp_path / "list").write_text("\n".join(map(str, paths)))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        pids = [worker.pid for worker in cluster.workers.values()]
        killer = threading.Timer(0.3, os.kill, (pids[0], signal.SIGKILL))
        killer.start()
        status, out, _ = run("check", "--json", "--engine", address, "--files-from", tmp_path / "list")
        killer.join()
    assert status == 0
    assert [record["path"] for record in _lines(out)] == sorted(map(str, paths))


def test_no_scheduler() -> None:
    status, _, err = run("check", "--engine", "dask://127.0.0.1:1", DATABASES[0])
    assert status == 1
    assert err.startswith(b"Error: no Dask scheduler at dask://127.0.0.1:1")
