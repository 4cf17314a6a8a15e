"""etcd's status and hashes against etcd's own packages, which a small Go program asks."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from boltcli.apps.etcd.history import file_hash, history_hash
from boltcli.apps.etcd.layout import standing
from boltcli.apps.etcd.views import status
from tests.apps.support import STORES, Opened
from tests.support import ROOT

pytestmark = pytest.mark.compat

# One is damaged so that etcd itself panics.
FILES = [*sorted(STORES.glob("etcd-*.db")), ROOT / "../shared/data/wild/etcd13406.db", *ROOT.glob("fixtures/etcd-*.db")]


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("there is no Go here")
    program = tmp_path_factory.mktemp("etcd") / "etcd"
    subprocess.run(["go", "build", "-o", program, "."], cwd=Path(__file__).parent / "etcd", check=True)
    return program


def ask(etcd: Path, path: Path, folder: Path) -> dict[str, Any]:
    copy = folder / "copy.db"
    shutil.copy(path, copy)
    copy.chmod(0o600)
    done = subprocess.run([etcd, copy], capture_output=True, timeout=120, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_status_and_hashes(path: Path, etcd: Path, tmp_path: Path) -> None:
    if not path.exists():
        pytest.skip("the shared data are not here")
    said = ask(etcd, path, tmp_path)
    assert not said["error"]
    with Opened(path) as db:
        assert file_hash(db) == (said["status"]["hash"], said["status"]["totalKey"])
        (row,) = status.rows(db)
        assert standing(db).revision == said["status"]["revision"]
        assert f"{said['status']['hash']:x}" in row
        assert said["hashes"]
        for each in said["hashes"]:
            assert history_hash(db, each["revision"]) == (each["hash"], each["compact"])
