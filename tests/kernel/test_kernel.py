"""The compiled kernel says what the exact walks say: on sound files, damaged ones, and bytes at random."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from boltcli.errors import Changed
from boltcli.kernel import load_kernel, state, verify
from boltcli.storage.snapshot import Snapshot
from tests.conftest import HAS_KERNEL
from tests.damage.kernel_truth import assert_kernel_agrees, said_itself
from tests.damage.mutations import sample
from tests.damage.test_damage import SOURCES
from tests.fuzz.target import sealed
from tests.support import DATABASES, FIXTURES, ROOT, fixture, freelist, page, pgid, run, small

MUTANTS = int(os.environ.get("BOLTCLI_KERNEL_MUTANTS", "12"))
SHARED = ROOT.parent / "shared" / "data"
FAULTS = sorted(path for path in (SHARED / "faults").rglob("*.db")) if SHARED.is_dir() else []

LONG = {"dag3x100", "bdag3x80", "inline3900"}

needs_kernel = pytest.mark.skipif(not HAS_KERNEL, reason="the kernel was not built")


@pytest.mark.slow
@needs_kernel
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_sound_files(path: Path) -> None:
    assert_kernel_agrees(path)
    # One that always gave up would pass the line above.
    assert set(said_itself(path).values()) == {True}


@pytest.mark.slow
@needs_kernel
@pytest.mark.parametrize("name", SOURCES)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    content = fixture(name).read_bytes()
    path = tmp_path / "mutant.db"
    for number, mutation in enumerate(sample(content, MUTANTS, f"kernel {name}")):
        path.write_bytes(mutation.apply(content))
        try:
            assert_kernel_agrees(path)
        except AssertionError as error:
            raise AssertionError(f"{name} mutant {number}: {mutation.what}") from error


@pytest.mark.sampled(3)
@pytest.mark.slow
@needs_kernel
@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_shared_faults(path: Path) -> None:
    if path.stem in LONG and "BOLTCLI_KERNEL_LONG" not in os.environ:
        said_itself(path)  # the exact walks follow each reference, which takes minutes
        return
    assert_kernel_agrees(path)


@needs_kernel
def test_bytes_at_random(tmp_path: Path) -> None:
    chance = random.Random(14)
    path = tmp_path / "random.db"
    seed = (FIXTURES / "page-1024.db").read_bytes()
    for _ in range(MUTANTS):
        content = bytearray(seed)
        for _ in range(chance.randint(1, 60)):
            at = chance.randrange(2048, len(content))
            content[at : at + chance.choice((1, 2, 4, 8))] = chance.randbytes(chance.choice((1, 2, 4, 8)))
        path.write_bytes(sealed(bytes(content)))
        assert_kernel_agrees(path)


@needs_kernel
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 79, 80, 255, 1024, 4095, 4096])
def test_buffers_of_any_size(size: int) -> None:
    kernel = load_kernel()
    assert kernel is not None
    for data in (bytes(size), b"\xff" * size, random.Random(size).randbytes(size)):
        for page_size in (0, 1, 16, 256, 1024, 1 << 24, 1 << 40, (1 << 64) - 8):
            for root in (0, 1, 2, 3, (1 << 64) - 1):
                for most in (0, 1, 4, (1 << 64) - 1):
                    assert kernel.verify(data, page_size, most, root, None) is None
                    assert kernel.stats(data, page_size, most, root, None, b"") is None
                    assert kernel.buckets(data, page_size, most, root, None) is None
                    assert kernel.copy(data, page_size, most, root, None, 4096, 9, 0, print) is None
                    assert kernel.leaves(data, page_size, most, root, None) is None
                    assert kernel.get(data, page_size, most, root, b"k") is NotImplemented
                    assert kernel.seek(data, page_size, most, root, b"k") is NotImplemented
                    assert kernel.step(data, page_size, most, root, (), (), False) is NotImplemented
                    assert kernel.step(data, page_size, most, root, (root,), (0,), True) is NotImplemented
            assert kernel.keys(data, page_size, pgid(0) + pgid(3)) is None
            assert kernel.keys(data, page_size, pgid(1 << 63)) is None


@pytest.mark.usefixtures("walks")
def test_a_pair_that_cannot_be_read_in_an_inline_page_is_no_all_clear(tmp_path: Path) -> None:
    """bbolt's check passes over inline pages, and so does ours; ``verify`` counts the pairs."""
    path = tmp_path / "test.db"
    inline = pgid(0) + pgid(0) + page(0, 2, [(b"a", b"1"), (b"c", b"2")], page_size=64)
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", inline, b"\1")])))
    assert run("verify", path)[0] == 0
    broken = inline[:44] + (1 << 20).to_bytes(4, "little") + inline[48:]
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", broken, b"\1")])))
    assert run("check", path)[:2] == (0, b"OK\n")
    status, out, _ = run("verify", path)
    assert status == 1
    assert b"beyond its page" in out


