"""The same view has the same cells wherever it comes out: from ``view``, ``export`` and ``sql``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.support import DATABASES, ROOT, fixture, run

STORES = sorted((ROOT / "../shared/data/stores").glob("*.db"))
KNOWN = [path for path in [*DATABASES, *STORES] if run("view", path)[0] == 0]


def rows(*words: str | Path) -> list[list[str]]:
    status, out, err = run(*words)
    assert status == 0, err
    return list(csv.reader(io.StringIO(out.decode("utf-8", "surrogateescape"), newline="")))


@pytest.mark.sampled(6)
@pytest.mark.slow
@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.stem)
def test_every_view(path: Path, tmp_path: Path) -> None:
    for view in [json.loads(line)["view"] for line in run("view", "--json", path)[1].splitlines()]:
        expected = rows("view", path, view, "--csv")
        assert rows("export", path, "--view", view, "--format", "csv") == expected, view
        assert rows("sql", f'SELECT * EXCLUDE (path) FROM "{view}"', path, "--csv") == expected, view
        lines = run("view", path, view, "--json")[1]
        assert run("export", path, "--view", view, "--format", "ndjson")[1] == lines, view
        for ending, content in ((".csv", run("view", path, view, "--csv")[1]), (".ndjson", lines)):
            dest = tmp_path / f"{view}{ending}"
            assert run("view", path, view, "-o", dest)[0] == 0
            assert dest.read_bytes() == content, view
        array = tmp_path / f"{view}.json"
        assert run("sql", f'SELECT * EXCLUDE (path) FROM "{view}"', path, "-o", array)[0] == 0
        assert len(json.loads(array.read_bytes())) == len(expected) - 1


def test_times_bytes_and_line_ends() -> None:
    document, etcd = fixture("document"), fixture("etcd-3.6")
    (time,) = rows("sql", "SELECT max(create_time) FROM executions", document, "--csv")[1]
    assert time.endswith("Z")
    assert "/registry/" in str(rows("sql", "SELECT key FROM keys", etcd, "--csv"))
    assert rows("sql", "SELECT 'a' || chr(10) || chr(13) || chr(9) || 'b' AS x", document, "--csv") == [
        ["x"], ["a\n\r\tb"],
    ]  # fmt: skip


def test_numbers_beyond_64_bits_in_arrow(tmp_path: Path) -> None:
    """A column of which one number is too large for 64 bits, signed, is written again, as decimals."""
    import pyarrow.parquet

    ids = [int(row[0]) for row in rows("view", fixture("etcd-3.6"), "members", "--columns", "id", "--csv")[1:]]
    assert max(ids) >= 1 << 63
    dest = tmp_path / "members.parquet"
    assert run("export", fixture("etcd-3.6"), "--view", "members", "-o", dest)[0] == 0
    assert pyarrow.parquet.read_table(dest).column("id").to_pylist() == ids
