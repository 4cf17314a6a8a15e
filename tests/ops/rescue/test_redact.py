"""redact: the copy looks the same to everything that looks at structure, and holds no value any more."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from boltcli.ops.rescue import redact
from tests.rescue_score.truth import read
from tests.schema import run_json
from tests.support import DATABASES, ROOT, fixture, freelist, page, pgid, run, small

FAULTS = sorted((ROOT.parent / "shared" / "data" / "faults").glob("*.db"))
STORES = sorted((ROOT.parent / "shared" / "data" / "stores").glob("*.db"))
# Where a page is reached in very many ways, or the file says that it has billions of pages.
LONG = ("bdag3x80", "dag3x100", "hwm2e31-1112", "hwm2e33")
EVERY = [
    pytest.param(path, marks=pytest.mark.slow) if path.stem in LONG else path for path in [*DATABASES, *FAULTS, *STORES]
]
LOOKS = ("check", "pages", "stats", "inspect", "info")
QUICK_LOOKS = ("pages", "info")


def looks(path: Path, commands: tuple[str, ...]) -> list[tuple[int, bytes, bytes]]:
    """What the commands print that look at structure."""
    found = []
    for command in commands:
        status, out, err = run(command, "--no-lock", path)
        err = err.replace(str(path).encode(), b"FILE")
        if (
            b"lies beyond the end of the file" in err
        ):  # a value that is taken for a page id: the redacted one is another
            err = re.sub(rb"\d+( \d+)*", b"N", err)
        # What a page says that was overwritten with something else may be a piece of a value.
        out, err = (re.sub(rb"(identifies itself as page) \d+", rb"\1 N", text) for text in (out, err))
        found.append((status, out, err))
    return found


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_it_looks_the_same(path: Path, tmp_path: Path) -> None:
    copy, commands = tmp_path / "copy.db", QUICK_LOOKS if path.stem in LONG else LOOKS
    status, _, err = run("redact", path, "-o", copy, "--no-sync")
    assert (status, err) == (0, b"")
    assert copy.stat().st_size == path.stat().st_size
    assert looks(copy, commands) == looks(path, commands)


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_it_looks_the_same_but_for_names(path: Path, tmp_path: Path) -> None:
    copy, commands = tmp_path / "copy.db", QUICK_LOOKS if path.stem in LONG else ("pages", "stats")
    assert run("redact", "--keys", path, "-o", copy, "--no-sync")[0] == 0
    assert [each[:2] for each in looks(copy, commands)] == [each[:2] for each in looks(path, commands)]
    if path.stem not in LONG:
        before, after = run("check", "--no-lock", path), run("check", "--no-lock", copy)
        assert before[0] == after[0]
        assert before[1].count(b"\n") == after[1].count(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_no_value_is_left(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    _, (record,), _ = run_json("redact", path, "-o", copy)
    truth, redacted = read(path.read_bytes()), read(copy.read_bytes())
    assert record["values"] == len(truth.pairs)
    assert record["value_bytes"] == sum(len(entry[0]) for entry in truth.pairs.values())
    assert {place: b"x" * len(entry[0]) for place, entry in truth.pairs.items()} == {
        place: entry[0] for place, entry in redacted.pairs.items()
    }
    assert redacted.buckets == truth.buckets
    assert redacted.stale <= {(b"", b"")}
    content = copy.read_bytes()
    names = {part for path, key in truth.pairs for part in (*path, key)}
    for value in {entry[0] for entry in truth.pairs.values()} | {value for _, value in truth.stale}:
        if len(value) >= 12 and len(set(value)) > 3 and not any(value in name for name in names):
            assert value not in content


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_keys_keep_length_and_order(path: Path, tmp_path: Path) -> None:
    first, again, other = tmp_path / "1.db", tmp_path / "2.db", tmp_path / "3.db"
    for copy, seed in ((first, "7"), (again, "7"), (other, "8")):
        assert run("redact", "--keys", "--seed", seed, path, "-o", copy, "--no-sync")[0] == 0
    assert first.read_bytes() == again.read_bytes()
    truth, redacted = read(path.read_bytes()), read(first.read_bytes())
    assert len(truth.pairs) == len(redacted.pairs)
    assert len(truth.buckets) == len(redacted.buckets)
    assert sorted(len(key) for _, key in truth.pairs) == sorted(len(key) for _, key in redacted.pairs)
    assert run("check", first)[:2] == run("check", path)[:2]
    content = first.read_bytes()
    for name in {part for where, key in truth.pairs for part in (*where, key)}:
        if len(name) >= 12 and len(set(name)) > 4:
            assert name not in content


def test_a_snapshot_keeps_a_right_hash(tmp_path: Path) -> None:
    content = fixture("document").read_bytes()
    path, copy = tmp_path / "snap.db", tmp_path / "copy.db"
    path.write_bytes(content + hashlib.sha256(content).digest())
    assert run("redact", path, "-o", copy)[0] == 0
    made = copy.read_bytes()
    assert made[-32:] == hashlib.sha256(made[:-32]).digest()


def _store(tmp_path: Path, *buckets: tuple[bytes, list[tuple[bytes, bytes]]]) -> Path:
    """A file with these buckets, each a branch page with two leaves."""
    pages, root = [], []
    for number, (name, pairs) in enumerate(buckets):
        first = 4 + 3 * number
        half = len(pairs) // 2
        parts = pairs[:half], pairs[half:]
        pages.append(page(first, 1, [(part[0][0], pgid(first + 1 + i)) for i, part in enumerate(parts)]))
        pages += [page(first + 1 + i, 2, part) for i, part in enumerate(parts)]
        root.append((name, pgid(first) + bytes(8), b"\1"))
    path = tmp_path / "store.db"
    path.write_bytes(small(freelist(2), page(3, 2, root), *pages))
    return path


TOKENS = [base64.urlsafe_b64encode(hashlib.sha512(bytes([i])).digest()) for i in range(20)]


def test_tokens_of_a_known_program_are_replaced(tmp_path: Path) -> None:
    tokens = sorted(TOKENS)
    path = _store(
        tmp_path,
        (b"authorizationindexv1", [(token, b"%016x" % i) for i, token in enumerate(tokens)]),
        (b"authorizationsv1", [(b"%016x" % i, b'{"token":"%s"}' % token) for i, token in enumerate(tokens)]),
    )
    copy = tmp_path / "copy.db"
    _, (record,), _ = run_json("redact", path, "-o", copy)
    assert (record["keys"], record["secret_keys"]) == (22, [{"bucket": ["authorizationindexv1"]}])
    made = copy.read_bytes()
    assert not any(token[i : i + 12] in made for token in tokens for i in range(len(token) - 11))
    assert all(b"%016x" % i in made for i in range(20))
    assert run("check", copy)[:2] == (0, b"OK\n")
    # With the meta pages gone it isn't known which bucket a page belongs to.
    for damaged in (
        bytes(8192) + path.read_bytes()[8192:],
        path.read_bytes().replace(b"authorizationindexv1", b"a" * 20),
    ):
        path.write_bytes(damaged)
        assert run("redact", "--force", path, "-o", copy)[0] == 0
        assert not any(token[20:40] in copy.read_bytes() for token in tokens)


def test_the_note_names_buckets_whose_keys_look_like_secrets(tmp_path: Path) -> None:
    def bucket(name: bytes, keys: list[bytes]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        return name, [(key, b"v") for key in sorted(keys)]

    digests = [hashlib.sha256(bytes([i])).hexdigest().encode() for i in range(4)]
    path = _store(
        tmp_path,
        bucket(b"apikeys", TOKENS[:4]),
        bucket(b"blobs", [b"sha256:" + digest for digest in digests]),
        bucket(b"containers", digests),
        bucket(b"logins", digests),
        bucket(b"names", [b"/registry/pods/kube-system/CoreDNS-%d" % i for i in range(4)]),
        bucket(b"passwords", [b"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy%d" % i for i in range(4)]),
    )
    status, out, _ = run("redact", path, "-o", tmp_path / "copy.db")
    assert status == 0
    assert out.splitlines()[-1] == (
        b"keys that look like secrets were kept, in bucket 'apikeys', bucket 'logins', bucket 'passwords':"
        b" --keys replaces them"
    )
    _, (record,), _ = run_json("redact", "--force", path, "-o", tmp_path / "copy.db")
    assert record["look_like_secrets"] == [{"bucket": ["apikeys"]}, {"bucket": ["logins"]}, {"bucket": ["passwords"]}]
    assert b"secret" not in run("redact", "--keys", "--force", path, "-o", tmp_path / "copy.db")[1]


@pytest.mark.skipif(not STORES, reason="needs ../shared")
def test_ids_of_known_programs_are_no_secrets(tmp_path: Path) -> None:
    found = [*STORES, *STORES[0].parents[1].glob("programs/*.db"), *STORES[0].parents[1].glob("wild/*.db")]
    for path in found:
        assert b"look like" not in run("redact", "--force", "--no-sync", path, "-o", tmp_path / "copy.db")[1], path


def test_pages_are_counted(tmp_path: Path) -> None:
    path = _store(tmp_path, (b"bucket", [(b"a", b"1"), (b"b", b"2")]))
    _, (record,), _ = run_json("redact", path, "-o", tmp_path / "copy.db")
    assert (record["pages"], record["wiped"]) == (7, 0)


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 7, 100, 5000])
def test_a_page_run_is_written_in_parts(window: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(b"key %d" % i, b"value" * 300 * i) for i in range(1, 4)]
    leaf = page(4, 2, [*pairs, (b"nested", bytes(16) + page(0, 2, [(b"in", b"it")])[:44], b"\1")], overflow=2)
    path = tmp_path / "store.db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + bytes(8), b"\1")]), leaf))
    whole, parts = tmp_path / "whole.db", tmp_path / "parts.db"
    assert run("redact", path, "-o", whole)[0] == 0
    monkeypatch.setattr(redact, "_CHUNK", window)
    assert run("redact", path, "-o", parts)[0] == 0
    assert whole.read_bytes() == parts.read_bytes()
    assert all(key in parts.read_bytes() for key in (b"key 1", b"key 3", b"nested", b"in"))
    assert parts.read_bytes().count(b"x" * 4500) == 1
