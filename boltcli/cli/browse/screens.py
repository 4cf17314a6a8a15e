"""Screens over the browser's own: the description of a page, the help, a line to copy."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ...ops.space.page_use import PageStory
from ...render.page_picture import COLOURS, LETTERS, cells
from ...render.why_report import story_text
from ...text.visible import visible
from ...tree.page_map import PageMap


class PageScreen(ModalScreen[int | None]):
    """The description of a page, and the page on the map; returns the page to show next, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,m", "leave", "Back"),
        Binding("left", "step(-1)", "Page before"),
        Binding("right", "step(1)", "Page after"),
        Binding("u", "parent", "Page that refers to it"),
    ]
    CSS = "PageScreen { align: center middle; } PageScreen > VerticalScroll { border: round $accent; padding: 0 1; }"

    def __init__(self, story: PageStory, mapped: PageMap) -> None:
        super().__init__()
        self.story = story
        self.mapped = mapped

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(Content(visible(story_text(self.story))))
            yield Static(id="map")
            yield Static(Content("left, right: page before, after   u: page that refers to it   Esc: back"))

    def on_mount(self) -> None:
        if self.story.page < len(self.mapped.kinds):
            width = max(self.app.size.width - 16, 16) // 16 * 16
            self.query_one("#map", Static).update(map_content(self.mapped, self.story.page, width, 10))

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_step(self, count: int) -> None:
        self.dismiss(min(max(self.story.page + count, 0), len(self.mapped.kinds) - 1))

    def action_parent(self) -> None:
        way = self.story.now.way
        if len(way) > 1:
            self.dismiss(way[-2])


def map_content(mapped: PageMap, page: int, width: int, rows: int) -> Content:
    """Return the map of the pages around ``page``, which is marked; for a small file of all pages."""
    found, _ = cells(mapped, len(mapped.kinds))
    first = max(min(page - page % width - width * (rows // 2), len(found) - width * rows), 0)
    first -= first % width
    parts: list[Content | str] = []
    for cell in found[first : first + width * rows]:
        if (cell.first - first) % width == 0:
            parts.append(f"\n{cell.first:>8} ")
        style = f"{COLOURS[cell.kind]}{' reverse bold' if cell.first == page else ''}"
        parts.append(Content.styled("@" if cell.first == page else LETTERS[cell.kind], style))
    return Content.assemble(
        *parts, "\n\n@ this page   M meta  F freelist  . free  B branch  L leaf  o overflow  x lost"
    )


class TextScreen(ModalScreen[None]):
    """A text under a title, as large as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Back")]
    CSS = """
    TextScreen { align: center middle; }
    TextScreen > VerticalScroll { border: round $accent; padding: 0 1; width: auto; height: auto; max-width: 96%;
        max-height: 96%; }
    TextScreen Static { width: auto; }
    """

    def __init__(self, title: str, text: Content) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = self._title
            yield Static(self._text)


_KEYS = {
    "question_mark": "?", "slash": "/", "colon": ":", "escape": "Esc", "greater_than_sign": ">",
    "less_than_sign": "<", "pagedown": "PageDown", "pageup": "PageUp", "enter": "Enter", "home": "Home", "end": "End",
    "backspace": "Backspace", "tab": "Tab", "shift+tab": "Shift+Tab", "space": "Space", "left": "Left",
    "right": "Right", "up": "Up", "down": "Down",
}  # fmt: skip


def help_text(groups: Sequence[tuple[str, Sequence[BindingType]]]) -> Content:
    """Return the keys of each group of bindings and what they do."""
    parts: list[str | tuple[str, str]] = []
    for title, bindings in groups:
        parts += [("\n" * bool(parts) + title + "\n", "bold $text-accent")]
        for binding in bindings:
            if isinstance(binding, Binding):
                keys = " ".join(_KEYS.get(key, key) for key in binding.key.split(","))
                parts.append((f"  {keys:<18}", "bold"))
                parts.append(f"{binding.tooltip or binding.description}\n")
    parts.append(
        "\nA filter takes NAME=TEXT for a column, as view --where does, and words that occur anywhere in a row.\n"
    )
    parts.append("Binary keys are typed as hex:00ff, u64:42 or u32:42.")
    return Content.assemble(*parts)
