"""Databases elsewhere: the same answers, few round trips, and an error when the object changes meanwhile."""

from __future__ import annotations

import gzip
import json
import mmap
import os
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import boltcli
from boltcli.errors import Changed
from boltcli.storage import http_object, opened
from boltcli.storage.remote import RemotePages, heads, located, open_remote
from tests.storage.test_packed import PACKED
from tests.support import DATABASES, error_line, fixture, freelist, needed, page, pgid, run, small

fsspec = needed("fsspec")
needed("aiohttp")


class Server(ThreadingHTTPServer):
    """Files by their paths, with ranges (unless ``ranges`` is False) and entity tags."""

    daemon_threads = True
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes | mmap.mmap] = {}
        self.requests: list[tuple[str, str]] = []
        self.paths: list[str] = []
        self.sent: list[int] = []  # bytes of each answer
        self.tag = "1"
        self.change_after = -1
        self.status = 0  # of each answer, if not 0
        self.trick = ""  # what it does wrong
        self.over = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        pass  # a client that closes its end is no error here

    def put(self, name: str, data: bytes | mmap.mmap) -> str:
        self.files[f"/{name}"] = data
        return f"{self.address}/{name}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, body: bool) -> None:
        server = self.server
        assert isinstance(server, Server)
        wanted = self.headers.get("Range", "")
        server.requests.append((self.command, wanted))
        server.paths.append(self.path)
        if server.change_after >= 0 and len(server.requests) > server.change_after:
            server.tag = "2"
        data = server.files.get(self.path.partition("?")[0])
        if server.status:
            self.send_error(server.status)
            return
        if data is None:
            self.send_error(404)
            return
        status: int = 200
        part: bytes | mmap.mmap = data
        if wanted and server.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            status, part = 206, data[int(first) : int(last) + 1 if last else None]
        trick = server.trick if body or server.trick in ("silent", "endless, of no size") else ""
        if trick == "silent":
            server.over.wait()
            return
        if trick.startswith("endless"):
            self._endless(data, trick)
            return
        if status == 206 and trick == "long parts":
            part = bytes(part) + b"more"
        elif status == 206 and trick == "short parts":
            part = part[:-1]
        self.send_response(status)
        if status == 206:
            at = int(first) + 512 * (trick == "other parts")
            total = len(data) + 4096 * (trick == "another size")
            if trick != "long parts":
                self.send_header("Content-Range", f"bytes {at}-{at + len(part) - 1}/{total}")
        if server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{server.tag}{trick if trick == "another tag" else ""}"')
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if body:
            server.sent.append(len(part))
            self.wfile.write(part[:-100] if trick == "cut" else part)
            if trick == "cut":
                self.close_connection = True

    def _endless(self, data: bytes | mmap.mmap, trick: str) -> None:
        """Send ``data`` and then zeros (or only zeros) without end, to any request, with no word of a size."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        server = self.server
        assert isinstance(server, Server)
        try:
            if self.command == "GET":
                self.wfile.write(bytes(1 << 16) if trick.endswith("zeros") else data)
                server.sent.append(0)
                while not server.over.is_set():
                    server.sent[-1] += self.wfile.write(bytes(1 << 16))
        except OSError:
            pass  # the other end has had enough

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield found
        found.over.set()
        found.shutdown()
        thread.join()


COMMANDS = [
    ["check"],
    ["buckets"],
    ["stats"],
    ["info"],
    ["pages"],
    ["tree"],
    ["du"],
    ["check", "--deep"],
    ["page", "0"],
]


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_answers_are_those_of_the_file(server: Server, path: Path) -> None:
    address = server.put(path.name, path.read_bytes())
    for command in COMMANDS:
        words = command[:1], command[1:]
        assert run(*words[0], address, *words[1]) == run(*words[0], path, *words[1]), command


def _large(tmp_path: Path) -> Path:
    """20,000 pairs in a bucket, and a small one."""
    rows = [json.dumps({"bucket": ["b"], "key": f"{n:08}", "value": "x" * (n % 200)}) for n in range(20_000)]
    rows += [json.dumps({"bucket": ["small"], "key": f"{n}", "value": "y"}) for n in range(3)]
    (tmp_path / "rows").write_text("\n".join(rows))
    assert run("import", "--partial", "-o", tmp_path / "large.db", tmp_path / "rows")[0] == 0
    return tmp_path / "large.db"


@pytest.mark.slow
def test_a_few_round_trips(server: Server, tmp_path: Path) -> None:
    path = _large(tmp_path)
    address = server.put("large.db", path.read_bytes())
    size = path.stat().st_size
    for command, most in (
        (["info"], 4), (["buckets"], 5), (["keys", "small"], 5), (["get", "b", "00012345"], 7),
        (["items", "--prefix", "000077", "b"], 9),
    ):  # fmt: skip
        words = [command[0], *[word for word in command[1:] if word.startswith("--")]]
        words = command[:3] if "--prefix" in command else command[:1]
        rest = command[len(words) :]
        status, out, err = run(*words, "--stats", address, *rest)
        assert (status, out) == run(*words, path, *rest)[:2]
        trips = int(err.split()[-3])
        assert err.startswith(b"read ")
        assert trips <= most, (command, err)
        assert len(server.requests) <= most + 2  # ranges that are asked for together are a trip
        read = sum(
            int(last) - int(first) + 1 if last else size
            for _, wanted in server.requests
            if wanted
            for first, _, last in [wanted.removeprefix("bytes=").partition("-")]
        )
        assert read < size / 4, (command, read, size)
        server.requests.clear()


def _gigabyte(path: Path) -> list[bytes]:
    """Write a sparse file of 1 GiB: a bucket of 16,384 values of 60,000 bytes, four pages from the root to each.

    Returns the keys. Each leaf page has one pair, and 15 overflow pages.
    """
    keys = [b"key-%04x" % number for number in range(16384)]
    leaves = {key: 128 + 16 * number for number, key in enumerate(keys)}  # the first is page 128
    with open(path, "wb") as file:

        def put(number: int, content: bytes) -> None:
            file.seek(number * 4096)
            file.write(content)

        for key in keys:
            head = page(leaves[key], 2, [(key, b"")], overflow=15)[:40]
            put(leaves[key], head[:12] + (15).to_bytes(4, "little") + head[16:28] + (60_000).to_bytes(4, "little")
                + head[32:40] + b"value of " + key)  # fmt: skip
        inner: list[tuple[bytes, ...]] = []
        for number, first in enumerate(range(0, len(keys), 150)):
            part = keys[first : first + 150]
            put(5 + number, page(5 + number, 1, [(key, pgid(leaves[key])) for key in part]))
            inner.append((part[0], pgid(5 + number)))
        put(4, page(4, 1, inner))
        put(0, small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), hwm=128 + 16 * 16384)[: 4 * 4096])
        file.truncate((128 + 16 * 16384) * 4096)
    return keys


@pytest.mark.slow
def test_one_key_of_a_gigabyte(server: Server, tmp_path: Path) -> None:
    """``get`` reads less than 1 MB in at most depth + 3 round trips: here the depth is 4."""
    keys = _gigabyte(tmp_path / "db")
    with open(tmp_path / "db", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        assert len(content) > 1 << 30
        address = server.put("db", content)
        for key in (keys[0], keys[12345], keys[-1]):
            status, out, err = run("get", "--stats", address, "b", key.decode())
            assert (status, bytes.fromhex(out.decode()).rstrip(b"\0")) == (0, b"value of " + key)
            trips, read = int(err.split()[-3]), sum(server.sent)
            assert (trips <= 7, read < 1_000_000) == (True, True), (err, read)
            assert len(server.requests) <= 8, server.requests
            server.requests.clear()
            server.sent.clear()
        server.files.clear()


@pytest.mark.slow
def test_many_keys_of_a_gigabyte(server: Server, tmp_path: Path) -> None:
    """However many keys are looked up, the object isn't fetched for the kernel."""
    keys = _gigabyte(tmp_path / "db")
    with open(tmp_path / "db", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        with boltcli.open(server.put("db", content)) as db:
            for key in keys[:64]:
                assert key in db["b"]
        assert sum(server.sent) < 50_000_000
        server.files.clear()


@pytest.mark.slow
def test_a_walk_reads_ahead(server: Server, tmp_path: Path) -> None:
    path = _large(tmp_path)
    address = server.put("large.db", path.read_bytes())
    for command in (["keys"], ["items"], ["items", "--reverse"]):
        status, out, err = run(*command, "--stats", address, "b")
        assert (status, out) == run(*command, path, "b")[:2]
        assert int(err.split()[-3]) < 20, err


def test_stats_as_json(server: Server) -> None:
    address = server.put("db", fixture("document").read_bytes())
    _, _, err = run("info", "--json", "--stats", address)
    found = json.loads(err)
    assert found["kind"] == "traffic"
    assert (found["size"], found["path"]) == (262144, address)


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    path = _large(tmp_path)
    assert run("get", server.put("db", path.read_bytes()), "b", "00012345") == run("get", path, "b", "00012345")
    assert sum(method == "GET" for method, _ in server.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trick", "words"),
    [
        ("long parts", b"more than 65536 bytes arrived of 65536 requested"),
        ("short parts", b"65535 bytes arrived of 65536 requested"),
        ("other parts", b"the server sent bytes from offset 512, not from 0 as requested"),
        ("another size", b"bytes; it had "),
        ("another tag", b"the object was replaced while it was read"),
        ("cut", b"read http://"),
    ],
)
def test_a_part_that_is_not_what_was_asked_for(server: Server, trick: str, words: bytes, tmp_path: Path) -> None:
    address = server.put("db", _large(tmp_path).read_bytes())
    server.trick = trick
    status, out, err = run("check", address)
    assert (status, out) == (1, b"")
    assert words in error_line(err)


@pytest.mark.slow
def test_later_parts_are_compared_too(server: Server, tmp_path: Path) -> None:
    """Also where the whole object is read."""
    data = _large(tmp_path).read_bytes()
    for trick in ("long parts", "short parts", "another tag"):
        server.trick = ""
        address = server.put("db", data)
        remote = open_remote(address, address)
        server.trick = trick
        with pytest.raises(Changed):
            remote.fetch_all()
        with pytest.raises(Changed):
            remote.fetch([(200_000, 201_000), (1_000_000, 1_001_000)])
        os.close(remote.fd)


@pytest.mark.parametrize("trick", ["endless", "endless zeros", "endless, of no size"])
def test_an_endless_body(server: Server, trick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_object, "_GROWS", 4 << 20)
    address = server.put("db", fixture("document").read_bytes())
    server.trick = trick
    tracemalloc.start()
    status, out, err = run("check", address)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (status, out) == (1, b"")
    assert b"the server keeps sending after" in error_line(err)
    assert most < 16 << 20
    server.over.set()
    assert sum(server.sent) < 64 << 20


def test_an_endless_list_of_a_folder(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_object, "_LISTING", 4 << 20)
    server.put("folder", b"")
    server.trick = "endless zeros"
    status, out, err = run("check", "--recursive", f"{server.address}/folder/")
    assert status == 1
    assert b"a page of more than 4194304 bytes" in out + err
    server.over.set()


def test_beginnings_of_many_objects(server: Server) -> None:
    """Of a server without ranges no more is kept."""
    data = fixture("document").read_bytes()
    names = [server.put(str(at), data) for at in range(3)]
    for server.ranges in (True, False):
        files, _ = located(names[0], names[0])
        assert heads(files, names, 5000) == [data[:5000]] * 3
    found = heads(files, [*names, f"{server.address}/none"], 10)
    assert isinstance(found[3], Exception)


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--read-timeout", "0.2"], ["--read-timeout", "200ms", "--lock", "none"]])
def test_a_silent_server(server: Server, options: list[str]) -> None:
    address = server.put("db", fixture("document").read_bytes())
    server.trick = "silent"
    for command in (["check"], ["check", "--json"], ["check", "--recursive"]):
        status, out, err = run(*command, *options, address)
        assert status == 1
        assert b"nothing arrived for 0.2 s (--read-timeout sets the limit)" in out + err
    assert b"30s" in run("help", "options")[1]
    assert opened.read_timeout == 0.2
    server.trick = ""
    assert run("check", address)[0] == 0
    assert opened.read_timeout == 30


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gzip", "xz", "zip", "tar.gz"])
def test_packed_ones(server: Server, kind: str) -> None:
    address = server.put("packed", PACKED[kind])
    assert run("check", address) == (0, b"OK\n", b"")
    if kind == "zip":
        assert run("check", f"{address}!data/x") == (0, b"OK\n", b"")


@pytest.mark.slow
def test_an_object_that_changes_is_an_error(server: Server, tmp_path: Path) -> None:
    path = _large(tmp_path)
    address = server.put("db", path.read_bytes())
    for after in (1, 2, 3):
        server.requests.clear()
        server.tag, server.change_after = "1", after
        status, out, err = run("buckets", address)
        assert status == 1
        assert error_line(err).endswith(b"the object was replaced while it was read"), out


def test_what_is_not_there(server: Server) -> None:
    status, _, err = run("check", f"{server.address}/none?secret=abc")
    assert status == 1
    assert error_line(err).endswith(b"doesn't exist")
    assert run("check", "nosuch://x/y")[0] == 1
    assert run("check", "http://127.0.0.1:9/x")[0] == 1
    address = server.put("text", b"nothing of the kind")
    assert error_line(run("check", address)[2]) == b"invalid database"


def test_what_cannot_be_had(server: Server) -> None:
    address = server.put("db", fixture("document").read_bytes())
    for server.status, words in ((403, b"403, message='Forbidden'"), (500, b"500, message='Internal Server Error'")):
        assert error_line(run("check", address)[2]).startswith(b"open %s: %s" % (address.encode(), words))
    assert b"cannot connect to host 127.0.0.1:9" in run("check", "http://127.0.0.1:9/x")[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["check"], ["info"], ["keys", "execution"], ["verify"], ["get", "execution", "no"]]
)
@pytest.mark.parametrize("name", ["db", "damaged", "none", "packed", "forbidden"])
def test_secrets_in_an_address_are_not_shown(server: Server, command: list[str], name: str, tmp_path: Path) -> None:
    server.put("db", fixture("document").read_bytes())
    server.put("damaged", fixture("document").read_bytes()[:20000] + bytes(100_000))
    server.put("packed", PACKED["tar.gz"][:-300])
    server.status = 403 if name == "forbidden" else 0
    host = server.address.removeprefix("http://")
    address = f"http://someone:hunter22@{host}/{name}?X-Amz-Signature=0123abcd&token=t0ken"
    name, *rest = command
    results = tmp_path / "results.ndjson"
    for words in ([name, address, *rest], [name, "--json", address, *rest], [name, address, "-o", str(results)]):
        _, out, err = run(*words)
        shown = out + err + (results.read_bytes() if results.exists() else b"")
        for secret in (b"hunter22", b"0123abcd", b"t0ken"):
            assert secret not in shown, (words, shown)
        if name == "verify":
            assert f"http://someone:***@{host}/".encode() in shown


