"""Arrow, DuckDB and pandas from the library, against the rows of the plain API."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

import boltcli
from boltcli.apps.contract import Column
from boltcli.errors import ArgumentError, BucketNotFound, Corrupted, DatabaseClosed, MissingExtra
from boltcli.library import ViewRows
from boltcli.text.times import moment
from tests.support import DATABASES, fixture, freelist, needed, page, pgid, small

pyarrow = needed("pyarrow")

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


def _streams(db: boltcli.Database) -> dict[str, Any]:
    executions = db["execution"]
    return {
        "view": db.view("executions"), "pairs": executions.pairs(),
        "decoded": executions.pairs(key=bytes.decode, value=json.loads),
        "changes": boltcli.diff(COMPUTE, fixture("bacalhau-compute-1.5")),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["view", "pairs", "decoded", "changes"])
def test_libraries_of_data_frames_take_results(name: str) -> None:
    polars, pandas, duckdb = needed("polars"), needed("pandas"), needed("duckdb")
    with boltcli.open(COMPUTE) as db:
        rows = _streams(db)[name]
        records = list(rows)
        table = pyarrow.table(rows)
        assert table.num_rows == len(records) == len(list(rows)) > 200  # each time it is read anew
        assert table.column_names == [column.name for column in rows.columns]
        assert polars.DataFrame(rows).equals(polars.from_arrow(table))
        frame = pandas.DataFrame.from_arrow(rows)
        assert (len(frame), list(frame.columns)) == (len(records), table.column_names)
        assert duckdb.sql("SELECT count(*) FROM rows").fetchall() == [(len(records),)]
        assert duckdb.sql("FROM rows").fetchall() == duckdb.sql('FROM "table"').fetchall()
        first = table.slice(0, 1).to_pylist()[0]
        if name == "view":
            stamps = table["modify_time"].cast("int64").to_pylist()
            assert [moment(stamp) for stamp in stamps] == [row.modify_time for row in records]
            assert any(stamp % 1000 for stamp in stamps)  # nanoseconds, which a datetime hasn't
            assert [row.state for row in records] == polars.DataFrame(rows)["state"].to_list()
        elif name == "pairs":
            assert list(zip(table["key"].to_pylist(), table["value"].to_pylist())) == records
        elif name == "decoded":
            assert (first["key"], json.loads(first["value"])) == records[0]
        else:
            change = records[0]
            assert first == {
                "op": change.op, "bucket": [part.decode() for part in change.bucket], "key": change.key,
                "old": change.old, "new": change.new, "old_sequence": None, "new_sequence": None,
            }  # fmt: skip
    with pytest.raises(DatabaseClosed):
        pyarrow.table(db.view("executions"))


def test_streams_are_read_in_bounded_batches(tmp_path: Path) -> None:
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    large: list[tuple[bytes, ...]] = [(b"%d" % number, b"x" * 600_000) for number in range(4)]
    large.append((b"bucket", pgid(0) + pgid(0) + page(0, 2, page_size=0), b"\1"))
    leaf = page(4, 2, large, overflow=4 * 600_100 // 4096)
    (tmp_path / "db").write_bytes(small(freelist(2), root, leaf))
    with boltcli.open(tmp_path / "db") as db:
        batches = pyarrow.RecordBatchReader.from_stream(db["b"].pairs())
        assert next(batches).num_rows == 1
        db.close()
        with pytest.raises(Exception, match="the database is closed"):  # Arrow makes an error of its own of it
            list(batches)
    with boltcli.open(COMPUTE) as db:
        pairs = db["execution"].pairs(prefix="e-0")
        wanted = pyarrow.schema([("key", pyarrow.string()), ("value", pyarrow.large_binary())])
        table = pyarrow.RecordBatchReader.from_stream(pairs, wanted).read_all()
        assert table.schema == wanted
        assert [key.encode() for key in table["key"].to_pylist()] == [key for key, _ in pairs]


def test_sequences_in_arrow(tmp_path: Path) -> None:
    """They are unsigned numbers of 64 bits, and no values."""
    root = page(3, 2, [(b"b", pgid(0) + pgid((1 << 64) - 1) + page(0, 2, page_size=0), b"\1")])
    (tmp_path / "new").write_bytes(small(freelist(2), root))
    root = page(3, 2, [(b"b", pgid(0) + pgid(1) + page(0, 2, page_size=0), b"\1")])
    (tmp_path / "old").write_bytes(small(freelist(2), root))
    (found,) = pyarrow.table(boltcli.diff(tmp_path / "old", tmp_path / "new")).to_pylist()
    empty = dict.fromkeys(("key", "old", "new"))
    assert found == {"op": "change", "bucket": ["b"], **empty, "old_sequence": 1, "new_sequence": (1 << 64) - 1}


def test_rows_of_a_view() -> None:
    with boltcli.open(COMPUTE) as db:
        view = db.view("executions")
        row, *others = view
        for again in (pickle.loads(pickle.dumps(row)), copy.deepcopy(row), next(iter(view))):
            assert again == row
            assert again.modify_time is not None
            assert type(again) is type(row)
        assert row != others[0]
        assert row._fields == tuple(column.name for column in view.columns)
        assert row.modify_time.tzinfo is UTC
        assert f"id={row.id!r}" in repr(row)
        assert "modify_time" in repr(view)
        with pytest.raises(AttributeError):
            row.state = "Completed"
    late = 1 << 70
    columns = [Column("when", "time"), Column("class", "json"), Column("number", "integer")]
    (row, none) = found = list(ViewRows(columns, lambda: iter([(late, {"x": 1}, 3), (None, None, None)])))
    assert tuple(row) == (late, {"x": 1}, 3)
    assert pickle.loads(pickle.dumps(found)) == found
    assert tuple(none) == (None, None, None)
    assert pyarrow.table(ViewRows(columns, lambda: iter(found)))["when"].to_pylist() == [None, None]
    rows = [(1, None, value) for value in (1 << 63, None, -(1 << 63))]
    wide = pyarrow.table(ViewRows(columns, lambda: iter(rows)))
    assert wide["number"].to_pylist() == [row[2] for row in rows]
    assert [str(kind) for kind in wide.schema.types] == ["timestamp[ns, tz=UTC]", "string", "decimal128(20, 0)"]
    rows = [(1, None, value) for value in [*range(10_000), 1 << 63]]
    with pytest.raises(Exception, match=r"64 bits.*wide=True"):
        pyarrow.table(ViewRows(columns, lambda: iter(rows)))
    assert pyarrow.table(ViewRows(columns, lambda: iter(()))).schema.types[2] == pyarrow.int64()


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with boltcli.open(COMPUTE) as db:
        for stream in (db.arrow, *(each.__arrow_c_stream__ for each in _streams(db).values())):
            with pytest.raises(MissingExtra, match=r"needs pyarrow: .* install 'duckdb>=2.0' '"):
                stream()


def test_notebooks_show_results() -> None:
    with boltcli.open(COMPUTE) as db:
        shown = db.view("executions")._repr_html_()
        assert shown.count("<tr>") == 21
        assert "there are more" in shown
        assert "2024-06-12T19:37:53.690857541Z" in shown
        assert "<td>execution-history</td><td>(bucket)</td>" in db._repr_html_()
        assert "compute 1.0.4-1.4.0" in db._repr_html_()
        assert len(db["execution"]._repr_html_()) < 20_000
        audit = db.audit()._repr_html_()
        assert len(audit) < 50_000
    assert "closed" in db._repr_html_()
    assert "<td>" not in db._repr_html_()
    assert pyarrow.table(boltcli.diff(COMPUTE, COMPUTE)).num_rows == 0
    assert "<td>" not in boltcli.diff(COMPUTE, COMPUTE)._repr_html_()


def test_what_notebooks_show_is_escaped_and_bounded(tmp_path: Path) -> None:
    pairs = [
        (b"<b>&", b"<script>"), (b"binary", b"\xff" * 600_000), (b"text", b"a" + "é".encode() * 300_000)
    ]  # fmt: skip
    leaf = page(4, 2, pairs, overflow=300)
    root = page(3, 2, [(b"<i>", pgid(4) + pgid(0), b"\1"), (b"bad", pgid(1) + pgid(0), b"\1")])
    (tmp_path / "<u>.db").write_bytes(small(freelist(2), root, leaf))
    with boltcli.open(tmp_path / "<u>.db") as db:
        shown, both = db["<i>"]._repr_html_(), db._repr_html_() + db["bad"]._repr_html_()
    assert "<td>&lt;b&gt;&amp;</td><td>&lt;script&gt;</td>" in shown
    assert "<td>0xfff" in shown
    assert "<td>aéé" in shown
    assert len(shown) < 2000
    assert "&lt;i&gt;" in both
    assert "Error: " in both
    both += ViewRows([Column("<p>x")], lambda: iter([("y",)]))._repr_html_()
    for tag in ("<p>x", "<b>&", "<script>", "<i>", "<u>"):
        assert tag not in shown + both


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
