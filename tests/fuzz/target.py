"""What is fuzzed: everything that reads, on a file of any bytes. Nothing here needs atheris."""

from __future__ import annotations

import struct
from pathlib import Path

from boltcli.errors import BoltError, Corrupted
from boltcli.format.meta import fnv1a64
from boltcli.ops.check.database_check import check
from boltcli.ops.check.deep_check import deep_check
from boltcli.ops.read.key_pages import keyed_leaves, surviving_keys, top_buckets
from boltcli.ops.stats.buckets import database_stats
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.bucket import get, root_bucket

PAGE_SIZE = 1024
LONGEST = 64 * PAGE_SIZE
MOST = 1000  # findings that are looked at: a high-water mark may make a million of them


def sealed(data: bytes) -> bytes:
    """``data`` with both meta pages' checksums put right: else hardly any file would be opened."""
    file = bytearray(data[:LONGEST].ljust(4 * PAGE_SIZE, b"\0"))
    for start in (16, PAGE_SIZE + 16):
        struct.pack_into("<III", file, start, 0xED0CDAED, 2, PAGE_SIZE)
        struct.pack_into("<Q", file, start + 56, fnv1a64(bytes(file[start : start + 56])))
    return bytes(file)


def read_everything(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` and read it in all ways; raises if one of them breaks down, or they disagree."""
    path.write_bytes(content)
    try:
        with Snapshot(str(path)) as snapshot:
            plain = _first(check(snapshot))
            deep = _first(deep_check(snapshot))
            assert deep[: len(plain)] == plain
            failure = _read_all(snapshot)
            assert failure is None or deep, f"the deep check passes over: {failure}"
    except BoltError:
        pass


def _first(findings: object) -> list[bytes]:
    return [finding.line() for finding, _ in zip(findings, range(MOST))]  # type: ignore[call-overload]


def _read_all(snapshot: Snapshot) -> BoltError | None:
    """Read the root bucket, the buckets in it and their values; the first error, if there is one."""
    failure: BoltError | None = None
    try:
        database_stats(snapshot)
        root = root_bucket(snapshot)
        for name, bucket in top_buckets(snapshot):
            if bucket is None:
                continue
            assert get(snapshot, root, name) is None, "a bucket is no value"
            for leaf, keys in keyed_leaves(snapshot, bucket):
                for key in keys[:50]:
                    get(snapshot, bucket, key)
                assert len(keys) <= leaf.count
    except BoltError as error:
        failure = error
    for found in surviving_keys(snapshot, root_bucket(snapshot)):
        if isinstance(found, Corrupted):
            failure = failure or found
    return failure
