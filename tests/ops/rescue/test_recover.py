"""recover: sound files come out as they are, damaged ones with what they still hold."""

from __future__ import annotations

import fcntl
import json
import random
from pathlib import Path

import pytest

from tests.rescue_score.damage import KINDS
from tests.rescue_score.score import Score, recovered, score
from tests.rescue_score.truth import read
from tests.schema import run_json
from tests.support import DATABASES, ROOT, error_line, fixture, freelist, meta, page, pgid, run, small

SHARED = ROOT.parent / "shared" / "data"
SOUND = [
    *DATABASES,
    *sorted((ROOT / "fixtures" / "lived").glob("*.db")),
    *(path for folder in ("stores", "wild", "bacalhau") for path in sorted((SHARED / folder).glob("*.db"))),
]
FAULTS = sorted((SHARED / "faults").glob("*.db"))
STORES = (
    "after-deletes", "bacalhau-compute-1.5", "bucket-and-key-mix", "depth-4", "integers", "nested-8", "no-freelist",
)  # fmt: skip


Places = dict[tuple[tuple[bytes, ...], bytes], bytes]


def content(data: bytes) -> tuple[Places, dict[tuple[bytes, ...], int]]:
    """The pairs of a sound file, and the buckets with their sequences."""
    truth = read(data)
    return {place: entry[0] for place, entry in truth.pairs.items()}, truth.buckets


