"""``sql``: run a SQL statement over one or more databases with DuckDB."""

from __future__ import annotations

import os

from ...errors import ArgumentError
from ..command import command
from ..key_argument import address, addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, Any

    from typer import Argument, Option

    from ...ops.read.content import Bounds
    from ...tables.duck import Session
    from ..opener import Opener
    from ..options import Force, From, Prefix, To, buckets, files
    from ..output import Output


def prepare(bucket: list[str], prefix: str, from_: str, to: str, json: bool, csv: bool) -> None:
    if (prefix or from_ or to) and not bucket:
        raise ArgumentError("--prefix, --from and --to need --bucket: keys are those of a bucket")
    _bounds(bucket, prefix, from_, to)
    if csv and json:
        raise ArgumentError("--csv and --json can't be combined")


@command(
    "sql",
    example="boltcli sql 'SELECT bucket, count(*) FROM pairs GROUP BY ALL' fixtures/document.db",
    group="Query",
    opens=True,
    validate=prepare,
)
def sql(
    opener: Opener,
    out: Output,
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
    prefix: Prefix = "",
    from_: From = "",
    to: To = "",
    csv: Annotated[
        bool, Option(help="Write CSV; BLOBs that can't be printed are 0x and hex.")
    ] = False,
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
    from ...fleet.find import select
    from ...render.table import Table
    from ...storage.opened import name
    from ...tables.duck import Session
    from ...tables.relations import TableFile
    from ...tables.result_rows import result_columns, result_rows

    text, named = _split([statement, *paths])
    paths = select(named, recursive=False, search=False).paths
    name(paths)  # other processes may read them
    status = 0
    with ExitStack() as stack:
        files = []
        for path in paths:
            try:
                files.append(TableFile(path, stack.enter_context(opener.open(path)), out.about(path).warn))
            except (BoltError, OSError) as error:
                failure = as_failure(error, path)
                if len(paths) == 1:
                    raise failure from None
                status = 1
                out.complain(failure, path)
        if not files:
            raise ArgumentError("none of the files can be read")
        bounds = _bounds(bucket, prefix, from_, to)
        session = stack.enter_context(Session(files, bounds=bounds, allow_files=allow_files))
        if text is None:
            out.records(lambda: _records(session), lambda: _text(session))
            return status
        schema, batches = session.run(text)
        if schema is not None:
            table = Table(result_columns(schema), result_rows(batches), batches=(schema, batches))
            out.rows(table, form="csv" * csv, output=output, force=force)
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


def _bounds(bucket: list[str], prefix: str, from_: str, to: str) -> Bounds:
    """Return what is read of ``pairs``. Raises :class:`~boltcli.errors.ArgumentError`."""
    from ...ops.read.content import EVERYTHING, Bounds
    from ...tree.walk import bounds

    if not bucket:
        return EVERYTHING
    start, stop = bounds(address(prefix), address(from_), address(to) if to else None)
    return Bounds(tuple(addresses(bucket)), start=start, stop=stop)


def _records(session: Session) -> Iterator[dict[str, Any]]:
    for name, relation in session.relations.items():
        columns = [{"name": column.name, "type": column.type} for column in relation.columns]
        yield {"relation": name, "title": relation.title, "columns": columns}


def _text(session: Session) -> Iterator[bytes]:
    """Yield the relations with their columns, and example statements."""
    from ...tables.examples import statements
    from ...text.values import shell_quoted

    for name, relation in session.relations.items():
        described = ", ".join(f"{column.name} {column.type}" for column in relation.columns)
        yield f"{name}: {relation.title}\n    {described}\n".encode()
    yield b"\nStatements to begin with:\n"
    for statement in statements(session.relations):
        paths = " ".join(file.path for file in session.files)
        yield f"    boltcli sql {shell_quoted(statement)} {paths}\n".encode()
