"""``doctor``: diagnose a file, explain the damage, and try remedies. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import Command, Option
from ..options import ACCESS, FILE, FORCE, NO_SYNC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ...storage.snapshot import Snapshot
    from ..job import Job

WRONG = 1  # exit statuses
LOSSES = 2

COMMAND = Command(
    "doctor",
    "Say what is wrong with a file, what it means for the data, and what to do; remedies are tried on copies.",
    arguments=(FILE,),
    least=1,
    most=1,
    options=(
        Option("fix", "Apply the best remedy, and write the result to --output.", default=False),
        Option("output", "Write the result of --fix to this file, which appears when it is complete.",
               default="", metavar="DEST", short="o", kind="file"),
        FORCE,
        NO_SYNC,
        *ACCESS[:3],
    ),
    example="boltcli doctor fixtures/document.db",
    statuses={
        0: "nothing is wrong; with --fix: all that was reachable is in DEST",
        WRONG: "something is wrong",
        LOSSES: "with --fix: written, with losses",
    },
    group="Rescue",
)  # fmt: skip


class Options:
    """The values of the options."""

    fix: bool
    output: str
    force: bool
    no_sync: bool


def prepare(job: Job[Options]) -> None:
    if job.options.fix != bool(job.options.output):
        raise ArgumentError("--fix and --output DEST go together: boltcli doctor --fix -o DEST FILE")


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> int:
    from tempfile import TemporaryDirectory

    from ...ops.rescue.doctor import diagnose, fix
    from ...render.diagnosis import diagnosis_record, diagnosis_text
    from ...storage.destination import check_destination

    options = job.options
    if options.fix:
        check_destination(options.output, replace=options.force)  # before the long work
    fixed = None
    with TemporaryDirectory(prefix="boltcli-doctor-") as folder:
        with job.progress("examining") as progress:
            found = diagnose(
                job.path, folder, lock=job.lock, timeout=job.timeout, progress=progress, whose=_whose
            )  # fmt: skip
        if options.fix and not found.ok:
            fixed = fix(found, folder, options.output, replace=options.force, sync=not options.no_sync)
    if job.json:
        from ...render import records

        out.write(records.line(diagnosis_record(found, fixed, options.output)))
    else:
        out.write(diagnosis_text(found, fixed, options.output))
        if found.ok and out.isatty() and not job.quiet:
            from ..hints import after_check

            err.writelines(f"hint: {line}\n".encode("utf-8", "surrogateescape") for line in after_check(job.path))
    if fixed is not None:
        return LOSSES if fixed.lost else 0
    return 0 if found.ok else WRONG


def _whose(snapshot: Snapshot) -> str:
    """Return the application that wrote the file, and its layout."""
    from ...apps.registry import recognise
    from ...apps.store import SnapshotStore

    found = recognise(SnapshotStore(snapshot))
    return f"{found[1].name} ({found[1].layout})" if found is not None else ""
