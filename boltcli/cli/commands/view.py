"""``view``: show the records of the application that wrote the database as tables."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command
from ..streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, Any, BinaryIO

    from typer import Argument, Option

    from ...apps.contract import Application, Recognition
    from ...apps.store import SnapshotStore
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Database, Force, files
    from ..values import parse_uint64

_MOST_ON_A_TERMINAL = 2000  # rows in a table with aligned columns; more rows are written as in a pipe


def prepare(job: Job) -> None:
    if job.json and job.options.csv:
        raise ArgumentError("--json and --csv can't be combined")
    for option in ("where", "set"):
        for text in getattr(job.options, option):
            _split(option, text)
    _kind(job)


def _kind(job: Job) -> str:
    """Return the form of the rows: text, csv, json (lines) or array. Raises ArgumentError."""
    from ..row_output import Form

    kind = Form(json=job.json, csv=job.options.csv, output=job.options.output).kind
    if kind in ("parquet", "arrow"):
        raise ArgumentError(f"view writes .csv, .ndjson and .json; `boltcli export --view NAME` also writes {kind}")
    return kind


@command(
    "view",
    example="boltcli view fixtures/bacalhau-compute-1.4.db executions --where state=Running --limit 3",
    group="Applications",
    validate=prepare,
)
def view_(
    db: Database,
    job: Job,
    out: BinaryIO,
    err: BinaryIO,
    *,
    name: Annotated[
        str, Argument(metavar="NAME", help="The view: executions, jobs, ...; see `boltcli help apps`.")
    ] = "",
    columns: Annotated[
        str, Option(help="Show only these columns, separated by commas, in this order.", metavar="NAMES")
    ] = "",
    where: Annotated[
        list[str],
        Option(
            help="Show only rows in which FIELD is VALUE, as displayed; if repeated, all must match.",
            metavar="FIELD=VALUE",
        ),
    ] = [],
    sort: Annotated[str, Option(help="Sort by this column; -COLUMN: descending.", metavar="COLUMN")] = "",
    limit: Annotated[int, Option(help="At most this many rows; 0: all.", metavar="N", parser=parse_uint64)] = 0,
    csv: Annotated[bool, Option(help="Write CSV with a header line.")] = False,
    rev: Annotated[str, Option(help="The revision to show, in views that take one.", metavar="N")] = "",
    key: Annotated[str, Option(help="The key to show, in views that take one.", metavar="KEY")] = "",
    set: Annotated[list[str], Option(help="Another option of the view; may be repeated.", metavar="NAME=VALUE")] = [],
    app: Annotated[
        str,
        Option(help="The application whose views to use; auto: recognise it by the file's buckets.", metavar="NAME"),
    ] = "auto",
    output: Annotated[
        str,
        Option(
            "--output",
            "-o",
            help="Write the rows to this file: .csv, .ndjson or .json (export --view also writes .parquet).",
            metavar="DEST",
            autocompletion=files,
        ),
    ] = "",
    force: Force = False,
) -> None:
    """Show an application's records as a table; without NAME list the tables."""
    if not output:
        _write(db, job, _kind(job), out)
        return
    from ..row_output import complete, lines_into

    kind = _kind(job)
    with complete(output, replace=force) as file:
        with lines_into(file, kind) as target:
            count = _write(db, job, "json" if kind == "array" else kind, target)
        db.finish()
    out.write(f"{count} rows -> {output}\n".encode("utf-8", "surrogateescape"))


def _write(snapshot: Snapshot, job: Job, kind: str, out: BinaryIO) -> int:
    """Write the views, or the rows of one, as text, CSV or lines of JSON; return their number."""
    from ...apps.store import SnapshotStore

    db = SnapshotStore(snapshot)
    application, recognition = recognised(db, job.options.app)
    if len(job.arguments) < 2:
        return _list(application, recognition, db, job, kind, out)
    return _show(application, db, job, kind, out)


def recognised(db: SnapshotStore, name: str) -> tuple[Application, Recognition]:
    """Return the application that wrote ``db``, or the one called ``name``.

    Raises :class:`~boltcli.errors.ArgumentError` if there is none.
    """
    from ...apps import registry

    found = registry.recognise(db) if name == "auto" else registry.named(db, name)
    if found is None:
        raise ArgumentError("no known application wrote this database; `boltcli help apps` lists them")
    return found


def _list(
    application: Application, recognition: Recognition, db: SnapshotStore, job: Job, kind: str, out: BinaryIO
) -> int:
    from ...apps.contract import Column
    from ...render import records, view_rows

    found = [(view, view.count(db)) for view in application.views]
    if kind == "json":
        for view, count in found:
            out.write(
                records.line(
                    {
                        "view": view.name,
                        "rows": count,
                        "title": view.title,
                        "columns": {column.name: column.type for column in view.columns},
                        "options": view.options,
                        "application": application.name,
                        "layout": recognition.layout,
                    }
                )
            )
        return len(found)
    if kind == "csv":
        columns = [Column("view"), Column("rows", "integer"), Column("title")]
        rows = [(view.name, count, view.title) for view, count in found]
        out.writelines(view_rows.csv_lines(columns, rows))
        return len(found)
    head = f"{application.name}: {recognition.layout} ({recognition.certainty})\n\n"
    out.write(head.encode("utf-8", "surrogateescape"))
    columns = [Column("view"), Column("rows", "integer"), Column("what it shows")]
    out.write(view_rows.aligned(columns, [(view.name, count, view.title) for view, count in found]))
    if out.isatty() and application.hints:
        from ...text.values import shell_quoted

        path = shell_quoted(job.path)
        hints = "".join(f"  boltcli {hint.replace('FILE', path, 1)}\n" for hint in application.hints)
        out.write(f"\nFor example:\n{hints}".encode("utf-8", "surrogateescape"))
    return len(found)


def _show(application: Application, db: SnapshotStore, job: Job, kind: str, out: BinaryIO) -> int:
    from ...apps.rows import Selection, view_rows
    from ...render import view_rows as render

    options = job.options
    view = application.view(job.arguments[1])
    if view is None:
        known = ", ".join(view.name for view in application.views) or "none"
        raise ArgumentError(f"{application.name} has no view {job.arguments[1]!r}; its views: {known}")
    given = dict(_split("set", text) for text in options.set)
    given |= {name: value for name, value in (("rev", options.rev), ("key", options.key)) if value}
    selection = Selection(
        view,
        [name.strip() for name in options.columns.split(",") if name.strip()],
        [_split("where", text) for text in options.where],
        options.sort,
        options.limit,
    )
    count = 0

    def counted() -> Iterator[tuple[Any, ...]]:
        nonlocal count
        for row in selection.rows(view_rows(view, db, given)):
            count += 1
            yield row

    rows = counted()
    if kind == "json":
        out.writelines(render.json_lines(selection.columns, rows))
    elif kind == "csv":
        out.writelines(render.csv_lines(selection.columns, rows))
    elif out.isatty():
        from itertools import chain, islice

        first = list(islice(rows, _MOST_ON_A_TERMINAL + 1))
        if len(first) > _MOST_ON_A_TERMINAL:
            out.writelines(render.text_lines(selection.columns, chain(first, rows)))
        else:
            from ...render.rich_table import rich_table

            title = f"{view.name}: {len(first)}"
            write_styled(out, rich_table(title, selection.columns, first, styled=wants_style(out)))
    else:
        out.writelines(render.text_lines(selection.columns, rows))
    return count


def _split(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ArgumentError(f"--{option} takes FIELD=VALUE, not {text!r}")
    return name, value
