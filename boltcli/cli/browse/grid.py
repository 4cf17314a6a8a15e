"""The table in the middle of the screen."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ...apps.contract import Column
from ...render.table import fitted
from ...text.cells import cell_text
from ...text.sizes import amount
from ...text.visible import cut, field_text, room_of
from .keys import Row
from .tables import Shown

_GAP = "  "
_HEAD = 2  # lines: what the table is, and the names of its columns
_NUMBERS = ("integer", "number", "size")
_ID, _SHORT = 36, 14  # characters of an id at least, and of one that is cut
_WIDEST = 400  # characters of a cell
_SECOND = ("state", "status", "severity")  # columns that come next to the first one
_STATES = {
    "$text-success": ("completed", "succeeded", "running", "active", "leader"),
    "$text-warning": ("pending", "publishing", "askforbid", "new", "created", "bidaccepted", "queued", "starting"),
    "$text-error": ("failed", "error", "stopped", "cancelled", "rejected", "expired", "critical"),
}


class Grid(Widget, can_focus=True):
    """Draws the rows that are shown, and sends a message when the user wants to move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "go('enter', 0)", "Open", tooltip="open a bucket, follow a reference, go to the value"),
        Binding("down,j", "go('move', 1)", "Down", show=False, tooltip="the next row"),
        Binding("up,k", "go('move', -1)", "Up", show=False, tooltip="the row before"),
        Binding("pagedown,space", "go('page', 1)", "Page down", show=False, tooltip="a screen further"),
        Binding("pageup", "go('page', -1)", "Page up", show=False, tooltip="a screen back"),
        Binding("home", "go('home', 0)", "First", show=False, tooltip="the first row"),
        Binding("end,G", "go('end', 0)", "Last", show=False, tooltip="the last row"),
        Binding("greater_than_sign", "column(1)", "Column", show=False, tooltip="choose the next column"),
        Binding("less_than_sign", "column(-1)", "Column", show=False, tooltip="choose the column before"),
    ]  # fmt: skip

    DEFAULT_CSS = "Grid { text-wrap: nowrap; }"

    class Go(Message):
        """The user wants to move: ``way`` is move, page, home, end, enter or at, ``count`` the number of rows."""

        def __init__(self, way: str, count: int) -> None:
            super().__init__()
            self.way = way
            self.count = count

    class Resized(Message):
        """More or fewer rows fit now."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.columns: Sequence[Column] = ()
        self.shown = Shown([])
        self.title = self.position = self.empty = self.sort = ""
        self.column = 0  # the chosen one
        self.leads: Sequence[bool] = ()  # whether a column's cells lead to other records
        self.gap_text: Callable[[Row], str] = str

    @property
    def room(self) -> int:
        """The number of rows that fit."""
        return max(self.size.height - _HEAD, 1)

    def action_go(self, way: str, count: int) -> None:
        self.post_message(self.Go(way, count))

    def action_column(self, count: int) -> None:
        kept = self._kept()
        if kept:
            at = kept.index(self.column) if self.column in kept else 0
            self.column = kept[min(max(at + count, 0), len(kept) - 1)]
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self.post_message(self.Resized())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_go("move", 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_go("move", -3)

    def on_click(self, event: events.Click) -> None:
        at = event.y - _HEAD
        if 0 <= at < len(self.shown.rows):
            self.action_go("at", at)
            if event.chain > 1:
                self.action_go("enter", 0)

    def _kept(self) -> list[int]:
        """Return the columns with a value in any row, and the one by which they are sorted; states are the second."""
        rows = [row for row in self.shown.rows if row.gap is None]
        sort = self.sort.removeprefix("-")
        kept = [
            at
            for at, column in enumerate(self.columns)
            if not rows or column.name == sort or any(row.cells[at] not in (None, "") for row in rows)
        ]
        return sorted(kept, key=lambda at: (at > 0, self.columns[at].name not in _SECOND))

    def _layout(self, width: int, kept: list[int], texts: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
        """Return columns and their widths: the first one, then as many as fit, the chosen one among them."""
        wanted = [max(map(room_of, [self._heading(at), *(row[at] for row in texts if row)])) for at in kept]
        if (
            len(kept) > 3 and sum(wanted) + len(_GAP) * len(wanted) > width
        ):  # ids are cut: their beginnings tell them apart
            ids = [any(len(row[at]) >= _ID and " " not in row[at] for row in texts if row) for at in kept]
            wanted = [min(room, _SHORT) if is_id else room for room, is_id in zip(wanted, ids)]
        layout: list[tuple[int, int]] = []
        for skipped in range(max(len(kept) - 1, min(len(kept), 1))):
            which = [0, *range(1 + skipped, len(kept))]
            rooms = fitted([min(wanted[each], width) for each in which], width)
            layout = [(kept[each], room) for each, room in zip(which, rooms) if room]
            if self.column not in kept or self.column in [at for at, _ in layout]:
                return layout
        return layout

    def _heading(self, at: int) -> str:
        name = self.columns[at].name
        arrow = {name: " ▲", f"-{name}": " ▼"}.get(self.sort, "")
        return field_text(name) + arrow

    def render(self) -> Content:
        width = max(self.size.width, 8)
        rows = self.shown.rows[: self.room]
        place = cut(self.position, width)
        title = cut(self.title, max(width - room_of(place) - 2, 0))
        blank = " " * max(width - room_of(title) - room_of(place), 0)
        lines = [Content.assemble((title, "bold"), blank, place)]
        kept = self._kept()
        texts = [
            () if row.gap is not None else [self._text(at, value) for at, value in enumerate(row.cells)] for row in rows
        ]
        layout = self._layout(width, kept, texts)
        hidden = len(kept) - len(layout)
        names = [
            (self._cell(at, self._heading(at), room), "bold underline" if at == self.column else "bold")
            for at, room in layout
        ]
        more = f"{_GAP}+{hidden} >" if hidden else ""  # the last column gives way to it
        heads: list[str | tuple[str, str]] = []
        for number, each in enumerate(names):
            heads += [_GAP * bool(number), each]
        head = Content.assemble(*heads).truncate(max(width - len(more), 0))
        lines.append(Content.assemble(head, more).stylize("$text-accent"))
        for number, (row, line) in enumerate(zip(rows, texts)):
            lines.append(self._line(row, line, layout, width, number == self.shown.at))
        if not rows:
            lines.append(Content(cut(self.empty, width)))
        return Content("\n").join(lines)

    def _line(self, row: Row, texts: Sequence[str], layout: list[tuple[int, int]], width: int, chosen: bool) -> Content:
        if row.gap is not None:
            line = Content(cut(f"✗ {self.gap_text(row)}", width)).pad_right(1).stylize("bold $text-error")
        else:
            parts: list[str | tuple[str, str]] = []
            for number, (at, room) in enumerate(layout):
                parts += [_GAP * bool(number), (self._cell(at, texts[at], room), self._style(at, texts[at]))]
            line = Content.assemble(*parts)
            if row.is_bucket:
                line = line.stylize("bold")
        if not chosen:
            return line
        text = f"{line.plain}{' ' * max(width - line.cell_length, 0)}"
        return Content.styled(text, "reverse" if self.has_focus else "underline")

    def _text(self, at: int, value: object) -> str:
        type = self.columns[at].type
        text = amount(value, True) if type == "size" and isinstance(value, int) else cell_text(value, type)
        return field_text(text[:_WIDEST])

    def _cell(self, at: int, text: str, room: int) -> str:
        text = cut(text, room)
        blank = " " * (room - room_of(text))
        return blank + text if self.columns[at].type in _NUMBERS else text + blank

    def _style(self, at: int, text: str) -> str:
        if self.columns[at].name in _SECOND or self.columns[at].name.endswith("_state"):
            return next((style for style, words in _STATES.items() if text.lower() in words), "")
        return "italic" if at < len(self.leads) and self.leads[at] and text else ""
