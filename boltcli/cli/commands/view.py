"""``view``: show the records of the application that wrote the database as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ...apps import registry
from ...apps.contract import Column
from ...apps.rows import condition, selected, view_rows
from ...database import Database as Opened
from ...errors import ArgumentError
from ...render.row_files import row_form
from ...render.table import Table, table_of
from ...text.values import shell_quoted
from ..command import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...apps.contract import Store
    from ...apps.registry import Recognised
    from ..options import Database, Force, argument, number, switch, text, views, written_to
    from ..output import Output
    from ..values import parse_uint64


def prepare(json: bool, csv: bool, where: list[str], set: list[str], output: str) -> None:
    if json and csv:
        raise ArgumentError("--json and --csv can't be combined")
    for option, texts in (("where", where), ("set", set)):
        for text in texts:
            condition(text, option)
    form = row_form(output, json=json, csv=csv)
    if form in ("parquet", "arrow"):
        raise ArgumentError(f"view writes .csv, .ndjson and .json; `boltcli export --view NAME` also writes {form}")


@command(
    "view",
    example="boltcli view fixtures/bacalhau-compute-1.4.db executions --where state=Running --limit 3",
    group="Applications",
    validate=prepare,
)
def view_(
    db: Database,
    out: Output,
    *,
    name: Annotated[str, argument("NAME", "The view: executions, jobs, ...; see `boltcli help apps`.", views)] = "",
    columns: Annotated[str, text("Show only these columns, separated by commas, in this order.", "NAMES")] = "",
    where: Annotated[
        list[str],
        text("Show only rows in which FIELD is VALUE, as displayed; if repeated, all must match.", "FIELD=VALUE"),
    ] = [],
    sort: Annotated[str, text("Sort by this column; -COLUMN: descending.", "COLUMN")] = "",
    limit: Annotated[int, number("At most this many rows; 0: all.", "N", parse_uint64)] = 0,
    csv: Annotated[bool, switch("Write CSV with a header line.")] = False,
    rev: Annotated[str, text("The revision to show, for views that take one.", "N")] = "",
    key: Annotated[str, text("The key to show, for views that take one.", "KEY")] = "",
    set: Annotated[list[str], text("Set another option of the view; may be repeated.", "NAME=VALUE")] = [],
    app: Annotated[
        str, text("The application whose views to use; auto recognises it by the file's buckets.", "NAME")
    ] = "auto",
    output: Annotated[
        str, written_to("Write the rows to this file: .csv, .ndjson or .json (export --view also writes .parquet).")
    ] = "",
    force: Force = False,
    wide: Annotated[bool, switch("On a terminal: show all columns and whole values, on long lines.")] = False,
) -> None:
    """Show an application's records as a table; without NAME list the tables."""
    store = Opened(db)
    known = registry.recognised(db) if app == "auto" else registry.named(store, app)
    if known is None:
        raise ArgumentError("no known application wrote this database; `boltcli help apps` lists them")
    if name:
        view = known.application.view(name)
        if view is None:
            views = ", ".join(view.name for view in known.application.views) or "none"
            raise ArgumentError(f"{known.application.name} has no view {name!r}; its views: {views}")
        given = dict(condition(text, "set") for text in set)
        given |= {option: value for option, value in (("rev", rev), ("key", key)) if value}
        names = [each.strip() for each in columns.split(",") if each.strip()]
        wanted = [condition(text) for text in where]
        shown, rows = selected(view, view_rows(view, store, given), names, wanted, sort, limit)
        table = Table(shown, rows, title=view.name, sparse=True)
    elif csv or output:
        table = table_of(list(_records(known, store)))
    else:
        out.records(lambda: _records(known, store), lambda: _text(known, store, out))
        return
    with out.progress("reading") as progress:
        db.watch(lambda done, _: progress(done, 0))  # it is not known how much of the file the view is about
        out.rows(table, form="csv" * csv, output=output, force=force, tabs=True, wide=wide, finish=db.finish)


def _records(known: Recognised, db: Store) -> Iterator[dict[str, Any]]:
    for view in known.application.views:
        columns = {column.name: column.type for column in view.columns}
        record = {"view": view.name, "rows": view.count(db), "title": view.title, "columns": columns}
        yield record | {"options": view.options, "application": known.application.name, "layout": known.layout}


def _text(known: Recognised, db: Store, out: Output) -> Iterator[bytes]:
    application = known.application
    head = f"{application.name}: {known.layout} ({known.certainty})\n\n"
    yield head.encode("utf-8", "surrogateescape")
    rows = [(view.name, view.count(db), view.title) for view in application.views]
    yield from Table([Column("view"), Column("rows", "integer"), Column("what it shows")], rows).text_lines(rule=False)
    if out.is_terminal and application.hints:
        yield b"\nFor example:\n"
        for hint in application.hints:
            command = hint.replace("FILE", shell_quoted(out.path), 1)
            yield f"  boltcli {command}\n".encode("utf-8", "surrogateescape")
