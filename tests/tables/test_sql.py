"""`sql` against the plain API: counts, values, filters that are pushed down, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import boltcli
from boltcli.storage.snapshot import Snapshot
from boltcli.tables.duck import Session
from boltcli.tables.pair_pages import EVERYTHING
from boltcli.tables.relations import TableFile, json_or_none, name_bytes, name_text
from tests.support import DATABASES, fixture, freelist, page, pgid, run, small

Pair = tuple[tuple[bytes, ...], bytes, bytes]


def _pairs(bucket: boltcli.Bucket, path: tuple[bytes, ...] = ()) -> Iterator[Pair]:
    for key, value in bucket.range():
        if isinstance(value, bytes):
            yield path, key, value
        else:
            yield from _pairs(value, (*path, key))


def ask(statement: str, *paths: Path) -> list[tuple[Any, ...]]:
    """The rows of a statement's result."""
    snapshots = [Snapshot(str(path)) for path in paths]
    with Session([TableFile(str(path), snapshot) for path, snapshot in zip(paths, snapshots)]) as session:
        _, batches = session.run(statement)
        rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    for snapshot in snapshots:
        snapshot.close()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_pairs_are_those_of_the_library(path: Path) -> None:
    with boltcli.open(path) as db:
        expected = sorted(_pairs(db))
    found = ask("SELECT bucket, key, value, key_text, value_json FROM pairs", path)
    found.sort(key=lambda row: (tuple(map(name_bytes, row[0])), row[1]))
    assert [(tuple(map(name_bytes, row[0])), row[1], row[2]) for row in found] == expected
    for row, (_, key, value) in zip(found, expected):
        assert row[3] == (key.decode() if _is_text(key) else None)
        assert row[4] == json_or_none(value)
    (counts,) = ask("SELECT count(*), count(DISTINCT bucket) FROM pairs", path)
    assert counts == (len(expected), len({names for names, _, _ in expected}))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_other_relations_are_what_commands_say(path: Path) -> None:
    (info,) = [json.loads(line) for line in run("info", "--json", path)[1].splitlines()]
    (row,) = ask("SELECT size, page_size, txid, hwm FROM files", path)
    assert row == (info["size"], info["page_size"], info["txid"], info["hwm"])
    tree = [json.loads(line) for line in run("tree", "--json", path)[1].splitlines()]
    buckets = ask("SELECT pairs, keys, bytes, depth, sequence FROM buckets", path)
    assert sorted(buckets) == sorted((b["pairs"], b["keys"], b["bytes"], b["depth"], b["sequence"]) for b in tree)
    shown = [json.loads(line) for line in run("map", "--json", path)[1].splitlines()]
    assert ask("SELECT page, kind, fill FROM pages", path) == [(p["page"], p["kind"], p["fill"]) for p in shown]
    assert ask("SELECT * FROM findings", path) == []


def test_several_files_are_one_table() -> None:
    paths = [fixture("document"), fixture("one-bucket")]
    rows = ask("SELECT path, count(*) FROM pairs GROUP BY path ORDER BY path", *paths)
    assert rows == [(str(paths[0]), 21), (str(paths[1]), 3)]
    joined = ask("SELECT count(*) FROM pairs a JOIN pairs b USING (path, bucket, key)", *paths)
    assert joined == [(24,)]


WHERE = st.lists(
    st.sampled_from(
        [
            "bucket = ['execution']",
            "bucket[1] = 'execution-history'",
            "['execution'] = bucket",
            "bucket = ['execution-history', 'e-42bdab56-bb27-42ca-a4c2-62aeb0f76342']",
            "bucket = ['nothing']",
            "bucket[2] = 'e-42bdab56-bb27-42ca-a4c2-62aeb0f76342'",
            "key >= '002'::BLOB",
            "key < 'e-9b'::BLOB",
            "'002'::BLOB < key",
            "key = unhex('303031')",
            "key BETWEEN '001'::BLOB AND '003'::BLOB",
            "key_text LIKE 'e-9%'",
            "starts_with(key_text, '00')",
            "key_text > '001'",
            "(key_text = '001' OR bucket = ['execution'])",
            "NOT key_text = '001'",
            "pairs.bucket = ['execution']",
        ]
    ),
    max_size=3,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(WHERE)
def test_what_is_pushed_down_changes_no_result(conditions: list[str]) -> None:
    path = fixture("document")
    where = " AND ".join(conditions) or "true"
    statement = f"SELECT bucket, key FROM pairs WHERE {where}"
    with Snapshot(str(path)) as snapshot, Session([TableFile("a", snapshot)]) as session:
        _, batches = session.run(statement)
        found = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
        # The same over a table that holds everything.
        session._register(EVERYTHING, wide=False)
        session.connection.sql("CREATE OR REPLACE TABLE everything AS SELECT * FROM pairs")
        whole = statement.replace("FROM pairs", "FROM everything pairs")
        everything = session.connection.sql(whole)
        assert everything is not None
        assert everything.fetchall() == found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "bucket", "exact", "start", "stop"),
    [
        ("SELECT * FROM pairs WHERE bucket = ['a', 'b']", (b"a", b"b"), True, b"", None),
        ("SELECT key FROM pairs p WHERE p.bucket = ['a'] AND p.key >= '\\xFF'::BLOB", (b"a",), True, b"\xff", None),
        ("SELECT * FROM pairs WHERE bucket = ['a'] AND key_text LIKE 'x%'", (b"a",), True, b"x", b"y"),
        ("SELECT * FROM pairs WHERE bucket[1] = 'a' AND bucket[2] = 'b'", (b"a", b"b"), False, b"", None),
        ("SELECT * FROM pairs WHERE bucket[2] = 'b'", (), False, b"", None),
        ("SELECT * FROM pairs WHERE bucket = ['a'] OR key_text = 'x'", (), False, b"", None),
        ("SELECT * FROM pairs a, pairs b WHERE a.bucket = ['a']", (), False, b"", None),
        ("SELECT * FROM PAIRS a, pairs b WHERE b.bucket = ['a']", (), False, b"", None),
        ("WITH pairs AS (SELECT 1 AS bucket) SELECT * FROM pairs WHERE bucket = ['a']", (), False, b"", None),
        ("SELECT * FROM buckets b JOIN pairs p USING (path) WHERE p.bucket = ['a']", (b"a",), True, b"", None),
        ("SELECT * FROM buckets b JOIN pairs p USING (path) WHERE bucket = ['a']", (), False, b"", None),
        ("SELECT (SELECT count(*) FROM pairs WHERE bucket = ['a'])", (b"a",), True, b"", None),
        ("SELECT * FROM pairs WHERE bucket = ['hex:ff']", (b"\xff",), True, b"", None),
        ("not SQL", (), False, b"", None),
    ],
)
def test_bounds(statement: str, bucket: tuple[bytes, ...], exact: bool, start: bytes, stop: bytes | None) -> None:
    with Snapshot(str(fixture("document"))) as snapshot, Session([TableFile("a", snapshot)]) as session:
        found = session._bounds(statement)
    assert (found.bucket, found.exact) == (bucket, exact)
    assert (found.start, found.stop) == (start, stop)


