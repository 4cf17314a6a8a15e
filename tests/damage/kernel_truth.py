"""What the kernel says of a file, held against the exact walks in Python. Also what ``make fuzz`` and
``make sanitize`` do with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from boltcli.errors import BoltError, Corrupted
from boltcli.format.bucket import BucketRef
from boltcli.kernel import load_kernel
from boltcli.ops.check import database_check
from boltcli.ops.check.findings import Finding
from boltcli.ops.read.fast_keys import written_keys
from boltcli.ops.read.key_pages import key_pages
from boltcli.ops.space.free_pages import free_pages
from boltcli.ops.space.page_list import FREE, page_rows
from boltcli.ops.space.space_walk import SpaceWalk, space_walk
from boltcli.ops.stats import database_stats
from boltcli.ops.stats.buckets import BucketRecord, bucket_usage, inspect
from boltcli.ops.write.compact import compact, measure
from boltcli.render.formats import lines
from boltcli.render.inspect import bucket_tree
from boltcli.render.pages import table_rows
from boltcli.render.records import is_shown
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.bucket import root_bucket
from boltcli.tree.kernel_walks import (
    bucket_columns,
    bucket_text,
    copied,
    counted,
    exported,
    page_lines,
    proven_pages,
    space_columns,
)
from tests.support import run

FORMS = ("auto", "hex", "bytes", "ascii-encoded")
MOST_FINDINGS = 200
Answers = dict[str, object]


@contextmanager
def _environment(kernel: bool) -> Iterator[None]:
    before = os.environ.get("BOLTCLI_KERNEL"), database_check.FEW_PAGES, database_stats.FEW_PAGES
    os.environ["BOLTCLI_KERNEL"] = "1" if kernel else "0"
    # The exact walks alone, however many pages; or the kernel, however few.
    database_check.FEW_PAGES = database_stats.FEW_PAGES = 0 if kernel else 1 << 63
    try:
        yield
    finally:
        if before[0] is None:
            del os.environ["BOLTCLI_KERNEL"]
        else:
            os.environ["BOLTCLI_KERNEL"] = before[0]
        database_check.FEW_PAGES, database_stats.FEW_PAGES = before[1:]


def answers(path: Path, kernel: bool) -> Answers:
    """All that is said of the file at ``path``: with the kernel, or by the exact walks."""
    with _environment(kernel):
        assert (load_kernel() is not None) == kernel
        try:
            snapshot = Snapshot(str(path))
        except BoltError as error:
            return {"open": str(error)}
        with snapshot:
            found = {
                "check": _or_error(lambda: [part.line() for part, _ in zip(_check(snapshot), range(MOST_FINDINGS))]),
                "stats": _or_error(lambda: _stats(snapshot, b"")),
                "stats of some": _or_error(lambda: _stats(snapshot, b"b")),
                "inspect": _or_error(lambda: bucket_text(snapshot) or b"".join(bucket_tree(inspect(snapshot)))),
                "inspect as data": _or_error(lambda: b"".join(bucket_tree(inspect(snapshot)))),
                "pages": _or_error(lambda: _pages(snapshot)),
                "export": run("export", path),
                "compact": _or_error(lambda: _compact(snapshot)),
                "usage": _or_error(lambda: list(map(_usage, bucket_usage(snapshot)))),
            }
            for levels in (0, 2):
                found[f"top, {levels}"] = _or_error(
                    lambda levels=levels: _space(space_walk(snapshot, root_bucket(snapshot), levels, 5))
                )
            for form in FORMS:
                found[f"keys, {form}"] = _keys(snapshot, BucketRef(snapshot.meta.root, 0), form, kernel)
            usage = found["usage"]
            if isinstance(usage, list):
                for root in [row[-1] for row in usage[1:20] if row[-1]]:
                    found[f"keys of {root}"] = _keys(snapshot, BucketRef(root, 0), "auto", kernel)
            return found


def said_itself(path: Path) -> dict[str, bool]:
    """Of which questions the kernel gave the answer, and didn't leave it to Python."""
    with _environment(True), Snapshot(str(path)) as snapshot:
        return {
            "check": proven_pages(snapshot) is not None,
            "stats": counted(snapshot, snapshot.meta.root, b"") is not None,
            "inspect": bucket_text(snapshot) is not None,
            "top": space_columns(snapshot, snapshot.meta.root, 1, 5, 4096) is not None,
            "buckets": bucket_columns(snapshot) is not None,
            "compact": copied(snapshot, 4096, lambda start, end, data: None, limit=65536) is not None,
            "dense": copied(snapshot, 4096, None, capacity=4096) is not None,
            "export": exported(snapshot, snapshot.meta.root, (b"", b""), is_shown, len) is not None,
            "pages": [done >= snapshot.meta.hwm for _, done in page_lines(snapshot, [])][-1:] == [True],
        }