def _wide(tmp_path: Path, leaves: int) -> Path:
    """A tree of ``leaves`` pages: enough for the kernel to report in between."""
    path = tmp_path / "wide.db"
    each = 150
    branches = -(-leaves // each)
    first = 4 + branches
    below = [
        page(
            4 + number, 1,
            [(b"%08d" % leaf, pgid(first + leaf)) for leaf in range(number * each, min((number + 1) * each, leaves))],
        )
        for number in range(branches)
    ]  # fmt: skip
    root = page(3, 1, [(b"%08d" % (number * each), pgid(4 + number)) for number in range(branches)])
    path.write_bytes(
        small(freelist(2), root, *below, *(page(first + leaf, 2, [(b"%08d" % leaf, b"")]) for leaf in range(leaves)))
    )
    return path


@needs_kernel
def test_progress_and_interruption(tmp_path: Path) -> None:
    with Snapshot(str(_wide(tmp_path, 10_000))) as snapshot:
        seen: list[tuple[int, int]] = []
        assert verify(snapshot, lambda done, total: seen.append((done, total))) is not None
        assert len(seen) >= 2
        assert seen == sorted(seen)
        assert {total for _, total in seen} == {snapshot.meta.hwm}

        def interrupt(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            verify(snapshot, interrupt)


@pytest.mark.slow
@needs_kernel
def test_a_file_cut_while_it_is_read(tmp_path: Path) -> None:
    """The guard puts zeros in the place of the mapping, the kernel finds them irregular, the closing look tells."""
    path = _wide(tmp_path, 10_000)

    def cut(done: int, total: int) -> None:
        os.truncate(path, 8192)

    with pytest.raises(Changed), Snapshot(str(path)) as snapshot:
        assert verify(snapshot, cut) is None


@needs_kernel
def test_a_file_overwritten_while_it_is_read(tmp_path: Path) -> None:
    """Whatever the kernel says then, it comes back, and reads nothing but the file."""
    content = bytearray((FIXTURES / "document.db").read_bytes())
    kernel: Any = load_kernel()
    with Snapshot(str(FIXTURES / "document.db")) as snapshot:
        page_size, root, pages = snapshot.page_size, snapshot.meta.root, snapshot.size // snapshot.page_size
    done = threading.Event()

    def overwrite() -> None:
        chance = random.Random(1)
        before = bytes(content)
        while not done.is_set():
            at = chance.randrange(2 * page_size, len(content) - 8)
            content[at : at + 8] = chance.randbytes(8)
            content[at : at + 8] = before[at : at + 8]

    writer = threading.Thread(target=overwrite)
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # the kernel works without the lock of Python's interpreter, and gets it back soon
    writer.start()
    try:
        for _ in range(200):
            kernel.verify(content, page_size, pages, root, None)
            kernel.stats(content, page_size, pages, root, None, b"")
            kernel.buckets(content, page_size, pages, root, None)
            kernel.copy(content, page_size, pages, root, None, 1024, 300, 0, lambda start, end, data: None)
            kernel.copy(content, page_size, pages, root, None, 1024, 0, 900, None)
            kernel.keys(content, page_size, kernel.leaves(content, page_size, pages, root, None) or b"")
            kernel.get(content, page_size, pages, root, b"execution")
            spot = kernel.seek(content, page_size, pages, root, b"")
            while isinstance(spot, tuple):
                spot = kernel.step(content, page_size, pages, root, *spot[:2], True)
    finally:
        done.set()
        writer.join()
        sys.setswitchinterval(patience)


def test_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOLTCLI_KERNEL", "0")
    assert load_kernel() is None
    assert state() == "turned off"
    assert b"Kernel: turned off\n" in run("version")[1]


def test_version_says_whether_it_is_there() -> None:
    assert state() in ("compiled", "turned off", "not built")
    assert f"Kernel: {state()}\n".encode() in run("version")[1]


def test_it_is_not_loaded_where_it_is_not_needed() -> None:
    code = (
        "import sys; from boltcli.__main__ import main; import io;"
        f"main(['get', {str(fixture('document'))!r}, 'x', 'y'], io.BytesIO(), io.BytesIO());"
        "print([name for name in sys.modules if name.startswith('boltcli.kernel')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
