"""The browser: views and buckets on the left, a table in the middle, the value beside it. The file is only read."""

import os
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from ...errors import ArgumentError, BoltError, Changed
from ...storage.live import Live
from ...text.values import path_text, shell_quoted
from ...text.visible import cut, one_line, visible
from ..values import address, parse_uint64
from .export import export
from .filters import Filter, parse
from .grid import Grid
from .pane import Folded, Follow, ValuePane
from .reader import Job
from .references import Reference, reference
from .screens import PageScreen, TextScreen, help_text
from .session import Path, Session, State, state_of
from .showing import TICK, Showing
from .sidebar import Place, Sidebar
from .tables import Shown, counted_rows, table_of_bucket
from .value import DECODED, HEX, JSON, PRETTY, TEXT

_EVERY = 1.0  # seconds between two looks at the file, with automatic refresh
_PAUSE = 0.15  # seconds after the last letter of a filter
_WIDE = 110  # columns of a terminal on which the value is beside the table, not below it

_PROMPTS = {
    "search": "search: text in any cell, or in the whole key and value",
    "filter": "filter: NAME=TEXT for a column, words for any (empty: all rows)",
    "go": "go to key",
    "page": "page number, or offset:N",
    "export": "write these rows to a file: .csv, .ndjson or .json",
}
_THEMES = {"dark": ("textual-dark",) * 2, "light": ("textual-light",) * 2, "terminal": ("ansi-dark", "ansi-light")}


