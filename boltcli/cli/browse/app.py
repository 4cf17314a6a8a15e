"""The browser: buckets on the left, keys in the middle, the value on the right. It never writes to the file."""

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Input, Static, Tree
from textual.widgets.tree import TreeNode

from ...errors import ArgumentError, BoltError
from ...text.values import path_text
from ...text.visible import visible
from ..values import address, parse_uint64
from .session import Path, Session
from .value import DECODED, HEX, JSON, LARGEST, TEXT, show_value
from .widgets import FoldedTree, HelpScreen, KeyList, PageScreen, label
from .window import KeyWindow

_SLICE = 0.03  # seconds of reading between two updates of the screen
_EVERY = 1.0  # seconds between two looks at the file, with automatic refresh

_PROMPTS = {
    "search": "search keys and values",
    "filter": "only keys that contain (empty: all)",
    "go": "go to key",
    "page": "page number, or offset:N",
}


class BrowseApp(App[None]):
    """A browser of one database."""

    CSS = """
    #title { height: 1; background: $primary; color: $text; text-wrap: nowrap; text-overflow: ellipsis; }
    #status { height: 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    #buckets { width: 20; border-right: solid $surface; scrollbar-size: 1 1; }
    #keys { width: 3fr; }
    #right { width: 4fr; border-left: solid $surface; }
    #about { height: 1; color: $text-muted; }
    #folded { display: none; scrollbar-size: 1 1; }
    #prompt { display: none; border: none; height: 1; padding: 0; }
    """
    TITLE = "boltcli browse"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('search')", "Search"),
        Binding("n", "again", "Next", show=False),
        Binding("g", "ask('go')", "Go to"),
        Binding("f", "ask('filter')", "Filter"),
        Binding("backspace,left", "outwards", "Up", show=False),
        Binding("t", f"mode('{TEXT}')", "Text", show=False),
        Binding("o", f"mode('{JSON}')", "JSON", show=False),
        Binding("x", f"mode('{HEX}')", "Hex"),
        Binding("d", f"mode('{DECODED}')", "Decoded", show=False),
        Binding("v", "mode('')", "Value", show=False),
        Binding("m", "page", "Map"),
        Binding("p", "ask('page')", "Page", show=False),
        Binding("y", "copy", "Copy"),
        Binding("r", "refresh", "Refresh"),
        Binding("a", "automatic", "Automatic", show=False),
        Binding("escape", "stop", "Stop", show=False),
        Binding("question_mark", "help", "Help"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.path: Path = ()
        self.mode = ""
        self.needle = b""  # of the last search
        self.question = ""
        self.automatic = False
        self.window = KeyWindow(session.snapshot, session.bucket(()))
        self._moving: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal():
            yield Tree[bytes]("/", id="buckets")
            yield KeyList(id="keys")
            with VerticalScroll(id="right", can_focus=False):
                yield Static(id="about")
                with VerticalScroll(id="scroll"):
                    yield Static(id="value")
                yield FoldedTree("value", id="folded")
        yield Input(id="prompt")
        yield Static(id="status")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.set_interval(_EVERY, self._look)
        self._plant()
        self.query_one(KeyList).focus()
        self.enter(())

    def _plant(self) -> None:
        tree = self.query_one("#buckets", Tree)
        tree.clear()
        tree.root.data = ()
        self._grow(tree.root)
        tree.root.expand()

    def _grow(self, node: TreeNode[Path]) -> None:
        path = node.data or ()
        try:
            names, whole = self.session.buckets(path)
        except BoltError as error:
            self.say(str(error))
            return
        for name in names:
            node.add(label(visible(path_text([name]))), data=(*path, name))
        if not whole:
            node.add_leaf(label("(more in the list of keys)"), data=path)
        node.allow_expand = bool(names) or node.is_root

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Path]) -> None:
        if event.control.id == "buckets" and not event.node.children:
            self._grow(event.node)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Path]) -> None:
        if event.control.id == "buckets":
            self.enter(event.node.data or ())

    def enter(self, path: Path, key: bytes = b"") -> None:
        """Show the bucket at ``path``, starting at ``key``."""
        keys = self.query_one(KeyList)
        try:
            bucket = self.session.bucket(path)
        except BoltError as error:
            self.say(str(error))
            return
        self.path = path
        self.window = KeyWindow(self.session.snapshot, bucket, max(keys.size.height, 1))
        keys.window, keys.codec = self.window, self.session.codec(path)
        self.say("")
        self._run(self.window.go(key))

    def _run(self, steps: Iterator[None], what: str = "reading") -> None:
        """Run a move of the window in time slices, so that the screen stays responsive; cancel an earlier move."""
        if self._moving is not None:
            self._moving.cancel()
        if self._advance(steps):
            self._moving = asyncio.create_task(self._go_on(steps, what))

    def _advance(self, steps: Iterator[None]) -> bool:
        """Continue ``steps`` for one time slice; return whether there is more to do."""
        until = monotonic() + _SLICE
        try:
            for _ in steps:
                if monotonic() > until:
                    return True
        except BoltError as error:
            self.say(str(error))
        except LookupError:
            self.say("not found in this bucket")
        self.show()
        return False

    async def _go_on(self, steps: Iterator[None], what: str) -> None:
        self.say(f"{what} ... (Esc stops)")
        await asyncio.sleep(0)
        try:
            while self._advance(steps):
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            steps.close()  # type: ignore[attr-defined]
            raise
        if str(self.query_one("#status", Static).content).startswith(what):
            self.say("")

    def action_stop(self) -> None:
        if self.question:
            self._close_prompt()
        elif self._moving is not None and not self._moving.done():
            self._moving.cancel()
            self.say("stopped")

    def on_key_list_go(self, message: KeyList.Go) -> None:
        window = self.window
        if message.way == "resize":
            if message.count and message.count != window.height:
                self._run(window.resize(message.count))
            return
        self.say("")
        if message.way == "enter":
            if window.chosen is not None and window.chosen.is_bucket:
                self.enter((*self.path, window.chosen.key))
        elif message.way == "home":
            self._run(window.go())
        elif message.way == "end":
            self._run(window.end())
        else:
            self._run(window.move(message.count * (max(window.height - 1, 1) if message.way == "page" else 1)))

    def action_outwards(self) -> None:
        if self.path:
            self.enter(self.path[:-1], self.path[-1])

    def say(self, text: str) -> None:
        self.query_one("#status", Static).update(Content(visible(text)))

    def show(self) -> None:
        """Draw everything that depends on the chosen row."""
        where = path_text(self.path) or "(root bucket)"
        notes = f" · filter {visible(self.window.needle.decode('utf-8', 'replace'))}" if self.window.needle else ""
        notes += " · refreshes" if self.automatic else ""
        self.query_one("#title", Static).update(Content(f"{visible(self.session.title)} · {where}{notes}"))
        self.query_one(KeyList).refresh()
        folded, scroll = self.query_one(FoldedTree), self.query_one("#scroll")
        row = self.window.chosen
        title, content, data = "", "", None
        if row is not None and row.is_bucket:
            title, content = f"bucket, page {row.page}", "Enter opens it."
        elif row is not None:
            try:
                value = self.session.value(self.path, row.key, LARGEST)
                found = show_value(value, self.mode, row.key, self.session.codec(self.path), row.size)
                title, content, data = f"{found.title}, page {row.page}", found.text, found.data
            except BoltError as error:
                title, content = "damaged", str(error)
        self.query_one("#about", Static).update(Content(title))
        scroll.display, folded.display = data is None, data is not None
        if data is None:
            self.query_one("#value", Static).update(Content(visible(content)))
            scroll.scroll_home(animate=False)
        else:
            folded.show(data)

    def action_mode(self, mode: str) -> None:
        self.mode = mode
        self.show()

    def action_ask(self, question: str) -> None:
        self.question = question
        prompt = self.query_one("#prompt", Input)
        prompt.placeholder = _PROMPTS[question]
        prompt.value = ""
        prompt.display = True
        prompt.focus()

    def _close_prompt(self) -> None:
        self.question = ""
        self.query_one("#prompt", Input).display = False
        self.query_one(KeyList).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        question, text = self.question, event.value
        self._close_prompt()
        try:
            if question == "page":
                number = parse_uint64(text.removeprefix("offset:"))
                self._show_page(number // self.session.snapshot.page_size if text.startswith("offset:") else number)
                return
            wanted = address(text)
        except (ArgumentError, ValueError) as error:
            self.say(str(error))
            return
        if question == "search" and wanted:
            self.needle = wanted
            self.action_again()
        elif question == "filter":
            self.window.needle = wanted
            self.window.rows = []
            self._run(self.window.go(), "filtering")
        elif question == "go":
            self._run(self.window.go(wanted))

    def action_again(self) -> None:
        if self.needle:
            self.say("")
            self._run(self.window.search(self.needle), "searching")

    def action_page(self) -> None:
        row = self.window.chosen
        self._show_page(row.page if row is not None else self.session.bucket(self.path).root)

    @work(exclusive=True, group="page")
    async def _show_page(self, page: int | None) -> None:
        while page is not None:
            self.say("reading all pages ...")
            try:
                story, mapped = await asyncio.to_thread(self.session.story, page)
            except BoltError as error:
                self.say(str(error))
                return
            self.say("")
            page = await self.push_screen_wait(PageScreen(story, mapped))

    def action_copy(self) -> None:
        row = self.window.chosen
        line = self.session.command(self.path, row.key if row else None, row is not None and row.is_bucket)
        self.copy_to_clipboard(line)
        self.say(line)

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    def action_automatic(self) -> None:
        self.automatic = not self.automatic
        self.show()
        self.say("refreshes when the file changes" if self.automatic else "refreshes on r only")

    def _look(self) -> None:
        if self.automatic and len(self.screen_stack) == 1 and self.session.has_changed:
            self.action_refresh()

    def action_refresh(self) -> None:
        """Read the newest state and stay at the same key."""
        chosen, needle = self.window.chosen, self.window.needle
        if self._moving is not None:
            self._moving.cancel()
        try:
            changed = self.session.refresh()
        except BoltError as error:
            self.say(str(error))
            return
        path = self.path
        while path:  # the bucket may have been deleted
            try:
                self.session.bucket(path)
                break
            except BoltError:
                path = path[:-1]
        self._plant()
        self.enter(path)
        self.window.needle = needle
        self._run(self.window.go(chosen.key if chosen and path == self.path else b""))
        self.say(f"transaction {self.session.snapshot.meta.txid}" + ("" if changed else ": nothing new"))
