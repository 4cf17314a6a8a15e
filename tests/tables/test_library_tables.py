"""Arrow, DuckDB and pandas from the library, against the rows of the plain API."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import boltcli
from boltcli.apps.contract import Column
from boltcli.errors import ArgumentError, BucketNotFound, Corrupted, DatabaseClosed, MissingExtra
from boltcli.library import ViewRows
from tests.support import DATABASES, fixture, freelist, page, pgid, small

COMPUTE = fixture("bacalhau-compute-1.4")


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_pairs(path: Path) -> None:
    with boltcli.open(path) as db:
        table = db.arrow(columns=["value", "key"]).read_all()
        assert table.column_names == ["value", "key"]
        for name in [key for key, value in db.items() if isinstance(value, boltcli.Bucket)]:
            found = db.arrow(columns=["key", "value"], bucket=[name]).read_all().to_pydict()
            assert list(zip(found["key"], found["value"])) == list(db.bucket(name).pairs())
        with db.duckdb() as connection:
            (count,) = connection.sql("SELECT count(*) FROM pairs").fetchall()[0]
            assert count == table.num_rows == db.arrow("pairs").read_all().num_rows
            sequences = [str(row[0]) for row in db.duckdb(wide=True).sql("SELECT sequence FROM buckets").fetchall()]
        assert sum(db.arrow("buckets", wide=True).read_all()["pairs"].to_pylist()) <= count
        assert len(sequences) == db.stats().buckets


@pytest.mark.parametrize("columns", [["value"], ["value_text"], ["value_json"], ["key", "value_json"]])
def test_a_batch_holds_few_large_values(columns: list[str], tmp_path: Path) -> None:
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    large = [(b"%d" % number, b'"' + b"x" * 600_000 + b'"') for number in range(4)]
    leaf = page(4, 2, large, overflow=4 * 600_100 // 4096)
    (tmp_path / "db").write_bytes(small(freelist(2), root, leaf))
    with boltcli.open(tmp_path / "db") as db:
        assert [batch.num_rows for batch in db.arrow(columns=columns)] == [1] * 4


@pytest.mark.slow
def test_views() -> None:
    with boltcli.open(COMPUTE) as db, db.duckdb() as connection:
        for view in ("jobs", "executions", "history"):
            rows = list(db.view(view))
            table = db.arrow(view).read_all()
            assert table.column_names == ["path", *(column.name for column in db.view(view).columns)]
            assert table.num_rows == len(rows) == connection.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0]
        assert table["job"].to_pylist() == [row.job for row in rows]
        assert set(table["path"].to_pylist()) == {str(COMPUTE)}
        assert connection.sql("SELECT max(modify_time) > '2024-01-01' FROM executions").fetchall() == [(True,)]


def test_pandas() -> None:
    pandas: Any = pytest.importorskip("pandas")
    with boltcli.open(COMPUTE) as db:
        rows = list(db.view("executions"))
        frame = db.view("executions").to_pandas()
    assert list(frame["id"]) == [row.id for row in rows]
    assert [time.value for time in frame["modify_time"]] == [row.modify_time for row in rows]
    assert str(frame["modify_time"].dt.tz) == "UTC"
    assert frame.groupby("state").size().sum() == 237
    columns = [Column("w", "time"), Column("i", "integer"), Column("b", "boolean"), Column("j", "json")]
    columns += [Column("f", "number"), Column("x", "bytes")]
    values: list[tuple[Any, ...]] = [
        (0, 1 << 63, True, [1], 1.5, b"\0"),
        (None, None, None, None, None, None),
        (-1, -1, False, {}, 0.0, b""),
    ]
    frame = ViewRows(iter(values), columns).to_pandas()
    assert frame["w"][0] == pandas.Timestamp(datetime(1970, 1, 1, tzinfo=UTC))
    assert frame["w"].isna().tolist() == [False, True, False]
    assert (frame["i"][0], frame["j"][0], frame["x"][2]) == (1 << 63, [1], b"")
    assert frame["b"].isna().tolist() == frame["f"].isna().tolist() == [False, True, False]
    empty = ViewRows(iter(()), columns).to_pandas()
    assert (len(empty), list(empty.columns)) == (0, ["w", "i", "b", "j", "f", "x"])


def test_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with boltcli.open(COMPUTE) as db, pytest.raises(MissingExtra, match=r"to_pandas needs pandas: .* install pandas$"):
        db.view("jobs").to_pandas()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with boltcli.open(COMPUTE) as db, pytest.raises(MissingExtra, match=r"needs pyarrow: .* install 'duckdb>=2.0' '"):
        db.arrow()


def test_what_there_is_not(tmp_path: Path) -> None:
    with boltcli.open(COMPUTE) as db:
        for arguments in ({"relation": "none"}, {"columns": ["none"]}, {"relation": "jobs", "bucket": ["a"]}):
            with pytest.raises(ArgumentError):
                db.arrow(**arguments)
        reader = db.arrow()
    with pytest.raises(DatabaseClosed):
        reader.read_all()
    with boltcli.open(fixture("sequences")) as db:
        with pytest.raises(ArgumentError, match="wide=True"):
            db.arrow("buckets").read_all()
        with db.duckdb() as connection, pytest.raises(Exception, match="wide=True"):
            connection.sql("SELECT sequence FROM buckets").fetchall()
    path = tmp_path / "a.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"bad", pgid(4) + pgid(0), b"\1")]), page(9, 2, [(b"k", b"v")])))
    with boltcli.open(path) as db:
        with pytest.raises(Corrupted, match="page 4"):
            db.arrow().read_all()
        with db.duckdb() as connection, pytest.raises(Exception, match="page 4"):
            connection.sql("SELECT key FROM pairs").fetchall()


@pytest.mark.slow
def test_a_bucket_is_a_name_or_a_path() -> None:
    with boltcli.open(fixture("document")) as db:
        for bucket in ("execution", b"execution", ["execution"], (b"execution",)):
            assert db.arrow(bucket=bucket).read_all().num_rows == 4
            result = db.sql("SELECT key FROM pairs", bucket=bucket)
            assert result is not None
            assert result.read_all().num_rows == 4
        for missing in ("nosuch", b"e", ["execution", "nosuch"]):
            with pytest.raises(BucketNotFound):
                db.arrow(bucket=missing)
            with pytest.raises(BucketNotFound):
                db.sql("SELECT 1", bucket=missing)
        with pytest.raises(ArgumentError, match="need a bucket"):
            db.sql("SELECT 1", prefix="a")
        result = db.sql("SELECT key_text FROM pairs ORDER BY key", bucket="execution", start="e-9", stop=b"e-f")
        assert result is not None
        assert [key[:6] for key in result.read_all()["key_text"].to_pylist()] == ["e-9a93", "e-d810"]
        result = db.sql("SELECT * FROM pairs")
        assert result is not None
    with pytest.raises(DatabaseClosed):
        result.read_all()
    compute, other = fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")
    live = "execution-live-index"
    changes = [(change.op, change.key) for change in boltcli.diff(compute, other, [live])]
    for bucket in (live, live.encode()):
        assert [(change.op, change.key) for change in boltcli.diff(compute, other, bucket)] == changes
    for name, count in (("execution", 5), (b"execution", 5), ("e", 0)):
        for commit in boltcli.watch(fixture("document"), name, initial=True):
            assert len(list(commit.changes)) == count
            break
