"""What is read for the browser's screen: windows of buckets and views, damage, counts, states that change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from boltcli.cli.browse import export, tables
from boltcli.cli.browse.filters import Filter, parse
from boltcli.cli.browse.keys import Gap, Row, counts, parts
from boltcli.cli.browse.reader import Job, Reader, Stopped
from boltcli.cli.browse.session import State
from boltcli.cli.browse.sidebar import Place
from boltcli.cli.browse.tables import (
    BUCKET_COLUMNS,
    BucketTable,
    ListTable,
    Shown,
    gap_text,
    table_of_bucket,
    table_of_view,
)
from boltcli.cli.browse.tally import Tally, counted_places
from boltcli.errors import ArgumentError, BoltError, Corrupted
from boltcli.storage.snapshot import Snapshot
from tests.cli.browse.support import job, live, state, store
from tests.live import Writer
from tests.support import FIXTURES, fixture, meta, page, pgid

HEIGHT = 10


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("browse"), 5000)


def _keys(shown: Shown) -> list[bytes]:
    return [row.key for row in shown.rows]


NAMES = [b"key-%06d" % number for number in range(5000)]
MOVES = (1, 3, 9, 9, 100, -1, -5, -50, 2000, 5000, -1, -9, -30, -5000, 15)


def test_a_screen_is_a_part_of_the_sorted_keys(big: Path) -> None:
    known = state(big)
    table = BucketTable((b"b",))
    shown = table.go(known, job(), HEIGHT)
    at = 0
    for count in MOVES:
        target = shown.at + count
        inside = 0 <= target < len(shown.rows)
        shown = shown._replace(at=target) if inside else table.move(known, job(), HEIGHT, shown, count)
        at = min(max(at + count, 0), len(NAMES) - 1)
        assert shown.rows[shown.at].key == NAMES[at]
        first = NAMES.index(shown.rows[0].key)
        assert _keys(shown) == NAMES[first : first + HEIGHT]
    assert _keys(table.end(known, job(), HEIGHT)) == NAMES[-10:]
    shown = table.go(known, job(), HEIGHT, b"key-004995x")
    assert (_keys(shown), shown.at) == (NAMES[-10:], 6)
    shown = table.fill(known, job(), 20, shown)
    assert (_keys(shown), shown.at) == (NAMES[-20:], 16)
    shown = table.fill(known, job(), 4, shown)
    assert (_keys(shown), shown.rows[shown.at].key) == (NAMES[-7:-3], NAMES[-4])
    shown = table.search(known, job(), HEIGHT, table.go(known, job(), HEIGHT), "value 7000")
    assert shown.rows[shown.at].key == NAMES[1000]
    shown = table.search(known, job(), HEIGHT, table.end(known, job(), HEIGHT), "value 700")
    assert (shown.rows[shown.at].key, shown.note) == (NAMES[100], "continued from the top")
    with pytest.raises(LookupError, match=r"^'nowhere' is not in this bucket$"):
        table.search(known, job(), HEIGHT, shown, "nowhere")


def test_filters_take_conditions_and_words(big: Path) -> None:
    known = state(big)

    def found(text: str, most: int = 100_000) -> list[bytes]:
        table = BucketTable((b"b",), parse(text, ["key", "preview", "size"]))
        return [row.key for row in islice(table.every(known, job()), most)]

    assert found("77 99") == [name for number, name in enumerate(NAMES) if all(
        part in name + b"value %d" % (number * 7) for part in (b"77", b"99"))]  # fmt: skip
    assert found("key=key-000017") == [NAMES[17]]
    assert found("key=hex:" + NAMES[18].hex()) == [NAMES[18]]
    assert found("size=7") == NAMES[:2]
    assert found("preview='value 14'") == [NAMES[2]]
    assert found("size=7 000001") == [NAMES[1]]
    table = BucketTable((b"b",), parse("99", ["key"]))
    shown = table.go(known, job(), HEIGHT)
    every = found("99")
    at = 0
    for count in (12, 300, -40, 5, -1000):
        shown = table.move(known, job(), HEIGHT, shown, count)
        at = min(max(at + count, 0), len(every) - 1)
        assert shown.rows[shown.at].key == every[at]
    integers = state(fixture("integers"))
    table = BucketTable((b"edges",), parse("u64:65", ["key"]))
    assert [row.cells[0] for row in table.every(integers, job())] == ["u64:65535", "u64:65536"]
    table = BucketTable((b"edges",), parse("key=u64:10", ["key"]))
    assert [row.key for row in table.every(integers, job())] == [(10).to_bytes(8, "big")]


def test_few_pages_are_read_for_a_screen(big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    whole = Snapshot.page

    def page(self: Snapshot, pgid: int, *more: Any, **options: Any) -> Any:
        read.append(pgid)
        return whole(self, pgid, *more, **options)

    known = state(big)
    monkeypatch.setattr(Snapshot, "page", page)
    table = BucketTable((b"b",))
    table.go(known, job(), 20)
    table.end(known, job(), 20)
    shown = table.go(known, job(), 20, NAMES[4000])
    shown = table.move(known, job(), 20, table.move(known, job(), 20, shown, 20), -40)
    assert shown.rows[shown.at].key == NAMES[3980]
    assert len(read) < 40


def _tree(folder: Path, leaves: list[bytes], keys: list[bytes]) -> State:
    """A bucket "b" whose root is a branch page (4) with ``keys`` that lead to ``leaves``, the pages 5 and on."""
    content = [meta(0, hwm=5 + len(leaves)), meta(1, hwm=5 + len(leaves)), page(2, 0x10)]
    content.append(page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]))
    content.append(page(4, 1, [(key, pgid(5 + at)) for at, key in enumerate(keys)]))
    path = folder / "tree.db"
    path.write_bytes(b"".join([*content, *leaves]))
    return state(path)


def _said(row: Row) -> str:
    return row.key.decode() if row.gap is None else gap_text(row.gap, bytes.decode)


def test_damage_is_a_row_in_its_place(tmp_path: Path) -> None:
    sound = page(5, 2, [(b"a", b"1"), (b"b", b"2")])
    broken = bytes(4096)
    long = bytearray(page(7, 2, [(b"m", b"1"), (b"n", b"2"), (b"o", b"3")]))
    long[16 + 16 + 12 : 16 + 16 + 16] = b"\xff\xff\0\0"  # the size of the second value
    emptied = page(8, 2, [])
    known = _tree(tmp_path, [sound, broken, bytes(long), emptied, page(9, 2, [(b"y", b"1"), (b"x", b"2")])],
                  [b"a", b"g", b"m", b"p", b"x"])  # fmt: skip
    table = BucketTable((b"b",))
    expected = [
        "a", "b", "page 6 unreadable: g to m", "m", "o", "page 7 unreadable: o to p", "page 8 unreadable: p to x",
        "x", "y", "page 9 unreadable: y to the end",
    ]  # fmt: skip
    assert [_said(row) for row in table.every(known, job())] == expected
    assert [_said(row) for row in table._rows(known, job(), 99, reverse=True)] == expected[::-1]
    for height in (1, 2, 3):  # wherever a screen begins or ends, each row comes once
        shown = table.go(known, job(), height)
        down = [_said(row) for row in shown.rows]
        for _ in expected[height:]:
            shown = table.move(known, job(), height, shown._replace(at=height - 1), 1)
            down.append(_said(shown.rows[shown.at]))
        assert down == expected
        assert table.move(known, job(), height, shown, 1) == shown
        up = [_said(row) for row in reversed(shown.rows)]
        for _ in expected[height:]:
            shown = table.move(known, job(), height, shown._replace(at=0), -1)
            up.append(_said(shown.rows[0]))
        assert up == expected[::-1]
    assert table.search(known, job(), HEIGHT, Shown([]), "y").note == "3 unreadable pages passed over: 6, 7, 8"
    with pytest.raises(LookupError, match="as far as it can be read: 4 unreadable pages passed over"):
        table.search(known, job(), HEIGHT, Shown([]), "z")
    tally = Tally(Place(path=(b"b",)), Filter(), "")
    for _ in tally.count(known):
        pass
    assert tally.position(table.go(known, job(), HEIGHT, b"y"), known).endswith(" of at least 7")
    assert tally.damages == 2  # what page headers tell


def test_a_bucket_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    known = _tree(tmp_path, [], [])
    (row,) = BucketTable((b"b",)).every(known, job())
    assert row.gap is not None
    assert _said(row).startswith("page 4 unreadable: page 4 at offset 16384: a branch page without elements")


def test_every_bucket_of_every_fixture_reads_as_the_library_does() -> None:
    from boltcli.database import Database

    seen = 0
    for path in sorted(FIXTURES.glob("*.db")):
        try:
            known = state(path)
            top = [(), *((name,) for name, value in Database(known.snapshot).range() if not isinstance(value, bytes))]
        except BoltError:
            continue
        for way in top[:20]:
            bucket = Database(known.snapshot).bucket(*way) if way else Database(known.snapshot)
            found = [key for part in parts(known.snapshot, known.bucket(way)) for key in part.keys]  # type: ignore[union-attr]
            assert found == [bytes(key) for key in bucket]
            assert sum(number for _, number, _ in counts(known.snapshot, known.bucket(way))) == len(found)
            seen += 1
    assert seen > 60


def _numbers(total: int) -> ListTable:
    def make(known: State, job: Any) -> Iterator[Row]:
        for number in range(total):
            job.look()
            yield Row((f"n{number:06}", number, None), page=number)

    return ListTable(BUCKET_COLUMNS, make)


@pytest.mark.parametrize("total", [0, 3, 10, 30_000])
def test_a_list_is_read_as_far_as_it_is_shown_and_held_in_part(total: int) -> None:
    known = state(fixture("document"))
    table = _numbers(total)
    shown = table.go(known, job(), HEIGHT)
    assert len(table._held) <= HEIGHT
    at = 0
    for count in (5, 20, 25_000, -3, -24_000, 9, 100_000, -100_000):
        shown = table.move(known, job(), HEIGHT, shown, count)
        at = min(max(at + count, 0), max(total - 1, 0))
        assert [row.page for row in shown.rows] == list(range(shown.start or 0, (shown.start or 0) + len(shown.rows)))
        assert len(shown.rows) == min(total, HEIGHT)
        assert not total or shown.rows[shown.at].page == at
        assert len(table._held) <= 12_000
    assert [row.page for row in table.end(known, job(), HEIGHT).rows] == list(range(total))[-HEIGHT:]
    if total > 10:
        shown = table.search(known, job(), HEIGHT, table.go(known, job(), HEIGHT), "n020000")
        assert shown.rows[shown.at].page == 20_000
        shown = table.search(known, job(), HEIGHT, shown, "n000017")
        assert (shown.rows[shown.at].page, shown.note) == (17, "continued from the top")
        assert table.go(known, job(), HEIGHT, b"n0123").rows[0].page == 12_300
        with pytest.raises(LookupError):
            table.search(known, job(), HEIGHT, shown, "x")


def test_a_list_survives_a_job_that_was_stopped() -> None:
    known = state(fixture("document"))
    table = _numbers(100)
    first = job()
    shown = table.go(known, first, HEIGHT)
    first.stopped = True
    assert table.move(known, job(), HEIGHT, shown, 20).rows[-1].page == 20  # goes on by another job
    with pytest.raises(Stopped):
        table.move(known, first, HEIGHT, shown, 50)
    assert table.move(known, job(), HEIGHT, shown, 50).rows[-1].page == 50


def test_rows_of_views_and_buckets_are_filtered_and_sorted(big: Path) -> None:
    known = state(fixture("bacalhau-requester-1.4"))
    view = next(view for view in known.views if view.name == "executions")
    every = [row.cells for row in table_of_view(view, Filter(), "").every(known, job())]
    names = [column.name for column in view.columns]
    state_at = names.index("state")
    wanted = parse("state=Completed e-", names)
    found = [row.cells for row in table_of_view(view, wanted, "-id").every(known, job())]
    assert found == sorted((row for row in every if row[state_at] == "Completed"), reverse=True)
    tally = Tally(Place("executions"), wanted, "")
    list(tally.count(known))
    list(counted_places(known, [Place("executions")]))
    shown = Shown([Row(found[0])], 0, 4)
    assert tally.position(shown, known) == f"5 of {len(found)} (of {len(every)})"
    largest = [row.size for row in table_of_bucket((b"b",), Filter(), "-size").every(state(big), job())]
    assert largest == sorted(largest, reverse=True)
    assert len(largest) == 5000
    backwards = table_of_bucket((b"b",), Filter(), "-key").go(state(big), job(), 3)
    assert [row.key for row in backwards.rows] == NAMES[:-4:-1]


def test_a_view_that_meets_damage_ends_with_a_row_that_says_so(tmp_path: Path) -> None:
    data = bytearray(fixture("bacalhau-compute-1.5").read_bytes())
    with Snapshot(str(fixture("bacalhau-compute-1.5"))) as snapshot:
        known = State(snapshot)
        leaves = [part.leaf.page.pgid for part in parts(snapshot, known.bucket((b"v2_executions",)))
                  if not isinstance(part, Gap)]  # fmt: skip
        size = snapshot.page_size
    data[leaves[-1] * size : leaves[-1] * size + 16] = b"\xff" * 16
    (tmp_path / "a.db").write_bytes(data)
    known = state(tmp_path / "a.db")
    view = next(view for view in known.views if view.name == "executions")
    *rows, last = table_of_view(view, Filter(), "").every(known, job())
    assert rows
    assert last.gap is not None
    assert isinstance(last.gap.error, Corrupted)
    assert last.gap.error.page == leaves[-1]


def test_an_export_says_what_it_leaves_out(big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "FIRST", 100)
    monkeypatch.setattr(export, "FIRST", 100)
    place, known = Place(path=(b"b",)), state(big)
    path = tmp_path / "rows.csv"
    said = export.export(str(path), place, "-key", table_of_bucket(place.path, Filter(), "-key"), known, job())
    assert said == f"wrote the first 100 rows to {path}"
    assert path.read_text().splitlines()[1] == '"key-004999","value 34993","11"'.replace('"', "")
    with pytest.raises(ArgumentError, match="the ending must be"):
        export.export(
            str(tmp_path / "rows.parquet"), place, "", table_of_bucket(place.path, Filter(), ""), known, job()
        )
    stopped = job()
    stopped.stopped = True
    with pytest.raises(Stopped):
        export.export(str(tmp_path / "no.csv"), place, "", table_of_bucket(place.path, Filter(), ""), known, stopped)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows.csv"]


def _reader(path: Path, count: Any = None) -> Reader:
    reader = Reader(live(path), count or (lambda snapshot: iter(())))
    reader.start()
    return reader


def _result(reader: Reader, work: Any) -> Any:
    ready = threading.Event()
    found: list[Any] = []

    def done(result: Any, error: Exception | None) -> None:
        found.append(error or result)
        ready.set()

    reader.put(Job(work, done))
    assert ready.wait(10)
    return found[0]


def test_what_a_job_reads_is_of_one_state(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.db", 3 << 20)
    reader = _reader(writer.path)
    seen: list[int] = []

    def work(snapshot: Snapshot, job: Job) -> tuple[int, object, object]:
        first = State(snapshot).value((b"data",), b"n", 99)
        if len(seen) < 2:  # twice another transaction is committed in the middle
            writer.commit()
            writer.commit()
        seen.append(snapshot.meta.txid)
        return snapshot.meta.txid, first, State(snapshot).value((b"more",), b"n", 99)

    assert _result(reader, work) == (6, b"6", b"6")
    assert seen == [2, 4, 6]

    def torn(snapshot: Snapshot, job: Job) -> int:
        if snapshot.meta.txid == 6:
            writer.commit()
            writer.commit()
            raise snapshot.corrupted("seems damaged", 3)
        return snapshot.meta.txid

    assert _result(reader, torn) == 8  # what seemed to be damage was another transaction's page
    error = _result(reader, lambda snapshot, job: State(snapshot).value((b"data",), b"none", 9))
    assert isinstance(error, BoltError)
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.snapshot.any_page(3)


def test_a_busy_writer_ends_in_a_private_copy(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.db", 3 << 20)
    reader = _reader(writer.path)
    tries = []

    def work(snapshot: Snapshot, job: Job) -> int:
        tries.append(snapshot.meta.txid)
        writer.commit()
        assert len(tries) < 20
        return snapshot.meta.txid

    assert _result(reader, work) == tries[-1]
    assert 3 <= len(tries) <= 6
    reader.close()


def test_counts_wait_for_jobs_and_jobs_can_be_stopped(big: Path) -> None:
    steps = []

    def count(snapshot: Snapshot) -> Iterator[None]:
        for number in range(3):
            steps.append(number)
            yield

    reader = _reader(big, count)
    reader.recount()
    for _ in range(500):
        if len(steps) == 3:
            break
        time.sleep(0.01)
    assert steps == [0, 1, 2]
    reader.recount()

    def endless(snapshot: Snapshot, job: Job) -> None:
        while True:
            job.look()
            time.sleep(0.001)

    done: list[Any] = []
    job = reader.put(Job(endless, lambda *found: done.append(found)))
    while not job.passed:
        time.sleep(0.01)
    held = len(steps)
    job.stopped = True
    assert _result(reader, lambda snapshot, job: "next") == "next"
    assert (done, job.finished) == ([], False)
    assert held <= len(steps)
    last = reader.put(Job(endless, lambda *found: done.append(found)))
    while not last.passed:
        time.sleep(0.01)
    reader.close()  # ends the job, and the thread
    assert not reader._thread.is_alive()
    assert done == []
