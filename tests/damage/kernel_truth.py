"""What the kernel says of a file, held against the exact walks in Python. Also what ``make fuzz`` and
``make sanitize`` do with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from boltcli.cursor import Cursor
from boltcli.database import Bucket, Database
from boltcli.errors import BoltError
from boltcli.format.bucket import BucketRef, buckets_in
from boltcli.kernel import buckets, load_kernel, look_ups, stats, verify
from boltcli.kernel import compact as copied
from boltcli.ops.check import database_check
from boltcli.ops.check.findings import Finding
from boltcli.ops.read.key_pages import all_keys, keyed_leaves
from boltcli.ops.stats import BucketRecord
from boltcli.ops.stats.buckets import bucket_usage, database_stats, inspect
from boltcli.ops.write.compact import compact, measure
from boltcli.render.bbolt_text import inspect_text
from boltcli.storage.snapshot import Snapshot
from boltcli.tree import lookup
from boltcli.tree.page_map import free_pages
from boltcli.tree.walk import leaf_pages
from tests.support import run

MOST_FINDINGS = 200
_BUCKETS = 12  # whose keys are read
_STEPS = 60  # of a cursor, from each end
_LARGE = 1 << 20  # bytes of a value that the kernel leaves to Python
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
            for bucket in islice(_buckets(snapshot), _BUCKETS):
                keys = [[], ""] if bucket._inline else _keys(snapshot, bucket, kernel)
                wanted = _near(keys[0] if isinstance(keys[0], list) else [])
                looked = looked_up(snapshot, bucket, wanted, at_once=True)
                if not kernel:  # nor do parsed branch pages say anything else
                    assert looked == looked_up(snapshot, bucket, wanted, at_once=False)
                found[f"keys of {bucket.label}"], found[f"look-ups in {bucket.label}"] = keys, looked
            return found


def _buckets(snapshot: Snapshot) -> Iterator[BucketRef]:
    """The buckets that can be read, each before those inside it."""
    todo = [BucketRef(snapshot.meta.root, snapshot.meta.sequence)]
    while todo:
        yield (bucket := todo.pop())
        try:
            todo += [inner for leaf in leaf_pages(snapshot, bucket) for inner in buckets_in(leaf)][::-1]
        except BoltError:
            continue


def said_itself(path: Path) -> dict[str, bool]:
    """Of which questions the kernel gave the answer, and didn't leave it to Python."""
    with _environment(True), Snapshot(str(path)) as snapshot:
        return {
            "look-ups": _looks_up_all(snapshot),
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


def _near(keys: list[bytes]) -> list[bytes]:
    """Some of ``keys``, and others beside them."""
    some = [*keys[:: len(keys) // 12 + 1], *keys[-1:]]
    return [b"", b"\0", b"b", b"\xff" * 9, *(near for key in some for near in (key, key + b"\0", key[:-1]))]


def looked_up(snapshot: Snapshot, ref: BucketRef, keys: list[bytes], *, at_once: bool) -> list[object]:
    """What is found of ``keys`` in a bucket, and by a cursor; ``at_once`` by what only pays for many look-ups."""
    snapshot.memo.clear()
    with patch.object(lookup, "_FEW", 1 if at_once else -1):
        db = Database(snapshot)
        bucket = Bucket(db, ref)
        cursor = bucket.cursor()
        found: list[object] = []
        for key in keys:
            found.append(_or_error(lambda key=key: _shown(bucket.get(key))))
            found.append(_or_error(lambda key=key: _here(cursor, cursor.seek(key))))
            for move in (cursor.prev, cursor.next, cursor.next, cursor.prev):
                found.append(_or_error(lambda move=move: _here(cursor, move())))
        for begin, move in ((cursor.first, cursor.next), (cursor.last, cursor.prev)):
            found.append(_or_error(lambda begin=begin: _here(cursor, begin())))
            for _ in range(_STEPS):
                step = _or_error(lambda move=move: _here(cursor, move()))
                found.append(step)
                if not isinstance(step, tuple):  # the end, or damage, where the cursor stays
                    break
        return found


def _here(cursor: Cursor[Bucket], there: bool) -> object:
    assert there == (cursor.key is not None)
    return there and (cursor.key, _or_error(lambda: _shown(cursor.value)))


def _shown(value: bytes | Bucket | None) -> object:
    return (value._ref.root, value.sequence, value._ref.inline is None) if isinstance(value, Bucket) else value


def _looks_up_all(snapshot: Snapshot) -> bool:
    """Whether the kernel finds each pair of the root bucket's buckets itself."""
    functions = look_ups()
    assert functions is not None
    get, seek, step = (partial(each, snapshot.buffer, snapshot.page_size, snapshot.page_count) for each in functions)
    for bucket in Database(snapshot).values():
        root = bucket._ref.root if isinstance(bucket, Bucket) else 0
        place: tuple[tuple[int, ...], ...] = ((), ())
        for key, value in bucket.range() if isinstance(bucket, Bucket) and root else ():
            own = value if isinstance(value, bytes) and len(value) <= _LARGE else NotImplemented
            spot = seek(root, key)
            if get(root, key) != own or spot != step(root, *place, True) or spot[2:] != (key, own):
                return False
            place = spot[:2]
        if root and step(root, *place, True) is not None:
            return False
    return True


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
