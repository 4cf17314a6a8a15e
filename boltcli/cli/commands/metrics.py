"""``metrics``: print metrics of databases for a monitoring system. bbolt has no such command."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

from ...api.lock import lock
from ...api.metrics import Metrics, metrics
from ...errors import BoltError
from ...render import openmetrics
from ..command import Summary, command
from ..many import complain, each, say_passed
from ..output import Collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...fleet.files import Files, Named
    from ...fleet.metrics import Sample
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
                found = Metrics(file.path)
            else:
                out.record(partial(openmetrics.metrics_record, found, file.path))
            samples.append(replace(found, path=file.path).samples())
        out.text(lambda: openmetrics.text(chain.from_iterable(samples)))
        say_passed(files, out)
        return status

    if not output:
        return write(out)
    with out.to_file(output, public=True, replace=True, sync=not no_sync) as target:
        return write(target)


def _look(opener: Opener, deep: bool, check: bool, _: Named, out: Output) -> Metrics:
    held = lock(out.path).mode

    def work(snapshot: Snapshot, out: Output) -> Metrics:
        return metrics(snapshot, deep=deep, check=check, held=held)

    return opener.read(out.path, work, Collected(out.path))  # the message about the transaction is one of the metrics
