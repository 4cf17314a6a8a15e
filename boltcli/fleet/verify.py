"""Verify a database or backup: its checksum, its structure, all of its pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ..apps.etcd.layout import revision
from ..apps.registry import recognised
from ..errors import BoltError, Changed, Corrupted
from ..format.bucket import BucketRef
from ..format.constants import BRANCH_PAGE, PAGE_TYPES
from ..format.page import header_columns
from ..kernel import buckets as bucket_rows
from ..ops.check.database_check import TRAILER, check, file_warnings, is_sound, trailer_is_right
from ..ops.check.deep_check import deep_check
from ..ops.read.select_items import items
from ..ops.space.pages import FREE, page_rows
from ..progress import portion
from ..record import Record
from ..storage.snapshot import Snapshot
from ..tree.bucket import find_bucket, root_bucket
from ..tree.page_map import free_pages
from ..tree.walk import Whole
from .find import kind_of_file

if TYPE_CHECKING:
    from ..progress import Progress

QUICK, WHOLE, DEEP = "quick", "whole", "deep"

_FINDINGS = 20  # findings that are kept; the others are counted
_MOST = 1_000_000  # findings; then counting stops
_NEAR = 256  # of the last keys, of which one is a revision of etcd


@dataclass(frozen=True, slots=True)
class Verified(Record):
    """The verdict on a file: ``ok``. Of a file that could not be read ``error`` says why, and the rest is None.

    ``kind`` says how it is packed. ``sha256`` is about the hash at the end of a snapshot: ok, wrong or none. ``check``
    is ok, or damaged with the number of ``errors`` and the first ``problems``; ``warnings`` are those of ``check``.
    ``level`` is quick, whole or deep. ``revision`` is that of an etcd store; sizes are in bytes.
    """

    path: str
    kind: str | None = None
    ok: bool = False
    sha256: str | None = None
    check: str | None = None
    errors: int | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    level: str | None = None
    pairs: int | None = None
    buckets: int | None = None
    application: str | None = None
    layout: str | None = None
    revision: int | None = None
    txid: int | None = None
    page_size: int | None = None
    size: int | None = None
    error: BoltError | None = None


def verify(snapshot: Snapshot, level: str = WHOLE, progress: Progress | None = None) -> Verified:
    """Verify a database; QUICK only its hash, meta pages and page headers, DEEP as ``check --deep`` does, too.

    Raises nothing for damage.
    """
    problems: list[str] = []
    sum_ = _sum(snapshot)
    if sum_ == "wrong":
        problems.append("the SHA-256 at the end does not match the rest")
    errors = 0
    share = {QUICK: 1.0, WHOLE: 0.5, DEEP: 0.9}[level]  # of the time; the rest is for the pairs
    for problem in islice(_findings(snapshot, level, portion(progress, 0, share)), _MOST):
        errors += 1
        if len(problems) < _FINDINGS:
            problems.append(problem)
    pairs = buckets = None
    if level != QUICK:
        pairs, buckets, problem = _count(snapshot, portion(progress, share, 1))
        if problem and not errors:
            errors += 1
            problems.append(problem)
    found = recognised(snapshot)
    return Verified(
        snapshot.path, kind_of_file(snapshot.path), not errors and sum_ != "wrong", sum_, "damaged" if errors else "ok",
        errors, tuple(problems), tuple(file_warnings(snapshot)), level, pairs, buckets, found.name if found else None,
        found.layout if found else None, _revision(snapshot), snapshot.meta.txid, snapshot.page_size, snapshot.size,
    )  # fmt: skip


def _sum(snapshot: Snapshot) -> str:
    right = trailer_is_right(snapshot)
    if right:
        return "ok"
    # The length of another file may also happen to be 32 more than a multiple of 512.
    return "wrong" if right is False and snapshot.size % snapshot.page_size == TRAILER else "none"


def _findings(snapshot: Snapshot, level: str, progress: Progress | None) -> Iterator[str]:
    if level == QUICK:
        return _headers(snapshot, progress)
    found = deep_check(snapshot, progress=progress) if level == DEEP else check(snapshot, progress=progress)
    return (finding.line(_shown).decode("utf-8", "replace") for finding in found)


def _shown(name: bytes) -> bytes:
    text = name.decode("utf-8", "replace")
    return name if text.isprintable() and "\ufffd" not in text else name.hex().encode()


def _headers(snapshot: Snapshot, progress: Progress | None) -> Iterator[str]:
    """Yield problems of the root page, and of the headers of pages that are not in the freelist."""
    ids = None
    try:
        root = snapshot.page(snapshot.meta.root)
        if root.flags not in (BRANCH_PAGE, 2):
            yield f"page {root.pgid}: the root page is a {PAGE_TYPES[root.flags]} page"
        if not snapshot.meta.has_freelist:
            return  # without a freelist, other pages may be free and have any content
        known = snapshot.size // snapshot.page_size
        ids, _ = header_columns(snapshot.buffer, snapshot.page_size, known)
        pgid = 0
        for rows in page_rows(snapshot, free_pages(snapshot)):
            for pgid, head in rows:
                if head == FREE:
                    continue
                if pgid >= known:
                    yield f"page {pgid}: it is cut short, or beyond the end of the file"
                elif ids[pgid] != pgid:
                    yield f"page {pgid}: the page identifies itself as page {ids[pgid]}"
                elif head & 0xFFFF not in PAGE_TYPES:
                    yield f"page {pgid}: unexpected page type (flags: {head & 0xFFFF:x})"
                if progress is not None:
                    progress(pgid, known)
    except Changed:
        raise
    except BoltError as error:
        yield str(error)
    finally:
        if ids is not None:
            ids.release()


def _count(snapshot: Snapshot, progress: Progress | None) -> tuple[int, int, str]:
    """Read all pairs; return the number of pairs and of buckets, and the error that stopped reading, or ""."""
    rows = bucket_rows(snapshot) if is_sound(snapshot, progress) else None
    if rows is not None:  # the kernel has found that each key and value can be read
        return sum(row[4] for row in rows), len(rows) - 1, ""
    pairs = buckets = 0
    try:
        guard = Whole(snapshot, ordered=True, progress=progress)
        for found in items(snapshot, root_bucket(snapshot), recursive=True, guard=guard):
            inner = sum(isinstance(value, BucketRef) for value in found.values)
            buckets += inner
            pairs += len(found.keys) - inner
    except Corrupted as damage:
        return pairs, buckets, str(damage)
    return pairs, buckets, ""


def _revision(snapshot: Snapshot) -> int | None:
    """Return the newest revision of an etcd store, from its last key that is one: malformed keys say nothing."""
    try:
        find_bucket(snapshot, (b"meta",))
        for part in items(snapshot, find_bucket(snapshot, (b"key",)), reverse=True, limit=_NEAR):
            for key in part.keys:
                found = revision(key)
                if found is not None:
                    return found.main
    except Changed:
        raise
    except BoltError:
        pass
    return None
