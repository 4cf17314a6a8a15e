"""Work on many files, here, in other processes or on a cluster, and give on each result in the order of the files.

A file that is missing, locked or unreadable is a result like the others, which says why. Memory does not grow with the
number of files: their paths are kept compactly, records are written as they come, and a table has a bounded number of
rows.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

from ..apps.contract import Column
from ..errors import ArgumentError, BoltError, CheckFailed, PassedOver, as_failure
from ..fleet import engine as engines
from ..fleet.files import Files, Named, nothing_seen
from ..fleet.find import databases_in, resolved
from ..fleet.state import UNKNOWN, State, file_state
from ..render import records
from ..render.records import text as utf_8
from ..render.table import Table
from ..render.verdict_screen import verdict_screen
from ..storage.opened import Reading
from ..text.sizes import counted
from .command import Command, Summary
from .opener import Opener
from .output import Collected, Output
from .registry import declared, find
from .runner import prepare_command, run_command
from .streams import write_styled

Record = dict[str, Any]
Values = dict[str, Any]
Said = list[Any]  # of a file: messages, or, of work that writes its results itself, the bytes for both streams

T = TypeVar("T")

_MOST = 8  # processes, unless --jobs says more
_ROWS = 1000  # of a table; of more files it has the worst or the largest
# Options that don't affect results: an offset is a part of the path.
_HOW = {"recursive", "files-from", "output", "force", "resume", "engine", "jobs", "json", "quiet", "color", "stats",
        "exit-status", "timeout", "read-timeout", "lock", "no-lock", "offset", "max-unpacked"}  # fmt: skip


class Result(NamedTuple):
    """What a command gives of one file: records, the exit status, and the file's state before."""

    records: list[Record]
    status: int
    state: State = UNKNOWN


@dataclass
class _Alone:
    """The command of this name, which runs on each file alone."""

    command: str
    values: Values
    with_state: bool

    def __call__(self, file: Named, out: Output) -> Result:
        assert isinstance(out, Collected)
        state = file_state(file.path, previous=bool(self.values.get("previous"))) if self.with_state else UNKNOWN
        try:
            command = find(self.command)
            assert command is not None
            status = run_command(command, [file.path], self.values | {"found": file.how}, out)
            return Result(out.found, status, state)
        except PassedOver as error:
            out.warn(f"skipped: {error}")
            return Result([], 0)
        except Exception as error:
            failure = as_failure(error, file.path)
            found = out.found if isinstance(failure, CheckFailed) else None
            return self.failed(failure, file.path, out.notes, found)._replace(state=state)

    def failed(self, error: BoltError, path: str, said: Said, found: list[Record] | None = None) -> Result:
        """Return the failure of a file as its result, and add it to what is ``said``; of a check there is ``found``."""
        opener = Opener(self.values, Collected(path), find(self.command))
        wrong = _wrong(error, path, opener)
        said.append(wrong)
        unknown = records.of_file(path) | declared(self.command).unknown | {"error": wrong}
        return Result([unknown] if found is None else found, opener.status_of(error))


