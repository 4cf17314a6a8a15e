"""``grep``: nothing is missed, in what is there and in what is left of what was deleted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import boltcli
from tests.cli.test_streams import on_a_terminal
from tests.schema import run_json
from tests.support import DATABASES, error_line, fixture, freelist, meta, page, pgid, run, small

DOCUMENT = fixture("document")
BINARY = b"\0\x01secret \xff\xfe"


Row = tuple[tuple[bytes, ...], bytes, str, bytes]


def everything(bucket: boltcli.Bucket, path: tuple[bytes, ...] = ()) -> list[Row]:
    """Bucket, key, part and content of all that there is: the reference, read one by one."""
    found: list[Row] = []
    for key in bucket:
        value = bucket[key]
        if isinstance(value, bytes):
            found += [(path, key, "key", key), (path, key, "value", value)]
        else:
            found += [((*path, key), b"", "bucket", key), *everything(value, (*path, key))]
    return found


def raw(record: dict[str, Any], field: str) -> bytes:
    text: str = record.get(field, "")
    return text.encode() if text else bytes.fromhex(record.get(f"{field}_hex", ""))


def found_in(record: dict[str, Any]) -> tuple[tuple[bytes, ...], bytes, str]:
    path = [name.encode() for name in record.get("bucket", ())] or map(bytes.fromhex, record.get("bucket_hex", ()))
    return tuple(path), raw(record, "key"), record["part"]


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("pattern", ["e", "^.a", "[0-9]{3}$", r"\x00\x00", "K", "nothing like it"])
def test_as_a_plain_search(path: Path, pattern: str) -> None:
    with boltcli.open(path) as db:
        expected = []
        for names, key, part, content in everything(db):
            match = re.search(pattern.encode(), content, re.DOTALL)
            if match:
                expected.append((names, key, part, match.start(), match.group()))
    status, _, _ = run("grep", pattern, path)
    assert status == (0 if expected else 1)
    out = run("grep", "--json", pattern, path)[1].splitlines()
    records = [json.loads(line) for line in out]
    assert [(*found_in(each), each["offset"], raw(each, "match")) for each in records] == expected
    run_json("grep", pattern, path)  # as the schema says


def test_narrower_searches() -> None:
    everywhere = run("grep", "e-9a", DOCUMENT)[1].splitlines()
    keys, values = (run("grep", option, "e-9a", DOCUMENT)[1].splitlines() for option in ("--keys", "--values"))
    assert sorted(keys + values) == sorted(everywhere)
    assert all(b": value: " in line for line in values)
    assert not any(b": value: " in line for line in keys)
    inside = run("grep", "--bucket", "execution", "e-9a", DOCUMENT)[1].splitlines()
    assert inside == [line for line in everywhere if line.startswith(b"execution ")]
    assert run("grep", "E-9A", DOCUMENT)[0] == 1
    assert run("grep", "-i", "E-9A", DOCUMENT)[1].splitlines() == everywhere
    assert run("grep", "--hex", b"e-9a".hex(), DOCUMENT)[1].splitlines() == everywhere
    assert run("grep", "-F", "e.9a", DOCUMENT)[0] == 1
    assert run("grep", "e.9a", DOCUMENT)[0] == 0


def test_files_and_counts() -> None:
    other = fixture("values")
    lines = run("grep", "e-9a", DOCUMENT)[1].splitlines()
    assert run("grep", "-c", "e-9a", DOCUMENT) == (0, b"%d\n" % len(lines), b"")
    assert run("grep", "-c", "e-9a", DOCUMENT, other)[1] == f"{DOCUMENT}: {len(lines)}\n{other}: 0\n".encode()
    assert run("grep", "-l", "e-9a", other, DOCUMENT) == (0, f"{DOCUMENT}\n".encode(), b"")
    assert run("grep", "-l", "nothing", other, DOCUMENT) == (1, b"", b"")
    assert run("grep", "e-9a", DOCUMENT, other)[1].splitlines() == [f"{DOCUMENT}: ".encode() + line for line in lines]
    assert run_json("grep", "-c", "e-9a", DOCUMENT, other)[1] == [
        {"path": str(DOCUMENT), "hits": len(lines)}, {"path": str(other), "hits": 0},
    ]  # fmt: skip
    assert run_json("grep", "-l", "e-9a", DOCUMENT, other)[1] == [{"path": str(DOCUMENT)}]


def test_trouble() -> None:
    assert run("grep", "x", "missing.db")[0] == 2
    status, out, err = run("grep", "e-9a", "missing.db", DOCUMENT)
    assert status == 2
    assert out
    assert err == b'Error: source database file "missing.db" doesn\'t exist\n'
    status, records, _ = run_json("grep", "e-9a", "missing.db", DOCUMENT)
    assert (status, records[0]["error"]["kind"]) == (2, "not-found")
    for argv, words in (
        (["(", DOCUMENT], b"PATTERN (: "), (["", DOCUMENT], b"PATTERN is empty"),
        (["--hex", "0", DOCUMENT], b"--hex: '0' is not"),
        (["--keys", "--values", "x", DOCUMENT], b"--keys searches only"), (["x"], b"requires at least 2 arg(s)"),
        (["--bucket", "nosuch", "x", DOCUMENT], b"bucket not found"),
    ):  # fmt: skip
        status, out, err = run("grep", *argv)
        assert (status, out) == (2, b"")
        assert error_line(err).startswith(words)


def test_values_that_are_binary() -> None:
    """They are found, and shown on one line of text."""
    for path, names in ((fixture("binary-keys"), True), (fixture("integers"), True)):
        with boltcli.open(path) as db:
            rows = [row for row in everything(db) if row[2] == "key" and not row[3].isascii()]
        for _, key, _, _ in rows[:20]:
            status, out, _ = run("grep", "--hex", key.hex(), path)
            assert status == 0
            assert out.endswith(b"\n")
            assert b"hex:" + key.hex().encode() in out or not names
            assert all(line.decode().isprintable() for line in out.splitlines())


def deleted_store(folder: Path) -> Path:
    """A secret in each place that no transaction reaches, and once where one does."""
    secret = [(b"gone", BINARY), (b"older", b"x" + BINARY)]
    leaf = bytearray(page(4, 2, [(b"kept", b"<" + BINARY + b">"), (b"other", b"v")]))
    leaf[3000 : 3000 + len(BINARY)] = BINARY  # the unused end of a page in use
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    free = page(5, 2, secret)
    large = page(6, 2, [(b"large", bytes(5000) + BINARY)], overflow=1)
    lost = page(8, 2, [(b"lost", BINARY)])
    tail = page(9, 2, [(b"tail", BINARY)])
    path = folder / "deleted.db"
    metas = meta(0, hwm=9) + meta(1, hwm=9)
    path.write_bytes(metas + freelist(2, [5, 6, 7]) + root + bytes(leaf) + free + large + lost + tail)
    return path


@pytest.mark.parametrize("long", [False, True])
def test_ids_of_the_freelist_are_not_deleted(long: bool, tmp_path: Path) -> None:
    path = tmp_path / "db"
    root = page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")])
    ids = bytearray(freelist(2, [6, 5], long=long))
    leaf = page(4, 2, [(b"kept", b"v")])

    def hits() -> list[Any]:
        path.write_bytes(small(bytes(ids), root, leaf, bytes(4096), bytes(4096)))
        return [each["page"] for each in run_json("grep", "--deleted", "--hex", pgid(5).hex(), path)[1]]

    assert hits() == []
    end = 16 + 8 * (2 + long)
    ids[end : end + 8] = pgid(5)
    assert hits() == [2]


def test_what_was_deleted(tmp_path: Path) -> None:
    path = deleted_store(tmp_path)
    content = path.read_bytes()
    assert len(run("grep", "--hex", BINARY.hex(), path)[1].splitlines()) == 1
    _, records, _ = run_json("grep", "--deleted", "--hex", BINARY.hex(), path)
    places = [(each.get("place"), each.get("page"), raw(each, "key"), each["part"]) for each in records]
    assert places == [
        (None, None, b"kept", "value"),
        ("unused end of page", 4, b"", "bytes"),
        ("free page", 5, b"gone", "value"),
        ("free page", 5, b"older", "value"),
        ("free page", 7, b"large", "value"),
        ("lost page", 8, b"lost", "value"),
        ("after the last page", 9, b"tail", "value"),
    ]
    assert len(records) == content.count(BINARY)
    assert records[4]["offset"] == 5000
    lines = run("grep", "--deleted", "--hex", BINARY.hex(), path)[1].decode().splitlines()
    assert lines[1] == r"deleted, unused end of page 4: bytes: ..." + r"\x00" * 48 + r"\x00\x01secret \xff\xfe" + (
        r"\x00" * 48 + "..."
    )
    assert lines[2] == r"deleted, free page 5: gone: value: \x00\x01secret \xff\xfe"
    assert run("grep", "--deleted", "--keys", "-F", "secret", path)[1].count(b"\n") == 1  # of the slack: not known what


@pytest.mark.parametrize("name", ["after-deletes", "all-deleted", "many-free", "document"])
def test_every_occurrence_in_the_file_is_told(name: str) -> None:
    """The file as mere bytes is the reference: what is in it is found, here or there."""
    path = fixture(name)
    content = path.read_bytes()
    words = sorted(set(re.findall(rb"key-[0-9]{3}|e-[0-9a-f]{8}-[0-9a-f]{4}", content)))[::7]
    assert words
    for word in words:
        out = run("grep", "--json", "--deleted", "-F", word.decode(), path)[1]
        records = [json.loads(line) for line in out.splitlines()]
        assert records, word
        live = [each for each in records if "deleted" not in each]
        assert bool(live) == (run("grep", "-F", word.decode(), path)[0] == 0)


def test_after_damage_the_rest_is_searched(tmp_path: Path) -> None:
    branch = page(4, 1, [(b"a", pgid(5)), (b"g", pgid(6)), (b"m", pgid(7))])
    leaves = page(5, 2, [(b"a", b"find me 1")]), page(9, 2, [(b"g", b"find me 2")]), page(7, 2, [(b"m", b"find me 3")])
    root = page(
        3,
        2,
        [(b"b", pgid(4) + pgid(0), b"\1"), (b"c", bytes(16) + page(0, 2, [(b"k", b"find me 4")], page_size=0), b"\1")],
    )
    path = tmp_path / "damaged.db"
    path.write_bytes(small(freelist(2), root, branch, *leaves))
    status, out, err = run("grep", "find me", path)
    assert status == 2
    assert re.findall(rb"find me (\d)", out) == [b"1", b"4", b"3", b"2"]
    assert b"deleted, damaged page 6: " in out
    assert err.startswith(b"warning: page 6 at offset 24576: the page identifies itself as page 9")
    assert err.endswith(b"the rest is searched\n")


def test_on_a_terminal_the_hit_is_in_colour() -> None:
    shown = on_a_terminal(["grep", "e-9a9", str(DOCUMENT)])
    assert b"\x1b[1;31me-9a9\x1b[0m" in shown
    assert b"\x1b" not in on_a_terminal(["grep", "e-9a9", str(DOCUMENT)], NO_COLOR="1")