def test_secrets_are_used(server: Server) -> None:
    address = server.put("db", fixture("document").read_bytes())
    for member in ("", "?sig=1234", "?sig=5678"):
        assert run("check", address + member) == (0, b"OK\n", b"")
    assert {path for path in server.paths if "?" in path} == {"/db?sig=1234", "/db?sig=5678"}


def test_the_library(server: Server) -> None:
    address = server.put("db", fixture("document").read_bytes())
    with boltcli.open(address) as db, boltcli.open(fixture("document")) as plain:
        assert isinstance(db._snapshot._pages, RemotePages)
        assert {name: list(db[name]) for name in db} == {name: list(plain[name]) for name in plain}
    assert not list(boltcli.diff(address, fixture("document")))


def test_in_memory_and_compressed(tmp_path: Path) -> None:
    """Protocols of fsspec of which nobody thought here."""
    files = fsspec.filesystem("memory")
    files.pipe("/db", fixture("document").read_bytes())
    files.pipe("/db.gz", gzip.compress(fixture("document").read_bytes()))
    try:
        for name in ("db", "db.gz"):
            assert run("keys", f"memory://{name}", "execution") == run("keys", fixture("document"), "execution")
    finally:
        files.rm("/db")
        files.rm("/db.gz")


@pytest.mark.slow
def test_folders_and_patterns(tmp_path: Path) -> None:
    files = fsspec.filesystem("memory")
    content = {name: PACKED[name] for name in ("gzip", "xz", "tar.gz", "zip", "tar", "zstandard")}
    content |= {"plain": fixture("document").read_bytes(), "text": b"a text", "text.gz": gzip.compress(b"a text")}
    content |= {f"many/{number:03}.db": fixture("inline").read_bytes() for number in range(150)}
    try:
        for name, data in content.items():
            files.pipe(f"/backups/{name}", data)
        databases = sorted(f"memory://backups/{name}" for name in content if not name.startswith("text"))
        for words in (["--recursive", "memory://backups/"], ["--recursive", "memory://backups"]):
            _, out, _ = run("check", "--json", *words)
            assert [json.loads(line)["path"] for line in out.splitlines()] == databases
        status, out, _ = run("verify", "--json", "memory://backups/**/1[12]*.db", "memory://backups/pl*")
        assert (status, len(out.splitlines())) == (0, 21)
        assert run("verify", "--recursive", "memory://backups/plain")[1].endswith(b"1 file: 1 ok\n")
        assert run("check", "memory://backups/many/00*.db")[1].endswith(b"10 files: 10 ok\n")
        assert b"doesn't exist" in run("verify", "memory://backups/*.none")[1]
        assert b"verify --recursive takes an address" in run("scan", "memory://backups")[2]
    finally:
        files.rm("/backups", recursive=True)
