"""``verify``: verify databases and backups and print a verdict on each. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import Argument, Command, Option
from ..options import JOBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

COMMAND = Command(
    "verify",
    "Verify databases and backups: checksum, structure, all pairs; print a verdict on each.",
    arguments=(Argument("FILE", "file", "Databases and backups, also packed or remote.", many=True),),
    least=1,
    options=(
        Option("quick", "Verify only the checksum, the meta pages and the page headers.", default=False),
        Option("deep", "Verify everything, like check --deep.", default=False),
        JOBS,
    ),
    opens=True,
    several=True,
    example="boltcli verify fixtures/document.db fixtures/inline.db",
    statuses={0: "every file is whole", 1: "a file is damaged, or could not be read"},
    group="Verify",
)

# The fields of a file that could not be read.
UNKNOWN: dict[str, Any] = {
    "ok": False, "kind": None, "sha256": None, "check": None, "errors": None, "problems": [], "level": None,
    "pairs": None, "buckets": None, "application": None, "layout": None, "revision": None, "txid": None,
    "page_size": None, "size": None,
}  # fmt: skip


class Options:
    """The values of the options."""

    quick: bool
    deep: bool
    jobs: int


def prepare(job: Job[Options]) -> None:
    if job.options.quick and job.options.deep:
        raise ArgumentError("--quick and --deep can't be combined")


def run(snapshot: Snapshot, job: Job[Options], out: BinaryIO, err: BinaryIO) -> int:
    from ...fleet.find import kind_of_file
    from ...fleet.verify import DEEP, QUICK, WHOLE, verify
    from ...render import records

    level = QUICK if job.options.quick else DEEP if job.options.deep else WHOLE
    found = verify(snapshot, level)
    record: records.Record = {}
    records.put_path(record, job.path)
    record["kind"] = kind_of_file(job.path)
    out.write(records.line(record | found))
    return 0 if found["ok"] else 1
