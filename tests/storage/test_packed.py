"""Packed databases give the answers of the plain ones; damaged and malicious ones end in one line."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

import boltcli
from boltcli.fleet.find import places
from boltcli.format.magic import is_bolt
from boltcli.storage.packed import Stream, _zip_opened
from tests.support import DATABASES, error_line, fixture, needed, run

zstandard = needed("zstandard")


def tar_of(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return content.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


DATA = fixture("document").read_bytes()
OTHERS = {"README": b"a text", "folder/picture.png": b"\x89PNG\r\n"}
PACKED = {
    "gzip": gzip.compress(DATA),
    "gzip in two members": gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:]),
    "xz": lzma.compress(DATA),
    "bzip2": bz2.compress(DATA),
    "zstandard": zstandard.compress(DATA),
    "zstandard in two frames": zstandard.compress(DATA[:1000]) + zstandard.compress(DATA[1000:]),
    "zip": zip_of(OTHERS | {"data/x": DATA}),
    "tar": tar_of(OTHERS | {"data/x": DATA}),
    "tar.gz": gzip.compress(tar_of({"data/x": DATA} | OTHERS)),
    "tar.xz": lzma.compress(tar_of(OTHERS | {"data/x": DATA})),
    "tar of gzip": tar_of(OTHERS | {"x.gz": gzip.compress(DATA)}),
    "zip in gzip": gzip.compress(zip_of({"x": DATA})),
    "tar.zst in zip": zip_of({"a.tar.zst": zstandard.compress(tar_of({"x": DATA}))}),
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("command", ["check", "keys", "page"])
def test_answers_are_those_of_the_plain_file(kind: str, command: str, tmp_path: Path) -> None:
    # Which member of an archive inside an archive is a database, nobody looks for: it is named.
    name = "packed!a.tar.zst" if kind == "tar.zst in zip" else "packed"
    (tmp_path / "packed").write_bytes(PACKED[kind])
    more = {"check": [], "keys": ["execution"], "page": ["3"]}[command]
    status, out, err = run(command, tmp_path / name, *more)
    assert (status, out, err) == run(command, fixture("document"), *more)
    assert os.listdir(tmp_path) == ["packed"]
    assert (tmp_path / "packed").read_bytes() == PACKED[kind]


@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_no_fixture_is_taken_for_packed(path: Path) -> None:
    assert is_bolt(path.read_bytes()[: 64 << 10])


def test_several_members_are_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tar_of({"./a/db": DATA, "b!c/db": fixture("inline").read_bytes(), **OTHERS})))
    status, _, err = run("check", path)
    assert status == 1
    assert error_line(err).endswith(b"a tar archive with several databases; choose one: FILE!./a/db, FILE!b!c/db")
    assert run("buckets", f"{path}!a/db") == run("buckets", fixture("document"))
    status, _, err = run("check", f"{path}!no")
    assert b"a tar archive without a member 'no'; it has ./a/db, b!c/db, README" in err
    assert run("check", f"{path}!README")[2].startswith(b"Error: unpack")
    assert error_line(run("check", f"{tmp_path}/none!x")[2]).endswith(b"doesn't exist")


def test_a_member_of_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(PACKED["gzip"])
    assert b"it has no member 'x', because it is not an archive" in run("check", f"{path}!x")[2]


def test_a_name_with_an_exclamation_mark_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a!b"
    path.write_bytes(DATA)
    assert run("check", path)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", PACKED)
def test_damaged_ones_end_in_one_line(kind: str, tmp_path: Path) -> None:
    path, packed, chance = tmp_path / "packed", PACKED[kind], random.Random(kind)
    for turn in range(25):
        content = bytearray(packed)
        if turn % 2:
            del content[chance.randrange(6, len(content)) :]
        else:
            for _ in range(1 + turn // 4):
                content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content)
        status, _, err = run("check", path)
        assert status in (0, 1)
        assert status == 0 or err.count(b"Error: ") == 1, err
        assert b"Traceback" not in err


@pytest.mark.parametrize("kind", ["gzip", "xz", "bzip2", "zstandard", "zip", "tar.gz"])
def test_what_is_cut_short_is_an_error(kind: str, tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(PACKED[kind][:-400])
    status, out, err = run("check", tmp_path / "packed")
    assert (status, out) == (1, b"")
    assert error_line(err).startswith(b"unpack ")


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(gzip.compress(b"a text\n"))
    assert error_line(run("check", tmp_path / "packed")[2]).endswith(b"it contains text, not a bolt database")
    (tmp_path / "packed").write_bytes(zip_of(OTHERS))
    assert (
        b"a zip archive without a bolt database; it has README, folder/picture.png"
        in run("check", tmp_path / "packed")[2]
    )
    (tmp_path / "packed").write_bytes(
        gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(PACKED["gzip"])))))
    )
    assert b"packed in more than 4 layers" in run("check", tmp_path / "packed")[2]


@pytest.mark.slow
def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(zstandard.compress(DATA[:8192] + bytes(300 << 20)))
    status, _, err = run("info", path)
    assert status == 1
    assert b"more than a database should" in err
    assert run("info", "--max-unpacked", "400MiB", path)[0] == 0
    assert b"grows beyond 102400 bytes" in run("info", "--max-unpacked", "100k", path)[2]
    assert b"must be a size" in run("info", "--max-unpacked", "many", path)[2]


def peak(*argv: str | Path) -> tuple[bytes, int]:
    """Return the error of a command, and the most bytes that it kept while it ran."""
    tracemalloc.start()
    try:
        status, out, err = run(*argv)
        assert (status, out) == (1, b"")
        return error_line(err), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


LONG = 40 << 20  # bytes


def long_name(how: str) -> bytes:
    """Return a tar of a member whose headers take LONG bytes."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x")
        info.size = len(DATA)
        if how == "a pax header":
            info.pax_headers = {"comment": "x" * LONG}
        elif how == "a global pax header":
            tar.fileobj.write(tarfile.TarInfo.create_pax_global_header({"comment": "x" * LONG}))
        elif how == "a map of a sparse file":
            info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(len(DATA))}
            places = b"%d\n" % (LONG // 4) + b"0\n" * (LONG // 2)
            info.size = len(places) + len(DATA)
            tar.addfile(info, io.BytesIO(places + DATA))
            return content.getvalue()
        elif how == "a chain of long names":
            head = tarfile.TarInfo("././@LongLink")
            head.type, head.size = tarfile.GNUTYPE_LONGNAME, 3 << 20
            content.write((head.tobuf(tarfile.GNU_FORMAT) + b"n" * head.size) * 8)
        else:
            head = tarfile.TarInfo("././@LongLink")
            head.type, head.size = tarfile.GNUTYPE_LONGNAME, LONG
            content.write(head.tobuf(tarfile.GNU_FORMAT) + b"n" * LONG)
        tar.addfile(info, io.BytesIO(DATA))
    return content.getvalue()


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "a long name",
        "a chain of long names",
        "a pax header",
        "a global pax header",
        pytest.param("a map of a sparse file", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize("pack", [bytes, bz2.compress])
def test_headers_of_a_tar_are_bounded(how: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(pack(long_name(how)))
    said, most = peak("check", path)
    assert said.endswith(b"a member's name and headers take more than 4194304 bytes")
    assert most < LONG // 2
    assert b"0 databases" in run("scan", tmp_path)[1]


def test_skipped_members_of_a_tar_count(tmp_path: Path) -> None:
    limit = len(DATA)
    for name, pack in (("plain", bytes), ("gzip", gzip.compress)):
        path = tmp_path / name
        path.write_bytes(pack(tar_of({"x": DATA})))
        assert run("check", "--max-unpacked", str(limit), path)[0] == 0
        assert run("check", "--max-unpacked", str(limit - 1), path)[0] == 1
        for members in ({"skip": bytes(limit), "x": DATA}, {"x": DATA, "skip": b"x"}):
            path.write_bytes(pack(tar_of(members)))
            assert f"grows beyond {limit} bytes".encode() in run("check", "--max-unpacked", str(limit), path)[2]
            assert run("check", "--max-unpacked", str(2 * limit), path)[0] == 0


def test_layers_without_members_end(tmp_path: Path) -> None:
    """Headers alone, and folders, are no content, but they take time."""
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(folder.tobuf() * 20000))
    assert b"grows beyond 4096 bytes" in run("check", "--max-unpacked", "4096", path)[2]


@pytest.mark.slow
def test_members_of_an_endless_tar_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_bytes(gzip.compress(b"".join(tarfile.TarInfo(f"m{at}").tobuf() for at in range(8000))))
    said, most = peak("check", path)
    assert said.endswith(b"m11 and 7988 more")
    assert most < 3 << 20


METHODS = {"deflated": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_members_of_a_zip_are_bounded(method: str, tmp_path: Path) -> None:
    """zipfile itself unpacks 4 KB of bzip2 at once, whatever comes of it."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", METHODS[method]) as archive:
        archive.writestr("x", DATA)
    assert run("check", path)[0] == 0
    whole = path.read_bytes()
    path.write_bytes(whole.replace(zlib.crc32(DATA).to_bytes(4, "little"), b"1234"))
    assert b"Bad CRC-32" in run("check", path)[2]
    path.write_bytes(whole[:200] + bytes(50) + whole[250:])
    assert error_line(run("check", path)[2]).startswith(b"unpack ")
    with zipfile.ZipFile(path, "w", METHODS[method]) as archive:
        archive.writestr("x", DATA + bytes(LONG))
    said, most = peak("check", "--max-unpacked", "1M", path)
    assert said.endswith(b"it grows beyond 1048576 bytes (--max-unpacked sets the limit)")
    assert most < LONG // 2


def test_members_of_a_zip_that_share_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(1 << 20))
        archive.filelist += [copy(archive.filelist[0]) for _ in range(100)]
    assert b"has x, x" in run("check", path)[2]
    assert b"grows beyond 1048576 bytes" in run("check", "--max-unpacked", "1M", path)[2]


def test_the_table_of_a_zip_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"")
        info = archive.filelist[0]
        info.comment = b"c" * 60000
        archive.filelist += [copy(info) for _ in range(300)]
    assert b"its table of members takes more than 16777216 bytes" in run("check", path)[2]
    path.write_bytes(zip_of({"x": DATA})[:-2] + b"\xff\xff" + b"a comment".ljust(65535, b"."))
    assert run("check", path)[0] == 0


def test_data_directories(tmp_path: Path) -> None:
    for place in places():
        folder = tmp_path / place.replace("/", "-")
        path = folder / place
        path.parent.mkdir(parents=True)
        path.write_bytes(DATA)
        assert run("check", folder)[0] == 0, place
    node = tmp_path / "node"
    for name in ("QmX-requester/jobs.db", "QmX-compute/executions.db"):
        (node / name).parent.mkdir(parents=True)
        (node / name).write_bytes(DATA)
    assert (
        run("check", node)[:2] == run("check", node / "QmX-compute/executions.db", node / "QmX-requester/jobs.db")[:2]
    )
    status, _, err = run("buckets", node)
    assert status == 1
    assert error_line(err).startswith(os.fsencode(f"{node} holds several databases; name one of them: "))
    assert run("check", tmp_path / "empty")[0] == 1


def _piped(*argv: str, data: bytes | Path) -> tuple[int, bytes, bytes]:
    command = [sys.executable, "-m", "boltcli", *argv]
    if isinstance(data, Path):
        with open(data, "rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True)
    else:
        done = subprocess.run(command, input=data, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def test_standard_input(tmp_path: Path) -> None:
    expected = run("keys", fixture("document"), "execution")
    assert _piped("keys", "-", "execution", data=DATA) == expected
    assert _piped("keys", "-", "execution", data=PACKED["tar.gz"]) == expected
    assert _piped("keys", "-", "execution", data=fixture("document")) == expected
    status, _, err = _piped("check", "-", data=b"nothing")
    assert status == 1
    assert err.count(b"Error: ") == 1


def test_a_snapshot_with_its_sum(tmp_path: Path) -> None:
    snapshot = DATA + hashlib.sha256(DATA).digest()
    for content, warnings in ((snapshot, 0), (snapshot[:-1] + bytes([snapshot[-1] ^ 1]), 1)):
        (tmp_path / "db.gz").write_bytes(gzip.compress(content))
        status, out, err = run("check", tmp_path / "db.gz")
        assert (status, out, err.count(b"SHA-256")) == (0, b"OK\n", warnings)


def test_the_library(tmp_path: Path) -> None:
    (tmp_path / "db.xz").write_bytes(PACKED["xz"])
    with boltcli.open(tmp_path / "db.xz") as db, boltcli.open(fixture("document")) as plain:
        assert list(db.keys()) == list(plain.keys())
    assert boltcli.view(tmp_path / "db.xz", len) == boltcli.view(fixture("document"), len)
    assert not list(boltcli.diff(tmp_path / "db.xz", fixture("document")))
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(boltcli.UnpackError):
        boltcli.open(tmp_path / "text.gz")
    with boltcli.open(tmp_path / "db.xz", previous=True) as db, boltcli.open(fixture("document")) as plain:
        assert db.txid == plain.txid - 1


def test_copies_of_packed_databases(tmp_path: Path) -> None:
    (tmp_path / "db.gz").write_bytes(PACKED["gzip"])
    for command in (["compact"], ["surgery", "freelist", "abandon"]):
        outputs = []
        for number, path in enumerate((tmp_path / "db.gz", fixture("document"))):
            output = tmp_path / f"{command[-1]}{number}"
            assert run(*command, path, "-o", output)[0] == 0
            outputs.append(output.read_bytes())
        assert outputs[0] == outputs[1]
    changes = tmp_path / "changes"
    changes.write_bytes(run("diff", "--json", fixture("document"), fixture("document"))[1])
    assert run("patch", "--in-place", tmp_path / "db.gz", changes)[0] == 1
    assert (tmp_path / "db.gz").read_bytes() == PACKED["gzip"]


@pytest.mark.parametrize(
    "head",
    [
        b"\x09\x14\5\0\x5d\0\0\x80",  # cut
        b"\x09\x14\6\0\x5d\0\0\x80\0",  # of another size
        b"\x09\x14\5\0\xe1\0\0\x80\0",  # properties that there can't be
    ],
)
def test_an_impossible_header_of_lzma_in_a_zip(head: bytes) -> None:
    with pytest.raises(lzma.LZMAError, match="no header of LZMA"):
        _zip_opened(14, Stream(io.BytesIO(head).read))
