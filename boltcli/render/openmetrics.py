"""Metrics in the OpenMetrics text format, which Prometheus and node_exporter's textfile collector read.

Source: https://openmetrics.io (text format 1.0). All are gauges: the collector knows no other clock than its own, and a
file may be replaced by an older one.
"""

from collections.abc import Iterable

from ..fleet.metrics import Metrics, Sample
from .records import Record, of_record

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


def metrics_record(found: Metrics, path: str) -> Record:
    """Return the object of one file, without what was not asked for."""
    fields = of_record(found, path)
    return {name: value for name, value in fields.items() if value is not None or name in ("application", "lock")}


def text(all_samples: Iterable[Sample]) -> bytes:
    """Return the samples by metric, each with its help and type, as the format wants them."""
    lines = {name: [f"# HELP {name} {help}\n# TYPE {name} gauge\n"] for name, help in HELP.items()}
    for name, labels, value in all_samples:
        inside = ",".join([f'{label}="{content.translate(_ESCAPES)}"' for label, content in labels])
        lines[name].append(f"{name}{{{inside}}} {value}\n")
    parts = ["".join(found) for found in lines.values() if found[1:]]
    # A path may be any bytes; the format is UTF-8.
    return "".join([*parts, "# EOF\n"]).encode("utf-8", "backslashreplace")
