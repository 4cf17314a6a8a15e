"""Metrics of a database for a monitoring system."""

import os
from dataclasses import dataclass

from ...errors import Corrupted
from ...format.constants import LEAF_PAGE
from ...storage.snapshot import Snapshot
from ...tree.page_map import PageMap
from ...tree.walk import Whole
from ..check.database_check import check
from ..stats.buckets import bucket_usage

_PAGES = ("meta", "freelist", "branch", "leaf", "free", "lost")


@dataclass(slots=True, eq=False)
class Metrics:
    """The metrics of one file: bytes, page counts and times (Unix, in seconds); None if not requested.

    ``pages`` are the pages below the high-water mark by kind, overflow pages with the page that they belong to;
    ``counted`` is False if damage prevented counting. ``unused_bytes`` are after the high-water mark.
    """

    size: int
    page_size: int
    txid: int
    unused_bytes: int
    written: float
    pages: dict[str, int]
    counted: bool = False
    pairs: int | None = None
    buckets: int | None = None
    findings: int | None = None


def metrics(snapshot: Snapshot, *, deep: bool = False, checked: bool = False) -> Metrics:
    """Return the numbers of ``snapshot``: with ``deep`` of pairs and buckets too, with ``checked`` what a check finds.

    Reads the headers of all pages. Raises Corrupted, but not if it is ``checked``: then damage is a finding.
    """
    size, page_size, meta = snapshot.size, snapshot.page_size, snapshot.meta
    unused = max(size - meta.hwm * page_size, 0)
    found = Metrics(size, page_size, meta.txid, unused, os.fstat(snapshot.fd).st_mtime, dict.fromkeys(_PAGES, 0))
    if checked:
        found.findings = sum(1 for _ in check(snapshot))
    try:
        found.pages = _count_pages(snapshot)
        found.counted = True
        if deep:
            buckets = bucket_usage(snapshot)
            found.pairs, found.buckets = buckets[0].keys, len(buckets) - 1
    except Corrupted:
        if not found.findings:
            raise
    return found


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
