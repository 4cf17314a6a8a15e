"""Copies in text mode: undone, and proved where a snapshot's SHA-256 says so."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from boltcli.ops.rescue import text_mode
from boltcli.ops.rescue.text_mode import undone
from tests.apps.support import STORES, Tree, make
from tests.apps.test_etcd import record, revision, store
from tests.schema import run_json
from tests.support import fixture, run

FAULT = STORES.parent / "faults" / "etcd-snapshot-lf-to-crlf.db.gz"


def tree(lines: bytes, also: bytes = b"", count: int = 400) -> Tree:
    """Values with ``lines`` in each, in one of them also ``also``; no LF is elsewhere but where numbers have one."""
    return store(
        key={
            revision(1000 + n): record(b"key/%d" % n, 1000, 1000 + n, 1, lines + also * (n == 200) + b"v" * 40)
            for n in range(count)
        }
    )


def snapshot(path: Path, lines: bytes = b"a\nb\n", also: bytes = b"", count: int = 400) -> bytes:
    content = make(path, tree(lines, also, count)).read_bytes()
    return content + sha256(content).digest()


def to_crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def naked_to_crlf(data: bytes) -> bytes:
    """As tools do that leave CR LF as it is."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", data)


def test_lf_to_crlf_of_a_snapshot(tmp_path: Path) -> None:
    sound = snapshot(tmp_path / "made.db", also=b"x\r\ny\r\r\n")  # LF with CR before it are undone, too
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(to_crlf(sound))
    found = undone(damaged.read_bytes())
    assert found is not None
    assert (found.content == sound, found.certainty, found.added) == (True, "proved", sound.count(b"\n"))

    status, (report,), _ = run_json("recover", "-o", tmp_path / "new.db", damaged)
    assert (status, report["text_mode"], report["lost"], report["exact"]) == (0, "proved", [], True)
    assert (tmp_path / "new.db").read_bytes() == sound
    _, out, _ = run("recover", "-o", tmp_path / "text.db", damaged)
    assert b"copied in text mode" in out
    assert b"proves" in out

    status, (diagnosis,), _ = run_json("doctor", damaged)
    assert status == 1
    assert diagnosis["findings"][0]["kind"] == "text-mode"
    assert diagnosis["remedies"][0]["sound"]
    assert run("doctor", "--fix", "-o", tmp_path / "fixed.db", damaged)[0] == 0
    assert (tmp_path / "fixed.db").read_bytes() == sound
    _, (verified,), _ = run_json("verify", tmp_path / "fixed.db")
    assert (verified["ok"], verified["sha256"]) == (True, "ok")


