"""Export, import, export: the identity; and lines that make no database."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import boltcli
from boltcli.ops.read.content import Pairs, bucket_at
from boltcli.ops.write.load import load
from boltcli.storage.snapshot import Snapshot
from tests.support import DATABASES, error_line, fixture, run

NAMES = st.one_of(st.binary(min_size=1, max_size=6), st.text(min_size=1, max_size=4).map(str.encode))
Content = dict[bytes, Any]  # a value is bytes, or a sequence and the content of a bucket
BUCKETS: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(NAMES, st.binary(max_size=3000)),
    lambda inner: st.dictionaries(
        NAMES, st.one_of(st.binary(max_size=20), st.tuples(st.integers(0, 2**64 - 1), inner)), max_size=5
    ),
    max_leaves=12,
)


def rows(content: Content, path: tuple[bytes, ...] = ()) -> Any:
    for key in sorted(content):
        if isinstance(content[key], bytes):
            yield path, Pairs([key], [content[key]])
        else:
            sequence, inner = content[key]
            yield bucket_at((*path, key), sequence)
            yield from rows(inner, (*path, key))


def read(bucket: boltcli.Bucket) -> Content:
    return {
        key: (value.sequence, read(value)) if isinstance(value, boltcli.Bucket) else value
        for key, value in bucket.range()
    }


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(st.integers(0, 2**64 - 1), BUCKETS), max_size=4), st.sampled_from([1024, 4096]))
def test_export_and_import_are_inverse(
    tmp_path_factory: pytest.TempPathFactory, content: Content, page_size: int
) -> None:
    folder = tmp_path_factory.mktemp("export")
    first = folder / "first.db"
    load(rows(content), str(first), page_size=page_size, sync=False)
    with boltcli.open(first) as db:
        assert read(db) == content
        assert not list(db.check())
    again(first, folder)


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_fixtures(path: Path, tmp_path: Path) -> None:
    again(path, tmp_path)


def again(path: Path, folder: Path) -> None:
    """Export ``path``, import that, and export the result."""
    _, exported, _ = run("export", path)
    lines = folder / "lines.ndjson"
    lines.write_bytes(exported)
    status, _, err = run("import", "--no-sync", "-o", folder / "again.db", lines)
    assert (status, err) == (0, b"")
    assert run("check", folder / "again.db")[1] == b"OK\n"
    assert run("export", folder / "again.db")[1] == exported
    assert run("inspect", folder / "again.db")[1] == run("inspect", path)[1]


def test_a_part(tmp_path: Path) -> None:
    path = fixture("document")
    name = run("keys", path, "execution-history")[1].decode().split()[1]
    _, exported, _ = run("export", "--bucket", "execution-history", "--bucket", name, path)
    assert exported.count(b"\n") == 2 + 3 + 1
    (tmp_path / "lines").write_bytes(exported)
    assert run("import", tmp_path / "lines", "-o", tmp_path / "db")[0] == 0
    with boltcli.open(path) as whole, boltcli.open(tmp_path / "db") as part:
        assert list(part) == [b"execution-history"]
        bucket = part.bucket("execution-history", name)
        assert read(bucket) == read(whole.bucket("execution-history", name))
        assert bucket.sequence == 3
    assert error_line(run("export", "--bucket", "nosuch", path)[2]) == b"bucket not found"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (b"{", b"line 1: not JSON: "),
        (b"[]", b"line 1: not an object"),
        (b'\n{"bucket":["a"],"sequence":1,"more":1}', b"line 2: unknown field 'more'"),
        (b'{"bucket":["a"],"sequence":-1}', b"line 1: sequence must be a number of 64 bits"),
        (b'{"bucket":["a"],"sequence":1,"key":"x"}', b"line 1: a bucket has no key and no value"),
        (b'{"bucket":["a"],"key":"x"}', b"line 1: it must have either value (a string) or value_hex"),
        (
            b'{"bucket":["a"],"key":"x","value":"","value_hex":""}',
            b"line 1: it must have either value (a string) or value_hex",
        ),
        (b'{"bucket":[1],"sequence":1}', b"line 1: a bucket's name must be a string"),
        (b'{"bucket":["a"],"key_hex":"0","value":""}', b"line 1: '0' is not hexadecimal"),
        (b'{"bucket":["a"],"sequence":1,"sequence":2}', b"line 1: the field 'sequence' is there twice"),
        (b'{"bucket":["a"],"key" : "x","value":"y","value":"z"}', b"line 1: the field 'value' is there twice"),
        (b'{"bucket":["a"],"sequence":1}', b"the export has no last line with counts: it was cut short; --"),
        (b'{"bucket":["a"],"sequence":1}\n{"end":true,"pairs":0,"buckets":2}', b"its last line counts 0 pairs in 2"),
        (b'{"end":false,"error":{"message":"page 3"}}', b"the export ended with an error: page 3"),
        (
            b'{"end":true,"pairs":0,"buckets":0}\n{"bucket":["a"],"sequence":1}',
            b"line 2: there is a line",
        ),
        (b'{"bucket":["a"],"key":"","value":""}', b"row 1: a key of 0 bytes; a key has 1 to 32768"),
        (
            b'{"bucket":["a"],"key":"y","value":""}\n{"bucket":["a"],"key":"x","value":""}',
            b"row 2: the key b'x' must come after the one before it in its bucket, b'y'",
        ),
        (b'{"bucket":["a"],"sequence":1}\n{"bucket":["a"],"sequence":1}', b"row 2: the key b'a' must come after"),
        (b'{"bucket":["a"],"sequence":1}\n{"bucket":[],"sequence":1}', b"row 2: the root bucket must come first"),
    ],
)
def test_what_is_refused(lines: bytes, words: bytes, tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(lines)
    status, out, err = run("import", "-o", tmp_path / "db", tmp_path / "lines")
    assert (status, out) == (1, b"")
    assert error_line(err).startswith(words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lines"]


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b'{"bucket":["a"],"key":"x","value":"1"}\n{"end":true,"pairs":1,"buckets":0}\n')
    output = tmp_path / "db"
    assert error_line(run("import", "-o", output, tmp_path / "missing")[2]).startswith(b"read ")
    assert not output.exists()
    assert error_line(run("import", "-o", lines, "--force", lines)[2]).endswith(b"is one of the files that are read")
    assert run("import", "-o", output, lines)[1] == b"1 pairs in 1 buckets -> 16384 bytes\n"
    assert error_line(run("import", "-o", output, lines)[2]).endswith(b"already exists")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.read_bytes())))
    assert run("import", "--force", "--page-size", "1024", "-o", output, "-")[0] == 0
    assert error_line(run("import", "--page-size", "1000", "-o", output, lines)[2]).startswith(b"page size 1000 is")
    assert error_line(run("import", "--fill-percent", "5", "-o", tmp_path / "x", lines)[2]).startswith(
        b"fill percent 5"
    )


def test_pairs_of_the_root_bucket(tmp_path: Path) -> None:
    """bbolt's API puts none there; files of containerd and old boltdb have some."""
    parts = [
        ((), Pairs([b"a"], [b"1"])),
        bucket_at((b"b",), 7),
        ((b"b",), Pairs([b"k"], [b"v"])),
        ((), Pairs([b"z"], [b""])),
    ]
    load(parts, str(tmp_path / "first.db"), page_size=4096, sync=False)
    again(tmp_path / "first.db", tmp_path)
    with boltcli.open(tmp_path / "again.db") as db:
        assert db.get(b"a") == b"1"
        assert db.get(b"z") == b""