def test_other_buckets_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(
        small(
            freelist(2),
            page(3, 2, [(b"bad", pgid(4) + pgid(0), b"\1"), (b"good", pgid(5) + pgid(0), b"\1")]),
            page(9, 2, [(b"k", b"v")]),  # bears another id
            page(5, 2, [(b"k", b"v")]),
        )
    )
    assert ask("SELECT key FROM pairs WHERE bucket = ['good']", path) == [(b"k",)]
    assert ask("SELECT count(*) FROM pairs WHERE bucket[1] = 'good'", path) == [(1,)]
    status, out, err = run("sql", "SELECT key FROM pairs", path)
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: page 4 at offset 16384: the page identifies itself as page 9")


def test_errors_are_one_line(tmp_path: Path) -> None:
    source = fixture("document")
    for statement in ("selec", "SELECT nothing FROM pairs", "SELECT * FROM nothing", "SELECT 1 + 'a'"):
        status, out, err = run("sql", statement, source)
        assert (status, out, err.count(b"\n"), err[:7]) == (1, b"", 1, b"Error: "), err
    assert run("sql", "SELECT 1")[2].startswith(b"Error: FILE is missing")
    assert run("sql", "SELECT 1", tmp_path / "none.db")[2].startswith(b"Error: source database file")
    assert run("sql", "--csv", "--json", "SELECT 1", source)[0] == 1
    assert run("sql", "-o", tmp_path / "a.xyz", "SELECT 1", source)[2].startswith(b"Error: ")


def test_without_a_statement_the_relations_are_listed() -> None:
    status, out, _ = run("sql", fixture("document"))
    assert status == 0
    for name in ("pairs", "buckets", "pages", "findings", "files"):
        assert b"%s: " % name.encode() in out
    assert out.count(b"    boltcli sql ") >= 5


def test_output_forms(tmp_path: Path) -> None:
    import duckdb

    source = fixture("binary-keys")
    with boltcli.open(source) as db:
        expected = [(key, value) for _, key, value in _pairs(db)]
    statement = "SELECT key, value FROM pairs"
    parquet = tmp_path / "a.parquet"
    assert run("sql", "-o", parquet, statement, source)[0] == 0
    with duckdb.connect() as other:
        assert other.execute(f"SELECT key, value FROM '{parquet}'").fetchall() == expected
    assert run("sql", "-o", parquet, statement, source)[0] == 1  # it is there
    lines = [json.loads(line) for line in run("sql", "--json", statement, source)[1].splitlines()]
    keys = [bytes.fromhex(row["key_hex"]) if "key_hex" in row else row["key"].encode() for row in lines]
    assert keys == [key for key, _ in expected]
    rows = run("sql", "--csv", statement, source)[1].splitlines()
    assert [bytes.fromhex(row.partition(b",")[0].decode()) for row in rows[1:]] == keys
    assert run("sql", "-o", tmp_path / "a.csv", "SELECT 1 AS x", source)[1].startswith(b"1 rows -> ")
    assert (tmp_path / "a.csv").read_bytes() == b"x\n1\n"


def test_large_numbers_and_values(tmp_path: Path) -> None:
    value = b"x" * (1 << 20)
    inline = pgid(0) + pgid((1 << 64) - 1) + page(0, 2, [(b"", b"\0"), (b"\xff\0", b"")])[:80]
    path = tmp_path / "a.db"
    run_pages = page(4, 2, [(b"k", value)], overflow=256)
    path.write_bytes(
        small(
            freelist(2),
            page(3, 2, [(b"in", inline, b"\1"), (b"out", pgid(4) + pgid((1 << 64) - 1), b"\1")]),
            run_pages,
        )
    )
    assert ask("SELECT sequence FROM buckets", path) == [((1 << 64) - 1,)] * 2
    found = ask("SELECT octet_length(value), key, octet_length(key) FROM pairs", path)
    assert found == [(1, b"", 0), (0, b"\xff\0", 2), (1 << 20, b"k", 1)]


@given(st.binary() | st.text().map(str.encode) | st.sampled_from([b"hex:ff", b"str:x", b"hex:", b"hex:zz"]))
def test_names_survive(name: bytes) -> None:
    assert name_bytes(name_text(name)) == name
