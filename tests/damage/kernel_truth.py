"""What the kernel says of a file, held against the exact walks in Python. Also what ``make fuzz`` and
``make sanitize`` do with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from boltcli.errors import BoltError
from boltcli.format.bucket import BucketRef
from boltcli.kernel import buckets, load_kernel, stats, verify
from boltcli.kernel import compact as copied
from boltcli.ops.check import database_check
from boltcli.ops.check.findings import Finding
from boltcli.ops.read.key_pages import all_keys, keyed_leaves
from boltcli.ops.stats import BucketRecord
from boltcli.ops.stats.buckets import bucket_usage, database_stats, inspect
from boltcli.ops.write.compact import compact, measure
from boltcli.render.bbolt_text import inspect_text
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.page_map import free_pages
from tests.support import run

MOST_FINDINGS = 200
Answers = dict[str, object]


@contextmanager
def _environment(kernel: bool) -> Iterator[None]:
    before = os.environ.get("BOLTCLI_KERNEL")
    os.environ["BOLTCLI_KERNEL"] = "1" if kernel else "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ["BOLTCLI_KERNEL"]
        else:
            os.environ["BOLTCLI_KERNEL"] = before


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
                "inspect": _or_error(lambda: b"".join(inspect_text(inspect(snapshot)))),
                "free": _or_error(lambda: free_pages(snapshot)),
                "verify": run("verify", path),
                "compact": _or_error(lambda: _compact(snapshot)),
                "usage": _or_error(lambda: list(map(_usage, bucket_usage(snapshot)))),
            }
            found["keys"] = _keys(snapshot, BucketRef(snapshot.meta.root, 0), kernel)
            usage = found["usage"]
            if isinstance(usage, list):
                for root in [row[-1] for row in usage[1:20] if row[-1]]:
                    found[f"keys of {root}"] = _keys(snapshot, BucketRef(root, 0), kernel)
            return found


def said_itself(path: Path) -> dict[str, bool]:
    """Of which questions the kernel gave the answer, and didn't leave it to Python."""
    with _environment(True), Snapshot(str(path)) as snapshot:
        return {
            "verify": verify(snapshot) is not None,
            "stats": stats(snapshot, snapshot.meta.root, b"") is not None,
            "buckets": buckets(snapshot) is not None,
            "compact": copied(snapshot, 4096, lambda start, end, data: None, limit=65536) is not None,
            "dense": copied(snapshot, 4096, None, capacity=4096) is not None,
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
    count, total = database_stats(snapshot, prefix)
    return count, total.numbers()


def _compact(snapshot: Snapshot) -> list[object]:
    for limit in (-1, 0, 50, 65536):  # whatever it holds: is it read without harm?
        copied(snapshot, 1024, lambda start, end, data: None, limit=limit)
    copied(snapshot, 1024, lambda start, end, data: None, capacity=700)
    found: list[object] = []
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, "copy.db")
        for dense, limit in ((False, 1000), (False, 0), (True, 0)):
            done = compact(snapshot, path, tx_max_size=limit, dense=dense, page_size=1024, sync=False, replace=True)
            found += [done.pairs, done.buckets, done.transactions, done.warnings, Path(path).read_bytes()]
    return [*found, _or_error(lambda: measure(snapshot, 1024))]


def _usage(bucket: BucketRecord) -> tuple[object, ...]:
    return bucket.path, bucket.pairs, bucket.keys, bucket.bytes, bucket.depth, bucket.inline, bucket.sequence


def _keys(snapshot: Snapshot, bucket: BucketRef, kernel: bool) -> list[list[bytes] | str]:
    read: list[bytes] = []
    try:
        pages = all_keys(snapshot, bucket) if kernel else (keys for _, keys in keyed_leaves(snapshot, bucket))
        for keys in pages:
            read += keys
    except BoltError as error:
        return [read, str(error)]
    return [read]
