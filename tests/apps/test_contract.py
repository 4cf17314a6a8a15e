"""The contract: the guide's example, installed as a package, is an application like the built-in ones."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli import guide, read_errors
from boltcli.apps import registry
from boltcli.apps.contract import ANY, REST, Application, AuditFinding, AuditOptions, Codec, Recognition, Store, matches
from boltcli.apps.guarded import PlugIn
from boltcli.apps.values import find, names
from boltcli.fleet.find import places
from boltcli.storage.snapshot import Snapshot
from tests.apps.support import Opened, make
from tests.support import ROOT, fixture

TODOS = {b"todos": {b"\0" * 7 + bytes([number]): text for number, text in enumerate(
    [b'{"text":"sow","done":true}', b'{"text":"reap"}', b"not JSON"], 1)}}  # fmt: skip


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """Look for installed applications anew: they are otherwise found once per process."""
    for found in (registry._points, places):
        found.cache_clear()
    yield
    for found in (registry._points, places):
        found.cache_clear()


def _example() -> tuple[str, str]:
    """The guide's example: its module and its entry points."""
    page = guide.text("apps")
    (module,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (table,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    points = re.sub(r'\[project.entry-points."(.*)"\]', r"[\1]", table).replace('"', "")
    return module, points


def _wheel(folder: Path) -> Path:
    """Build a wheel of the example, which pip installs."""
    module, points = _example()
    info = "boltcli_todo-1.0.dist-info"
    files = {
        "boltcli_todo.py": module,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: boltcli-todo\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    digests = {name: hashlib.sha256(text.encode()).digest() for name, text in files.items()}
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()},{len(files[name].encode())}\n"
        for name, digest in digests.items()
    )
    path = folder / "boltcli_todo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the example."""
    folder = tmp_path_factory.mktemp("todo")
    subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--no-deps", "--no-index", "--no-compile",
         "--disable-pip-version-check", "--target", str(folder / "site"), str(_wheel(folder))],
        check=True,
    )  # fmt: skip
    return folder / "site"


def test_the_example_is_short() -> None:
    assert len(_example()[0].splitlines()) <= 40


@pytest.mark.slow
def test_an_installed_example_is_known(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    with Opened(make(tmp_path / "todo.db", TODOS)) as db:
        found = registry.recognise(db)
        assert found is not None
        application, recognition = found.application, found
        assert (recognition.name, recognition.layout, recognition.certainty) == ("todo", "1", "certain")
        view = application.view("tasks")
        assert view is not None
        assert list(view.rows(db)) == [(1, "sow", True), (2, "reap", False)]
        assert list(view.rows(db, done="true")) == [(1, "sow", True)]
        codec = application.codec((b"todos",))
        assert codec is not None
        assert codec.key is not None
        assert codec.value is not None
        assert codec.key(b"\0" * 7 + b"\7") == 7
        assert codec.value(b"", b"\xff") == b"\xff"
        assert application.codec((b"todos", b"x")) is None
        audit = application.audit(db, AuditOptions(0))
        assert audit is not None
        assert audit.answers == {"undecodable": 1}
        assert [(finding.bucket, finding.key) for finding in audit.findings] == [((b"todos",), b"\0" * 7 + b"\3")]
    assert "todo" in [application.name for application in registry.applications()]
    assert registry.application("todo") is not None


@pytest.mark.slow
def test_commands_know_an_installed_example(site: Path, tmp_path: Path) -> None:
    path = make(tmp_path / "todo.db", TODOS)

    def boltcli(*words: str) -> tuple[int, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "boltcli", *words], cwd=tmp_path, capture_output=True,
            env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
        )  # fmt: skip
        return done.returncode, done.stdout

    assert json.loads(boltcli("info", "--json", str(path))[1])["application"] == "todo"
    assert boltcli("view", str(path), "tasks", "--set", "done=true")[1] == b"number\ttext\tdone\n1\tsow\ttrue\n"
    status, out = boltcli("audit", "--json", "--fail-on", "warning", str(path))
    assert status == 1
    audit = json.loads(out)
    assert (audit["application"], audit["layout"], audit["answers"]) == ("todo", "1", {"undecodable": 1})
    assert boltcli("help", "apps")[1].endswith(b"Installed as plug-ins:\n\n- `todo`: The task list's store\n")


