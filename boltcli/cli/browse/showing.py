"""What the browser shows: the rows of a place, the value of the chosen one, and counts, as they are read."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from textual.app import App
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from ...errors import BoltError, Corrupted
from ...storage.live import Live
from ...storage.snapshot import Snapshot
from ...text.values import path_text
from ...text.visible import one_line
from .filters import Filter, parse
from .grid import Grid
from .keys import Row
from .pane import ValuePane
from .reader import Job, Reader
from .record import Record, shown_record, unreadable
from .references import reference
from .session import Path, Session, State, places, state_of
from .sidebar import Entry, Place, Sidebar, name_of
from .tables import Shown, Table, counted_rows, gap_text, key_text, table_of_bucket, table_of_view
from .tally import Tally, counted_places

TICK = 0.25  # seconds between two looks at how far a job is
_HISTORY = 100  # places to go back to


class Done(Message):
    """A job has ended: with what is to be called with its result, or with its error."""

    def __init__(self, job: Job, then: Callable[[Any], None], result: Any, error: Exception | None) -> None:
        super().__init__()
        self.job, self.then, self.result, self.error = job, then, result, error


class Counted(Message):
    """There are new counts."""


class Visit(NamedTuple):
    """Where the user was."""

    place: Place
    filter: Filter
    sort: str
    shown: Shown


class Showing(App[None]):
    """The part of the browser that reads: ``live`` reads the file, the screen has a grid, a sidebar and a pane."""

    def __init__(self, session: Session, live: Live) -> None:
        super().__init__()
        self.session = session
        self.place = Place()
        self.filter = Filter()
        self.sort = ""
        self.table: Table = table_of_bucket((), self.filter, "")
        self.tally = Tally(self.place, self.filter, "")
        self.shown = Shown([])
        self.txid = 0
        self.form = ""
        self.automatic = False
        self.entries: list[tuple[Path, bool]] = []  # the buckets beside the table
        self.history: list[Visit] = []
        self._doing = ""  # what the job does, while that takes long
        self._job: Job | None = None  # that reads rows
        self._value: Job | None = None  # that reads the value of the chosen row
        self._record: Record | None = None
        self._said = 0.0
        self._ticked = False  # whether the status line says how far the job is
        self._partial = False  # whether the rows of a job that isn't finished are shown
        self._status = ""  # what the status line says
        self._room = 0  # lines for rows when they were read
        self.reader = Reader(live, self._count)
        self.state: State | None = None

    @property
    def desk(self) -> Screen[Any]:
        """The browser's own screen, whatever lies over it."""
        return self.screen_stack[0]

    @property
    def is_closing(self) -> bool:
        """Whether the screen is there no longer: a job may end after that."""
        return not self.screen_stack or len(self.desk.query("Grid, Sidebar, ValuePane, #status, #title")) < 5

    @property
    def grid(self) -> Grid:
        return self.desk.query_one(Grid)

    # Reading

    def _read(self, work: Callable[[State, Job], Any], then: Callable[[Any], None]) -> Job:
        """Do ``work`` in the reader's thread, and call ``then`` with its result here."""

        def done(result: Any, error: Exception | None) -> None:
            self.post_message(Done(job, then, result, error))

        def in_state(snapshot: Snapshot, job: Job) -> Any:
            state = state_of(snapshot)
            return state, work(state, job)

        job = Job(in_state, done)
        return self.reader.put(job)

    def on_done(self, message: Done) -> None:
        job, error = message.job, message.error
        if job.stopped or self.is_closing:
            return
        if job is self._job:
            self._doing = ""
        if error is not None:
            if not isinstance(error, (BoltError, LookupError)):
                raise error
            if job is self._value:
                self._show_record(unreadable(error, self.session.path))
                return
            self.grid.empty = "not read"
            self.say(
                error.args[0] if isinstance(error, LookupError) and not isinstance(error, BoltError) else str(error)
            )
            self.draw()
            return
        state, result = message.result
        if state is not self.state:
            self._adopt(state)
        message.then(result)

    def _adopt(self, state: State) -> None:
        """Show from now on what is in ``state``."""
        if self.txid and state.snapshot.meta.txid != self.txid:
            self.say(f"transaction {state.snapshot.meta.txid}: the file changed")
        self.state, self.txid = state, state.snapshot.meta.txid
        self.tally = Tally(self.place, self.filter, self.sort)
        self._list_places()

    def move(self, work: Callable[[State, Job], Shown], what: str = "reading", *, more: bool = False) -> None:
        """Read rows to show, or ``more`` of them; an earlier move that still reads is stopped."""
        if not more:
            self.say("")
        self._stop()
        self._partial = self._ticked = False
        self._doing = what
        self._job = self._read(work, self._moved)

    def _moved(self, shown: Shown) -> None:
        if self._partial:  # the user may have moved among them
            shown = shown._replace(at=min(self.shown.at, max(len(shown.rows) - 1, 0)))
        self._partial = False
        self.shown = shown
        self.grid.empty = "no rows fit the filter" if self.filter.text else "no rows" if self.place.view else "no keys"
        if shown.note or self._ticked:
            self.say(shown.note)
        self.draw()
        self._fill()

    def _fill(self) -> None:
        """Show as many rows as fit, if that are others than when the rows were read."""
        if self.shown.rows and self._room != self.grid.room:
            table, height, shown = self.table, self.grid.room, self.shown
            self.move(lambda state, job: table.fill(state, job, height, shown), more=True)

    def _stop(self) -> bool:
        """Stop the move; return whether there was one."""
        self._room = self.grid.room
        self._doing = ""
        running = self._job is not None and not (self._job.finished or self._job.stopped)
        for job in (self._job, self._value):
            if job is not None:
                job.stopped = True
        return running

    def _tick(self) -> None:
        job = self._job
        if job is not None and self._doing and not job.finished and not job.stopped and job.passed > 1000:
            self.say(f"{self._doing}: {counted_rows(job.passed)} looked at (Esc stops)")
            self._ticked = True
            if self._doing == "filtering":
                self._show_found(job, "filtering ...")

    def _show_found(self, job: Job, empty: str) -> None:
        """Show the rows that ``job`` has found so far."""
        self.grid.empty = empty
        self.shown = Shown(list(job.rows), min(self.shown.at, max(len(job.rows) - 1, 0)))
        self._partial = True
        self.draw()

    def say(self, text: str) -> None:
        self._status = text
        self.desk.query_one("#status", Static).update(Content(one_line(text)))

    @property
    def table_is_read(self) -> bool:
        """Whether there is a table yet that the user can come back to."""
        return bool(self.grid.columns)

    # Places

    def visit(self, place: Place, filter: str = "", sort: str = "", key: bytes = b"") -> None:
        """Show a view, or a bucket from ``key`` on."""
        columns = [column.name for column in self._columns(place)]
        if self.table_is_read and (self.place != place or self.filter.text != filter):
            self.history = [*self.history, Visit(self.place, self.filter, self.sort, self.shown)][-_HISTORY:]
        self._set(place, parse(filter, columns), sort)
        self.move(lambda state, job: self.table.go(state, job, self.grid.room, key))

    def _set(self, place: Place, filter: Filter, sort: str) -> None:
        moved = place != self.place or self.state is None
        self.place, self.filter, self.sort = place, filter, sort
        view = self._view(place.view)
        self.table = table_of_view(view, filter, sort) if view else table_of_bucket(place.path, filter, sort)
        self.tally = Tally(place, filter, sort)
        self.reader.recount()
        grid = self.grid
        moved = moved or not grid.columns
        grid.columns, grid.sort = self.table.columns, sort
        if moved:
            grid.column = 0
            self.shown = grid.shown = Shown([])
            grid.empty = "reading ..."
            self._list_places()

    def _view(self, name: str) -> Any:
        known = self.state.known if self.state is not None else None
        return known.application.view(name) if known is not None and name else None

    def _columns(self, place: Place) -> Any:
        view = self._view(place.view)
        return view.columns if view is not None else table_of_bucket((), Filter(), "").columns

    def _list_places(self) -> None:
        self._read(lambda state, job: list(places(state, self.place.path)), self._listed)

    def _listed(self, entries: list[tuple[Path, bool]]) -> None:
        self.entries = entries
        self.reader.recount()
        self._show_places()

    def _show_places(self) -> None:
        state = self.state
        if state is None:
            return
        lines: list[Entry] = []
        if state.views and state.known is not None:
            lines.append(Entry("VIEWS", state.known.application.name))
            lines += [Entry(view.name, state.count_text((view.name,)), Place(view.name)) for view in state.views]
        lines += [Entry("BUCKETS"), Entry("/", state.count_text(()), Place())]
        for path, more in self.entries:
            place = Place(path=path)
            margin = " " * (len(path) + 2)
            lines.append(
                Entry(f"{margin}… more in the table") if more else Entry(name_of(place), state.count_text(path), place)
            )
        self.desk.query_one(Sidebar).show(lines, self.place)

    # Counts

    def _count(self, snapshot: Snapshot) -> Iterator[None]:
        """Count, in the reader's thread, the rows of the table and what the places have."""
        state = state_of(snapshot)
        tally = self.tally
        wanted = [Place(), *(Place(path=path) for path, more in self.entries if not more)]
        wanted += [Place(view.name) for view in state.views]
        with suppress(Corrupted):  # the table says it
            for _ in tally.count(state) if not tally.done else ():
                self._report()
                yield
        for _ in counted_places(state, wanted):
            self._report()
            yield
        self.post_message(Counted())

    def _report(self) -> None:
        if monotonic() - self._said > TICK:
            self._said = monotonic()
            self.post_message(Counted())

    def on_counted(self, message: Counted) -> None:
        if self.is_closing:
            return
        self._show_places()
        self._draw_heads()

    # The screen

    def draw(self) -> None:
        """Draw the rows, and read the value of the chosen one."""
        self.grid.shown = self.shown
        self._draw_heads()
        if self._value is not None:
            self._value.stopped = True
        row = self.chosen
        if row is None or self.state is None:
            self.desk.query_one(ValuePane).show_text("", "")
            return
        pane = self.desk.query_one(ValuePane)
        work = partial(shown_record, self.place, row, self.form, pane.inner_width, self._view(self.place.view))
        self._value = self._read(work, self._show_record)

    def _draw_heads(self) -> None:
        grid, state = self.grid, self.state
        if state is None:
            return
        where = self.place.view or path_text(self.place.path) or "(root bucket)"
        known = f" · {state.known.application.name}" if state.known else ""
        notes = " · LOCK HELD" if state.snapshot.locked else ""
        notes += " · follows" if self.automatic else ""
        title = f"{os.path.basename(self.session.path)} · transaction {self.txid}{known}{notes} · {where}"
        self.desk.query_one("#title", Static).update(Content(one_line(title)))
        grid.title = where + (f" · filter {one_line(self.filter.text)}" if self.filter.text else "")
        grid.position = self.tally.position(self.shown, state)
        grid.leads = [
            reference(column.name, 1, state.views, self.place.view) is not None if self.place.view else False
            for column in self.table.columns
        ]
        grid.refresh()

    def _show_record(self, record: Record) -> None:
        self._record = record
        pane = self.desk.query_one(ValuePane)
        about = f"{record.about}{' · fixed, v: automatic' if self.form else ''}"
        if record.data is None and not record.groups:
            pane.show_text(about, record.text)
        else:
            pane.show_folded(about, record.groups, record.data, self.state.views if self.state else ())

    @property
    def chosen(self) -> Row | None:
        """The row that the cursor is on."""
        return self.shown.rows[self.shown.at] if self.shown.at < len(self.shown.rows) else None

    def _gap_text(self, row: Row) -> str:
        assert row.gap is not None and self.state is not None  # noqa: PT018
        return gap_text(row.gap, partial(key_text, self.state, self.place.path))

    def on_grid_resized(self) -> None:
        """Show as many rows as fit now: after the job that reads, if there is one."""
        if self._job is None or self._job.finished or self._job.stopped:
            self._fill()

    def on_unmount(self) -> None:
        self.reader.close()
