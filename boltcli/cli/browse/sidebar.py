"""The list on the left: the application's views and the buckets, with counts; it follows where the user is."""

from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ...text.values import as_text
from ...text.visible import cut, field_text, room_of
from .session import Path

_SHARE = 0.3  # of the screen's width, at most


class Place(NamedTuple):
    """What the table shows: the view called ``view``, or the bucket at ``path``."""

    view: str = ""
    path: Path = ()


class Entry(NamedTuple):
    """A line: its ``text`` and ``number``, and the place that it leads to (None: it is a heading)."""

    text: str
    number: str = ""
    place: Place | None = None


class Sidebar(Widget, can_focus=True):
    """Draws the places; the one that is shown is marked, wherever the cursor is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right", "open", "Open", tooltip="show the view or the bucket"),
        Binding("down,j", "move(1)", "Down", show=False, tooltip="the next line"),
        Binding("up,k", "move(-1)", "Up", show=False, tooltip="the line before"),
        Binding("pagedown,space", "move(20)", "Page down", show=False, tooltip="twenty lines further"),
        Binding("pageup", "move(-20)", "Page up", show=False, tooltip="twenty lines back"),
        Binding("home", "move(-100000)", "First", show=False, tooltip="the first line"),
        Binding("end", "move(100000)", "Last", show=False, tooltip="the last line"),
    ]

    DEFAULT_CSS = "Sidebar { text-wrap: nowrap; }"

    class Chosen(Message):
        """The user wants to see a place."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self.here = Place()
        self.at = 0

    def show(self, entries: list[Entry], here: Place) -> None:
        """Show ``entries``; the cursor goes to ``here`` if the user has gone there."""
        moved = here != self.here or not self.entries
        chosen = self.entries[self.at].place if self.at < len(self.entries) else None
        self.entries, self.here = entries, here
        wanted = here if moved or chosen is None else chosen
        places = [entry.place for entry in entries]
        self.at = next((places.index(each) for each in (wanted, here) if each in places), 0)
        self.fit()
        self.refresh()

    def fit(self) -> None:
        """Be as wide as the entries ask, up to a share of the screen."""
        asked = max((room_of(self._text(entry)) + len(entry.number) + 2 for entry in self.entries), default=12)
        self.styles.width = max(min(asked, int(self.app.size.width * _SHARE)), 12) + 1

    def action_move(self, count: int) -> None:
        ways = [at for at, entry in enumerate(self.entries) if entry.place is not None]
        if ways:
            now = min(range(len(ways)), key=lambda each: abs(ways[each] - self.at))
            self.at = ways[min(max(now + count, 0), len(ways) - 1)]
            self.refresh()

    def action_open(self) -> None:
        place = self.entries[self.at].place if self.at < len(self.entries) else None
        if place is not None:
            self.post_message(self.Chosen(place))

    @property
    def _first(self) -> int:
        """The first entry on the screen."""
        return max(min(self.at - self.size.height // 2, len(self.entries) - self.size.height), 0)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_move(-3)

    def on_click(self, event: events.Click) -> None:
        at = self._first + event.y
        if at < len(self.entries) and self.entries[at].place is not None:
            self.at = at
            self.refresh()
            self.action_open()

    def _text(self, entry: Entry) -> str:
        if entry.place is None:
            return entry.text
        margin = " " * max(len(entry.place.path), 1)
        return f"{'▸' if entry.place == self.here else ' '}{margin}{field_text(entry.text)}"

    def render(self) -> Content:
        width = max(self.size.width, 4)
        shown = self.entries[self._first : self._first + self.size.height]
        return Content("\n").join(self._line(self._first + at, entry, width) for at, entry in enumerate(shown))

    def _line(self, at: int, entry: Entry, width: int) -> Content:
        count = cut(entry.number, width // 2)
        text = cut(self._text(entry), width - len(count) - bool(count))
        line = Content(text + " " * (width - room_of(text) - len(count)) + count)
        if entry.place is None:
            return line.stylize("bold $text-accent")
        if entry.place == self.here:
            line = line.stylize("bold")
        elif entry.number == "0":
            line = line.stylize("dim")
        return line.stylize("reverse") if at == self.at and self.has_focus else line


def name_of(place: Place) -> str:
    """Return the name of a place for the list: the last one of its path."""
    return place.view or (as_text(place.path[-1]) if place.path else "/")
