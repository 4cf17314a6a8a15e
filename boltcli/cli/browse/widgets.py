"""The widgets of the browser's screen: the list of keys, the value, the description of a page, the help."""

from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from ...apps.contract import Codec
from ...ops.space.page_use import PageStory
from ...render.page_picture import COLOURS, LETTERS, cells
from ...render.why_report import story_text
from ...text.json import plain_text
from ...text.values import auto
from ...text.visible import visible
from ...tree.page_map import PageMap
from .value import scalar
from .window import KeyRow, KeyWindow

HELP = """Tab            go to the next part: buckets, keys, value
arrows, j, k   move; PageUp, PageDown, Home, End
Enter          open the bucket that is chosen
Backspace      go to the bucket that holds this one
/ and n        search keys and values of this bucket; again
f              filter: only keys that contain a text
g              go to a key, or the first one after it
t x d o        value as text, in hex, decoded, as JSON (o: object)
v              choose the form of the value automatically
m              the page of this key: why it exists, and the map
p              any page, by its number or offset:N
y              copy as a command line
r              read the newest state of the file
a              do so whenever the file changes
Esc            stop a search, or close a question
? q            this help; leave

Binary keys are typed as hex:00ff, u64:42 or u32:42."""

_MOST_CHILDREN = 200  # children of a dict or list that are shown at a time


def label(text: str) -> Text:
    """Return ``text`` as a line of a tree."""
    return Text(text, no_wrap=True, overflow="ellipsis")


class KeyList(Widget, can_focus=True):
    """Draws the rows of a :class:`KeyWindow`, and sends a message when the user wants to move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "go('move', 1)", "Down", show=False),
        Binding("up,k", "go('move', -1)", "Up", show=False),
        Binding("pagedown,space", "go('page', 1)", "Page down", show=False),
        Binding("pageup", "go('page', -1)", "Page up", show=False),
        Binding("home", "go('home', 0)", "First", show=False),
        Binding("end", "go('end', 0)", "Last", show=False),
        Binding("enter,right", "go('enter', 0)", "Open", show=False),
    ]

    class Go(Message):
        """The user wants to move: ``way`` is move, page, home, end or enter, ``count`` the number of times; or resize,
        and so many rows fit now."""

        def __init__(self, way: str, count: int) -> None:
            super().__init__()
            self.way = way
            self.count = count

    window: KeyWindow | None = None
    codec: Codec | None = None

    def action_go(self, way: str, count: int) -> None:
        self.post_message(self.Go(way, count))

    def on_resize(self, event: events.Resize) -> None:
        self.action_go("resize", self.size.height)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_go("move", 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_go("move", -3)

    def on_click(self, event: events.Click) -> None:
        if self.window is not None and event.y < len(self.window.rows):
            self.action_go("move", event.y - self.window.at)

    def render(self) -> Content:
        window = self.window
        if window is None:
            return Content("")
        if not window.rows:
            return Content("no keys match the filter" if window.needle else "no keys")
        width = max(self.size.width, 4)
        return Content("\n").join(self._line(index, row, width) for index, row in enumerate(window.rows))

    def _line(self, index: int, row: KeyRow, width: int) -> Content:
        assert self.window is not None
        name = f"{'▸ ' if row.is_bucket else '  '}{self._shown(row.key)}"
        line = Content(name).truncate(width, ellipsis=True, pad=True)
        if index == self.window.at:
            return line.stylize("reverse bold" if self.has_focus else "reverse")
        return line.stylize("bold") if row.is_bucket else line

    def _shown(self, key: bytes) -> str:
        if self.codec is not None and self.codec.key is not None:
            try:
                decoded = self.codec.key(key)
            except Exception:  # an application's own fault is no reason to show nothing
                decoded = key
            if not isinstance(decoded, bytes):
                return visible(decoded if isinstance(decoded, str) else plain_text(decoded))
        return visible(auto(key[:512]).decode("utf-8", "replace")) or "(empty)"


class FoldedTree(Tree[Any]):
    """A dict or list as a tree; children are added when their parent is opened."""

    def show(self, data: Any) -> None:
        self.clear()
        self.root.data = data
        self.root.set_label(label("{}" if isinstance(data, dict) else "[]"))
        self.show_root = False
        self._fill(self.root)
        self.root.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Any]) -> None:
        event.stop()
        if not event.node.children:
            self._fill(event.node)

    def _fill(self, node: TreeNode[Any]) -> None:
        data: Any = node.data
        parts = list(data.items()) if isinstance(data, dict) else list(enumerate(data))
        for name, part in parts[:_MOST_CHILDREN]:
            title = visible(str(name))
            if isinstance(part, (dict, list)) and part:
                ends = "{}" if isinstance(part, dict) else "[]"
                node.add(label(f"{title} {ends[0]}{len(part)}{ends[1]}"), data=part)
            else:
                shown = "{}" if part == {} else "[]" if part == [] else scalar(part)
                node.add_leaf(label(f"{title}: {shown[:2000]}"))
        if len(parts) > _MOST_CHILDREN:
            more = dict(parts[_MOST_CHILDREN:]) if isinstance(data, dict) else data[_MOST_CHILDREN:]
            node.add(label(f"({len(more)} more)"), data=more)


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
        self.query_one("#map", Static).update(map_content(self.mapped, self.story.page, 64, 10))

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


class HelpScreen(ModalScreen[None]):
    """The keys and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Back")]
    CSS = "HelpScreen { align: center middle; } HelpScreen > VerticalScroll { border: round $accent; padding: 0 1; }"

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(Content(HELP))
