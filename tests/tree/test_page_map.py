"""The page map against what the check, the page list and the statistics say of the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from boltcli.fleet.metrics import metrics
from boltcli.ops.space.page_use import page_story
from boltcli.ops.space.pages import Usage
from boltcli.ops.space.top import space_top
from boltcli.ops.stats.buckets import database_stats
from boltcli.render.page_picture import cells, svg, text
from boltcli.render.why_report import story_record, story_text
from boltcli.storage.snapshot import Snapshot
from boltcli.tree import page_map as pm
from boltcli.tree.page_map import free_pages
from tests.support import DATABASES, fixture, freelist, page, pgid, small


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_every_page_has_the_role_that_others_give_it(path: Path) -> None:
    with Snapshot(str(path)) as snapshot:
        mapped = pm.page_map(snapshot)
        kinds = mapped.kinds
        assert not mapped.damages
        assert [number for number, kind in enumerate(kinds) if kind == pm.FREE] == free_pages(snapshot)
        assert pm.LOST not in kinds
        assert pm.DAMAGED not in kinds
        # The statistics count all but the root bucket's own pages.
        total = database_stats(snapshot)[1]
        own = [
            number for number, kind in enumerate(kinds) if kind in (pm.BRANCH, pm.LEAF) and not mapped.owners[number]
        ]
        inner = [number for number in range(len(kinds)) if mapped.owner(number)]
        assert len(own) >= 1
        for kind, count in ((pm.BRANCH, total.branch_pages), (pm.LEAF, total.leaf_pages)):
            assert sum(kinds[number] == kind for number in inner) == count
        overflow = total.branch_overflow_pages + total.leaf_overflow_pages
        assert sum(kinds[number] == pm.OVERFLOW for number in inner) == overflow
        for number in inner:
            way = mapped.way(number)
            assert way[0] in (0, 1)
            assert way[-1] == number


def test_lost_and_damaged_pages_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(
        small(
            freelist(2, [6]),
            page(3, 1, [(b"a", pgid(4)), (b"m", pgid(5))]),
            page(4, 2, [(b"a", b"1")]),
            page(9, 2, [(b"m", b"1")]),  # bears another id
            page(6, 2, [(b"x", b"old")]),
            page(7, 2, [(b"y", b"lost")]),
        )
    )
    with Snapshot(str(path)) as snapshot:
        mapped = pm.page_map(snapshot)
        assert [pm.KINDS[kind] for kind in mapped.kinds] == [
            "meta", "meta", "freelist", "branch", "leaf", "damaged", "free", "lost",
        ]  # fmt: skip
        assert mapped.way(4) == [1, 3, 4]
        story = page_story(snapshot, 5, mapped, None, [])
        assert story.problem == "its header identifies it as page 9"
        assert "before: the other meta page" in story_text(story)
        assert story_record("a.db", story)["type"] == "damaged"
        assert page_story(snapshot, 6, mapped, None, []).first == b"x"
        assert page_story(snapshot, 99, mapped, None, []).problem


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_pictures_stand_for_every_page(path: Path) -> None:
    with Snapshot(str(path)) as snapshot:
        mapped = pm.page_map(snapshot)
        for most in (1, 7, 1 << 20):
            found, step = cells(mapped, most, mapped.inside(0), mapped)
            assert sum(cell.count for cell in found) == snapshot.page_count
            assert len(found) <= most
            assert step >= 1
            assert not any(cell.fresh for cell in found)
            assert text(found, step, 16) == text(found, step, 16)
            assert svg(found, step, 16, "<script>").count(b"<title>page") == len(found)
            assert b"<script>" not in svg(found, step, 16, "<script>")


def test_the_last_transaction_is_shaded() -> None:
    with Snapshot(str(fixture("after-deletes"))) as snapshot:
        other = snapshot.metas[1 - snapshot.meta.page]
        mapped, before = pm.page_map(snapshot), pm.page_map(snapshot, other)
        fresh = {cell.first for cell in cells(mapped, 1 << 20, (), before)[0] if cell.fresh}
        assert snapshot.meta.root in fresh
        assert all(mapped.reached(number) and not before.reached(number) for number in fresh)


def test_a_claim_says_who_had_the_pages_before(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(small(freelist(2, [5]), page(3, 2), *[page(number, 2) for number in range(4, 9)]))
    with Snapshot(str(path)) as snapshot:
        mapped = pm.PageMap(snapshot)
        assert mapped.freelist() is not None
        assert mapped.claim(4, 3, pm.LEAF, 0, 3) == [(5, pm.FREE, pm.NOBODY)]
        assert mapped.claim(6, 99, pm.BRANCH, 1, 3) == [(6, pm.OVERFLOW, 0)]  # a head takes its page, others don't
        assert mapped.claim(3, 2, pm.LEAF, 2, 1) == [(4, pm.LEAF, 0)]
        assert [pm.KINDS[kind] for kind in mapped.kinds] == [
            "meta", "meta", "freelist", "leaf", "leaf", "overflow", "branch", "overflow", "overflow",
        ]  # fmt: skip
        assert mapped.owners.tolist()[3:] == [2, 0, 0, 1, 1, 1]
        assert mapped.parents.tolist()[3:] == [1, 3, 4, 3, 6, 6]
        assert mapped.count() == {
            "lost": 0, "meta": 2, "freelist": 1, "free": 0, "branch": 3, "leaf": 3, "damaged": 0, "beyond": 0,
        }  # fmt: skip


def test_du_top_and_metrics_count_what_the_map_shows(tmp_path: Path) -> None:
    """A freelist with a page beyond the file, and none for a page that nothing refers to."""
    path = tmp_path / "a.db"
    path.write_bytes(small(freelist(2, [5, 99]), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), *[page(4, 2)] * 3))
    with Snapshot(str(path)) as snapshot:
        used, found, counted = Usage(snapshot), space_top(snapshot), metrics(snapshot)
    assert (used.free, used.lost, used.freelist) == (found.free, found.lost, found.freelist_bytes) == (4096,) * 3
    assert counted.pages is not None
    assert (counted.pages["free"], counted.pages["lost"]) == (1, 1)
    path.write_bytes(small(page(2, 2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), *[page(4, 2)] * 3))
    with Snapshot(str(path)) as snapshot:  # the freelist can't be read
        mapped, used, found = pm.page_map(snapshot), Usage(snapshot), space_top(snapshot)
    assert pm.KINDS[mapped.kinds[2]] == "damaged"
    assert mapped.problem is not None
    assert used.problem is not None
    assert (used.free, used.lost) == (found.free, found.lost) == (3 * 4096, 0)
