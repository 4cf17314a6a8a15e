"""``view``: show the records of the application that wrote the database as tables."""

from __future__ import annotations

from ...errors import ArgumentError
from ..command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Annotated, BinaryIO

    from typer import Argument, Option

    from ...apps.contract import Application, Store
    from ...apps.registry import Recognised
    from ...render.table import Table
    from ...storage.snapshot import Snapshot
    from ..job import Job
    from ..options import Database, Force, files
    from ..values import parse_uint64


def prepare(job: Job) -> None:
    if job.json and job.options.csv:
        raise ArgumentError("--json and --csv can't be combined")
    for option in ("where", "set"):
        for text in getattr(job.options, option):
            _split(option, text)
    _kind(job)


def _kind(job: Job) -> str:
    """Return the form of the rows. Raises ArgumentError."""
    from ..row_output import row_form

    kind = row_form(job.options.output, json=job.json, csv=job.options.csv)
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
    from ...database import Database as Opened
    from ..row_output import write_table

    store = Opened(db)
    known = recognised(db, app)
    application = known.application
    form = _kind(job)
    if name:
        given = dict(_split("set", text) for text in set)
        given |= {option: value for option, value in (("rev", rev), ("key", key)) if value}
        wanted = [_split("where", text) for text in where]
        table = _rows(application, store, name, given, columns, wanted, sort, limit)
        write_table(table, out, form, output=output, force=force, tabs=True, finish=db.finish)
    elif form and form != "csv":
        write_table(_views(known, store), out, form, output=output, force=force, finish=db.finish)
    elif form:
        write_table(_list(application, store), out, form, output=output, force=force, finish=db.finish)
    else:
        head = f"{application.name}: {known.layout} ({known.certainty})\n\n"
        out.write(head.encode("utf-8", "surrogateescape"))
        out.writelines(_list(application, store, "what it shows").text_lines(rule=False))
        if out.isatty() and application.hints:
            out.writelines(_hints(application, job.path))


def recognised(snapshot: Snapshot, name: str) -> Recognised:
    """Return the application that wrote the database, or the one called ``name``.

    Raises :class:`~boltcli.errors.ArgumentError` if there is none.
    """
    from ...apps import registry
    from ...database import Database as Opened

    found = registry.recognised(snapshot) if name == "auto" else registry.named(Opened(snapshot), name)
    if found is None:
        raise ArgumentError("no known application wrote this database; `boltcli help apps` lists them")
    return found


def _list(application: Application, db: Store, title: str = "title") -> Table:
    """Return the views, and how many rows each has."""
    from ...apps.contract import Column
    from ...render.table import Table

    rows = [(view.name, view.count(db), view.title) for view in application.views]
    return Table([Column("view"), Column("rows", "integer"), Column(title)], rows)


def _views(known: Recognised, db: Store) -> Table:
    """Return all that is known of the views."""
    from ...apps.contract import Column
    from ...render.table import Table

    rows = [
        (
            view.name, view.count(db), view.title, {column.name: column.type for column in view.columns}, view.options,
            known.application.name, known.layout,
        )
        for view in known.application.views
    ]  # fmt: skip
    types = {"rows": "integer", "columns": "json", "options": "json"}
    names = ("view", "rows", "title", "columns", "options", "application", "layout")
    return Table([Column(name, types.get(name, "text")) for name in names], rows)


def _hints(application: Application, path: str) -> Iterator[bytes]:
    from ...render.names import shell_quoted

    yield b"\nFor example:\n"
    for hint in application.hints:
        yield f"  boltcli {hint.replace('FILE', shell_quoted(path), 1)}\n".encode("utf-8", "surrogateescape")


def _rows(
    application: Application, db: Store, name: str, given: dict[str, str], columns: str,
    where: list[tuple[str, str]], sort: str, limit: int,
) -> Table:  # fmt: skip
    """Return the rows of a view that are wanted. Raises :class:`~boltcli.errors.ArgumentError`."""
    from ...apps.rows import Selection, view_rows
    from ...render.table import Table

    view = application.view(name)
    if view is None:
        known = ", ".join(view.name for view in application.views) or "none"
        raise ArgumentError(f"{application.name} has no view {name!r}; its views: {known}")
    names = [each.strip() for each in columns.split(",") if each.strip()]
    selection = Selection(view, names, where, sort, limit)
    rows = selection.rows(view_rows(view, db, given))
    return Table(selection.columns, rows, title=view.name, sparse=True)


def _split(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ArgumentError(f"--{option} takes FIELD=VALUE, not {text!r}")
    return name, value
