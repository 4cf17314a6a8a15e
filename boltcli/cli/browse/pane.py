"""The pane for one value or record: folded, or as text; fields that refer to other records lead there."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from ...apps.contract import View
from ...text.visible import visible
from .references import Reference, reference
from .value import DECODED, HEX, LONGEST, NAME, NUMBER, STRING, TEXT, scalar, style_of

_THEMED = {STRING: "$text-success", NUMBER: "$text-warning"}  # the theme's own colours, which a tree can't have
_MOST_CHILDREN = 200  # children of a dict or list that are shown at a time


class Field(NamedTuple):
    """A field of a record: its value, or the ``text`` of it, and where it leads."""

    name: str
    value: Any
    text: str = ""
    leads: Reference | None = None


class Follow(Message):
    """The user wants to see the record that is referred to."""

    def __init__(self, reference: Reference) -> None:
        super().__init__()
        self.reference = reference


def label(name: str, text: str = "", style: str = "", more: str = "") -> Text:
    """Return a line of the tree."""
    parts = [(visible(name), NAME), (": " if text else "", ""), (text, style), (more, "italic")]
    return Text.assemble(*[part for part in parts if part[0]], no_wrap=True, overflow="ellipsis")


class Folded(Tree[Any]):
    """A record, a dict or a list as a tree; children are added when their parent is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Follow", tooltip="fold or unfold a part; follow a reference (→)"),
    ]

    views: Sequence[View] = ()

    def show(self, groups: Sequence[tuple[str, Sequence[Field]]], data: Any) -> None:
        """Show ``groups`` of fields, each below its heading (none: at the top), then the members of ``data``."""
        self.clear()
        self.show_root = False
        for heading, fields in groups:
            node = self.root.add(label(heading), expand=True) if heading else self.root
            for field in fields:
                self._add(node, field)
        self.root.data = data
        if data is not None:
            self._fill(self.root)
        self.root.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Any]) -> None:
        event.stop()
        if not event.node.children and not isinstance(event.node.data, Reference):
            self._fill(event.node)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Any]) -> None:
        event.stop()
        if isinstance(event.node.data, Reference):
            self.post_message(Follow(event.node.data))

    def _add(self, node: TreeNode[Any], field: Field) -> None:
        value = field.value
        if isinstance(value, (dict, list)) and value and field.leads is None:
            ends = "{}" if isinstance(value, dict) else "[]"
            node.add(label(f"{field.name} {ends[0]}{len(value)}{ends[1]}"), data=value)
            return
        text = visible(field.text) if field.text else "{}" if value == {} else "[]" if value == [] else scalar(value)
        more = f" → {field.leads.view}" if field.leads is not None else ""
        node.add_leaf(label(field.name, text[:LONGEST], style_of(value), more), data=field.leads)

    def _fill(self, node: TreeNode[Any]) -> None:
        data: Any = node.data
        parts = list(data.items()) if isinstance(data, dict) else list(enumerate(data or ()))
        for name, part in parts[:_MOST_CHILDREN]:
            self._add(node, Field(str(name), part, leads=reference(str(name), part, self.views)))
        if len(parts) > _MOST_CHILDREN:
            more = dict(parts[_MOST_CHILDREN:]) if isinstance(data, dict) else data[_MOST_CHILDREN:]
            node.add(label(f"({len(more)} more)"), data=more)


class ValuePane(Vertical):
    """A line that says what is shown and in which form, and the value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.focus_table", "Table", show=False, tooltip="go back to the table"),
        Binding("t", f"app.form('{TEXT}')", "Text", tooltip="as text"),
        Binding("o", "app.json", "JSON", tooltip="as folded JSON; again: pretty-printed"),
        Binding("x", f"app.form('{HEX}')", "Hex", tooltip="in hexadecimal"),
        Binding("d", f"app.form('{DECODED}')", "Decoded", tooltip="as its application decodes it"),
        Binding("v", "app.form('')", "Auto", tooltip="in the form that suits each value"),
    ]
    DEFAULT_CSS = """
    ValuePane #about { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    ValuePane #folded { display: none; scrollbar-size: 1 1; padding: 0; background: $background; }
    ValuePane #scroll { scrollbar-size: 1 1; }
    ValuePane #value { width: 100%; }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="about")
        with VerticalScroll(id="scroll", can_focus=True):
            yield Static(id="value")
        yield Folded("value", id="folded")

    @property
    def inner_width(self) -> int:
        """The characters that fit a line of text."""
        return max(self.size.width - 2, 8)

    def show_text(self, about: str, text: str | list[tuple[str, str]]) -> None:
        """Show ``text``, as it is or in parts with their styles."""
        self._show(about, folded=False)
        parts = [(text, "")] if isinstance(text, str) else text
        content = Content.assemble(*[(visible(part), _THEMED.get(style, style)) for part, style in parts])
        self.query_one("#value", Static).update(content)
        self.query_one("#scroll").scroll_home(animate=False)

    def show_folded(
        self, about: str, groups: Sequence[tuple[str, Sequence[Field]]], data: Any, views: Sequence[View]
    ) -> None:  # fmt: skip
        self._show(about, folded=True)
        folded = self.query_one(Folded)
        folded.views = views
        folded.show(groups, data)

    def _show(self, about: str, *, folded: bool) -> None:
        had_focus = self.app.focused is not None and self in self.app.focused.ancestors
        self.query_one("#about", Static).update(Content(visible(about)))
        self.query_one("#scroll").display = not folded
        self.query_one(Folded).display = folded
        if had_focus:
            self.focus_content()

    def focus_content(self) -> None:
        folded = self.query_one(Folded)
        (folded if folded.display else self.query_one("#scroll")).focus()