def test_a_cut_export_does_not_look_whole(tmp_path: Path) -> None:
    lines = run("export", fixture("document"))[1].splitlines(keepends=True)
    source = tmp_path / "lines"
    source.write_bytes(b"".join(lines[:5]))
    assert run("import", "-o", tmp_path / "a.db", source)[0] == 1
    status, _, err = run("import", "--partial", "-o", tmp_path / "a.db", source)
    assert status == 0
    assert err.startswith(b"warning: the export has no last line with counts")
    # A damaged database: what comes before the damage, then the error.
    damaged = tmp_path / "damaged.db"
    content = bytearray(fixture("depth-4").read_bytes())
    content[5 * 1024 : 5 * 1024 + 8] = b"\xff" * 8
    damaged.write_bytes(content)
    status, out, err = run("export", damaged)
    assert status == 1
    assert b'"end":false,"error":{"kind":"corrupted"' in out.splitlines()[-1]
    assert err.startswith(b"Error: page 5 ")


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["sqlite", "parquet", "arrow"])
@pytest.mark.parametrize("name", ["binary-keys", "nested-8", "sequences", "values", "empty"])
def test_other_formats_are_lossless(name: str, ending: str, tmp_path: Path) -> None:
    table, copy = tmp_path / f"a.{ending}", tmp_path / "a.db"
    assert run("export", "-o", table, fixture(name))[0] == 0
    assert run("export", "-o", table, fixture(name))[0] == 1  # it is there
    assert run("import", "--no-sync", "-o", copy, table)[0] == 0
    assert run("export", copy)[1] == run("export", fixture(name))[1]


def test_csv_and_sqlite_are_what_other_programs_read(tmp_path: Path) -> None:
    import csv
    import sqlite3

    rows = list(csv.DictReader(io.StringIO(run("export", "--format", "csv", fixture("one-bucket"))[1].decode())))
    assert [bytes.fromhex(row["key"]) for row in rows if row["key"]] == [b"bar", b"baz", b"foo"]
    table = tmp_path / "a.sqlite"
    assert run("export", "-f", "sqlite", "-o", table, fixture("one-bucket"))[0] == 0
    with sqlite3.connect(table) as connection:
        assert connection.execute("SELECT key, value FROM pairs ORDER BY id").fetchall() == [
            (b"bar", b"two"), (b"baz", b"three"), (b"foo", b"one"),
        ]  # fmt: skip
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert error_line(run("export", "-f", "parquet", fixture("one-bucket"))[2]) == b"--format parquet needs --output"
    assert error_line(run("export", "-f", "xml", fixture("one-bucket"))[2]).startswith(b"--format xml: must be one of")


def test_the_root_buckets_sequence(tmp_path: Path) -> None:
    output = tmp_path / "db"
    load([bucket_at((), 7), bucket_at((b"a",), 1)], str(output), page_size=4096)
    with Snapshot(str(output)) as snapshot:
        assert snapshot.meta.sequence == 7
    assert run("export", output)[1].startswith(b'{"bucket":[],"sequence":7}\n{"bucket":["a"],"sequence":1}\n')
