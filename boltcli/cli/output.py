"""Where a command's results and messages go. A command says what it found, never in which form: here it becomes text or
JSON, or stays what it is, for many files."""

from __future__ import annotations

from .streams import Progress, labelled, terminal_width, wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any, BinaryIO, TypeVar

    from ..read_errors import BoltError
    from ..render.screen import Screen
    from ..render.table import Table

    Part = TypeVar("Part")
    Record = dict[str, Any]
    Fields = Record | Callable[[], Record]
    Written = bytes | str | Iterable[bytes]
    Text = Written | Callable[[], Written]
    Form = Callable[[Part], Written]


_WIDE = 1 << 20  # columns of lines that are as long as they need to be


class Output:
    """``out`` and ``err`` are the streams of results and of messages. ``path`` is the file that messages name,
    ``quiet`` leaves out warnings, notes and progress. Text, and the fields of JSON, may be functions without arguments
    that make them, which are called only if that form is asked for. ``styled``: there are escape sequences in the text,
    and of names from a file only what is visible."""

    def __init__(
        self, out: BinaryIO, err: BinaryIO, *, json: bool = False, quiet: bool = False, path: str = ""
    ) -> None:
        self.out = out
        self.err = err
        self.quiet = quiet
        self.path = path
        self.is_data = json  # results are JSON, which `import` may read: then their order is that of a database
        self._parts: dict[str, list[Record]] = {}
        self._hints: list[Callable[[], Iterable[str]]] = []

    def record(self, fields: Fields, text: Text = b"", *, styled: bool = False) -> None:
        """Write one result: in JSON a line of ``fields``, as text ``text``. A field may be an iterator of records,
        which are written one by one."""
        if self.is_data:
            self._write_record(fields() if callable(fields) else fields)
        else:
            self._write(text, styled=styled)

    def report(self, fields: Fields, screen: Callable[[Screen], object], text: Text) -> None:
        """Write one result: in JSON a line of ``fields``, on a terminal what ``screen`` adds to one, else ``text``."""
        if self.is_terminal:
            self.record(fields, lambda: self.screen(screen), styled=True)
        else:
            self.record(fields, text)

    def screen(self, fill: Callable[[Screen], object]) -> bytes:
        """Return what ``fill`` adds to a screen of this terminal; it is styled."""
        from ..render.screen import Screen, is_plain

        screen = Screen(self.width, styled=self.has_colours, plain=is_plain())
        fill(screen)
        return screen.content()

    def records(self, found: Callable[[], Iterable[Record]], text: Text = b"", *, styled: bool = False) -> None:
        """Write several results: in JSON a line for each of what ``found`` returns, as text ``text``."""
        if self.is_data:
            for fields in found():
                self._write_record(fields)
        else:
            self._write(text, styled=styled)

    def part(self, field: str, fields: Fields, text: Text) -> None:
        """Write a part of the next record: as text at once, in JSON as an element of its list ``field``."""
        if self.is_data:
            self._parts.setdefault(field, []).append(fields() if callable(fields) else fields)
        else:
            self._write(text)

    def text(self, text: Text) -> None:
        """Write text that JSON doesn't have, for example a heading."""
        if not self.is_data:
            self._write(text)

    def stream(self, parts: Iterable[Part], *, json: Form[Part], text: Form[Part], styled: bool = False) -> None:
        """Write results a part at a time, say a page's keys: each through the function of the form."""
        make = json if self.is_data else text
        styled = styled and not self.is_data
        for part in parts:
            self._write(make(part), styled=styled)

    def rows(
        self, table: Table, *, records: Iterable[Record] | None = None, form: str = "", output: str = "",
        force: bool = False, tabs: bool = False, human: bool = False, wide: bool = False,
        finish: Callable[[], object] | None = None,
    ) -> None:  # fmt: skip
        """Write a table in ``form``, if not "", else in the one of this output, or to a file in that of its suffix. The
        file ``output`` appears when it is complete and ``finish`` was called; ``force`` replaces one. On a terminal
        text is columns as wide as that, with ``wide`` as they need to be; elsewhere, with ``tabs``, fields with tabs
        between them, or columns; ``human``: sizes have units there, too. ``records``: what JSON has in place of its
        rows, each seen at once."""
        if self.is_data and records is not None:
            for record in records:
                self._write_record(record)
                self.flush()
            return
        from ..render.row_files import complete, row_form

        form = form or row_form(output, json=self.is_data)
        if output:
            with complete(output, replace=force) as file:
                count = table.write(file, form)
                if finish is not None:
                    finish()
            self.out.write(_encoded(f"{count} rows -> {output}\n"))
        elif form:
            table.write(self.out, form)
        elif self.is_terminal:
            for line in table.screen_lines(_WIDE if wide else self.width, styled=self.has_colours):
                write_styled(self.out, line)
        else:
            self.out.writelines(table.tab_lines() if tabs else table.text_lines(human=human))

    def close_with(self, sentence: str) -> None:
        """Write a sentence about all results after them: as text a line, in JSON a message beside them."""
        if self.is_data:
            self.note(sentence)
        else:
            self.out.write(sentence.encode("utf-8", "backslashreplace") + b"\n")

    def raw(self, data: bytes) -> None:
        """Write bytes that are the same in every form."""
        self.out.write(data)

    def to_file(
        self, path: str, *, replace: bool = False, public: bool = False, sync: bool = True
    ) -> AbstractContextManager[Output]:
        """Context manager: an output into a file, which appears at ``path`` at the end of the block unless it raises.
        Its form is that of the suffix, if that is one of JSON. The options are those of a ``Destination``."""
        from contextlib import contextmanager

        from ..render.row_files import complete, format_of, lines_into

        form = format_of(path)

        @contextmanager
        def opened() -> Iterator[Output]:
            with complete(path, replace=replace, public=public, sync=sync) as file, lines_into(file, form) as target:
                is_json = self.is_data or form in ("json", "ndjson")
                yield Output(target, self.err, json=is_json, quiet=self.quiet, path=self.path)

        return opened()

    def flush(self) -> None:
        self.out.flush()

    def warn(self, message: str) -> None:
        """Write a warning about the file."""
        if self.is_data:
            self._notice("warning", message, self.path)
        elif not self.quiet:
            labelled(self.err, "warning", "33", message)

    def note(self, message: str, path: str = "") -> None:
        """Write what is to be known beside the results, for example which state of ``path`` was read."""
        if self.is_data:
            self._notice("reading", message, path or self.path)
        else:
            self.say(f"boltcli: {message}\n")
        self.err.flush()

    def notice(self, fields: Fields, text: str | bytes = "") -> None:
        """Write a message that also ``quiet`` doesn't leave out: in JSON a line of ``fields``, else ``text``."""
        if self.is_data:
            self._tell(fields() if callable(fields) else fields)
        else:
            self.err.write(_encoded(text))

    def say(self, text: bytes | str) -> None:
        """Write something for people on stderr, which JSON has in its results; nothing if ``quiet``."""
        if not (self.is_data or self.quiet):
            self.err.write(_encoded(text))

    def hint(self, lines: Callable[[], Iterable[str]]) -> None:
        """Write hints after everything else, if a person sees it."""
        if self.is_terminal and not (self.is_data or self.quiet):
            self._hints.append(lines)

    def finish(self) -> None:
        """Let all results be seen, and write the hints."""
        self.out.flush()
        for lines in self._hints:
            self.err.writelines(_encoded(f"hint: {line}\n") for line in lines())

    def complain(self, error: BoltError, path: str, fields: Callable[[], Record] | None = None) -> None:
        """Write that one of several files could not be read, when others are still answered; in JSON ``fields``."""
        self.out.flush()
        if self.is_data:
            from ..render import records

            self._tell(fields() if fields else records.error(error, path))
            return
        from ..render.errors import error_text

        text = error_text(error).decode("utf-8", "surrogateescape")
        labelled(self.err, "Error", "1;31", text if path in text else f"{path}: {text}")

    def progress(self, what: str, unit: str = "pages") -> Progress:
        """Return a context manager that shows the progress on a terminal; call it with (done, total)."""
        return Progress(what, unit, quiet=self.quiet)

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the results at once."""
        return self.out.isatty()

    @property
    def width(self) -> int:
        """The width in columns of the terminal."""
        return terminal_width(self.out)

    @property
    def has_colours(self) -> bool:
        """Whether text is in colours."""
        return wants_style(self.out)

    def about(self, path: str) -> Output:
        """Return the same output for another file."""
        return Output(self.out, self.err, json=self.is_data, quiet=self.quiet, path=path)

    def held(self) -> Output:
        """Return an output that holds back what is written, until it is given to :meth:`take`, or closed."""
        from io import BytesIO
        from typing import cast

        from .held_stream import HeldStream

        held = cast("BinaryIO", HeldStream(self.out))
        return Output(held, BytesIO(), json=self.is_data, quiet=self.quiet, path=self.path)

    def take(self, held: Output) -> None:
        """Write what an output of :meth:`held` holds."""
        self.err.write(held.err.getvalue())  # type: ignore[attr-defined]
        self.err.flush()
        held.out.hand_over()  # type: ignore[attr-defined]
        self._hints += held._hints

    def written(self) -> tuple[bytes, bytes]:
        """Return what an output of :meth:`held` holds, for both streams, and close it."""
        self.out.seek(0)
        found = self.out.read(), self.err.getvalue()  # type: ignore[attr-defined]
        self.close()
        return found

    def close(self) -> None:
        """Give up what is held back."""
        self.out.close()

    def _write(self, text: Text, *, styled: bool = False) -> None:
        if callable(text):
            text = text()
        parts = [_encoded(text)] if isinstance(text, (bytes, str)) else text
        if styled:
            for part in parts:
                write_styled(self.out, part)
        else:
            self.out.writelines(parts)

    def _write_record(self, fields: Record) -> None:
        parts, self._parts = self._parts, {}
        self._emit(fields | parts)

    def _emit(self, record: Record) -> None:
        from ..render import records

        self.out.writelines(records.pieces([record]))

    def _notice(self, kind: str, message: str, path: str) -> None:
        if not self.quiet:
            from ..render import records

            self._tell(records.notice(kind, message, path))

    def _tell(self, record: Record) -> None:
        from ..render import records

        self.err.write(records.line(record))


def _encoded(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


class Collected(Output):
    """Results and messages as they are, for one of many files: records and notes are lists of dicts."""

    def __init__(self, path: str, *, quiet: bool = False, elsewhere: bool = False) -> None:
        """``elsewhere``: in another process, which shows no progress."""
        from io import BytesIO

        super().__init__(BytesIO(), BytesIO(), json=True, quiet=quiet, path=path)
        self._elsewhere = elsewhere
        self.found: list[Record] = []
        self.notes: list[Any] = []

    def about(self, path: str) -> Collected:
        return Collected(path, quiet=self.quiet, elsewhere=self._elsewhere)

    def progress(self, what: str, unit: str = "pages") -> Progress:
        return Progress(what, unit, quiet=self.quiet or self._elsewhere)

    def held(self) -> Collected:
        return self.about(self.path)

    def take(self, held: Output) -> None:
        assert isinstance(held, Collected)
        self.found += held.found
        self.notes += held.notes

    def _emit(self, record: Record) -> None:
        self.found.append({name: list(each) if hasattr(each, "__next__") else each for name, each in record.items()})

    def _tell(self, record: Record) -> None:
        self.notes.append(record)
