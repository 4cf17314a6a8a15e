"""Metrics in the OpenMetrics text format, which Prometheus and node_exporter's textfile collector read.

Source: https://openmetrics.io (text format 1.0). All are gauges: the collector
knows no other clock than its own, and a file may be replaced by an older one.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ops.compare.metrics import Metrics

    Labels = tuple[tuple[str, str], ...]
    Sample = tuple[str, Labels, float]

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
    """Yield the samples of one file with its ``labels``; None: it could not be read.

    ``lock`` is the mode in which its lock is held by others: exclusive, shared, or empty.
    """
    yield "boltcli_up", labels, int(found is not None)
    for mode in ("exclusive", "shared"):
        yield "boltcli_locked", (*labels, ("mode", mode)), int(lock == mode)
    if found is None:
        return
    yield "boltcli_size_bytes", labels, found.size
    yield "boltcli_page_size_bytes", labels, found.page_size
    yield "boltcli_txid", labels, found.txid
    yield "boltcli_unused_bytes", labels, found.unused_bytes
    yield "boltcli_last_write_timestamp_seconds", labels, round(found.written, 3)
    yield "boltcli_last_write_age_seconds", labels, max(round(now - found.written, 3), 0)
    if found.findings is not None:
        yield "boltcli_check_ok", labels, int(not found.findings)
        yield "boltcli_check_findings", labels, found.findings
    if not found.counted:
        return
    for kind, count in found.pages.items():
        yield "boltcli_pages", (*labels, ("kind", kind)), count
    yield "boltcli_free_bytes", labels, found.pages["free"] * found.page_size
    yield "boltcli_lost_bytes", labels, found.pages["lost"] * found.page_size
    yield "boltcli_freelist_bytes", labels, found.pages["freelist"] * found.page_size
    if found.pairs is not None and found.buckets is not None:
        yield "boltcli_pairs", labels, found.pairs
        yield "boltcli_buckets", labels, found.buckets


def text(all_samples: Iterable[Sample]) -> bytes:
    """Return the samples by metric, each with its help and type, as the format wants them."""
    by_name: dict[str, list[str]] = {}
    for name, labels, value in all_samples:
        inside = ",".join([f'{label}="{_escaped(content)}"' for label, content in labels])
        by_name.setdefault(name, []).append(f"{name}{{{inside}}} {value}\n")
    parts = []
    for name, help in HELP.items():
        if name in by_name:
            parts += [f"# HELP {name} {help}\n", f"# TYPE {name} gauge\n", *by_name[name]]
    # A path may be any bytes; the format is UTF-8.
    return "".join([*parts, "# EOF\n"]).encode("utf-8", "backslashreplace")


def _escaped(content: str) -> str:
    return content.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
