"""`sql` against the plain API: counts, values, what is read less, what a statement may do, errors."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import boltcli
from boltcli.storage.snapshot import Snapshot
from boltcli.tables.duck import Session
from boltcli.tables.relations import TableFile, json_or_none, name_bytes, name_text
from boltcli.text.cells import cell_text
from boltcli.text.values import shell_quoted
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
    session = Session([TableFile(str(path), snapshot) for path, snapshot in zip(paths, snapshots)])
    with session.connection:
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
    pages = [(row["page"], row["type"], row["fill_share"]) for row in shown]
    assert ask("SELECT page, type, fill_share FROM pages", path) == pages
    assert ask("SELECT * FROM findings", path) == []


@pytest.mark.slow
def test_several_files_are_one_table() -> None:
    paths = [fixture("document"), fixture("one-bucket")]
    rows = ask("SELECT path, count(*) FROM pairs GROUP BY path ORDER BY path", *paths)
    assert rows == [(str(paths[0]), 21), (str(paths[1]), 3)]
    joined = ask("SELECT count(*) FROM pairs a JOIN pairs b USING (path, bucket, key)", *paths)
    assert joined == [(24,)]


KEYS = [b"", b"\0", b"a", b"ab", b"foo", b"f\xff", b"fop", b"\\x66oo", b"%_", b"\xff", b"\xff\xff", "\u00e9".encode()]


def _nested(tmp_path: Path) -> tuple[Path, list[tuple[list[str], bytes]]]:
    """A file with keys of any bytes at the top, in a bucket and in one below, and its pairs: bucket and key."""
    path = tmp_path / "keys.db"
    keys = sorted(key for key in KEYS if key)
    deep = pgid(6) + pgid(0)
    elements = sorted([*((key, b"v" + key) for key in keys), (b"fo", deep, b"\1")])
    path.write_bytes(
        small(
            freelist(2),
            page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1"), (b"\xff", pgid(5) + pgid(0), b"\1")]),
            page(4, 2, elements),
            page(5, 2, [(key, b"w") for key in keys]),
            page(6, 2, [(key, b"x") for key in keys]),
        )
    )
    buckets = (["b"], ["b", "fo"], ["hex:ff"])
    return path, [(names, key) for names in buckets for key in keys]


def _literal(key: bytes, escaped: bool) -> str:
    if escaped or not key.isascii() or b"\\" in key or b"'" in key:
        return "'" + "".join(f"\\x{byte:02x}" for byte in key) + "'"
    return f"'{key.decode()}'"


KEY = st.tuples(st.sampled_from(KEYS), st.booleans())
CONDITIONS: dict[str, Callable[[bytes, bytes, bytes], bool]] = {
    "key = {}::BLOB": lambda key, one, two: key == one,
    "{}::BLOB < key": lambda key, one, two: one < key,
    "key < {}": lambda key, one, two: key < one,
    "key >= {}::BLOB": lambda key, one, two: key >= one,
    "key BETWEEN {} AND {}::BLOB": lambda key, one, two: one <= key <= two,
    "NOT key = {}::BLOB": lambda key, one, two: key != one,
    "(key = {}::BLOB OR key = {})": lambda key, one, two: key in (one, two),
}


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(sorted(CONDITIONS)), KEY, KEY), max_size=3),
    st.sampled_from(["", "bucket = ['b']", "bucket[1] = 'b'", "bucket = ['hex:ff']"]),
)
def test_any_condition_gives_what_a_full_read_does(
    tmp_path: Path, conditions: list[tuple[str, tuple[bytes, bool], tuple[bytes, bool]]], bucket: str
) -> None:
    path, truth = _nested(tmp_path)
    words = [text.format(_literal(*one), _literal(*two)) for text, one, two in conditions]
    where = " AND ".join([*words, *([bucket] if bucket else [])]) or "true"
    expected = [
        (names, key)
        for names, key in truth
        if all(CONDITIONS[text](key, one, two) for text, (one, _), (two, _) in conditions)
        and (
            not bucket or (names[0] == "b" if "[1]" in bucket else names == (["b"] if "'b'" in bucket else ["hex:ff"]))
        )
    ]
    assert sorted(ask(f"SELECT bucket, key FROM pairs WHERE {where}", path)) == sorted(expected)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([["b"], ["b", "fo"], ["hex:ff"]]),
    st.sampled_from(KEYS), st.sampled_from(KEYS), st.sampled_from(KEYS),
)  # fmt: skip
def test_options_bound_what_is_read(
    tmp_path: Path, bucket: list[str], prefix: bytes, start: bytes, stop: bytes
) -> None:
    path, truth = _nested(tmp_path)

    def inside(names: list[str], key: bytes) -> bool:
        if names[: len(bucket)] != bucket:
            return False
        outer = key if names == bucket else name_bytes(names[len(bucket)])  # the bucket's own key, or that of a bucket
        return outer.startswith(prefix) and outer >= start and (not stop or outer < stop)

    argv = ["--json", "SELECT hex(key) AS key, bucket FROM pairs"]
    for name in bucket:
        argv += ["--bucket", name]
    for option, key in (("--prefix", prefix), ("--from", start), ("--to", stop)):
        if key:
            argv += [option, f"hex:{key.hex()}"]
    status, out, err = run("sql", *argv, path)
    assert (status, err) == (0, b"")
    found = [(row["bucket"], bytes.fromhex(row["key"])) for row in map(json.loads, out.splitlines())]
    assert sorted(found) == sorted(row for row in truth if inside(*row))
    path_ = [name_bytes(name) for name in bucket]
    with boltcli.open(path) as db:
        result = db.sql("SELECT bucket, key FROM pairs", bucket=path_, prefix=prefix, start=start, stop=stop or None)
        assert result is not None
        assert [(row["bucket"], row["key"]) for row in result.read_all().to_pylist()] == found


def test_other_buckets_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(
        small(
            freelist(2),
            page(3, 2, [(b"bad", pgid(4) + pgid(0), b"\1"), (b"good", pgid(5) + pgid(0), b"\1")]),
            page(9, 2, [(b"k", b"v")]),  # bears another id
            page(5, 1, [(b"k", pgid(6)), (b"l", pgid(7))]),
            page(6, 2, [(b"k", b"v")]),
            page(9, 2, [(b"l", b"v")]),
        )
    )
    assert run("sql", "--csv", "--bucket", "good", "--to", "l", "SELECT key_text FROM pairs", path)[:2] == (
        0, b"key_text\nk\n",
    )  # fmt: skip
    for options, number in (((), b"4"), (("--bucket", "good"), b"7"), (("--bucket", "bad"), b"4")):
        status, out, err = run("sql", *options, "SELECT key FROM pairs", path)
        assert (status, out, err.partition(b" at ")[0]) == (1, b"", b"Error: page " + number), options


def test_a_bucket_that_is_not_there_is_an_error() -> None:
    paths = fixture("document"), fixture("one-bucket")
    status, out, err = run("sql", "--bucket", "execution", "SELECT * FROM pairs", *paths)  # the second hasn't got it
    assert (status, out, err.split(b"\n")[0]) == (1, b"", b"Error: bucket not found")
    assert run("sql", "--bucket", "execution", "SELECT 1", paths[0])[0] == 0
    for option in ("--prefix", "--from", "--to"):
        status, _, err = run("sql", option, "a", "SELECT 1", paths[0])
        assert (status, err.split(b"\n")[0]) == (
            1, b"Error: --prefix, --from and --to need --bucket, whose keys they limit",
        )  # fmt: skip
    assert run("sql", "--bucket", "b", "--prefix", "hex:zz", "SELECT 1", paths[0])[0] == 1


OUTSIDE = {
    "write": "COPY (SELECT 1) TO '{}/made'",
    "export": "EXPORT DATABASE '{}/made'",
    "attach": "ATTACH '{}/made'",
    "csv": "SELECT * FROM read_csv('{}/there.csv')",
    "text": "SELECT * FROM read_text('{}/there.csv')",
    "blob": "SELECT * FROM read_blob('{}/there.csv')",
    "glob": "SELECT * FROM glob('{}/*')",
    "name": "SELECT * FROM '{}/there.csv'",
    "install": "INSTALL httpfs FROM '{}'",
    "load": "LOAD '{}/made.duckdb_extension'",
    "rights": "SET enable_external_access = true",
    "lock": "SET lock_configuration = false",
    "folder": "SET temp_directory = '{}'",
    "secret": "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "profile": "SET profiling_output = '{}/made'",
    "log": "CALL enable_logging(storage = 'file', storage_config = {{'path': '{}/made'}})",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTSIDE)
def test_a_statement_can_use_no_files(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "there.csv").write_text("secret\n1\n")
    statement = OUTSIDE[kind].format(tmp_path)
    status, out, err = run("sql", statement, fixture("document"))
    assert (status, out, err.count(b"\n")) == (1, b"", 1), err
    # A sound statement after it is no way around.
    assert run("sql", f"{statement}; SELECT 1", fixture("document"))[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.csv"]
    with boltcli.open(fixture("document")) as db:
        with pytest.raises(boltcli.ArgumentError):
            db.sql(statement)
        with db.duckdb() as connection, pytest.raises(Exception, match=r"(?i)disabled|locked|not exist|no function"):
            connection.sql(statement)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.csv"]


@pytest.mark.slow
def test_files_can_be_allowed(tmp_path: Path) -> None:
    source, made = fixture("document"), tmp_path / "made.csv"
    assert run("sql", "--allow-files", f"COPY (SELECT key_text FROM pairs) TO '{made}'", source)[0] == 0
    assert made.read_bytes().count(b"\n") == 22
    status, out, _ = run(
        "sql", "--csv", "--allow-files", f"SELECT count(*) AS n FROM '{made}' JOIN pairs USING (key_text)", source
    )
    assert (status, out.split()[0]) == (0, b"n")
    with boltcli.open(source) as db:
        result = db.sql(f"SELECT count(*) AS n FROM read_csv('{made}')", allow_files=True)
        assert result is not None
        assert result.read_all().to_pylist() == [{"n": 21}]
        with db.duckdb(allow_files=True) as connection:
            assert connection.sql(f"SELECT count(*) FROM read_csv('{made}')").fetchall() == [(21,)]
    refused = run("sql", f"COPY (SELECT 1) TO '{made}2'", source)[2]
    assert b"--allow-files (allow_files=True in Python) lets statements use files" in refused


def test_what_duckdb_suggests_is_passed_on() -> None:
    source = fixture("document")
    assert run("sql", "SELECT * FROM pars", source)[2].endswith(b'does not exist! Did you mean "pairs"?\n')
    assert run("sql", "SELECT keyy FROM pairs", source)[2].endswith(b'Candidate bindings: "key", "key_text"\n')


def test_out_of_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    source = fixture("document")
    statement = "SET memory_limit = '10MB'; SELECT list(hash(i)) FROM range(10000000) t(i)"
    status, out, err = run("sql", "--allow-files", statement, source)
    assert (status, out, err.count(b"\n"), err[:22]) == (1, b"", 1, b"Error: out of memory: ")

    def lacking(data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("boltcli.tables.relations.json_or_none", lacking)
    assert run("sql", "SELECT value_json FROM pairs", source) == (1, b"", b"Error: out of memory\n")


def test_errors_are_one_line(tmp_path: Path) -> None:
    source = fixture("document")
    for statement in ("selec", "SELECT nothing FROM pairs", "SELECT * FROM nothing", "SELECT 1 + 'a'"):
        status, out, err = run("sql", statement, source)
        assert (status, out, err.count(b"\n"), err[:7]) == (1, b"", 1, b"Error: "), err
    assert run("sql", "SELECT 1")[2].startswith(b"Error: FILE is missing")
    assert run("sql", "SELECT 1", tmp_path / "none.db")[2].startswith(b"Error: source database file")
    assert run("sql", "--csv", "--json", "SELECT 1", source)[0] == 1
    assert run("sql", "-o", tmp_path / "a.xyz", "SELECT 1", source)[2].startswith(b"Error: ")
    interval = "SELECT INTERVAL 1 DAY AS d"
    assert b"month_day_nano_interval): cast the column" in run("sql", "-o", tmp_path / "a.parquet", interval, source)[2]
    assert not (tmp_path / "a.parquet").exists()
    assert run("sql", "-o", tmp_path / "a.arrow", interval, source)[0] == 0


def test_without_a_statement_the_relations_are_listed() -> None:
    status, out, _ = run("sql", fixture("document"))
    assert status == 0
    for name in ("pairs", "buckets", "pages", "findings", "files"):
        assert b"%s: " % name.encode() in out
    assert out.count(b"    boltcli sql ") >= 5


@pytest.mark.slow
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
    rows = list(csv.reader(io.StringIO(run("sql", "--csv", statement, source)[1].decode(), newline="")))
    assert [row[0] for row in rows[1:]] == [cell_text(key, "bytes") for key in keys]
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


def test_files_whose_names_have_blanks_are_no_statements(tmp_path: Path) -> None:
    paths = [tmp_path / "a b.db", tmp_path / "c (d).db"]
    for path in paths:
        path.write_bytes(fixture("inline").read_bytes())
    assert json.loads(run("sql", "--json", *paths)[1].splitlines()[0])["relation"]


def test_names_in_statements_to_begin_with_are_typed(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff x.db")
    shutil.copy(fixture("bacalhau-compute-1.4"), path)
    status, out, _ = run("sql", path)
    assert status == 0
    assert all(line.endswith(f" {shell_quoted(path)}".encode()) for line in out.splitlines() if b"boltcli sql" in line)
    assert f"boltcli audit {shell_quoted(path)}".encode() in run("doctor", path)[1]
