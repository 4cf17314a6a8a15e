"""recover never says that all is there where it isn't: against a reader that shares no code with it."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from boltcli.format.meta import fnv1a64
from tests.damage.mutations import sample
from tests.ops.rescue.naive import Rows, rows
from tests.rescue_score.damage import KINDS
from tests.rescue_score.truth import read
from tests.schema import run_json
from tests.support import DATABASES, ROOT, error_line, fixture, meta, page, pgid, run, small

LIVED = sorted((ROOT / "fixtures" / "lived").glob("*.db"))
NO_FREELIST = (1 << 64) - 1


def recovered(content: bytes, folder: Path, *more: str) -> tuple[int, dict[str, Any], Rows | None]:
    """Status, report and content of what is recovered from a file of these bytes; it passes ``check --deep``."""
    bad, result = folder / "bad.db", folder / "out.db"
    bad.write_bytes(content)
    result.unlink(missing_ok=True)
    status, reports, _ = run_json("recover", bad, "-o", result, "--no-sync", *more)
    if status == 1:
        assert not result.exists()
        return status, {}, None
    assert run("check", "--deep", result)[:2] == (0, b"OK\n")
    (report,) = reports
    states = report["states"]
    differ = any(any(state["difference"].values()) for state in states)
    assert (status == 2) == bool(report["lost"] or report["changed"] or differ)
    assert not (report["exact"] and status)
    assert not states or sum(state["chosen"] for state in states) == 1
    return status, report, rows(result.read_bytes())


def newest_is_damaged(content: bytes, page_size: int = 4096) -> bytes:
    """A copy whose newer meta page has a wrong checksum, as more than one bit of it is wrong."""
    at = 16 + page_size * (struct.unpack_from("<Q", content, page_size + 64) > struct.unpack_from("<Q", content, 64))
    return content[:at] + b"\xff\xff" + content[at + 2 :]


@pytest.mark.sampled(6)
@pytest.mark.slow
@pytest.mark.parametrize("path", [*DATABASES, *LIVED], ids=lambda path: path.stem)
def test_status_0_means_what_bbolt_reads(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    if len(content) > 400_000:
        pytest.skip("large")
    truth = read(content)
    damaged = [mutation.apply(content) for mutation in sample(content, 20, f"recover {path.stem}")]
    for kind, damage in KINDS.items():
        one = bytearray(content)
        damage(one, truth, random.Random(f"{path.stem} {kind}"))
        damaged.append(bytes(one))
    for mutant in damaged:
        status, report, found = recovered(mutant, tmp_path)
        read_by_bbolt = rows(mutant)
        if status == 0 and read_by_bbolt is not None:
            assert found == read_by_bbolt
        elif status == 0:
            assert not report["exact"]


@pytest.mark.slow
@pytest.mark.parametrize("path", LIVED, ids=lambda path: path.stem)
def test_without_meta_pages_both_last_states_are_told(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    size = read(content).page_size
    last, before = rows(content), rows(newest_is_damaged(content, size))
    assert last is not None
    assert before is not None
    gone = bytes(2 * size) + content[2 * size :]
    status, report, found = recovered(gone, tmp_path)
    assert found in (last, before)
    if status == 0:  # the last transaction made the file longer: only with its freelist all pages are accounted for
        assert found == last
        assert path.stem in ("jobs-1", "random-9010")
        return
    several = [recovered(gone, tmp_path, "--state", str(number + 1)) for number in range(len(report["states"]))]
    contents = [each[2] for each in several]
    assert last in contents
    assert before in contents
    assert contents[[state["chosen"] for state in report["states"]].index(True)] == found
    for number, (status, other, got) in enumerate(several):
        assert status == 2
        (chosen,) = [state for state in other["states"] if state["chosen"]]
        assert (chosen["state"], chosen["pairs"], chosen["buckets"]) == (number + 1, other["pairs"], other["buckets"])
        assert not any(chosen["difference"].values())
        assert got is not None
        for state, against in zip(other["states"], contents):
            assert against is not None
            there, here = ({tuple(row[:-1]): row[-1] for row in each} for each in (got, against))
            assert state["difference"] == {
                "added": len(here.keys() - there.keys()),
                "removed": len(there.keys() - here.keys()),
                "changed": sum(here[place] != there[place] for place in here.keys() & there.keys()),
            }
    status, _, err = run("recover", tmp_path / "bad.db", "-o", tmp_path / "new.db", "--state", str(len(several) + 1))
    assert status == 1
    assert b"there is no state %d: %d states may be the newest one" % (len(several) + 1, len(several)) in error_line(
        err
    )
    assert not (tmp_path / "new.db").exists()


def test_states_with_the_same_content_do_not_matter(tmp_path: Path) -> None:
    pages = [page(number, 2, [(b"b", pgid(6) + pgid(1), b"\1")]) for number in (3, 4)]
    lists = [struct.pack("<QHHI3Q", 5, 0x10, 2, 0, 2, 4, 0).ljust(4096, b"\0")]
    first = struct.pack("<QHHI3Q", 2, 0x10, 2, 0, 3, 5, 0).ljust(4096, b"\0")
    content = small(first, *pages, *lists, page(6, 2, [(b"k", b"v")]))
    assert rows(content) is not None
    status, report, found = recovered(bytes(8192) + content[8192:], tmp_path)
    assert status == 0
    assert [state["root_page"] for state in report["states"]] in ([3, 4], [4, 3])
    assert found == rows(content)


def test_of_one_known_state_there_is_no_second(tmp_path: Path) -> None:
    status, _, err = run("recover", fixture("integers"), "-o", tmp_path / "out.db", "--state", "2")
    assert status == 1
    assert b"there is no state 2: the newest one is known" in error_line(err)
    assert run("recover", fixture("integers"), "-o", tmp_path / "out.db", "--state", "1")[0] == 0


def test_where_all_was_deleted_the_empty_state_is_told(tmp_path: Path) -> None:
    content = fixture("all-deleted").read_bytes()
    status, report, _ = recovered(bytes(8192) + content[8192:], tmp_path)
    assert status == 2
    assert 0 in [state["pairs"] for state in report["states"]]


@pytest.mark.parametrize("name", ["document", "inline", "page-65536", "bucket-and-key-mix"])
def test_an_overwritten_root_of_the_newest_state_is_missed(name: str, tmp_path: Path) -> None:
    """Without meta pages the state before it looks whole, but a freelist counts the root page as used."""
    content = bytearray(fixture(name).read_bytes())
    truth = read(bytes(content))
    for number in (0, 1, truth.root):
        content[number * truth.page_size : (number + 1) * truth.page_size] = bytes(truth.page_size)
    status, report, _ = recovered(bytes(content), tmp_path)
    assert status == 2
    assert report["lost"]


def two_states(*, bit: int) -> bytes:
    """Meta page 1 names the newer root, page 4; ``bit`` of it is flipped."""
    fields = {"freelist": NO_FREELIST, "hwm": 7}
    content = bytearray(
        meta(0, root=3, txid=8, **fields) + meta(1, root=4, txid=9, **fields) + bytes(4096)
        + page(3, 2, [(b"b", pgid(5) + pgid(0), b"\1")]) + page(4, 2, [(b"b", pgid(6) + pgid(0), b"\1")])
        + page(5, 2, [(b"a", b"1")]) + page(6, 2, [(b"a", b"2"), (b"c", b"3")])
    )  # fmt: skip
    content[4096 + 16 + bit // 8] ^= 1 << bit % 8
    return bytes(content)


@pytest.mark.parametrize("bit", [3, 130, 300, 450, 511])
def test_a_meta_page_with_a_wrong_bit_is_told(bit: int, tmp_path: Path) -> None:
    content = two_states(bit=bit)
    status, report, found = recovered(content, tmp_path)
    assert status == 2
    assert [state["root_page"] for state in report["states"]] == [4, 3]
    assert report["states"][1]["difference"] == {"added": 0, "removed": 1, "changed": 1}
    assert any("meta page 1" in note and "bbolt passes over it" in note for note in report["notes"])
    assert found != rows(content)
    status, report, found = recovered(content, tmp_path, "--state", "2")
    assert found == rows(content)
    assert (status, report["states"][1]["chosen"]) == (2, True)
    text = run("recover", "--force", "-o", tmp_path / "out.db", tmp_path / "bad.db")[1]
    assert b"nothing is missing" not in text
    assert b"state 1: root page 4, 2 pairs in 1 bucket; it was used" in text
    assert b"state 2: root page 3, 1 pair in 1 bucket; 0 more, 1 less, 1 changed" in text


def test_of_a_newer_state_that_is_damaged_the_older_one_is_taken(tmp_path: Path) -> None:
    content = two_states(bit=130)
    content = content[: 6 * 4096] + bytes(4096)
    status, report, found = recovered(content, tmp_path)
    assert found == rows(content)
    assert (status, [state["chosen"] for state in report["states"]]) == (2, [False, True])


def test_a_lost_meta_page_is_told(tmp_path: Path) -> None:
    content = two_states(bit=130)
    content = content[:4096] + bytes(4096) + content[2 * 4096 :]
    (tmp_path / "bad.db").write_bytes(content)
    _, out, _ = run("recover", "-o", tmp_path / "out.db", tmp_path / "bad.db")
    assert b"nothing is missing" not in out
    assert b"note: meta page 1 is not valid" in out


def a_leaf(elements: list[tuple[bytes, bytes]], *edits: tuple[int, int, int]) -> bytes:
    """A file of one bucket, on page 4; each edit sets a field, at an offset in an element, to a number."""
    leaf = bytearray(page(4, 2, elements))
    for index, offset, number in edits:
        struct.pack_into("<I", leaf, 16 + 16 * index + offset, number)
    return small(bytes(4096), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), bytes(leaf), freelist=NO_FREELIST)


FIVE = [(b"k%d" % number, b"value %d" % number) for number in range(5)]


@pytest.mark.parametrize(
    ("edits", "key", "reason"),
    [
        ([(1, 12, 8)], b"k1", "a size of the element"),  # it reaches into the next one
        ([(1, 12, 5000)], b"k1", "a size of the element"),
        ([(2, 4, 16 * 3)], b"k2", "the position"),
        ([(2, 0, 4)], b"k2", "has the flags 4"),
    ],
)
def test_an_element_that_was_mended_is_told(
    edits: list[tuple[int, int, int]], key: bytes, reason: str, tmp_path: Path
) -> None:
    status, report, found = recovered(a_leaf(FIVE, *edits), tmp_path)
    assert status == 2
    assert [(each["bucket"], each["key"].encode(), each["page"]) for each in report["changed"]] == [(["b"], key, 4)]
    assert reason in report["changed"][0]["reason"]
    assert found == rows(a_leaf(FIVE))


def test_keys_out_of_order_are_told(tmp_path: Path) -> None:
    content = a_leaf([FIVE[0], FIVE[2], FIVE[1], FIVE[3], FIVE[4]])
    status, report, found = recovered(content, tmp_path)
    assert (status, found) == (2, rows(content))
    assert ["did not ascend" in each["reason"] for each in report["changed"]] == [True]


def test_a_key_that_is_there_twice_is_told(tmp_path: Path) -> None:
    content = a_leaf([FIVE[0], FIVE[1], (b"k1", b"other 1"), *FIVE[2:]])
    status, report, found = recovered(content, tmp_path)
    assert (status, report["duplicates"]) == (2, 1)
    assert found == rows(a_leaf(FIVE))
    assert "k1" in [each.get("key") for each in report["changed"]]


def test_a_key_of_two_pages_is_told(tmp_path: Path) -> None:
    """Both pages are sound, and their keys ascend; only the branch page's keys don't say so."""
    pages = [
        page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]),
        page(4, 1, [(b"a", pgid(5)), (b"c", pgid(6))]),
        page(5, 2, [(b"a", b"1"), (b"b", b"2"), (b"d", b"3")]),
        page(6, 2, [(b"c", b"4"), (b"d", b"5"), (b"e", b"6")]),
    ]
    status, report, found = recovered(small(bytes(4096), *pages, freelist=NO_FREELIST), tmp_path)
    assert status == 2
    assert [(each["bucket"], each["key"], each["page"]) for each in report["changed"]] == [(["b"], "d", 6)]
    assert found is not None
    assert ((b"b",), b"d", b"3") in found


def inline(elements: list[tuple[bytes, ...]], *, overflow: int = 0, more: bytes = b"") -> bytes:
    """The value of an inline bucket; ``more`` stands behind its last element."""
    data = bytearray(page(0, 2, elements))
    used = 16 + sum(16 + len(element[0]) + len(element[1]) for element in elements)
    struct.pack_into("<I", data, 12, overflow)
    return pgid(0) + pgid(7) + bytes(data[:used]) + more


@pytest.mark.parametrize(
    "value",
    [inline([(b"k", b"v")], overflow=3), inline([(b"k", b"v")], more=b"\0"), inline([], more=b"more")],
    ids=["overflow", "bytes", "no elements"],
)
def test_an_odd_inline_page_is_written_anew(value: bytes, tmp_path: Path) -> None:
    content = small(bytes(4096), page(3, 2, [(b"b", value, b"\1")]), freelist=NO_FREELIST)
    status, _, found = recovered(content, tmp_path)
    assert (status, found) == (0, rows(content))


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        ((b"c", b"short", b"\1"), "too small"),
        ((b"c", pgid(4) + pgid(0), b"\1"), "the root page of a bucket that lies in an inline bucket"),
        ((b"c", pgid(0) + pgid(0) + b"no page", b"\1"), "cannot be read"),
    ],
)
def test_what_is_lost_in_an_inline_bucket_is_told(inner: tuple[bytes, ...], reason: str, tmp_path: Path) -> None:
    value = inline([(b"a", b"1"), inner])
    content = small(
        bytes(4096), page(3, 2, [(b"b", value, b"\1")]), page(4, 2, [(b"x", b"y")]), freelist=NO_FREELIST
    )  # fmt: skip
    status, report, _ = recovered(content, tmp_path)
    assert status == 2
    assert any(each["bucket"] == ["b", "c"] and reason in each["reason"] for each in report["lost"])


def test_a_sequence_of_the_root_bucket_is_told(tmp_path: Path) -> None:
    content = bytearray(fixture("integers").read_bytes())
    for at in (16, 4096 + 16):
        struct.pack_into("<Q", content, at + 24, 5)
        struct.pack_into("<Q", content, at + 56, fnv1a64(bytes(content[at : at + 56])))
    status, report, _ = recovered(bytes(content), tmp_path)
    assert status == 2
    assert ["sequence 5" in each["reason"] for each in report["changed"]] == [True]


def test_pages_put_into_lost_and_found_are_told(tmp_path: Path) -> None:
    """Nothing of the tree is missing; but a page is neither in it nor free."""
    free = struct.pack("<QHHI", 2, 0x10, 0, 0).ljust(4096, b"\0")
    content = small(free, page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), page(4, 2, FIVE), page(5, 2, [(b"z", b"z")]))
    status, report, found = recovered(content, tmp_path)
    assert found is not None
    if any(row[0] and row[0][0] == b"lost+found" for row in found):  # type: ignore[index]
        assert status == 2
        assert 5 in [each["page"] for each in report["changed"]]
    else:
        assert (status, found) == (0, rows(content))


@pytest.mark.slow
@pytest.mark.parametrize("count", [100, 1500])
def test_elements_that_overlap_are_not_multiplied(count: int, tmp_path: Path) -> None:
    """Each value is nearly the whole page: together they are many times the file."""
    size = 65536 - 16
    leaf = struct.pack("<QHHI", 4, 2, count, 15)
    keys = b"".join(b"%04d" % number for number in range(count))
    for number in range(count):
        place = 16 * (count - number) + 4 * number
        leaf += struct.pack("<IIII", 0, place, 4, size - 16 * count - 4 * number - 4)
    leaf = (leaf + keys).ljust(65536, b"v")
    content = small(bytes(4096), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), leaf, freelist=NO_FREELIST)
    status, report, _ = recovered(content, tmp_path)
    assert status == 2
    assert (tmp_path / "out.db").stat().st_size < 3 * len(content)
    assert 4 in [each["page"] for each in report["lost"]]
    assert json.loads(run("doctor", "--json", tmp_path / "bad.db")[1])["ok"] is False


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("buckets", [False, True])
@pytest.mark.parametrize(("levels", "fan"), [(40, 90), (100, 2)])
def test_pages_that_are_shared_many_times(buckets: bool, levels: int, fan: int, tmp_path: Path) -> None:
    """Each level leads to the next one ``fan`` times: there are more ways than anybody can follow."""
    if buckets:
        pages = [
            page(3 + level, 2, [(b"k%04d" % number, pgid(4 + level) + pgid(0), b"\1") for number in range(fan)])
            for level in range(levels)
        ]  # fmt: skip
    else:
        pages = [page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])]
        pages += [
            page(4 + level, 1, [(b"k%04d" % number, pgid(5 + level)) for number in range(fan)])
            for level in range(levels)
        ]  # fmt: skip
    pages.append(page(3 + len(pages), 2, FIVE))
    status, report, found = recovered(small(bytes(4096), *pages, freelist=NO_FREELIST), tmp_path)
    assert status == 2
    assert found is not None
    assert sum(len(row) == 3 for row in found) <= 2 * len(FIVE)
    assert all(each["page"] is not None for each in report["lost"] if each["bucket"])
    assert any(each["page"] is not None for each in report["lost"])
    (record,) = run_json("doctor", tmp_path / "bad.db")[1]
    assert "multiple-references" in [finding["kind"] for finding in record["findings"]]
