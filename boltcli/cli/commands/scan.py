"""``scan``: find bolt databases by the content of files. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ...storage.source import is_elsewhere
from ..command import Argument, Command
from ..options import HUMAN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..job import Job

COMMAND = Command(
    "scan",
    "Find bolt databases in folders by content, also packed ones, and name their applications.",
    arguments=(Argument("DIR", "file", "Folders, or files.", many=True),),
    least=1,
    options=(HUMAN,),
    example="boltcli scan .",
    statuses={0: "databases were found", 1: "a folder has none, or a database could not be read"},
    group="Verify",
)


class Options:
    """The values of the options."""

    human: bool


def prepare(job: Job[Options]) -> None:
    for argument in job.arguments:
        if is_elsewhere(argument):
            raise ArgumentError(f"{argument}: scan takes local folders; verify --recursive takes an address")


def run(job: Job[Options], out: BinaryIO, err: BinaryIO) -> int:
    from ...fleet.find import Files
    from ...fleet.scan import scan
    from ...render import records

    files = 0
    found = Files()
    rows: list[dict[str, Any]] = []
    bad = False
    with job.progress("scanning", "files") as progress:

        def looked() -> None:
            nonlocal files
            files += 1
            progress(files, files)

        for row in scan(job.arguments, found, looked):
            bad = bad or row["error"] is not None
            if not job.json:
                rows.append(row)
                continue
            record: records.Record = {}
            records.put_path(record, row.pop("path"))
            out.write(records.line(record | row))
            out.flush()
    if not job.json:
        _show(rows, files, job, out)
    out.flush()
    for path, error in found.failed.items():
        job.complain(error, path)
    job.say_passed(found)
    return 1 if bad or found.failed else 0


def _show(rows: list[dict[str, Any]], files: int, job: Job[Options], out: BinaryIO) -> None:
    if rows:
        from ...render.human import amount
        from ..row_output import Form, write_rows

        human = job.options.human or out.isatty()
        names = ["kind", "size", "txid", "age", "lock", "application", "file"]
        write_rows(
            Form(),
            names,
            [
                (
                    row["kind"], amount(row["size"], human), row["txid"], _age(row["age"]), row["lock"],
                    row["application"], f"{row['path']}: {row['error']}" if row["error"] else row["path"],
                )
                for row in rows
            ],
            out,
        )  # fmt: skip
    looked_at = f"{files} file{'s' * (files != 1)} looked at"
    out.write(f"{len(rows)} database{'s' * (len(rows) != 1)}, {looked_at}\n".encode())


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"