@pytest.mark.slow
@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_a_sound_file_recovers_to_exactly_itself(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    status, out, err = run("recover", path, "-o", tmp_path / "out.db", "--no-sync", "--json")
    assert (status, err) == (0, b"")
    report = json.loads(out)
    assert report["lost"] == []
    assert report["lost_and_found"] == {"pairs": 0, "pages": 0}
    after = (tmp_path / "out.db").read_bytes()
    assert path.read_bytes() == before
    if len(before) % 4096 and "snapshot" not in path.name and path.name != "auger.db":
        before = before.ljust(-(-len(before) // 65536) * 65536, b"\0")
    assert content(after) == content(before)
    assert read(after).sequence == read(before).sequence
    assert report["pairs"] == len(content(before)[0])
    assert report["buckets"] == len(content(before)[1])
    assert run("check", "--deep", tmp_path / "out.db")[:2] == (0, b"OK\n")


@pytest.mark.slow
@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_faults_are_answered(path: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.db"
    status, _, err = run("recover", path, "-o", result, "--no-sync")
    assert (status == 1) == (not result.exists()) == bool(err)
    if status != 1:
        assert run("check", result)[:2] == (0, b"OK\n")


def _score(kind: str, names: tuple[str, ...], seeds: int) -> Score:
    total = Score()
    for name in names:
        sound = fixture(name).read_bytes()
        truth = read(sound)
        for seed in range(seeds):
            damaged = bytearray(sound)
            KINDS[kind](damaged, truth, random.Random(f"{name}.db {kind} {seed}"))
            total += score(truth, sound, bytes(damaged), recovered(bytes(damaged)))
    return total


# Of the wanted pairs: least share found, least share in their bucket, greatest share in a wrong one, per thousand.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "found", "placed", "wrong"),
    [
        ("metas gone", 999, 999, 1),
        ("branches zeroed", 999, 200, 20),
        ("root+freelist+one meta noise", 990, 850, 10),
        ("a tenth of pages zeroed", 999, 900, 10),
        ("64 KiB noise", 995, 850, 80),
        ("bit flips", 999, 990, 10),
        ("metas gone, pages zeroed", 995, 900, 20),
        ("cut file", 995, 400, 20),
        ("one page: zeroed", 999, 980, 5),
        ("one page: noise", 999, 970, 10),
        ("one page: copied over", 999, 980, 10),
        ("one page: id", 999, 999, 1),
        ("one page: type", 999, 980, 5),
        ("one page: count", 999, 980, 5),
        ("one page: overflow", 999, 999, 1),
        ("one page: element field", 999, 950, 5),
        ("one page: bit of the table", 999, 980, 5),
    ],
)
def test_shares(kind: str, found: int, placed: int, wrong: int) -> None:
    one = _score(kind, STORES, 2)
    assert 1000 * one.found >= found * one.wanted, one
    assert 1000 * one.placed >= placed * one.wanted, one
    assert 1000 * one.wrong <= wrong * one.wanted, one


def test_of_two_versions_the_newer_one_stays(tmp_path: Path) -> None:
    """Where a leaf page is lost, an orphan and an older tree have one key in common, and one each for itself."""
    new, old = b"new", b"old"
    pages = [
        page(3, 2, [(b"b", pgid(4) + pgid(7), b"\1")]),  # the newest root, and the older one on page 8
        page(4, 1, [(b"a", pgid(5)), (b"m", pgid(6))]),
        page(5, 2, [(b"a", new), (b"b", new)]),
        bytes(4096),
        page(7, 2, [(b"m", new), (b"o", new)]),
        page(8, 2, [(b"b", pgid(9) + pgid(6), b"\1")]),
        page(9, 2, [(b"m", old), (b"n", old)]),
    ]
    fields = {"freelist": (1 << 64) - 1, "hwm": 10}
    path = tmp_path / "damaged.db"
    path.write_bytes(
        meta(0, root=3, txid=8, **fields) + meta(1, root=8, txid=7, **fields) + bytes(4096) + b"".join(pages)
    )  # fmt: skip
    status, (report,), _ = run_json("recover", path, "-o", tmp_path / "out.db")
    assert (status, report["duplicates"]) == (2, 1)
    pairs, buckets = content((tmp_path / "out.db").read_bytes())
    assert pairs == {((b"b",), key): new for key in (b"a", b"b", b"m", b"o")} | {((b"b",), b"n"): old}
    assert buckets == {(b"b",): 7}


def test_json_tells_the_losses(tmp_path: Path) -> None:
    sound = fixture("integers").read_bytes()
    truth = read(sound)
    leaf = (
        next(first for (path, _), (_, first, _) in truth.pairs.items() if path == (b"u64",))
        if any(path == (b"u64",) for path, _ in truth.pairs)
        else min(page for page in truth.live if page not in truth.branches and page != truth.root)
    )
    damaged = bytearray(sound)
    damaged[leaf * 4096 : (leaf + 1) * 4096] = bytes(4096)
    (tmp_path / "bad.db").write_bytes(damaged)
    status, (report,), _ = run_json("recover", tmp_path / "bad.db", "-o", tmp_path / "out.db")
    assert status == 2
    (loss,) = report["lost"]
    assert loss["page"] == leaf
    assert "zeros" in loss["reason"]
    gone = {key for (_, key), (_, first, _) in truth.pairs.items() if first == leaf}
    lost_from = bytes.fromhex(loss["from_hex"]) if "from_hex" in loss else (loss["from"] or "").encode()
    lost_to = bytes.fromhex(loss["to_hex"]) if "to_hex" in loss else loss["to"] and loss["to"].encode()
    assert gone
    assert all(lost_from <= key and (lost_to is None or key < lost_to) for key in gone)
    assert report["pairs"] == len(truth.pairs) - len(gone)


def test_only_a_bucket(tmp_path: Path) -> None:
    path = fixture("document")
    assert run("recover", path, "-o", tmp_path / "a.db", "--bucket", "execution-index")[0] == 0
    whole, _ = content(path.read_bytes())
    part, _ = content((tmp_path / "a.db").read_bytes())
    assert part == {place: value for place, value in whole.items() if place[0][:1] == (b"execution-index",)}
    assert part
    status, _, err = run("recover", path, "-o", tmp_path / "b.db", "--bucket", "none")
    assert status == 1
    assert error_line(err) == b"bucket not found"
    assert not (tmp_path / "b.db").exists()


def test_lost_and_found_has_another_name_or_none(tmp_path: Path) -> None:
    # All but the leaf pages without buckets is gone, so no name is left.
    sound = fixture("bacalhau-compute-1.4").read_bytes()
    damaged = bytearray(sound)
    truth = read(sound)
    keep = {first for (path, _), (_, first, _) in truth.pairs.items() if path == (b"execution",)}
    for number in range(len(sound) // 4096):
        if number not in keep:
            damaged[number * 4096 : (number + 1) * 4096] = bytes(4096)
    bad = tmp_path / "bad.db"
    bad.write_bytes(damaged)
    status, (report,), _ = run_json("recover", bad, "-o", tmp_path / "a.db", "--lost-and-found", "found")
    assert status == 2
    assert report["lost_and_found"]["pairs"] > 0
    pairs, _ = content((tmp_path / "a.db").read_bytes())
    assert sum(path[0] == b"found" for path, _ in pairs) == report["lost_and_found"]["pairs"]
    assert run("recover", bad, "-o", tmp_path / "b.db", "--no-lost-and-found")[0] == 1
    assert not (tmp_path / "b.db").exists()


def test_deleted_pairs_get_a_bucket_of_their_own(tmp_path: Path) -> None:
    path = fixture("many-free")
    assert run("recover", path, "-o", tmp_path / "a.db", "--deleted")[0] == 0
    truth = read(path.read_bytes())
    pairs, _ = content((tmp_path / "a.db").read_bytes())
    old = {(key, value) for (where, key), value in pairs.items() if where[0] == b"deleted"}
    assert truth.stale
    assert truth.stale <= old
    assert {place: entry[0] for place, entry in truth.pairs.items()}.items() <= pairs.items()


def test_a_file_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    path.write_bytes(fixture("integers").read_bytes())
    with path.open("rb+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        status, _, err = run("recover", path, "-o", tmp_path / "a.db", "--timeout", "50ms")
        assert status == 1
        assert err.startswith(b"Error: ")
        assert not (tmp_path / "a.db").exists()
        assert run("recover", path, "-o", tmp_path / "a.db", "--lock", "none")[0] == 0


def test_the_result_does_not_take_the_place_of_anything(tmp_path: Path) -> None:
    path = fixture("integers")
    (tmp_path / "there").write_bytes(b"x")
    assert run("recover", path, "-o", tmp_path / "there")[0] == 1
    assert (tmp_path / "there").read_bytes() == b"x"
    assert run("recover", path, "-o", path, "--force")[0] == 1
    assert run("recover", tmp_path / "there", "-o", tmp_path / "new")[0] == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 8192, 12000])
@pytest.mark.parametrize("kind", ["zeros", "noise"])
def test_what_is_no_database_is_refused(size: int, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(size) if kind == "zeros" else random.Random(size).randbytes(size))
    status, _, err = run("recover", path, "-o", tmp_path / "out.db")
    assert status == 1
    assert error_line(err)
    assert not (tmp_path / "out.db").exists()


@pytest.mark.parametrize(
    ("first", "second"), [("integers", "page-1024"), ("page-16384", "document"), ("page-1024", "page-4096")]
)
@pytest.mark.parametrize("cut", [0, 3000, 20000])
def test_files_that_were_joined(first: str, second: str, cut: int, tmp_path: Path) -> None:
    """Only the first one is recovered, all that it holds, and nothing of the second one; that is said everywhere."""
    one, two = fixture(first).read_bytes(), fixture(second).read_bytes()
    (tmp_path / "bad.db").write_bytes(one[: len(one) - cut] + two)
    status, (report,), (warning,) = run_json("recover", tmp_path / "bad.db", "-o", tmp_path / "out.db")
    assert status == 2
    offset = len(one) - cut
    said = f"another database begins at byte {offset}; open it with --offset {offset}"
    assert [loss["reason"] for loss in report["lost"]].count(said) == 1
    assert not report["exact"] or cut == 0
    assert warning["message"] == said
    pairs, _ = content((tmp_path / "out.db").read_bytes())
    whole = content(one)[0]
    assert {place: value for place, value in pairs.items() if place[0][:1] != (b"lost+found",)}.items() <= whole.items()
    assert cut or pairs == whole
    assert run("check", tmp_path / "out.db")[:2] == (0, b"OK\n")


def test_pairs_of_inline_buckets_count_to_lost_and_found(tmp_path: Path) -> None:
    inside = page(0, 2, [(b"k%d" % number, b"value %d" % number) for number in range(3)]).rstrip(b"\0")
    orphan = page(5, 2, [(b"in", bytes(16) + inside, b"\1"), (b"pair", b"1")])
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    (tmp_path / "bad.db").write_bytes(small(freelist(2), root, page(4, 2, [(b"a", b"1")]), orphan))
    _, out, _ = run("recover", tmp_path / "bad.db", "-o", tmp_path / "out.db")
    assert b"5 pairs in 4 buckets recovered" in out
    assert b"4 pairs in bucket lost+found" in out


def test_a_database_after_something_else(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + fixture("integers").read_bytes())
    status, _, err = run("recover", tmp_path / "bad.db", "-o", tmp_path / "out.db")
    assert status == 1
    assert b"another database begins at byte 19; open it with --offset 19" in err
    assert not (tmp_path / "out.db").exists()


def test_a_value_that_holds_a_database_is_a_value(tmp_path: Path) -> None:
    row = {"bucket": ["files"], "key": "inner.db", "value_hex": fixture("page-1024").read_bytes().hex()}
    (tmp_path / "rows").write_text(json.dumps(row))
    assert run("import", "--partial", "-o", tmp_path / "outer.db", tmp_path / "rows")[0] == 0
    outer = bytearray((tmp_path / "outer.db").read_bytes())
    status, (report,), _ = run_json("recover", tmp_path / "outer.db", "-o", tmp_path / "1.db")
    assert (status, report["lost"]) == (0, [])
    outer[:8192] = bytes(8192)
    (tmp_path / "outer.db").write_bytes(outer)
    assert run("recover", tmp_path / "outer.db", "-o", tmp_path / "2.db")[0] == 0
    assert content((tmp_path / "2.db").read_bytes()) == content((tmp_path / "1.db").read_bytes())


def test_a_walk_ends_at_a_number_of_buckets_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boltcli.ops.rescue.tree._MOST_BUCKETS", 100)
    status, [report], _ = run_json("recover", fixture("bacalhau-requester-1.4"), "-o", tmp_path / "out.db", "--no-sync")
    assert status == 2
    assert [loss["reason"] for loss in report["lost"]] == ["there are too many buckets"] * 22
