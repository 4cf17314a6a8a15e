"""``metrics``: print metrics of databases for a monitoring system. bbolt has no such command."""

from __future__ import annotations

from functools import partial
from itertools import chain
from time import time
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from ...apps.registry import recognised
from ...errors import BoltError
from ...ops.compare.metrics import Metrics, metrics
from ...render import openmetrics, records
from ...storage.holders import holders, lock_mode
from ...storage.source import open_source
from ...text.times import time_text
from ..command import Summary, command
from ..many import complain, each, say_passed
from ..output import Collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...fleet.files import Files, Named
    from ...render.openmetrics import Sample
    from ...storage.snapshot import Snapshot
    from ..opener import Opener
    from ..options import JobsApart, NoSync, argument, files, switch, written_to
    from ..output import Output


# The fields of a file that could not be read.
UNKNOWN: dict[str, Any] = {"application": None, "lock": None, "up": 0}
_OUTPUT = (
    "Write to this file instead of standard output, and replace it in one step; .ndjson, .json, .csv and .parquet get a"
    " row for each database."
)


class _Found(NamedTuple):
    """What is measured of a file; ``lock`` is the mode in which others hold it, empty for none."""

    metrics: Metrics | None
    application: str | None
    lock: str


# Fields whose names in JSON are not those of the metrics, which have their unit at the end.
_FIELDS = {
    "boltcli_size_bytes": "size",
    "boltcli_page_size_bytes": "page_size",
    "boltcli_last_write_timestamp_seconds": "modified",
    "boltcli_last_write_age_seconds": "age",
}


def select(opener: Opener, paths: Sequence[str]) -> Files:
    """Return the files, each once: a sample may appear only once."""
    return opener.files(paths, twice=False)


@command(
    "metrics",
    example="boltcli metrics fixtures/document.db",
    group="Compare",
    several=True,
    together=True,
    opens=True,
    statuses={0: "all files were read", 1: "a file could not be read; its sample boltcli_up is 0"},
    select=select,
    summary=Summary(
        ("size", "size", "size"),
        *((name, f"{name}_bytes", "size") for name in ("free", "lost", "unused")),
        ("txid", "txid", "integer"),
        ("application", "application", "text"),
        order="size",
        is_measure=True,
        is_public=True,
    ),
    unknown=UNKNOWN,
)
def metrics_(
    opener: Opener,
    out: Output,
    *,
    paths: Annotated[list[str], argument("FILE", "The bolt database files.", files)],
    deep: Annotated[bool, switch("Also count pairs and buckets.")] = False,
    check: Annotated[bool, switch("Also check each database and print the result.")] = False,
    output: Annotated[str, written_to(_OUTPUT)] = "",
    no_sync: NoSync = False,
    jobs: JobsApart = 0,
) -> int:
    """Print metrics of databases as OpenMetrics text, for Prometheus."""
    files = select(opener, paths)
    look = partial(_look, opener, deep, check)

    def write(out: Output) -> int:
        status = 0
        samples: list[Iterable[Sample]] = []  # all, as the format has those of a metric together
        for file, found in each(files, look, opener, out, what="measuring", jobs=jobs or 1, raises=False):
            if isinstance(found, BoltError):
                status = max(status, complain(file.path, found, UNKNOWN, opener, out))
                found = _Found(None, None, "")
            else:
                out.record(partial(_record, file.path, found))
            whose = (("application", found.application),) if found.application else ()
            samples.append(openmetrics.samples((("path", file.path), *whose), found.metrics, time(), found.lock))
        out.text(lambda: openmetrics.text(chain.from_iterable(samples)))
        say_passed(files, out)
        return status

    if not output:
        return write(out)
    with out.to_file(output, public=True, replace=True, sync=not no_sync) as target:
        return write(target)


def _look(opener: Opener, deep: bool, check: bool, _: Named, out: Output) -> _Found:
    with open_source(out.path, "none") as source:
        lock = lock_mode(holders(source)) or ""

    def work(snapshot: Snapshot, out: Output) -> _Found:
        found = metrics(snapshot, deep=deep, checked=check)
        known = recognised(snapshot)
        return _Found(found, known.application.name if known else None, lock)

    return opener.read(out.path, work, Collected(out.path))  # the message about the transaction is one of the metrics


def _record(path: str, found: _Found) -> records.Record:
    record = records.of_file(path) | {"application": found.application, "lock": found.lock or None}
    for name, labels, value in openmetrics.samples((), found.metrics, time(), found.lock):
        short = _FIELDS.get(name, name.removeprefix("boltcli_"))
        if short == "locked":
            continue
        if labels:
            record.setdefault(short, {})[labels[0][1]] = value
        else:
            record[short] = time_text(int(value * 1000) * 1_000_000) if short == "modified" else value
    return record
