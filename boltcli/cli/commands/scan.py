"""``scan``: find bolt databases by the content of files. bbolt has no such command."""

from __future__ import annotations

from ...errors import ArgumentError
from ...storage.source import is_elsewhere
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Any, BinaryIO

    from typer import Argument

    from ..job import Job
    from ..options import Human, files


def prepare(job: Job) -> None:
    for argument in job.arguments:
        if is_elsewhere(argument):
            raise ArgumentError(f"{argument}: scan takes local folders; verify --recursive takes an address")


@command(
    "scan",
    example="boltcli scan .",
    group="Verify",
    statuses={0: "databases were found", 1: "a folder has none, or a database could not be read"},
    validate=prepare,
)
def scan_(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    dirs: Annotated[list[str], Argument(metavar="DIR", help="Folders, or files.", autocompletion=files)],
    human: Human = False,
) -> int:
    """Find bolt databases in folders by content, also packed ones, and name their applications."""
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
            records.put_path(record, path := row.pop("path"))
            if row["error"] is not None:
                row["error"] = records.error(row["error"], path)
            out.write(records.line(record | row))
            out.flush()
    if not job.json:
        _show(rows, files, job, out)
    out.flush()
    for path, error in found.failed.items():
        job.complain(error, path)
    job.say_passed(found)
    return 1 if bad or found.failed else 0


def _show(rows: list[dict[str, Any]], files: int, job: Job, out: BinaryIO) -> None:
    if rows:
        from ...apps.contract import Column
        from ...render.table import Table
        from ...text.times import short_age
        from ..row_output import write_table

        types = {"size": "size", "txid": "integer"}
        names = ["kind", "size", "txid", "age", "lock", "application", "file"]
        found = (
            (
                row["kind"], row["size"], row["txid"], short_age(row["age"]), row["lock"],
                row["application"], f"{row['path']}: {row['error']}" if row["error"] else row["path"],
            )
            for row in rows
        )  # fmt: skip
        table = Table([Column(name, types.get(name, "text")) for name in names], list(found))
        write_table(table, out, "", human=job.options.human)
    looked_at = f"{files} file{'s' * (files != 1)} looked at"
    out.write(f"{len(rows)} database{'s' * (len(rows) != 1)}, {looked_at}\n".encode())