class BrowseApp(Showing):
    """A browser of one database, which ``live`` reads."""

    CSS = """
    #title { height: 1; background: $primary; color: $text; text-wrap: nowrap; text-overflow: ellipsis; }
    #bottom { height: 1; }
    #status { height: 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    #prompt { display: none; border: none; height: 1; padding: 0; }
    #places { border-right: solid $panel; }
    #places:focus, Grid:focus { background-tint: $foreground 3%; }
    #main { layout: vertical; }
    #rows { height: 3fr; }
    #right { height: 2fr; border-top: solid $panel; }
    #main.wide { layout: horizontal; }
    #main.wide #rows { width: 3fr; height: 1fr; }
    #main.wide #right { width: 2fr; height: 1fr; border-top: none; border-left: solid $panel; }
    .gone { display: none; }
    """
    TITLE = "boltcli browse"
    COMMAND_PALETTE_BINDING = "colon"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "ask('filter')", "Filter", tooltip="show only rows that fit, as you type"),
        Binding("slash", "ask('search')", "Search", tooltip="search the rows"),
        Binding("n", "again", "Next", show=False, tooltip="search again"),
        Binding("s", "sort", "Sort", tooltip="sort by the chosen column: up, down, as stored"),
        Binding("z", "zoom", "Zoom", tooltip="show this pane alone"),
        Binding("e", "ask('export')", "Export", tooltip="write these rows to a file: CSV, lines of JSON"),
        Binding("y", "copy", "Copy", tooltip="copy the command line that shows the same"),
        Binding("g", "ask('go')", "Go to", show=False, tooltip="go to a key, or the first one after it"),
        Binding(
            "backspace,left", "return", "Back", show=False, tooltip="go back, or to the bucket that holds this one"
        ),
        Binding("b", "places", "Places", show=False, tooltip="hide or show the list of views and buckets"),
        Binding("v", "form('')", "Automatic form", show=False, tooltip="choose the form of each value"),
        Binding("t", f"form('{TEXT}')", "Text", show=False, tooltip="values as text"),
        Binding("o", "json", "JSON", show=False, tooltip="values as folded JSON; again: pretty-printed"),
        Binding("x", f"form('{HEX}')", "Hex", show=False, tooltip="values in hexadecimal"),
        Binding("d", f"form('{DECODED}')", "Decoded", show=False, tooltip="values as their application decodes them"),
        Binding("m", "page", "Map", show=False, tooltip="the page of this key: why it exists, and the map"),
        Binding("p", "ask('page')", "Page", show=False, tooltip="any page, by its number or offset:N"),
        Binding("r", "refresh", "Refresh", show=False, tooltip="read the newest state of the file"),
        Binding("a", "automatic", "Follow", show=False, tooltip="do so whenever the file changes"),
        Binding("T", "theme", "Theme", show=False, tooltip="dark, light, or the terminal's own colours"),
        Binding("escape", "stop", "Stop", show=False, tooltip="stop a search, close a question, end a zoom"),
        Binding("tab", "app.focus_next", "Next pane", show=False, tooltip="the next pane"),
        Binding("question_mark", "help", "Help"),
        Binding("q,ctrl+c", "quit", "Quit"),
    ]

    def __init__(self, session: Session, live: Live) -> None:
        super().__init__(session, live)
        self.needle = ""  # of the last search
        self.question = ""
        self.zoomed = ""
        self._before = Filter()  # that in force when the question was asked

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal():
            yield Sidebar(id="places")
            with Container(id="main"):
                yield Grid(id="rows")
                yield ValuePane(id="right")
        with Container(id="bottom"):
            yield Static(id="status")
            yield Input(id="prompt", compact=True)
        yield Footer(compact=True, show_command_palette=True)

    def on_mount(self) -> None:
        self.theme = _theme("light" if _is_light() else "dark")
        self.set_interval(_EVERY, self._look)
        self.set_interval(TICK, self._tick)
        self.grid.gap_text = self._gap_text
        self.grid.focus()
        self.reader.start()
        self._fit()
        self._doing = "reading"
        self._job = self._read(_first_place, self.visit)

    def action_stop(self) -> None:
        what = self._doing
        if self.question:
            if self.question == "filter" and self.filter != self._before:
                self._filter(self._before)
            self._close_prompt()
        elif self._job is not None and self._stop():
            if what == "filtering":
                self._show_found(self._job, "stopped: there may be rows that fit")
            self.say(f"stopped after {counted_rows(self._job.passed)}: there may be more")
        elif self.zoomed:
            self.action_zoom()
        else:
            self.grid.focus()

    def on_sidebar_chosen(self, message: Sidebar.Chosen) -> None:
        self.visit(message.place)
        self.grid.focus()

    def action_return(self) -> None:
        """Go back to where the user was; without history to the bucket that holds this one."""
        path = self.place.path
        if path and (not self.history or self.history[-1].place == Place(path=path[:-1])):
            self.history = self.history[:-1]
            self._set(Place(path=path[:-1]), Filter(), "")
            self.move(lambda state, job: self.table.go(state, job, self.grid.room, path[-1]))
        elif self.history:
            visit = self.history.pop()
            self._set(visit.place, visit.filter, visit.sort)
            self.move(lambda state, job: self.table.fill(state, job, self.grid.room, visit.shown))
        self.grid.focus()

    def on_grid_go(self, message: Grid.Go) -> None:
        shown, height, way = self.shown, self.grid.room, message.way
        if way == "enter":
            self._enter()
            return
        if way in ("home", "end"):
            table = self.table
            self.move(lambda state, job: (table.go if way == "home" else table.end)(state, job, height))
            return
        count = message.count * (max(height - 1, 1) if way == "page" else 1)
        target = message.count if way == "at" else shown.at + count
        if 0 <= target < len(shown.rows):
            self.shown = shown._replace(at=target, note="")
            self.draw()
        elif shown.rows and not self._partial:
            table = self.table
            self.move(lambda state, job: table.move(state, job, height, shown, count))

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        self.desk.query_one("#main").set_class(self.size.width >= _WIDE, "wide")
        self.desk.query_one(Sidebar).fit()

    def _enter(self) -> None:
        row = self.chosen
        if row is None:
            return
        if row.is_bucket:
            self.visit(Place(path=(*self.place.path, row.key)))
            return
        view = self._view(self.place.view)
        if view is not None and row.gap is None and self.state is not None:
            column = view.columns[self.grid.column]
            found = reference(column.name, row.cells[self.grid.column], self.state.views, view.name, column.type)
            if found is not None:
                self._follow(found)
                return
        self.desk.query_one(ValuePane).focus_content()

    def on_follow(self, message: Follow) -> None:
        self._follow(message.reference)

    def _follow(self, found: Reference) -> None:
        if self.zoomed:
            self.action_zoom()
        self.visit(Place(found.view), f"{found.column}={shell_quoted(found.text)}")
        self.grid.focus()

    # Questions

    def action_ask(self, question: str) -> None:
        self.question = question
        self._before = self.filter
        prompt = self.desk.query_one("#prompt", Input)
        prompt.placeholder = _PROMPTS[question]
        with prompt.prevent(Input.Changed):
            prompt.value = self.filter.text if question == "filter" else ""
        self.desk.query_one("#status").display = False
        prompt.display = True
        prompt.cursor_position = len(prompt.value)
        prompt.focus()

    def _close_prompt(self) -> None:
        self.question = ""
        self.desk.query_one("#prompt", Input).display = False
        self.desk.query_one("#status").display = True
        self.grid.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.question == "filter":
            text = event.value
            self.set_timer(_PAUSE, lambda: self._filter_as_typed(text))

    def _filter_as_typed(self, text: str) -> None:
        if self.question == "filter" and self.desk.query_one("#prompt", Input).value == text:
            self._filter_text(text)

    def _filter_text(self, text: str) -> None:
        found = parse(text, [column.name for column in self.table.columns])
        if found != self.filter:
            self._filter(found)

    def _filter(self, found: Filter) -> None:
        self._set(self.place, found, self.sort)
        self.move(lambda state, job: self.table.go(state, job, self.grid.room), "filtering")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        question, text = self.question, event.value
        self._close_prompt()
        try:
            if question == "filter":
                self._filter_text(text)
            elif question == "search" and text:
                self.needle = text
                self.action_again()
            elif question == "go":
                key = address(text)
                self.move(lambda state, job: self.table.go(state, job, self.grid.room, key))
            elif question == "page":
                self._ask_page(text)
            elif question == "export" and text:
                self._export(text)
        except (ArgumentError, ValueError) as error:
            self.say(str(error))

    def action_again(self) -> None:
        if self.needle:
            table, shown, needle, height = self.table, self.shown, self.needle, self.grid.room
            self.move(lambda state, job: table.search(state, job, height, shown, needle), "searching")

    def action_sort(self) -> None:
        column = self.table.columns[self.grid.column].name
        if column == "preview":
            self.say("a preview is no column to sort by: choose another one with < or >")
            return
        orders = [column, f"-{column}", ""]
        if not self.place.view and column == "key":
            orders.remove("key")  # the keys are stored in that order
        sort = orders[(orders.index(self.sort) + 1) % len(orders)] if self.sort in orders else orders[0]
        self._set(self.place, self.filter, sort)
        self.move(lambda state, job: self.table.go(state, job, self.grid.room), "sorting")

    def _export(self, path: str) -> None:
        self._stop()
        self._doing = f"writing {path}"
        self._job = self._read(partial(export, path, self.place, self.sort, self.table), self.say)

    # Pages of the file

    def _ask_page(self, text: str) -> None:
        number = parse_uint64(text.removeprefix("offset:"))
        if text.startswith("offset:") and self.state is not None:
            number //= self.state.snapshot.page_size
        self._show_page(number)

    def action_page(self) -> None:
        row = self.chosen
        if self.place.view:
            self.say("a view's row has no page of its own: go to its bucket")
        elif row is not None and row.gap is not None:
            self._show_page(row.gap.error.page)
        elif row is not None and row.page:
            self._show_page(row.page)
        else:
            self.move_to_root()

    def move_to_root(self) -> None:
        """Show the root page of the bucket."""
        path = self.place.path
        self._read(lambda state, job: state.bucket(path), lambda bucket: self._show_page(bucket.root or bucket.page))

    def _show_page(self, page: int | None) -> None:
        if page is not None:
            self.say("reading all pages ...")
            self._read(lambda state, job: state.story(page), self._push_page)

    def _push_page(self, found: Any) -> None:
        self.say("")
        self.push_screen(PageScreen(*found), self._show_page)

    # Everything else

    def action_form(self, form: str) -> None:
        self.form = form
        self.draw()

    def action_json(self) -> None:
        self.action_form(PRETTY if self.form == JSON else JSON)

    def action_focus_table(self) -> None:
        if self.zoomed:
            self.action_zoom()
        self.grid.focus()

    def action_places(self) -> None:
        sidebar = self.desk.query_one(Sidebar)
        sidebar.toggle_class("gone")
        if sidebar.has_focus:
            self.grid.focus()

    def action_zoom(self) -> None:
        """Show the pane that has the focus alone, or all again."""
        panes: list[Any] = [self.desk.query_one(Sidebar), self.grid, self.desk.query_one(ValuePane)]
        focused = self.focused
        if not self.zoomed:
            pane = next(
                (each for each in panes if focused is not None and each in focused.ancestors_with_self), self.grid
            )
            self.zoomed = pane.id or ""
        else:
            self.zoomed = ""
        for each in panes:
            each.set_class(bool(self.zoomed) and each.id != self.zoomed, "gone")
        self.desk.query_one("#main").set_class(self.zoomed == "places", "gone")
        if self.zoomed == "places":
            panes[0].styles.width = "1fr"
        else:
            self._fit()
        self.call_after_refresh(self.draw)

    def action_copy(self) -> None:
        row = self.chosen
        if self.place.view:
            line = self.session.of_view(self.place.view, list(self.filter.where), list(self.filter.words), self.sort)
        elif self.filter.words and not (row is not None and not self.grid.has_focus):
            line = self.session.of_bucket(self.place.path, self.filter.needles)
        elif row is None or row.gap is not None:
            line = self.session.of_bucket(self.place.path)
        else:
            line = self.session.of_key(self.place.path, row.key, is_bucket=row.is_bucket)
        self.copy_to_clipboard(line)
        if len(line) > self.size.width:
            self.push_screen(TextScreen("the command line, also copied", Content(visible(line))))
        else:
            self.say(line)

    def action_help(self) -> None:
        pane, title = next(
            (
                (each, name)
                for each, name in ((Sidebar, "The list of places"), (ValuePane, "The value"))
                if self.focused is not None and any(isinstance(up, each) for up in self.focused.ancestors_with_self)
            ),
            (Grid, "The table"),
        )
        bindings = [*Folded.BINDINGS, *pane.BINDINGS] if pane is ValuePane else pane.BINDINGS
        self.push_screen(TextScreen("help", help_text([(title, bindings), ("Everywhere", self.BINDINGS)])))

    def action_theme(self) -> None:
        names = list(_THEMES)
        now = next((at for at, name in enumerate(names) if self.theme in _THEMES[name]), 0)
        self._choose_theme(names[(now + 1) % len(names)])

    def _choose_theme(self, name: str) -> None:
        self.theme = _theme(name)
        self.say(f"theme: {name}")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield what the palette offers: the places, the themes, and whatever has a key."""
        state = self.state
        for view in state.views if state is not None else ():
            yield SystemCommand(f"view {view.name}", view.title, partial(self.visit, Place(view.name)))
        for path, more in self.entries:
            if not more:
                name = cut(one_line(path_text(path)), 60)
                yield SystemCommand(f"bucket {name}", "Show its keys", partial(self.visit, Place(path=path)))
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and binding.action not in ("theme", "stop", "app.focus_next"):
                about = f"{binding.tooltip or binding.description} ({binding.key.split(',')[0]})"
                yield SystemCommand(binding.description.lower(), about, partial(self._run_action, binding.action))
        for name in _THEMES:
            yield SystemCommand(f"theme {name}", "Change the colours", partial(self._choose_theme, name))

    def _run_action(self, action: str) -> None:
        self.call_later(self.run_action, action)

    def action_automatic(self) -> None:
        self.automatic = not self.automatic
        self._draw_heads()
        self.say("follows the file" if self.automatic else "reads newer states on r only")

    def _look(self) -> None:
        if self.automatic and len(self.screen_stack) == 1 and not self.question and self.session.has_changed:
            self.action_refresh()

    def action_refresh(self) -> None:
        """Read the newest state and stay at the same row; at the last one if the user was there."""
        session, place, shown, height, txid = self.session, self.place, self.shown, self.grid.room, self.txid
        row = self.chosen
        at_end = self.automatic and self.tally.is_last(shown)
        is_other = session.note()
        table = self.table

        def newest(state: State, job: Job) -> tuple[State, Path, Shown]:
            self.reader.reopen(session.reopen())
            state = state_of(self.reader.snapshot)
            path = place.path
            while path:  # the bucket may have been deleted
                try:
                    state.bucket(path)
                    break
                except BoltError:
                    path = path[:-1]
            found = table if path == place.path else table_of_bucket(path, Filter(), "")
            if at_end:
                return state, path, found.end(state, job, height)
            if shown.start is not None and path == place.path:
                return state, path, found.fill(state, job, height, shown)
            return state, path, found.go(state, job, height, row.key if row is not None and path == place.path else b"")

        def then(result: tuple[State, Path, Shown]) -> None:
            state, path, found = result
            if path != place.path:
                self._set(Place(path=path), Filter(), "")
            self._adopt(state)
            self._moved(found)
            news = "" if is_other or self.txid != txid else ": nothing new"
            self.say(f"transaction {self.txid}{news}")

        self._stop()
        self._doing = "refreshing"
        self._job = self._read(newest, then)


def _first_place(state: State, job: Job) -> Place:
    """Return the first view that has a row; without one the root bucket."""
    for view in state.views:
        try:
            if next(view.rows(state.db), None) is not None:
                return Place(view.name)
        except Changed:
            raise
        except BoltError:
            break
    return Place()


def _is_light() -> bool:
    """Return whether the terminal says that its background is light."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def _theme(name: str) -> str:
    return _THEMES[name][_is_light()]
