"""``sql``: run a SQL statement over one or more databases with DuckDB."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ..command import command
from ..key_argument import address, addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, Any, BinaryIO

    from typer import Argument, Option

    from ...ops.read.content import Bounds
    from ...tables.duck import Session
    from ..job import Job
    from ..options import Force, From, Prefix, To, buckets, files


def prepare(job: Job) -> None:
    options = job.options
    if (options.prefix or options.from_ or options.to) and not options.bucket:
        raise ArgumentError("--prefix, --from and --to need --bucket: keys are those of a bucket")
    _bounds(options)
    if job.options.csv and job.json:
        raise ArgumentError("--csv and --json can't be combined")


@command(
    "sql",
    example="boltcli sql 'SELECT bucket, count(*) FROM pairs GROUP BY ALL' fixtures/document.db",
    group="Query",
    opens=True,
    validate=prepare,
)
def sql(
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    statement: Annotated[
        str, Argument(metavar="STATEMENT", help="A SQL statement; without it the relations are listed.")
    ],
    paths: Annotated[
        list[str],
        Argument(metavar="FILE", help="Bolt database files; each relation has the rows of all.", autocompletion=files),
    ] = [],
    bucket: Annotated[
        list[str],
        Option(
            help="Read only this bucket for the relation pairs; repeat it for a nested one. Every file must have it.",
            metavar="NAME",
            autocompletion=buckets,
        ),
    ] = [],
    prefix: Prefix = b"",
    from_: From = b"",
    to: To = b"",
    csv: Annotated[bool, Option(help="Write CSV; BLOBs are in hex.")] = False,
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write the result to this file; its suffix selects Parquet, CSV, NDJSON, JSON (an array) or Arrow.",
            metavar="DEST",
            autocompletion=files,
        ),
    ] = "",
    force: Force = False,
    allow_files: Annotated[
        bool,
        Option(help="Let the statement read and write files, attach databases, load extensions, and change settings."),
    ] = False,
) -> int:
    """Run a SQL statement over databases and the views of their applications (DuckDB)."""
    from contextlib import ExitStack

    from ...errors import BoltError, as_failure
    from ...tables.duck import Session
    from ...tables.relations import TableFile
    from ..meant_files import meant_files
    from ..runner import open_second

    text, named = _split(job.arguments)
    paths = meant_files(job, named).paths
    status = 0
    with ExitStack() as stack:
        files = []
        for path in paths:
            try:
                files.append(TableFile(path, stack.enter_context(open_second(path, job)), job.warn))
            except (BoltError, OSError) as error:
                failure = as_failure(error, path)
                if len(paths) == 1:
                    raise failure from None
                status = 1
                job.complain(failure, path)
        if not files:
            raise ArgumentError("none of the files can be read")
        session = stack.enter_context(Session(files, bounds=_bounds(job.options), allow_files=allow_files))
        if text is None:
            _describe(session, job, out)
        else:
            schema, batches = session.run(text)
            if schema is not None:
                _deliver(job, schema, batches, out)
    return status


def _split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the statement, None if there is none, and the files. Which files exist doesn't matter.

    Of several arguments the first is the statement, unless it is a path: it has a dot or a slash, and no blank,
    parenthesis or semicolon. A single one is the file.
    """
    from ...storage.opened import split_member

    first, *files = arguments
    if files and (not any(char in "./" for char in first) or any(char.isspace() or char in "();" for char in first)):
        return first, files
    if not files and not os.path.exists(split_member(first)[0]) and any(char.isspace() for char in first):
        raise ArgumentError("FILE is missing: boltcli sql 'STATEMENT' FILE...")
    return None, arguments


def _bounds(options: Any) -> Bounds:
    """Return what is read of ``pairs``. Raises :class:`~boltcli.errors.ArgumentError`."""
    from ...ops.read.content import EVERYTHING, Bounds
    from ...tree.walk import bounds

    if not options.bucket:
        return EVERYTHING
    end = address(options.to) if options.to else None
    start, stop = bounds(address(options.prefix), address(options.from_), end)
    return Bounds(tuple(addresses(options.bucket)), start=start, stop=stop)


def _deliver(job: Job, schema: Any, batches: Iterator[Any], out: BinaryIO) -> None:
    """Write the result in the selected form."""
    from ...render.table import Table
    from ...tables.result_rows import result_columns, result_rows
    from ..row_output import row_form, write_table

    options = job.options
    form = row_form(options.output, json=job.json, csv=options.csv)
    table = Table(result_columns(schema), result_rows(batches), batches=(schema, batches))
    write_table(table, out, form, output=options.output, force=options.force)


def _describe(session: Session, job: Job, out: BinaryIO) -> None:
    """List the relations with their columns, and example statements."""
    from ...render import records
    from ...tables.examples import statements

    if job.json:
        for name, relation in session.relations.items():
            columns = [{"name": column.name, "type": column.type} for column in relation.columns]
            out.write(records.line({"relation": name, "title": relation.title, "columns": columns}))
        return
    for name, relation in session.relations.items():
        described = ", ".join(f"{column.name} {column.type}" for column in relation.columns)
        out.write(f"{name}: {relation.title}\n    {described}\n".encode())
    out.write(b"\nStatements to begin with:\n")
    for statement in statements(session.relations):
        out.write(f"    boltcli sql {_quoted(statement)} {' '.join(file.path for file in session.files)}\n".encode())


def _quoted(statement: str) -> str:
    from ...render.names import shell_quoted

    return shell_quoted(statement)
