"""Every view of every fixture and shared store: a statement for it against the application's own rows; and files."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import boltcli
from boltcli.database import Database
from boltcli.errors import BoltError
from boltcli.storage.snapshot import Snapshot
from boltcli.tables.duck import Session
from boltcli.tables.relations import TableFile, name_text
from boltcli.text.cells import cell
from boltcli.text.json import plain_text
from tests.damage.mutations import sample
from tests.support import DATABASES, ROOT, fixture, run

STORES = sorted((ROOT / "../shared/data/stores").glob("*.db"))
KNOWN = [path for path in DATABASES if path.stem.startswith(("bacalhau", "etcd", "document"))]
TIMES = 'epoch_ns("{0}"::TIMESTAMP_NS) AS "{0}"'


def _expected(value: Any, kind: str) -> Any:
    found = cell(value, kind)
    if kind == "time" and found is not None:  # a TIMESTAMP_NS holds the years 1677 to 2262; Go's zero time is none
        return found if -(1 << 63) < found < 1 << 63 else None
    return plain_text(found) if kind == "json" and found is not None else found


@pytest.mark.slow
@pytest.mark.parametrize("path", [*KNOWN, *STORES], ids=lambda path: path.name)
def test_every_view(path: Path) -> None:
    with Snapshot(str(path)) as snapshot:
        file = TableFile("here", snapshot)
        session = Session([file])
        with session.connection:
            found = file.recognised
            views = found.application.views if found is not None else ()
            assert views or path.stem.startswith(("raft", "storm", "trivy", "buildkit", "containerd", "document"))
            for view in views:
                columns = [TIMES.format(c.name) if c.type == "time" else f'"{c.name}"' for c in view.columns]
                try:
                    expected = list(view.rows(Database(file.snapshot)))
                except BoltError as error:
                    with pytest.raises(type(error)):
                        session.run(f'SELECT * FROM "{view.name}"')
                    continue
                _, batches = session.run(f'SELECT {", ".join(columns)} FROM "{view.name}"')
                rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
                assert len(rows) == len(expected), view.name
                kinds = [column.type for column in view.columns]
                for row, wanted in zip(rows, expected):
                    plain = tuple(int(value) if isinstance(value, Decimal) else value for value in row)
                    assert plain == tuple(map(_expected, wanted, kinds)), view.name


@pytest.mark.slow
@pytest.mark.parametrize("path", STORES, ids=lambda path: path.name)
def test_pairs_of_stores(path: Path) -> None:
    with boltcli.open(path) as db:
        stack: list[tuple[tuple[bytes, ...], boltcli.Bucket]] = [((), db)]
        count = size = 0
        while stack:
            names, bucket = stack.pop()
            for key, value in bucket.range():
                if isinstance(value, bytes):
                    count += 1
                    size += len(key) + len(value)
                else:
                    stack.append(((*names, key), value))
    with Snapshot(str(path)) as snapshot:
        session = Session([TableFile("a", snapshot)])
        with session.connection:
            _, batches = session.run("SELECT count(*), sum(octet_length(key) + octet_length(value))::BIGINT FROM pairs")
            assert [tuple(row.values()) for batch in batches for row in batch.to_pylist()] == [(count, size)]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["sqlite", "parquet", "arrow"])
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_round_trips(path: Path, form: str, tmp_path: Path) -> None:
    made, back = tmp_path / f"a.{form}", tmp_path / "back.db"
    assert run("export", "-o", made, path)[0] == 0
    status, _, err = run("import", made, back)
    if status and b"-o" in err:
        status, _, err = run("import", "-o", back, made)
    assert status == 0, err
    lines = [run("export", source)[1] for source in (path, back)]
    assert lines[0] == lines[1]


@pytest.mark.slow
def test_others_read_what_was_written(tmp_path: Path) -> None:
    import duckdb

    for source in (fixture("values"), fixture("binary-keys"), fixture("sequences"), fixture("etcd-3.6")):
        made, parquet = tmp_path / f"{source.stem}.sqlite", tmp_path / f"{source.stem}.parquet"
        assert run("export", "--all-views", "-o", made, source)[0] == 0
        assert run("export", "-o", parquet, source)[0] == 0
        with boltcli.open(source) as db:
            expected = []
            todo: list[tuple[list[str], boltcli.Bucket]] = [([], db)]
            while todo:
                names, bucket = todo.pop()
                for key, value in bucket.range():
                    if isinstance(value, bytes):
                        expected.append((names, key, value))
                    else:
                        todo.append(([*names, name_text(key)], value))
            views = {} if db.application is None else {"keys": len(list(db.view("keys")))}
            members = [] if db.application is None else [row.id for row in db.view("members")]
        connection = sqlite3.connect(made)
        rows = [(json.loads(names), key, value) for names, key, value in
                connection.execute("SELECT bucket, key, value FROM pairs")]  # fmt: skip
        assert sorted(rows) == sorted(expected)
        for name, count in views.items():
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchall() == [(count,)]
        if members:  # beyond 2^63: as text
            assert [int(row[0]) for row in connection.execute("SELECT id FROM members")] == members
        connection.close()
        if shutil.which("sqlite3"):
            done = subprocess.run(["sqlite3", made, "SELECT count(*) FROM pairs; PRAGMA integrity_check"],
                                  capture_output=True, check=True)  # fmt: skip
            assert done.stdout.split() == [str(len(expected)).encode(), b"ok"]
        with duckdb.connect() as other:
            found = other.execute(f"SELECT bucket, key, value FROM '{parquet}' WHERE key IS NOT NULL").fetchall()
        assert sorted(found) == sorted(expected)


@pytest.mark.slow
def test_files_of_two_applications() -> None:
    words = ("--json", "SELECT application, count(*) AS n FROM files GROUP BY ALL ORDER BY ALL")
    files = (fixture("bacalhau-compute-1.4"), fixture("etcd-3.6"), fixture("inline"))
    lines = [json.loads(line) for line in run("sql", *words, *files)[1].splitlines()]
    assert lines == [{"application": "bacalhau", "n": 1}, {"application": "etcd", "n": 1},
                     {"application": None, "n": 1}]  # fmt: skip
    described = [json.loads(line) for line in run("sql", "--json", *files)[1].splitlines()]
    names = [relation["relation"] for relation in described]
    assert len(set(names)) == len(names)
    # Both have a view `history`: the second application's is called after it.
    assert {"executions", "keys", "history", "etcd_history"} <= set(names)
    for view, path in (("history", files[0]), ("etcd_history", files[1])):
        _, out, _ = run("sql", "--csv", f"SELECT DISTINCT path FROM {view}", *files)
        assert out.decode().splitlines() == ["path", str(path)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["document", "etcd-3.6", "nested-8"])
def test_damaged_files(name: str, tmp_path: Path) -> None:
    content = fixture(name).read_bytes()
    path = tmp_path / "a.db"
    statements = ("SELECT bucket, key, value FROM pairs", "SELECT * FROM buckets", "SELECT * FROM pages",
                  "SELECT * FROM findings", "SELECT * FROM files", "SELECT * FROM keys")  # fmt: skip
    for number, mutation in enumerate(sample(content, 15, name)):
        path.write_bytes(mutation.apply(content))
        statement = statements[number % (len(statements) if name == "etcd-3.6" else 5)]
        status, out, err = run("sql", "--json", statement, path)
        errors = [json.loads(line) for line in err.splitlines()]
        assert status in (0, 1), mutation
        assert sum("page" in error for error in errors) == status, (mutation, err)
        for line in out.splitlines():
            json.loads(line)


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    status, out, err = run("sql", "SELECT 1", fixture("document"))
    assert (status, out) == (1, b"")
    said = err.splitlines()[0]
    assert said.startswith(b"Error: sql needs duckdb: ")
    assert said.endswith(b" install 'duckdb>=2.0' 'pyarrow>=22'")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    status, _, err = run("export", "-o", tmp_path / "a.parquet", fixture("document"))
    assert (status, err.splitlines()[0].endswith(b" install 'duckdb>=2.0' 'pyarrow>=22'")) == (1, True)
    assert not (tmp_path / "a.parquet").exists()
    assert run("export", "-o", tmp_path / "a.sqlite", fixture("document"))[0] == 0  # which needs neither


def test_times_and_intervals() -> None:
    statement = (
        "SELECT TIMESTAMP '2026-01-02 03:04:05.5' AS t, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS z, "
        "INTERVAL '25 hours' AS i, DATE '2026-01-02' AS d, max(modify_time) AS ns FROM executions"
    )
    _, out, _ = run("sql", "--json", statement, fixture("bacalhau-compute-1.4"))
    with boltcli.open(fixture("bacalhau-compute-1.4")) as db:
        times = db.arrow("executions", columns=["modify_time"]).read_all()["modify_time"]
        newest = max(times.cast("int64").to_pylist())
    record = json.loads(out)
    assert record["ns"].endswith(f"{newest % 10**9:09}".rstrip("0") + "Z")
    del record["ns"]
    assert record == {"t": "2026-01-02T03:04:05.5", "z": "2026-01-02T03:04:05Z", "i": "25:00:00", "d": "2026-01-02"}


def test_a_terminal_shows_a_table() -> None:
    import io

    from boltcli.apps.contract import Column
    from boltcli.cli.output import Output
    from boltcli.cli.streams import Terminal
    from boltcli.render.table import Table

    class Screen(io.BytesIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    terminal = Terminal(screen)
    Output(terminal, io.BytesIO()).rows(Table([Column("name")], [["a\x1b[31mb"]]))
    terminal.flush()
    assert b"\\x1b[31mb" in screen.getvalue()  # a value's escape sequence is shown; none of our own is
    assert b"\\x1b" not in screen.getvalue().replace(b"a\\x1b[31mb", b"")