def assert_kernel_agrees(path: Path) -> None:
    """Raise AssertionError unless both say the same."""
    ours, truth = answers(path, True), answers(path, False)
    for question, answer in truth.items():
        assert ours.get(question) == answer, question
    assert ours.keys() == truth.keys()


def _check(snapshot: Snapshot) -> Iterator[Finding]:
    return database_check.check(snapshot)


def _or_error(ask: object) -> object:
    try:
        return ask()  # type: ignore[operator]
    except BoltError as error:
        return str(error)


def _stats(snapshot: Snapshot, prefix: bytes) -> tuple[int, list[int]]:
    count, total = database_stats.database_stats(snapshot, prefix)
    return count, total.numbers()


def _compact(snapshot: Snapshot) -> list[object]:
    for limit in (50, 65536):  # whatever it holds: is it read without harm?
        copied(snapshot, 1024, lambda start, end, data: None, limit=limit)
    copied(snapshot, 1024, lambda start, end, data: None, capacity=700)
    found: list[object] = []
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, "copy.db")
        for dense in (False, True):
            done = compact(snapshot, path, tx_max_size=1000, dense=dense, page_size=1024, sync=False, replace=True)
            found += [done.pairs, done.buckets, done.transactions, done.warnings, Path(path).read_bytes()]
    return [*found, _or_error(lambda: measure(snapshot, 1024))]


def _pages(snapshot: Snapshot) -> list[bytes | str]:
    free: list[int] | str
    try:
        free = ids = free_pages(snapshot)
    except Corrupted as damage:
        free, ids = str(damage), []
    written, done = [], 0
    try:
        for text, done in page_lines(snapshot, ids):  # noqa: B007
            written.append(text)
        for rows in page_rows(snapshot, ids, done):
            written.append(table_rows(rows, FREE, {}))
    except BoltError as error:
        return [str(free), b"".join(written), str(error)]
    return [str(free), b"".join(written)]


def _usage(bucket: BucketRecord) -> tuple[object, ...]:
    return bucket.path, bucket.pairs, bucket.keys, bucket.bytes, bucket.depth, bucket.inline, bucket.sequence


def _space(walk: SpaceWalk) -> dict[str, object]:
    places = [
        (place.name, place.parent, place.pairs, place.bytes, walk.leaves[4 * place.first : 4 * place.last])
        for place in walk.places
    ]
    return vars(walk) | {"places": places, "leaves": None, "reached": bytes(walk.reached).rstrip(b"\0")}


def _keys(snapshot: Snapshot, bucket: BucketRef, form: str, kernel: bool) -> list[bytes | str]:
    written: list[bytes] = []

    def write(keys: list[bytes]) -> bytes:
        return lines(keys, form)

    try:
        if kernel:
            for text in written_keys(snapshot, bucket, write, form=form):
                written.append(text)
        else:
            for keys in key_pages(snapshot, bucket):
                written.append(write(keys))
    except BoltError as error:
        return [b"".join(written), str(error)]
    return [b"".join(written)]