def run_many(command: Command, arguments: Sequence[str], values: Values, out: Output) -> int:
    """Run a command on all files that its arguments and options select. With -o the results are rows of that file, in
    JSON an object each; else a table. Returns the largest exit status. Raises BoltError if a process or the cluster is
    lost, the options are invalid, or no file was looked at."""
    engine, output, resume = (str(values.get(name) or "") for name in ("engine", "output", "resume"))
    prepare_command(command, list(arguments), values)
    engines.check_engine(engine)
    if resume and not output:
        raise ArgumentError("--resume needs -o DEST, for the earlier and the new results")
    about, opener = declared(command.name), Opener(values, out, command)
    files = (about.select or Opener.files)(opener, arguments)
    if len(files.failed) == len(files) == 1:  # there is no file at all
        raise next(iter(files.failed.values()))
    if about.apart and len(files) > 1:
        out.warn(about.apart)
    tally, words, status = Tally(about.summary), _words(command, values), 0

    def settle(number: int, found: Result | BoltError, said: Said) -> Result:
        """Count a result, and write its row, as soon as it is there."""
        nonlocal status
        path = files.paths[number]
        result = work.failed(found, path, said) if isinstance(found, BoltError) else found
        status = max(status, result.status)
        if result.records:
            tally.add(result.records[-1])
            if results is not None:
                results.add(number, _row(path, words, result))
        # Results wait for the files before theirs: only those that will be written keep what they hold.
        return result if results is None and out.is_data else result._replace(records=[])

    with ExitStack() as stack:
        todo: Sequence[int] = range(len(files))
        results = None
        if output:
            from .results_file import ResultsFile

            results = stack.enter_context(
                ResultsFile(output, len(files), about.summary.is_public, bool(values.get("force")), resume)
            )
            todo = array("L")
            for row in results.take_over(files.paths, words, todo, previous=opener.previous):
                status = max(status, int(row["status"]))
                tally.add(row)
        again = tally.total
        asked = int(values.get("jobs") or 0)
        jobs = processes(asked, len(todo))
        # A file gets several processes only if files aren't worked on in parallel.
        alone = values | {"json": True, "output": "", "jobs": 1 if jobs > 1 or engine else asked}
        work = _Alone(command.name, alone, bool(output))
        try:
            for _, result in each(
                files, work, opener, out, what=command.name, jobs=jobs, engine=engine, numbers=todo,
                raises=False, settle=settle,
            ):  # fmt: skip
                assert isinstance(result, Result)
                for record in result.records:
                    out.record(record)
                out.flush()
        except BoltError:
            if output:
                out.warn(f"the {tally.total} results so far are kept: --resume {output} continues from there")
            raise
        if results is not None:
            results.commit()
            out.record(lambda: _facts(output, tally, again, files), f"{tally.summary(again)} -> {output}\n")
        else:
            tally.show(out, human=bool(values.get("human")))
    out.flush()
    say_passed(files, out)
    if not tally.total:
        raise nothing_seen(arguments)
    return status


def _words(command: Command, values: Values) -> str:
    """Return the command and the options that affect its results, as text."""
    words = [command.name]
    for option in command.options:
        value = values.get(option.name, "")
        if option.name not in _HOW and value != option.default:
            words.append(f"--{option.name}" if option.switch else f"--{option.name}={value}")
    return " ".join(words)


def _row(path: str, words: str, result: Result) -> Record:
    """Return a result as a row of results, with the columns that ``--resume`` compares: ``words`` too."""
    record, (size, mtime, txid) = result.records[-1], result.state
    row: Record = {"path": os.fsencode(path).decode("utf-8", "replace"), "command": words, "status": result.status}
    row |= {"size": size if size is not None else record.get("size"), "mtime": mtime, "txid": txid}
    rest = {name: value for name, value in record.items() if name not in row}
    return row | rest | {"error": record.get("error")}


def _facts(output: str, tally: Tally, taken: int, files: Files) -> Record:
    facts = records.of_file(output, "output") | {"files": tally.total, **tally.counts(), "taken": taken}
    return facts | {"passed_over": files.passed} if files.passed else facts


def each(
    files: Files, work: Callable[[Named, Output], T], opener: Opener, out: Output, *, what: str, jobs: int = 1,
    engine: str = "", numbers: Sequence[int] | None = None, direct: bool = False, raises: bool = True,
    settle: Callable[[int, T | BoltError, Said], T] | None = None,
) -> Iterator[tuple[Named, T | BoltError]]:  # fmt: skip
    """Call ``work`` for each file, or those with these ``numbers``; yield the file and what that returns, in turn.

    A BoltError instead says why there is nothing. As text, that of the only file is raised if it ``raises``: it is the
    failure of the command, as for one of many files, on which a command runs alone. ``work`` gets an output about
    the file for messages; with ``direct`` also for results. ``jobs`` processes work on the files, or an ``engine``.
    ``settle`` is called as soon as a result is there, with the number of its file and the messages about it, to which
    it may add; what it returns takes the result's place.
    """
    if numbers is None:
        numbers = range(len(files))
    if len(files) == 1 and (opener.alone is not None or (raises and not out.is_data)):
        yield _only(files[0].shown(), work, opener, out)
        return
    jobs = processes(jobs, len(numbers))
    if jobs > 1 and not engine:
        _load(files.paths, opener.max_unpacked)
    if direct:
        work = partial(_held if jobs > 1 else _at_once, work, out)
    attempt = partial(_attempt, work, out.quiet, elsewhere=bool(engine))

    def arrivals() -> Iterator[tuple[int, tuple[T | BoltError, Said]]]:
        with out.progress(what, "files") as progress:
            for count, (number, done) in enumerate(engines.run(attempt, files, numbers, jobs=jobs, engine=engine), 1):
                progress.clear()
                found, said = (done, []) if isinstance(done, BoltError) else done
                yield number, (settle(number, found, said) if settle else found, said)
                if len(numbers) > 1:
                    progress(count, len(numbers))

    for number, (result, said) in in_turn(numbers, arrivals()):
        tell(said, out)
        yield files[number].shown(), result