def test_one_bucket_of_it(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(to_crlf(snapshot(tmp_path / "made.db")))
    status, (report,), _ = run_json("recover", "--bucket", "key", "-o", tmp_path / "new.db", damaged)
    assert (status, report["text_mode"], report["buckets"], report["pairs"]) == (0, "proved", 1, 407)


def test_line_ends_in_the_sum_itself(tmp_path: Path) -> None:
    for number in range(1, 60):
        sound = snapshot(tmp_path / f"{number}.db", lines=b"\n%d" % number, count=8)
        if b"\n" in sound[-32:]:
            break
    found = undone(to_crlf(sound))
    assert found is not None
    assert (found.content == sound, found.certainty) == (True, "proved")


@pytest.mark.parametrize("also", [b"x\r\ny", b""])
def test_crlf_that_was_left_as_it_was(also: bytes, tmp_path: Path) -> None:
    sound = snapshot(tmp_path / "made.db", also=also)
    found = undone(naked_to_crlf(sound))
    assert found is not None
    assert (found.content == sound, found.certainty) == (True, "proved")
    assert found.added == sound.count(b"\n") - sound.count(b"\r\n")


@pytest.mark.parametrize("also", [b"x\r\ny", b"1\r\n2\r\n"])
def test_crlf_to_lf(also: bytes, tmp_path: Path) -> None:
    sound = snapshot(tmp_path / "made.db", lines=b"", also=also)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(sound.replace(b"\r\n", b"\n"))
    found = undone(damaged.read_bytes())
    assert found is not None
    assert (found.content == sound, found.certainty, found.added) == (True, "proved", -sound.count(b"\r\n"))
    assert run("recover", "-o", tmp_path / "new.db", damaged)[0] == 0
    assert (tmp_path / "new.db").read_bytes() == sound


def test_without_a_sum_it_is_likely(tmp_path: Path) -> None:
    path = make(tmp_path / "made.db", tree(b"a\nb\n"))
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(to_crlf(path.read_bytes()))
    status, (report,), _ = run_json("recover", "-o", tmp_path / "new.db", damaged)
    assert (status, report["text_mode"], report["exact"]) == (2, "likely", False)
    assert "likely" in report["lost"][0]["reason"]
    assert run("export", path)[1] == run("export", tmp_path / "new.db")[1]
    _, out, _ = run("doctor", damaged)
    assert b"this is likely" in out
    # A sum that isn't right any more proves nothing.
    content = path.read_bytes()
    damaged.write_bytes(to_crlf(content + bytes(32)))
    status, (report,), _ = run_json("recover", "--force", "-o", tmp_path / "new.db", damaged)
    assert (status, report["text_mode"]) == (2, "likely")


def test_files_that_are_no_copies_in_text_mode(tmp_path: Path) -> None:
    for lines in (b"", b"\n", b"\r\n", b"\r\n\n"):
        content = make(tmp_path / "made.db", tree(lines, count=60)).read_bytes()
        for data in (content, content + sha256(content).digest(), content[:-1], content[: len(content) // 2]):
            assert undone(data) is None, lines
        (tmp_path / "made.db").unlink()
    for size in range(30, 60):
        pairs = {b"k%d" % n: b"v" * size + b"\r\n" for n in range(9)}
        content = make(tmp_path / f"{size}.db", {b"b": pairs}).read_bytes()
        only = content + sha256(content).digest()
        if only.count(b"\r\n") == only.count(b"\n") == 9:
            break
    else:
        raise AssertionError("each has another line end, too")
    assert undone(only) is None
    for name in ("document", "etcd-3.6", "many-free", "page-65536"):
        assert undone(fixture(name).read_bytes()) is None
    assert undone(b"a\r\nb" * 500) is undone(b"") is None


def test_mixed_line_ends_are_seen() -> None:
    assert not text_mode._is_mixed(b"a\r\nb\r\n\r\n")
    assert not text_mode._is_mixed(b"\na\nb\n\n")
    assert text_mode._is_mixed(b"a\r\nb\n")
    assert text_mode._is_mixed(b"\n\r\n")


def test_a_search_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = snapshot(tmp_path / "made.db", also=b"x\r\n" * 3)
    damaged = naked_to_crlf(sound)[:-1] + b"?"
    assert undone(damaged) is None
    monkeypatch.setattr(text_mode, "_MOST_HASHED", 4096)
    assert undone(naked_to_crlf(sound)) is None


@pytest.mark.skipif(not FAULT.exists(), reason="the shared files are not here")
def test_the_shared_snapshot(tmp_path: Path) -> None:
    import gzip

    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(gzip.decompress(FAULT.read_bytes()))
    status, (report,), _ = run_json("recover", "-o", tmp_path / "new.db", damaged)
    assert (status, report["text_mode"], report["pairs"]) == (0, "proved", 847)


def test_a_file_of_more_pages_than_python_nests_calls() -> None:
    pages = [bytearray(number.to_bytes(8, "little") + b"\2\0" + bytes(1014)) for number in range(1200)]
    pages[100][300:302] = pages[900][200:202] = b"\r\n"
    sound = b"".join(pages)
    sound += sha256(sound).digest()
    found = undone(sound.replace(b"\r\n", b"\n"))
    assert found is not None
    assert (found.certainty, found.content == sound) == ("proved", True)
