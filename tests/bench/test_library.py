"""The stores of the library's benchmark do the same, and differences are no figures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.bench.databases import BUCKET
from tests.bench.library import STEPS, Store, lmdb_store, look_ups, ours, sqlite
from tests.conftest import HAS_KERNEL
from tests.support import freelist, page, pgid, small

KEYS = [b"%02d" % number for number in range(40)]


def test_all_stores_meet_the_same_pairs(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    leaf = page(4, 2, [(key, b"value") for key in KEYS])
    path.write_bytes(small(freelist(2), page(3, 2, [(BUCKET.encode(), pgid(4) + pgid(0), b"\1")]), leaf))
    wanted = KEYS[:20]
    stores = [
        *(ours(f"boltcli {kernel}", path, wanted, kernel) for kernel in (True, False) if HAS_KERNEL or not kernel),
        sqlite(tmp_path / "a.sqlite", ((key, b"value") for key in KEYS), wanted),
    ]
    if find_spec("lmdb"):
        import lmdb

        stores.append(lmdb_store(lmdb, tmp_path / "a.lmdb", ((key, b"value") for key in KEYS), wanted))
    for store in stores:
        assert [met for _, met in store.costs()] == [20, 20, 20 * (1 + STEPS), 40], store.name


class Fixed(Store):
    def __init__(self, name: str, seconds: list[float], met: int = 10) -> None:
        super().__init__(name, ())
        self.seconds = seconds
        self.met = met

    def costs(self) -> list[tuple[float, int]]:
        return [(self.seconds.pop(0), self.met)] * 4


def test_the_first_round_does_not_count_and_the_best_one_does() -> None:
    table = look_ups([Fixed("sqlite3", [0.001, 2, 4]), Fixed("other", [0.001, 8, 1])], 8000, 4000, 2)
    assert "| sqlite3 | 2 (1.00) | 2 (1.00) | 2 (1.00)          | 4 (1.00)  |" in table
    assert "| other   | 4 (2.00) | 4 (2.00) | 4 (2.00)          | 8 (2.00)  |" in table


def test_stores_that_meet_other_pairs_are_no_comparison() -> None:
    with pytest.raises(AssertionError, match="different numbers of pairs"):
        look_ups([Fixed("sqlite3", [1, 1]), Fixed("other", [1, 1], 11)], 10, 10, 1)
