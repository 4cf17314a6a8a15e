"""``metrics``: OpenMetrics by the reference parser, and numbers that other commands confirm."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live import held
from tests.schema import run_json
from tests.states import State, database
from tests.support import DATABASES, error_line, fixture, run

prometheus = pytest.importorskip("prometheus_client")


def parsed(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples, by the parsers of both formats, which must agree."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
    from prometheus_client.parser import text_string_to_metric_families as classic

    results = []
    for parse in (strict, classic):
        found: dict[Any, float] = {}
        for family in parse(text.decode()):
            assert family.type == "gauge"
            assert family.documentation.endswith(".")
            for sample in family.samples:
                place = sample.name, tuple(sorted(sample.labels.items()))
                assert place not in found
                found[place] = sample.value
        results.append(found)
    assert results[0] == results[1]
    return results[0]


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_numbers_of_every_fixture(path: Path) -> None:
    status, (record,), err = run_json("metrics", "--deep", "--check", path)
    assert (status, err) == (0, [])
    info = run_json("info", path)[1][0]
    usage = run_json("du", path)[1][0]
    state = State.of(path)
    assert (record["size"], record["page_size"], record["txid"]) == tuple(
        info[name] for name in ("size", "page_size", "txid")
    )
    assert record["pairs"] == len(state.pairs)
    assert record["buckets"] == len(state.buckets) - 1
    assert (record["free_bytes"], record["lost_bytes"], record["freelist_bytes"], record["unused_bytes"]) == tuple(
        usage[f"{name}_bytes"] for name in ("free", "lost", "freelist", "unused")
    )
    assert sum(record["pages"].values()) == info["hwm"]
    assert (record["up"], record["check_ok"], record["check_findings"]) == (1, 1, 0)
    assert datetime.fromisoformat(record["modified"]).timestamp() == pytest.approx(path.stat().st_mtime, abs=0.01)
    assert 0 <= record["age"] <= time.time() - path.stat().st_mtime + 1


def test_the_format(tmp_path: Path) -> None:
    odd = tmp_path / 'a "b"\\c\nd.db'
    database(odd, {b"t": (0, {b"k": b"v"})})
    damaged = tmp_path / "damaged.db"
    content = bytearray(fixture("one-bucket").read_bytes())
    content[2 * 4096 :] = bytes(len(content) - 2 * 4096)
    damaged.write_bytes(content)
    files = [fixture("bacalhau-compute-1.4"), odd, odd, tmp_path / "nosuch", damaged]
    status, out, err = run("metrics", "--deep", "--check", *files)
    assert status == 1
    assert out.endswith(b"# EOF\n")
    assert err.count(b"Error: ") == 1
    found = parsed(out)

    def value(name: str, path: Path, **labels: str) -> float:
        return found[f"boltcli_{name}", tuple(sorted({"path": str(path), **labels}.items()))]

    assert value("up", odd) == 1
    assert value("up", tmp_path / "nosuch") == 0
    assert value("pairs", odd) == 1
    assert value("pages", odd, kind="meta") == 2
    assert value("txid", files[0], application="bacalhau") > 1
    assert value("up", damaged) == 1
    assert value("check_ok", damaged) == 0
    assert value("check_findings", damaged) > 0
    assert ("boltcli_free_bytes", (("path", str(damaged)),)) not in found


def test_without_its_lock(tmp_path: Path) -> None:
    path = database(tmp_path / "db", {b"t": (0, {b"k": b"v"})})
    for mode, exclusive, shared in (("LOCK_EX", 1, 0), ("LOCK_SH", 0, 1)):
        with held(path, mode):
            status, out, err = run("metrics", "--timeout", "10ms", path)
        assert (status, err) == (0, b"")
        found = parsed(out)
        labels = ("path", str(path))
        assert found["boltcli_locked", (("mode", "exclusive"), labels)] == exclusive
        assert found["boltcli_locked", (("mode", "shared"), labels)] == shared
        assert found["boltcli_up", (labels,)] == 1
        assert ("boltcli_pairs", (labels,)) not in found


def test_a_file_that_is_replaced(tmp_path: Path) -> None:
    output = tmp_path / "metrics.prom"
    output.write_text("before")
    output.chmod(0o644)
    assert run("metrics", "-o", output, fixture("document")) == (0, b"", b"")
    assert parsed(output.read_bytes())
    assert run("metrics", "-o", output, fixture("document"), tmp_path / "nosuch")[0] == 1
    assert b"nosuch" in output.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["metrics.prom"]
    status, _, err = run("metrics", "-o", tmp_path / "no" / "folder", fixture("document"))
    assert status == 1
    assert error_line(err).startswith(b"open ")