def _only(file: Named, work: Callable[[Named, Output], T], opener: Opener, out: Output) -> tuple[Named, T | BoltError]:
    """Work on the only file, whose failure is the command's; but for one that is passed over, if it isn't of many."""
    try:
        if file.failure is not None:
            raise file.failure
        return file, work(file, out.about(file.path))
    except PassedOver as error:
        if opener.alone is not None:
            raise
        return file, error
    except BoltError as error:
        error.path = error.path or file.path
        raise


def _attempt(
    work: Callable[[Named, Output], T], quiet: bool, file: Named, *, elsewhere: bool
) -> tuple[T | BoltError, Said]:
    """Work on one of many files: its failure and what is said of it are parts of the result."""
    file = file.shown()
    out = Collected(file.path, quiet=quiet, elsewhere=elsewhere)
    try:
        if file.failure is not None:
            raise file.failure
        with Reading([file.path]) if file.path != "-" else nullcontext():  # what is noted of each is let go with it
            return work(file, out), out.notes
    except Exception as error:
        return as_failure(error, file.path), out.notes


def _at_once(work: Callable[[Named, Output], T], out: Output, file: Named, _: Collected) -> T:
    return work(file, out.about(file.path))


def _held(work: Callable[[Named, Output], T], out: Output, file: Named, collected: Collected) -> T:
    held = out.about(file.path).held()
    try:
        return work(file, held)
    finally:
        collected.notes.append(held.written())


def in_turn(numbers: Sequence[int], results: Iterator[tuple[int, T]]) -> Iterator[tuple[int, T]]:
    """Yield results in the order of ``numbers``; if the others are lost, first those that are there."""
    waiting: dict[int, T] = {}
    turns = iter(numbers)
    turn = next(turns, None)
    try:
        for number, result in results:
            waiting[number] = result
            while turn is not None and turn in waiting:
                yield turn, waiting.pop(turn)
                turn = next(turns, None)
    except BoltError:
        yield from sorted(waiting.items())
        raise


def _wrong(error: BoltError, path: str, opener: Opener) -> Record:
    from .hints import hints

    wrong = records.error(error, path)
    values = opener.values
    return wrong if values.get("quiet") else records.with_hint(wrong, hints(error, opener.command, [path], values))


def complain(path: str, error: BoltError, unknown: Record | None, opener: Opener, out: Output) -> int:
    """Write that a file of several could not be read; return the exit status for that. In JSON there is also an object
    with what is ``unknown`` of it, as of the other files, if that isn't None."""
    wrong = cache(lambda: _wrong(error, path, opener))
    if unknown is not None:
        out.record(lambda: records.of_file(path) | unknown | {"error": wrong()})
    out.complain(error, path, wrong)
    return opener.status_of(error)


def tell(said: Said, out: Output) -> None:
    """Write what is said of a file: messages are unchanged in JSON, else lines that name the file."""
    for note in said:
        if isinstance(note, tuple):
            write_styled(out.out, note[0])
            out.err.write(note[1])
        else:
            out.notice(note, _line(note, out.quiet))
    if said:
        out.err.flush()


def _line(note: Record, quiet: bool) -> str:
    path, kind = records.file_of(note), note["kind"]
    if kind == "traffic":
        return f"{path}: read {note['read']} of {note['size']} bytes\n"
    if quiet:
        return ""
    if kind in ("reading", "warning"):
        return f"{'warning: ' if kind == 'warning' else 'boltcli: '}{path}: {note['message']}\n"
    # The table says what is wrong; of a folder also what to do.
    hints = note.get("hint", "").splitlines() if os.path.isdir(path) else []
    return "".join(f"hint: {path}: {hint}\n" for hint in hints)


def say_passed(files: Files, out: Output) -> None:
    """Say which files in folders were passed over: what was not looked at must not seem to be sound."""
    for folder, counts in files.passed.items():
        if not out.quiet:
            text = f"{folder}: {files.passed_text(folder)}"
            note = records.notice("warning", text, folder) | {"passed_over": counts}
            out.notice(note, f"warning: {utf_8(os.fsencode(text))}\n")


