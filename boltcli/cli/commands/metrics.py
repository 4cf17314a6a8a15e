"""``metrics``: print metrics of databases for a monitoring system. bbolt has no such command."""

from __future__ import annotations

from time import time

from ...errors import BoltError, as_failure
from ...render import openmetrics
from ..command import command
from ..runner import run_on_database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, BinaryIO

    from typer import Argument, Option

    from ...ops.compare.metrics import Metrics
    from ...render.openmetrics import Labels, Sample
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import JobsApart, NoSync, files, results


# The fields of a file that could not be read.
UNKNOWN: dict[str, Any] = {"application": None, "lock": None, "up": 0}


class _File:
    """The metrics of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.application: str | None = None
        self.found: Metrics | None = None
        self.lock = ""


@command(
    "metrics",
    example="boltcli metrics fixtures/document.db fixtures/inline.db",
    group="Compare",
    several=True,
    together=True,
    opens=True,
    statuses={0: "all files were read", 1: "a file could not be read; its sample boltcli_up is 0"},
    unknown=UNKNOWN,
)
def metrics_(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    paths: Annotated[list[str], Argument(metavar="FILE", help="The bolt database files.", autocompletion=files)],
    deep: Annotated[bool, Option(help="Also count pairs and buckets.")] = False,
    check: Annotated[bool, Option(help="Also check each database and print the result.")] = False,
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write to this file, which is replaced in one step, instead of standard output;"
            " .ndjson, .json, .csv and .parquet get a row for each database.",
            metavar="DEST",
            autocompletion=results,
        ),
    ] = "",
    no_sync: NoSync = False,
    jobs: JobsApart = 0,
) -> int:
    """Print metrics of databases as OpenMetrics text, for Prometheus."""
    from ..meant_files import meant_files

    meant = meant_files(job)
    looked = []
    status = 0
    for path in dict.fromkeys(meant.paths):  # a sample may appear only once
        file = _File(path)
        looked.append(file)
        try:
            if path in meant.failed:
                raise meant.failed[path]
            _look(file, job)
        except (BoltError, OSError) as error:
            if job.several:
                raise
            status = 1
            job.complain(as_failure(error, path), path)
    job.say_passed(meant)
    content = _json(looked) if job.json else openmetrics.text(_samples(looked))
    if job.several or not output:
        out.write(content)
        return status
    from ..row_output import complete

    with complete(output, public=True, replace=True, sync=not no_sync) as target:
        target.write(content)
    return status


def _look(file: _File, job: Job) -> None:
    """Read the metrics of a file. Raises BoltError."""
    from io import BytesIO

    from ...storage.holders import holders
    from ...storage.source import open_source

    source = open_source(file.path, "none")
    try:
        modes = {holder.mode for holder in holders(source) if not holder.waits}
        file.lock = "exclusive" if "exclusive" in modes else "shared" if modes else ""
    finally:
        source.close()
    sink = BytesIO()  # drop the message about the transaction, which is one of the metrics

    def work(snapshot: Snapshot, job: Job, out: BinaryIO, err: BinaryIO) -> None:
        from ...apps.registry import recognised
        from ...ops.compare.metrics import metrics

        file.application, file.found = None, None
        found = metrics(snapshot, deep=job.options.deep, checked=job.options.check)
        application = recognised(snapshot)
        file.application = application.application.name if application else None
        file.found = found

    try:
        run_on_database(work, job.again(path=file.path, err=sink), sink, sink)
    except BoltError:
        file.found = None
        raise


def _samples(files: list[_File]) -> list[Sample]:
    now = time()
    found: list[Sample] = []
    for file in files:
        labels: Labels = (("path", file.path),)
        if file.application:
            labels += (("application", file.application),)
        found += openmetrics.samples(labels, file.found, now, file.lock)
    return found


# Fields whose names in JSON are not those of the metrics, which have their unit at the end.
_FIELDS = {
    "boltcli_size_bytes": "size",
    "boltcli_page_size_bytes": "page_size",
    "boltcli_last_write_timestamp_seconds": "modified",
    "boltcli_last_write_age_seconds": "age",
}


def _json(files: list[_File]) -> bytes:
    from ...render import records
    from ...text.times import time_text

    now = time()
    lines = []
    for file in files:
        record: records.Record = {}
        records.put_path(record, file.path)
        record["application"] = file.application
        record["lock"] = file.lock or None
        for name, labels, value in openmetrics.samples((), file.found, now, file.lock):
            short = _FIELDS.get(name, name.removeprefix("boltcli_"))
            if short == "locked":
                continue
            if labels:
                record.setdefault(short, {})[labels[0][1]] = value
            else:
                record[short] = time_text(int(value * 1000) * 1_000_000) if short == "modified" else value
        lines.append(records.line(record))
    return b"".join(lines)
