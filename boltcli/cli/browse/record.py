"""What the pane shows of the chosen row: the value of a pair, the record of a view's row, what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...apps.contract import View
from ...text.cells import cell, cell_text
from ...text.json import line
from ...text.sizes import size
from ...text.values import path_text, shell_quoted
from .keys import Row
from .pane import Field
from .reader import Job
from .references import backwards, record_of, reference
from .session import State
from .sidebar import Place
from .value import JSON, LARGEST, show_value


@dataclass
class Record:
    """What is shown: ``text`` (perhaps in parts with styles), or ``groups`` of fields and ``data``, folded.

    ``about`` says what it is, and in which form.
    """

    about: str
    text: str | list[tuple[str, str]] = ""
    groups: list[tuple[str, list[Field]]] = field(default_factory=list)
    data: Any = None


def shown_record(place: Place, row: Row, form: str, width: int, view: View | None, state: State, job: Job) -> Record:
    """Return what to show of ``row``, a value in ``form`` (empty: the one that suits). Raises BoltError."""
    if row.gap is not None:
        return unreadable(row.gap.error, state.snapshot.path)
    if view is not None:
        return _of_view(view, row.cells, form, width, state)
    if row.is_bucket:
        return _of_bucket(state, (*place.path, row.key), row)
    value = state.value(place.path, row.key, LARGEST)
    found = show_value(
        value, form, width=width, decoder=state.decoder, path=place.path, key=row.key, size=row.size
    )  # fmt: skip
    details = [found.form, size(row.size), found.about, f"page {row.page}" if row.page else "inline"]
    groups = []
    if not form or form == JSON:
        record = record_of(state, job, place.path, row.key)
        if record is not None:
            groups.append((f"as view {record[0].name} shows it", fields(record[0], record[1], state.views)))
    data = found.data
    if groups and data is None:
        groups.append(("value", [Field(found.form, found.text, str(found.text))]))
    return Record(" · ".join(filter(None, details)), found.text, groups, data)


def unreadable(error: Exception, path: str) -> Record:
    """Return what is wrong with the file at ``path``, and what to do next."""
    file = shell_quoted(path)
    text = f"{error}\n\nWhat lies there is missing here.\n\n"
    text += f"boltcli doctor {file}\n    says what is wrong, and what each remedy would keep\n"
    text += f"boltcli recover {file} -o COPY\n    writes everything that the file still holds"
    return Record("damaged", text)


def fields(view: View, row: Sequence[Any], views: Sequence[View]) -> list[Field]:
    """Return the fields of a row that have a value: times and states as the view shows them."""
    found = []
    for column, value in zip(view.columns, row):
        text = cell_text(value, column.type)
        if text:
            leads = reference(column.name, value, views, view.name, column.type)
            folded = cell(value, column.type) if column.type == "json" else None
            found.append(
                Field(column.name, folded, leads=leads)
                if isinstance(folded, (dict, list))
                else Field(column.name, text if column.type == "time" else value, text, leads)
            )
    return found


def _of_view(view: View, row: Sequence[Any], form: str, width: int, state: State) -> Record:
    if form and form != JSON:
        values = {column.name: _plain(value, column.type) for column, value in zip(view.columns, row)}
        found = show_value(line(values)[:-1], form, width=width)
        return Record(
            " · ".join(filter(None, [f"a row of {view.name}", found.form, found.about])), found.text, [], found.data
        )
    groups = [("", fields(view, row, state.views))]
    leads = [Field(each.view, None, f"{each.column}={each.text}", each) for each in backwards(view, row, state.views)]
    if leads:
        groups.append(("referred to by", leads))
    return Record(f"a row of {view.name}", "", groups)


def _plain(value: Any, type: str) -> Any:
    found = cell(value, type)
    return cell_text(value, type) if type == "time" or isinstance(found, bytes) else found


def _of_bucket(state: State, path: tuple[bytes, ...], row: Row) -> Record:
    bucket = state.bucket(path)
    lines = [f"bucket {path_text(path)}", "Enter opens it.", ""]
    lines.append(f"root page {bucket.root}" if bucket.root else f"inline, {size(row.size)}")
    lines.append(f"sequence {bucket.sequence}")
    counted = state.counts.get(path)
    if counted is not None:
        lines.append(f"{'at least ' * bool(counted[1])}{counted[0]:,} keys")
    return Record(f"bucket · page {row.page}" if row.page else "bucket · inline", "\n".join(lines))