def processes(asked: int, files: int) -> int:
    """Return how many processes work on so many files; ``asked`` 0: as many as there are processors."""
    if not hasattr(os, "fork"):
        return 1
    return max(1, min(asked or min(os.cpu_count() or 1, _MOST), files))


def _load(paths: Sequence[str], max_unpacked: int) -> None:
    """Load what the other processes share: libraries for addresses, and standard input, as they have none."""
    from ..storage.remote import load_libraries
    from ..storage.source import open_source

    remote = {path.partition("://")[0] for path in paths if "://" in path}
    if remote:
        load_libraries([f"{scheme}://" for scheme in remote])
    if any(path == "-" for path in paths):
        try:
            open_source("-", "none", max_unpacked=max_unpacked).close()
        except BoltError:
            pass  # found again, and reported, by the one whose turn it is


class Tally:
    """The verdicts on many files, counted, and the rows of a table: all, or the worst and the largest."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._words = ("unreadable", summary.faulty, "ok")
        self._counts = [0, 0, 0]
        self._rows: list[tuple[tuple[int, float, str], list[Any], str]] = []

    @property
    def total(self) -> int:
        return sum(self._counts)

    def add(self, record: Record) -> None:
        rank = 0 if record.get("error") else 2 if record.get("ok", True) else 1
        self._counts[rank] += 1
        size = record.get(self._summary.order) or 0
        path, problem = records.file_of(record), _problem(record)
        cells = [make(record) if callable(make) else record.get(make) for _, make, _ in self._summary.columns]
        self._rows.append(((rank, -size, path), [self._words[rank], *cells, path], problem))
        if len(self._rows) >= 2 * _ROWS:
            self._rows.sort(key=lambda each: each[0])
            del self._rows[_ROWS:]

    def counts(self) -> dict[str, int]:
        """Return the number of files by verdict, the best first."""
        return dict(zip(reversed(self._words), reversed(self._counts)))

    def summary(self, taken: int = 0) -> str:
        """Return a line: the numbers of files by verdict; ``taken`` of them are from earlier results."""
        shown = [f"{count} {word}" for word, count in self.counts().items() if count or word == "ok"]
        again = f" ({taken} from the earlier results)" if taken else ""
        return f"{counted(self.total, 'file')}: {', '.join(shown)}{again}"

    def show(self, out: Output, *, human: bool) -> None:
        """Write as text the table, the worst file first, and the summary; in JSON there are the records."""
        rows = [(row, problem) for _, row, problem in sorted(self._rows, key=lambda each: each[0])[:_ROWS]]
        if self.total > _ROWS and not self._summary.is_measure:
            rows = [each for each in rows if each[0][0] != self._words[2]]
        columns = [Column("verdict"), *(Column(name, type) for name, _, type in self._summary.columns), Column("file")]
        if rows and out.is_terminal:
            fill = partial(verdict_screen, columns=columns, rows=rows, words=self._words)
            out.records(tuple, lambda: out.screen(fill), styled=True)
        elif rows:
            lines = ([*row[:-1], f"{row[-1]}: {problem}" if problem else row[-1]] for row, problem in rows)
            out.rows(Table(columns, lines), records=(), human=human)
        left = self.total - len(rows)
        more = f"; {left:,} are not in the table: --json and -o give all" if left and rows else ""
        out.text(f"{self.summary()}{more}\n")


def _problem(record: Record) -> str:
    error = record.get("error")
    if error:
        return str(error["message"] if isinstance(error, dict) else error)
    if record.get("ok", True):
        return ""
    problems = record.get("problems") or [finding["message"] for finding in record.get("findings") or []]
    return str(problems[0]) if problems else ""


def without_folders(command: Command, arguments: list[str], values: Values) -> list[str]:
    """Return ``arguments`` with the database in each folder in place of the folder. A folder of several databases stays
    if the command takes several; else this raises ArgumentError."""
    found = []
    for word, argument in zip(arguments, command.arguments_of(arguments, values)):
        if argument.kind == "file" and not argument.many and os.path.isdir(word):
            if command.several or command.folder:
                inside = databases_in(word)
                word = inside[0] if len(inside) == 1 else word
            else:
                word = resolved(word)
        found.append(word)
    return found
