"""Surgery looks at its result, and doesn't make a meta page valid that leads nowhere."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.live import held
from tests.schema import run_json
from tests.support import error_line, fixture, freelist, meta, page, run

FREE, ROOT = freelist(2), page(3, 2)


def store(folder: Path, *metas: bytes) -> Path:
    path = folder / "store.db"
    path.write_bytes(b"".join(metas) + FREE + ROOT)
    return path


def test_the_copy_is_checked(tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    assert run("surgery", "revert-meta-page", fixture("document"), "-o", new) == (
        0, b"The meta page is reverted.\n", f"boltcli: check of {shlex.quote(str(new))}: OK\n".encode(),
    )  # fmt: skip
    other, third = tmp_path / "other.db", tmp_path / "third.db"
    status, out, err = run(
        "surgery", "copy-page", "--from-page", "4", "--to-page", "6", fixture("document"), "-o", other
    )
    assert status == 0
    assert b"`./bbolt surgery freelist abandon ...`" in out  # bbolt's stdout stays
    findings = run("check", other)[1].splitlines()
    name = shlex.quote(str(other))
    assert err.splitlines() == [
        f"boltcli: check of {name}: {len(findings) - 1} errors found, the first: ".encode() + findings[0],
        f"hint: boltcli surgery freelist abandon {name} --output DEST".encode(),
    ]
    _, (record,), _ = run_json(
        "surgery", "clear-page", "--pageId", "4", fixture("document"), "-o", tmp_path / "third.db"
    )
    assert record["ok"] == (run("check", third)[0] == 0)
    assert record["errors"] == run("check", third)[1].count(b"\n") - 1
    assert run("surgery", "revert-meta-page", "-q", fixture("document"), "-o", tmp_path / "quiet.db")[2] == b""


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("pageSize:0", "a page size of 0"), ("pageSize:1000", "a page size of 1000"), ("root:1", "a root page 1"),
        ("root:2", "a root page 2, which is not such a page"),
        ("freelist:3", "a freelist page 3, which is not such a page"),
    ],
)  # fmt: skip
def test_a_meta_page_that_leads_nowhere(fields: str, why: str, tmp_path: Path) -> None:
    path, new = store(tmp_path, meta(0), meta(1)), tmp_path / "new.db"
    words = ["surgery", "meta", "update", str(path), "-o", str(new), "--fields", fields]
    status, out, err = run(*words)
    assert (status, out, new.exists()) == (1, b"", False)
    assert error_line(err).startswith(b"meta page 0 would refer to " + why.encode())
    assert error_line(err).endswith(b"; --force writes it anyway")
    status, out, _ = run(*words, "--force")
    assert (status, out) == (0, b"The meta page 0 has been updated!\n")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("root:99", "a root page 99, with a high-water mark of 4"),
        ("freelist:4", "a freelist page 4, with a high-water mark of 4"),
        ("root:900,pgid:1000", "a root page 900, which is beyond the end of the file"),
        ("freelist:40,pgid:600", "a freelist page 40, which is beyond the end of the file"),
    ],
)
@pytest.mark.parametrize("slot", [0, 1])
def test_a_meta_page_that_leads_beyond_the_file_is_written(fields: str, why: str, slot: int, tmp_path: Path) -> None:
    """As bbolt does, whose own tests do so; the warning is on stderr."""
    path, new, forced = store(tmp_path, meta(0), meta(1)), tmp_path / "new.db", tmp_path / "forced.db"
    words = ["surgery", "meta", "update", str(path), "--fields", fields, "--meta-page", str(slot), "-o"]
    status, out, err = run(*words, new)
    assert (status, out) == (0, f"The meta page {slot} has been updated!\n".encode())
    assert f"warning: meta page {slot} refers to {why}; ".encode() in err
    status, out, err = run(*words, forced, "--force")
    assert (status, b"warning: " in err) == (0, False)
    assert new.read_bytes() == forced.read_bytes()


def test_an_overwritten_meta_page(tmp_path: Path) -> None:
    noise = b"not a meta page at all, but text. " * 200
    path, new = store(tmp_path, noise[:4096], meta(1)), tmp_path / "new.db"
    status, _, err = run("surgery", "meta", "update", path, "-o", new)
    assert status == 1
    assert b"without --fields it would become valid with impossible values" in error_line(err)
    assert not new.exists()
    assert run("surgery", "meta", "update", path, "-o", new, "--force")[0] == 0


def test_a_revert_to_what_is_not_there(tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    words = ["surgery", "revert-meta-page", "-o", str(new)]
    status, _, err = run(*words, store(tmp_path, meta(0, root=90), meta(1)))
    assert (status, new.exists()) == (1, False)
    assert b"meta page 1 would refer to a root page 90" in error_line(err)
    path = store(tmp_path, meta(0), meta(1, version=3, txid=0))
    status, _, err = run(*words, path)
    assert status == 1
    assert b"it would not be valid" in error_line(err)
    assert run(*words, path, "--force")[0] == 0


def test_neither_meta_page_is_valid(tmp_path: Path) -> None:
    sound = store(tmp_path, meta(0), meta(1, version=3))
    assert run("surgery", "meta", "validate", sound)[0] == 0
    broken = store(tmp_path, meta(0, version=3), meta(1, version=3))
    status, out, err = run("surgery", "meta", "validate", broken)
    assert (status, out.count(b"WARNING: The meta page ")) == (1, 2)
    assert error_line(err) == b"neither meta page is valid"


def test_a_server_that_has_the_file_open(tmp_path: Path) -> None:
    path = store(tmp_path, meta(0), meta(1))
    with held(path) as holder:
        _, _, err = run("surgery", "revert-meta-page", path, "-o", tmp_path / "new.db")
    assert err.startswith(f"warning: process {holder} (python".encode())
    assert b"has the file open for writing, so the copy may mix several states" in err


def test_a_valid_meta_page_is_updated_without_fields(tmp_path: Path) -> None:
    """As by bbolt: the checksum is written again, and the flags of the meta."""
    for slot in ("0", "1"):
        copy = tmp_path / f"{slot}.db"
        status, out, err = run("surgery", "meta", "update", fixture("document"), "--output", copy, "--meta-page", slot)
        assert (status, out) == (0, f"The meta page {slot} has been updated!\n".encode()), err
        assert run("check", copy)[:2] == (0, b"OK\n")
