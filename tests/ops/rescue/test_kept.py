"""What recover would keep, counted without writing it: the same as recover writes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from boltcli.ops.rescue.kept import kept
from boltcli.storage.snapshot import Snapshot
from tests.schema import run_json
from tests.support import fixture

PAGE = 4096


@pytest.mark.parametrize(
    ("name", "lost"),
    [("after-deletes", (3, 7, 9)), ("after-deletes", (0, 1)), ("nested-8", ()), ("nested-8", (0, 1, 2, 3))],
)
def test_it_counts_what_recover_writes(name: str, lost: tuple[int, ...], tmp_path: Path) -> None:
    content = bytearray(fixture(name).read_bytes())
    for page in lost:
        content[page * PAGE : (page + 1) * PAGE] = b"text" * (PAGE // 4)
    source, target = tmp_path / "a.db", tmp_path / "b.db"
    source.write_bytes(content)
    _, (done,), _ = run_json("recover", "-o", target, source)
    shown: list[tuple[int, int]] = []
    found = kept(bytes(content), lambda at, whole: shown.append((at, whole)))
    assert (found.pairs, found.buckets) == (done["pairs"], done["buckets"])
    assert 0 < shown[-1][0] <= shown[-1][1]
    sizes: Counter[bytes] = Counter()
    counts: Counter[bytes] = Counter()
    _, groups, _ = run_json("top", "--limit", "0", "--levels", "1", "--sep", "", target)
    for group in groups[0]["groups"]:
        sizes[group["bucket"][0].encode()] = group["bytes"]
        counts[group["bucket"][0].encode()] = group["pairs"]
    assert (found.bytes_of, found.pairs_of) == (sizes, counts)


def test_nothing_is_kept_of_no_database() -> None:
    assert kept(b"nothing" * 1000) == (0, 0, {}, {})


def test_a_sound_file_is_kept_whole() -> None:
    with Snapshot(str(fixture("document"))) as snapshot:
        found = kept(snapshot.buffer)
    assert found.pairs == run_json("top", fixture("document"))[1][0]["pairs"]
