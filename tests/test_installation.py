"""How boltcli was installed, and what it says to add to that: each way by what it leaves, and some by the real tool."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

from boltcli import installation as module
from boltcli import kernel
from boltcli.cli.commands import version
from boltcli.errors import MissingExtra
from boltcli.installation import Installation, installation, to_install
from tests.support import ROOT, run

SQL = ["duckdb>=2.0", "pyarrow>=22"]


class _Installed:
    """A distribution that has only these files of metadata."""

    def __init__(self, **files: str) -> None:
        self.files = files

    def read_text(self, name: str) -> str | None:
        return self.files.get(name.partition(".")[0].lower())


def _noted(url: str, **more: object) -> str:
    return json.dumps({"url": url, **more})


CLONE = _noted("file:///home/u/my%20clone", dir_info={"editable": True})
FOLDER = _noted("file:///src/boltcli", dir_info={})
GIT = _noted("https://example.com/boltcli", vcs_info={"vcs": "git", "commit_id": "abc", "requested_revision": "main"})
ADD = "'duckdb>=2.0' 'pyarrow>=22'"


@pytest.mark.parametrize(("installer", "noted", "left", "add", "again"), [
    ("pip", None, "", f"PY -m pip install {ADD}",
     "PY -m pip install --force-reinstall --no-cache-dir --no-deps boltcli"),
    ("pip", CLONE, "", f"PY -m pip install {ADD}",
     "PY -m pip install --force-reinstall --no-cache-dir --no-deps --editable '/home/u/my clone'"),
    ("pip", FOLDER, "pipx_metadata.json", f"pipx inject boltcli {ADD}", "pipx reinstall boltcli"),
    ("uv", FOLDER, "uv-receipt.toml", "uv tool install --with 'duckdb>=2.0' --with 'pyarrow>=22' /src/boltcli",
     "uv tool install --reinstall --no-cache /src/boltcli"),
    ("uv", GIT, "", f"uv pip install --python PY {ADD}",
     "uv pip install --python PY --force-reinstall --no-cache --no-deps git+https://example.com/boltcli@abc"),
])  # fmt: skip
def test_ways(
    installer: str, noted: str | None, left: str, add: str, again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"installer": f"{installer}\n"} | ({"direct_url": noted} if noted else {})
    monkeypatch.setattr(metadata, "distribution", lambda name: _Installed(**files))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    if left:
        (tmp_path / left).touch()
    found = installation()
    python = shlex.quote(sys.executable)
    assert found.to_add(SQL, "sql") == add.replace("PY", python)
    assert found.again() == again.replace("PY", python)


def test_a_zipapp(monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap = types.ModuleType("_bootstrap")
    bootstrap.cache_path = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "_bootstrap", bootstrap)
    found = installation()
    assert found.to_add(SQL, "sql") == "this zipapp is without it; in a clone of boltcli: make zipapp EXTRAS=sql"
    assert found.to_add(["pandas"]) == "this zipapp is without it; install boltcli with pandas"
    assert found.again() == "in a clone of boltcli: make zipapp"


def test_without_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    monkeypatch.setattr(metadata, "requires", missing)
    monkeypatch.setattr(sys, "executable", "")
    to_install.cache_clear()
    assert installation() == Installation("source")
    assert to_install("duckdb", "sql") == "python3 -m pip install duckdb"
    to_install.cache_clear()


def test_all_packages_of_an_extra_are_named() -> None:
    """This environment is an editable install: what is said of it is what pyproject.toml has."""
    to_install.cache_clear()
    python = shlex.quote(sys.executable)
    assert str(MissingExtra("duckdb", "sql", "sql")).endswith(f" install {ADD}")
    assert str(MissingExtra("PIL.Image", "report", "--png")).endswith(" install 'jinja2>=3.1' 'pillow>=10'")
    assert str(MissingExtra("fsspec", "remote")).endswith(" install 'fsspec[http]>=2024.2'")
    assert str(MissingExtra("pandas", "", "to_pandas")).endswith(" install pandas")
    found = installation()
    if found.editable:
        assert (Path(found.origin) / "pyproject.toml").exists()
        assert found.python == sys.executable
        assert python in found.again()


def test_version_says_why_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOLTCLI_KERNEL", "0")
    assert b"\n  BOLTCLI_KERNEL=0 in the environment turns it off.\n" in run("version")[1]
    assert b"unset BOLTCLI_KERNEL\n" in run("version")[1]
    monkeypatch.delenv("BOLTCLI_KERNEL")
    folder = tmp_path / "boltcli"
    (folder / "kernel").mkdir(parents=True)
    script = "from boltcli import kernel; print(kernel.state(), '|', kernel.problem())"
    for name in ("__init__.py", "kernel/__init__.py"):
        (folder / name).write_text((ROOT / "boltcli" / name).read_text())

    def said() -> str:
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    assert said().startswith("not built | boltcli was installed without it: ")
    (folder / "kernel" / "_kernel.py").write_text("VERSION = 1\n")
    assert said().startswith(f"not built | It was built for another version of boltcli: it is 1, and {kernel.VERSION}")
    (folder / "kernel" / "_kernel.py").unlink()
    (folder / "kernel" / "_kernel.abi3.so").write_bytes(b"no library")
    assert said().startswith("not built | It can't be loaded: ")


def test_version_says_how_to_build_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOLTCLI_KERNEL", raising=False)
    monkeypatch.setattr(version, "state", lambda: "not built")
    monkeypatch.setattr(version, "problem", lambda: "It is gone.")
    text = run("version")[1].decode()
    assert "Kernel: not built\n  It is gone.\n" in text
    assert text.endswith(f": {module.installation().again()}\n")
    monkeypatch.setattr(version, "problem", lambda: "")
    assert run("version")[1].endswith(b"Kernel: not built\n")
