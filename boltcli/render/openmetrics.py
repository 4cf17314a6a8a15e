"""Metrics in the OpenMetrics text format, which Prometheus and node_exporter's textfile collector read.

Source: https://openmetrics.io (text format 1.0). All are gauges: the collector knows no other clock than its own, and a
file may be replaced by an older one.
"""

from collections.abc import Iterable

from ..ops.compare.metrics import Metrics

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
HELP = {
    "boltcli_up": "Whether the database could be read.",
    "boltcli_size_bytes": "Size of the file.",
    "boltcli_page_size_bytes": "Page size of the database.",
    "boltcli_txid": "Newest committed transaction.",
    "boltcli_pages": "Pages by kind, including overflow pages; lost pages are neither reachable nor free.",
    "boltcli_free_bytes": "Bytes of free pages, which later transactions reuse.",
    "boltcli_lost_bytes": "Bytes of pages that are neither reachable nor free; compact frees them.",
    "boltcli_unused_bytes": "Bytes at the end of the file that were never used.",
    "boltcli_freelist_bytes": "Bytes of the freelist, which each commit writes.",
    "boltcli_buckets": "Buckets, nested ones included.",
    "boltcli_pairs": "Pairs of keys and values in all buckets.",
    "boltcli_last_write_timestamp_seconds": "When the file was last written, in Unix time.",
    "boltcli_last_write_age_seconds": "Seconds since the file was last written.",
    "boltcli_check_ok": "Whether a check of the database has no findings.",
    "boltcli_check_findings": "Number of findings of a check of the database.",
    "boltcli_locked": "Whether a process holds the file's lock, exclusively (a writer) or shared (readers).",
}


def samples(labels: Labels, found: Metrics | None, now: float, lock: str) -> Iterable[Sample]:
    """Yield the samples of one file; None: unreadable. Others hold its ``lock`` exclusive, shared, or "" (not)."""
    yield from _gauges(labels, up=int(found is not None))
    for mode in ("exclusive", "shared"):
        yield from _gauges((*labels, ("mode", mode)), locked=int(lock == mode))
    if found is None:
        return
    yield from _gauges(
        labels,
        size_bytes=found.size,
        page_size_bytes=found.page_size,
        txid=found.txid,
        unused_bytes=found.unused_bytes,
        last_write_timestamp_seconds=round(found.written, 3),
        last_write_age_seconds=max(round(now - found.written, 3), 0),
    )
    if found.findings is not None:
        yield from _gauges(labels, check_ok=int(not found.findings), check_findings=found.findings)
    if not found.counted:
        return
    for kind, count in found.pages.items():
        yield from _gauges((*labels, ("kind", kind)), pages=count)
    sizes = {f"{kind}_bytes": found.pages[kind] * found.page_size for kind in ("free", "lost", "freelist")}
    yield from _gauges(labels, **sizes)
    if found.pairs is not None and found.buckets is not None:
        yield from _gauges(labels, pairs=found.pairs, buckets=found.buckets)


def _gauges(labels: Labels, **values: float) -> Iterable[Sample]:
    return ((f"boltcli_{name}", labels, value) for name, value in values.items())


def text(all_samples: Iterable[Sample]) -> bytes:
    """Return the samples by metric, each with its help and type, as the format wants them."""
    lines = {name: [f"# HELP {name} {help}\n# TYPE {name} gauge\n"] for name, help in HELP.items()}
    for name, labels, value in all_samples:
        inside = ",".join([f'{label}="{content.translate(_ESCAPES)}"' for label, content in labels])
        lines[name].append(f"{name}{{{inside}}} {value}\n")
    parts = ["".join(found) for found in lines.values() if found[1:]]
    # A path may be any bytes; the format is UTF-8.
    return "".join([*parts, "# EOF\n"]).encode("utf-8", "backslashreplace")