def test_a_plug_in_that_fails_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[boltcli.applications]\na = nowhere:A\nb = broken_app:B\n")
    (tmp_path / "broken_app.py").write_text(
        "class B:\n    name = 'b'\n    def recognise(self, db):\n        raise RuntimeError('b')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(read_errors, "_reported", set())
    monkeypatch.setattr(read_errors, "hearer", None)
    with pytest.warns(RuntimeWarning, match="the plug-in 'a' can't be loaded: ModuleNotFoundError"):
        found_names = [application.name for application in registry.plug_ins()]
    assert found_names == ["b"]
    with Opened(fixture("bacalhau-compute-1.4")) as db:
        found = registry.recognise(db)
    assert found is not None
    assert found.name == "bacalhau"


OWN = "bacalhau bleve bolthold buildkit containerd docker etcd podman raft-boltdb storm trivy-db vault"


def test_ours_are_entry_points() -> None:
    assert [each.name for each in registry.applications()] == OWN.split()
    for each in registry.applications():
        assert each.title
        assert each.buckets
        assert each.views
        assert all(view.title and view.columns for view in each.views)
        assert each.codecs


def test_only_what_may_know_a_file_is_imported() -> None:
    script = (
        "import sys, boltcli; from boltcli.apps.registry import recognise;"
        f"print(recognise(boltcli.open({str(fixture('etcd-3.6'))!r})).name, *sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    name, *modules = done.stdout.split()
    assert name == "etcd"
    ours = {module.split(".")[2] for module in modules if module.startswith("boltcli.apps.")}
    assert "etcd" in ours
    assert ours.isdisjoint({"bacalhau", "bleve", "bolthold", "containerd", "docker", "raft", "storm", "trivy", "vault"})


@pytest.mark.parametrize(("buckets", "asked"), [((), True), (("key",), True), (("k*", "x"), True), (("x",), False)])
def test_an_application_is_asked_by_its_buckets(
    buckets: tuple[str, ...], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mine(Application):
        name = "mine"

        def recognise(self, db: Store) -> Recognition | None:
            return Recognition("mine", "1")

    mine = Mine()
    mine.buckets = buckets
    monkeypatch.setattr(registry, "plug_ins", lambda: iter([mine]))
    with Opened(fixture("etcd-3.6")) as db:
        found = registry.recognise(db)
    assert found is not None
    assert found.name == ("mine" if asked else "etcd")


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ((), (), True),
        ((b"a",), (b"a",), True),
        ((b"a",), (b"a", b"b"), False),
        ((b"a", ANY), (b"a", b"b"), True),
        ((b"a", ANY), (b"a",), False),
        ((b"a", REST), (b"a",), True),
        ((b"a", REST), (b"a", b"b", b"c"), True),
        ((b"a", ANY, REST), (b"a",), False),
        ((b"a", REST), (b"b",), False),
        ((REST,), (), True),
    ],
)
def test_patterns(pattern: tuple[object, ...], path: tuple[bytes, ...], fits: bool) -> None:
    assert matches(pattern, path) is fits  # type: ignore[arg-type]


def test_stores_read_as_they_lie(tmp_path: Path) -> None:
    tree = {b"a": {b"b": {b"c": b"d"}, b"x": b"1", b"y": b"2"}}
    with Opened(make(tmp_path / "tree.db", tree)) as db:
        inner = find(db, b"a", b"b")
        assert inner is not None
        assert inner.get(b"c") == b"d"
        assert inner.get(b"e") is None
        assert find(db, b"a", b"x") is None
        assert find(db, b"a", b"none") is None
        outer = find(db, b"a")
        assert outer is not None
        assert names(outer) == [b"b", b"x", b"y"]
        assert names(outer, 2) == [b"b", b"x"]
        assert [key for key, _ in outer.range(b"c", b"y")] == [b"x"]
        assert [key for key, _ in outer.range(reverse=True)] == [b"y", b"x", b"b"]
        assert [key for key, _ in outer.prefix(b"x")] == [b"x"]
        assert outer.sequence == 0


def test_the_library_is_a_store(tmp_path: Path) -> None:
    import boltcli

    with boltcli.open(fixture("bacalhau-compute-1.4")) as db:
        found = registry.recognise(db)
        assert found is not None
        assert found.layout == "compute 1.0.4-1.4.0"
        assert find(db, b"execution") is not None


def test_codecs_may_leave_either_side() -> None:
    codec = Codec(value=lambda key, value: json.loads(value))
    assert codec.key is None


BAD = """
import os, sys
import subprocess
from sys import stdout
from boltcli.apps.contract import Application, Audit, Codec, Column, Recognition, View
WHEN = {when!r}

def at(place):
    if WHEN == place:
        print("PRINTED")
        stdout.write("PRINTED")
        os.write(1, b"PRINTED" if place in ("import", "recognise", "audit") else b"")
        sys.stdout.flush()
        {deed}

at("import")

def rows(db):
    yield (1,)
    at("rows")
    yield (2,)

def value(key, value):
    at("codec")
    return "decoded"

class Bad(Application):
    name = "bad"
    title = "Bad"
    codecs = {{(b"todos",): Codec(value=value)}}
    views = (View("tasks", [Column("number", "integer")], rows),)

    def __init__(self):
        at("init")

    def recognise(self, db):
        at("recognise")
        return Recognition("bad", "1")

    def audit(self, db, options):
        at("audit")
        return Audit("1", {{"fine": True}})
"""
DEEDS = {
    "prints": "pass", "raises": "raise KeyError('no')", "exits": "sys.exit(7)", "exits silently": "raise SystemExit",
    "asserts": "raise AssertionError",
}  # fmt: skip


@pytest.mark.sampled(8)
@pytest.mark.slow
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("when", ["import", "init", "recognise", "codec", "rows", "audit"])
def test_what_a_plug_in_does_is_not_ours(deed: str, when: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "bad-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[boltcli.applications]\nbad = bad_app:Bad\n")
    (site / "bad_app.py").write_text(BAD.format(when=when, deed=DEEDS[deed]))
    path = str(make(tmp_path / "todo.db", TODOS))

    def boltcli(*words: str) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "boltcli", *words], capture_output=True,
            env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"},
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    warned = 0
    for words in (
        ["info", "--json"],
        ["items", "--decode", "auto"],
        ["view"],
        ["view", "--json"],
        ["audit"],
        ["check"],
    ):
        where = [path, *(["todos"] if words[0] == "items" else ["tasks"] if words[0] == "view" else [])]
        status, out, err = boltcli(*words, *where)
        assert b"PRINTED" not in out + err
        assert b"Traceback" not in err
        fails = deed != "prints" and (
            (words[0] == "audit" and when == "audit") or (words[0] == "view" and when == "rows")
        )
        unknown = deed != "prints" and when in ("import", "init", "recognise") and words[0] in ("view", "audit")
        assert status == (1 if fails or unknown else 0), (words, out, err)
        if b"plug-in 'bad'" in err:
            warned += 1
            kinds = (b"Error: ", b'{"kind":"error"') if fails else (b"warning: ", b'{"kind":"warning"')
            assert any(kind in err for kind in kinds), err
        assert b"plug-in" not in out
    assert warned
    assert boltcli("items", "--quiet", path, "todos")[2] == b""


def test_whose_file_it_is_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(registry, "recognise", lambda db: asked.append(db))
    with Snapshot(str(fixture("document"))) as snapshot:
        assert registry.recognised(snapshot) is registry.recognised(snapshot) is None
    assert len(asked) == 1
    monkeypatch.undo()
    with Snapshot(str(fixture("bacalhau-compute-1.4"))) as snapshot:
        found = registry.recognised(snapshot)
        assert found is registry.recognised(snapshot)
        assert str(found) == "bacalhau, compute 1.0.4-1.4.0"


def test_an_audit_waits_for_others_only_where_members_are_compared() -> None:
    class Alone(Application):
        name = title = "alone"

    class Members(Alone):
        def join(self, audits: object) -> list[tuple[str, AuditFinding]]:
            return []

    found = {type(one).__name__: one.compares for one in (Alone(), Members())}
    assert found == {"Alone": False, "Members": True}
    assert [PlugIn("p", one).compares for one in (Alone(), Members())] == [False, True]
    assert {one.name for one in registry.applications() if one.compares} == {"bacalhau", "etcd"}
