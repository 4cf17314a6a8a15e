"""Metrics of a database for a monitoring system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import time

from ..apps.registry import recognised
from ..errors import Corrupted
from ..format.constants import LEAF_PAGE
from ..ops.check.database_check import check
from ..ops.stats.buckets import bucket_usage
from ..record import Record
from ..storage.snapshot import Snapshot
from ..text.times import utc_time
from ..tree.page_map import PageMap
from ..tree.walk import Whole

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]

_PAGES = ("meta", "freelist", "branch", "leaf", "free", "lost")


@dataclass(frozen=True, slots=True)
class Metrics(Record):
    """The metrics of one file: bytes, numbers of pages, and times; None if it was not asked for, or can't be known.

    ``up`` is 1, or 0 for a file that can't be read. ``lock`` is the mode in which others hold it. ``pages`` are the
    pages below the high-water mark by kind, overflow pages with the page that they belong to; None, as all that follows
    from them, if damage prevents counting. ``unused_bytes`` are after the high-water mark. ``age`` is in seconds since
    ``modified``.
    """

    path: str
    application: str | None = None
    lock: str | None = None
    up: int = 0
    size: int | None = None
    page_size: int | None = None
    txid: int | None = None
    unused_bytes: int | None = None
    modified: datetime | None = None
    age: float | None = None
    check_ok: int | None = None
    check_findings: int | None = None
    pages: dict[str, int] | None = field(default=None, hash=False)
    free_bytes: int | None = None
    lost_bytes: int | None = None
    freelist_bytes: int | None = None
    pairs: int | None = None
    buckets: int | None = None

    def samples(self) -> Iterator[Sample]:
        """Yield the name of each metric, its labels and value, as OpenMetrics has them."""
        labels: Labels = (("path", self.path), *((("application", self.application),) if self.application else ()))
        yield "boltcli_up", labels, self.up
        for mode in ("exclusive", "shared"):
            yield "boltcli_locked", (*labels, ("mode", mode)), int(self.lock == mode)
        for name in self.__slots__[4:]:
            value = getattr(self, name)
            if isinstance(value, dict):
                for kind, number in value.items():
                    yield f"boltcli_{name}", (*labels, ("kind", kind)), number
            elif value is not None:
                number = value.timestamp() if isinstance(value, datetime) else value
                yield f"boltcli_{_NAMES.get(name, name)}", labels, number


# Metrics whose names have a unit at their end.
_NAMES = {
    "size": "size_bytes",
    "page_size": "page_size_bytes",
    "modified": "last_write_timestamp_seconds",
    "age": "last_write_age_seconds",
}


def metrics(snapshot: Snapshot, *, deep: bool = False, checked: bool = False, lock: str | None = None) -> Metrics:
    """Return the numbers of ``snapshot``: with ``deep`` of pairs and buckets too, with ``checked`` what a check finds.

    Reads the headers of all pages. Raises Corrupted, but not if it is ``checked``: then damage is a finding.
    """
    size, page_size, meta = snapshot.size, snapshot.page_size, snapshot.meta
    written = os.fstat(snapshot.fd).st_mtime
    age = max(round(time() - round(written, 3), 3), 0)
    findings = sum(1 for _ in check(snapshot)) if checked else None
    pages = free = lost = freelist = pairs = buckets = None
    try:
        pages = _count_pages(snapshot)
        free, lost, freelist = (pages[kind] * page_size for kind in ("free", "lost", "freelist"))
        if deep:
            usage = bucket_usage(snapshot)
            pairs, buckets = usage[0].keys, len(usage) - 1
    except Corrupted:
        if not findings:
            raise
    known = recognised(snapshot)
    return Metrics(
        snapshot.path, known.application.name if known else None, lock, 1, size, page_size, meta.txid,
        max(size - meta.hwm * page_size, 0), utc_time(round(written * 1000) * 1_000_000), age,
        None if findings is None else int(not findings), findings, pages, free, lost, freelist, pairs, buckets,
    )  # fmt: skip


def _count_pages(snapshot: Snapshot) -> dict[str, int]:
    mapped = PageMap(snapshot)
    claimed = mapped.freelist()
    trees = {"branch": 0, "leaf": 0}  # as often as they are referenced, like in the statistics
    for found in mapped.trees(Whole(snapshot)):
        if isinstance(found, Corrupted):
            break
        trees["leaf" if found[0].flags == LEAF_PAGE else "branch"] += 1 + found[0].overflow
    if mapped.damages:
        raise mapped.damages[0]
    counted = mapped.count()
    pages = {kind: counted[kind] for kind in _PAGES}
    beyond = range(len(mapped.kinds), snapshot.meta.hwm)  # the file is too short for them
    free = sum(pgid in beyond for pgid in claimed[1]) if claimed is not None else len(beyond)
    return pages | {**trees, "free": pages["free"] + free, "lost": pages["lost"] + len(beyond) - free}
