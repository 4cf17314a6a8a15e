"""``sql``: run a SQL statement over one or more databases with DuckDB."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

from ...api.tables import relations
from ...api.tables import sql as query
from ...errors import ArgumentError, BoltError
from ...render.table import Table
from ...storage import opened
from ...tables.relations import GENERAL
from ...tables.result_rows import result_columns, result_rows
from ...text.values import shell_quoted
from ..command import command
from ..many import complain, each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...fleet.files import Named
    from ...storage.snapshot import Snapshot
    from ...tables.relations import Relation
    from ..opener import Opener
    from ..options import Force, From, Prefix, To, argument, buckets, files, switch, text, written_to
    from ..output import Output


_GENERAL = (
    "SELECT bucket, count(*) AS pairs, sum(octet_length(value)) AS bytes FROM pairs GROUP BY ALL ORDER BY bytes DESC",
    "SELECT key_text, octet_length(value) AS bytes FROM pairs ORDER BY bytes DESC LIMIT 10",
    "SELECT type, count(*) AS pages FROM pages GROUP BY type",
    "SELECT path, kind, count(*) FROM findings GROUP BY ALL",
    "SELECT path, application, txid, size FROM files",
)
_BUCKET = "Read only this bucket for the relation pairs; repeat it for a nested one. Every file must have it."


def prepare(bucket: list[bytes], prefix: bytes, from_: bytes, to: bytes, json: bool, csv: bool) -> None:
    if (prefix or from_ or to) and not bucket:
        raise ArgumentError("--prefix, --from and --to need --bucket, whose keys they limit")
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
    statement: Annotated[str, argument("STATEMENT", "A SQL statement; default: list the relations.")],
    paths: Annotated[
        list[str], argument("FILE", "Bolt database files; a relation has the rows of all of them.", files)
    ] = [],
    bucket: Annotated[list[bytes], text(_BUCKET, "NAME", completes=buckets)] = [],
    prefix: Prefix = b"",
    from_: From = b"",
    to: To = b"",
    csv: Annotated[bool, switch("Write CSV; a BLOB that can't be printed is 0x and hex digits.")] = False,
    output: Annotated[
        str,
        written_to("Write the result to this file; its suffix selects Parquet, CSV, NDJSON, JSON (an array) or Arrow."),
    ] = "",
    force: Force = False,
    allow_files: Annotated[
        bool, switch("Let the statement read and write files, attach databases, load extensions, and change settings.")
    ] = False,
) -> int:
    """Run a SQL statement over databases and the views of their applications (DuckDB)."""
    text, named = _split([statement, *paths])
    status = 0
    with ExitStack() as stack:

        def opened(_: Named, out: Output) -> Snapshot:
            return stack.enter_context(opener.open(out.path))

        files: list[Snapshot] = []
        for named_file, found in each(opener.files(named), opened, opener, out, what="opening", direct=True):
            if isinstance(found, BoltError):
                status = max(status, complain(named_file.path, found, None, opener, out))
            else:
                files.append(found)
        if not files:
            return status
        if text is None:
            known = relations(files)
            out.records(lambda: _records(known), lambda: _text(known, files))
            return status
        progress = stack.enter_context(out.progress("reading"))
        result = query(
            text, files, bucket=bucket or None, prefix=prefix, start=from_, stop=to or None, allow_files=allow_files,
            warn=lambda path, message: out.about(path).warn(message), progress=progress,
        )  # fmt: skip
        if result is not None:
            table = Table(result_columns(result.schema), result_rows(result), batches=(result.schema, result))
            out.rows(table, form="csv" * csv, output=output, force=force)
    return status


def _split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the statement, None if there is none, and the files. Which files exist doesn't matter.

    Of several arguments the first is the statement, unless it is a path: it begins with a slash or ./, or has a dot or
    a slash, and no blank, parenthesis or semicolon. A single one is the file.
    """
    first, *files = arguments
    is_path = first.startswith(("/", "./", "../")) and not first.startswith("/*")
    is_path = is_path or (any(char in "./" for char in first) and not any(c.isspace() or c in "();" for c in first))
    if files and not is_path:
        return first, files
    if not files and not os.path.exists(opened.split_member(first)[0]) and any(char.isspace() for char in first):
        raise ArgumentError("FILE is missing: boltcli sql 'STATEMENT' FILE...")
    return None, arguments


def _records(relations: dict[str, Relation]) -> Iterator[dict[str, Any]]:
    for name, relation in relations.items():
        columns = [{"name": column.name, "type": column.type} for column in relation.columns]
        yield {"relation": name, "title": relation.title, "columns": columns}


def _text(relations: dict[str, Relation], files: Sequence[Snapshot]) -> Iterator[bytes]:
    for name, relation in relations.items():
        described = ", ".join(f"{column.name} {column.type}" for column in relation.columns)
        yield f"{name}: {relation.title}\n    {described}\n".encode()
    yield b"\nStatements to begin with:\n"
    paths = " ".join(shell_quoted(file.path) for file in files)
    views = [f"SELECT * FROM {name} LIMIT 10" for name in relations if name not in GENERAL]
    for statement in [*views[:2], *_GENERAL][:5]:
        yield f"    boltcli sql {shell_quoted(statement)} {paths}\n".encode()
