"""One command on many files: a table, the worst first, or an object of JSON for each; or a file of results."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..fleet import engine as engines
from .file_tables import path_of, summary, table
from .file_work import work
from .meant_files import meant_files

if TYPE_CHECKING:
    from typing import BinaryIO

    from .job import Job

    Record = dict[str, Any]

_MOST = 8  # processes, unless more are asked for
_HOW = ("recursive", "files-from", "output", "force", "resume", "engine", "jobs")  # options that change no result


def run_many(job: Job[Any], out: BinaryIO, err: BinaryIO) -> int:
    """Run the command of ``job`` on all files that its arguments and options mean.

    Returns the largest of their statuses. Raises BoltError if a process or
    the cluster is lost, and what is wrong with the options.
    """
    from .row_output import Form

    output, engine = str(job.value("output")), str(job.value("engine"))
    engines.check_engine(engine)
    form = Form(json=job.json, output=output)
    if job.value("resume") and not output:
        raise ArgumentError("--resume needs -o: the earlier results go there with the new ones")
    paths = meant_files(job)
    before = _unchanged(job, paths) if job.value("resume") else {}
    todo = [path for path in paths if path not in before]
    asked: int = getattr(job.options, "jobs", 0)
    jobs = _processes(asked, len(todo))
    inner = 1 if jobs > 1 or engine else asked  # processes of its own only where the files don't have them all
    items = [(job.command.name, job.values, path, inner) for path in todo]
    gathers = bool(output) or not job.json
    records: list[Record] = [_earlier(row) for row in before.values()]
    rows: list[Record] = list(before.values())
    status = max((int(row["status"]) for row in before.values()), default=0)
    with job.progress(f"{job.command.name}:", "files") as progress:
        for count, (_, done) in enumerate(engines.run(work, items, jobs=jobs, engine=engine), 1):
            shown, said, failed, state = done
            status = max(status, failed)
            progress.clear()
            if job.json and not output:
                out.write(shown)
                out.flush()
            _say(said, job, err)
            if gathers:
                record = _parsed(shown)
                records.append(record)
                if output:
                    rows.append(_row(job, record, failed, state))
            progress(count, len(items))
    if output:
        _write(form, rows, out, summary(records, len(before)), force=bool(job.value("force")), again=job)
    elif not job.json:
        _show(job, records, out)
    return status


def _unchanged(job: Job[Any], paths: list[str]) -> dict[str, Record]:
    """The rows of the earlier run whose files are as they were."""
    from ..fleet.results import is_as_before, read_results
    from ..fleet.state import file_state

    found = read_results(str(job.value("resume")), _command(job))
    return {path: found[path] for path in paths if path in found and is_as_before(found[path], file_state(path))}


def _command(job: Job[Any]) -> str:
    """The command and those of its options that decide what it finds, as text."""
    words = [job.command.name]
    for option in job.command.options:
        value = job.value(option.name)
        if not option.common and option.name not in _HOW and value != option.default:
            words.append(f"--{option.name}" if option.switch else f"--{option.name}={value}")
    return " ".join(words)


def _parsed(shown: bytes) -> Record:
    from ..render.orjson_writer import parsed

    record: Record = parsed(shown.splitlines()[-1])
    return record


def _row(job: Job[Any], record: Record, status: int, state: tuple[int | None, int | None, int | None]) -> Record:
    """A record as a row of results: with what ``--resume`` compares."""
    size, mtime, txid = state
    row: Record = {"path": path_of(record), "command": _command(job), "status": status}
    row |= {"size": size if size is not None else record.get("size"), "mtime": mtime, "txid": txid}
    return row | {name: value for name, value in record.items() if name not in row} | {"error": record.get("error")}


def _earlier(row: Record) -> Record:
    """A record from a row of an earlier run, whose values may have become text."""
    record = {name: value for name, value in row.items() if name not in ("command", "status", "mtime")}
    for name, value in record.items():
        if isinstance(value, str) and name != "path":
            record[name] = _value(value)
    return record


def _value(text: str) -> Any:
    if text in ("", "true", "false"):
        return {"": None, "true": True, "false": False}[text]
    if text.isdigit():
        return int(text)
    if text[:1] in "[{":
        from ..render.orjson_writer import parsed

        try:
            return parsed(text.encode())
        except ValueError:
            return text
    return text


def _write(form: Any, rows: list[Record], out: BinaryIO, text: str, *, force: bool, again: Job[Any]) -> None:
    """Write the rows to the file of results, in the order of their paths."""
    from .row_output import complete

    names = list(dict.fromkeys(name for row in rows for name in row))
    rows.sort(key=lambda row: str(row["path"]))
    replace = force or os.path.abspath(form.output) == os.path.abspath(str(again.value("resume")) or os.devnull)
    with complete(form.output, replace=replace) as file:
        if form.kind in ("parquet", "arrow"):
            from ..tables.arrow_files import write_records

            write_records(file, form.kind, names, rows)
        elif form.kind == "json":
            from ..render.orjson_writer import lines

            file.write(lines(rows))
        else:
            from ..render.table_rows import csv_lines

            file.writelines(csv_lines(names, ([row.get(name) for name in names] for row in rows)))
    out.write(f"{text} -> {form.output}\n".encode("utf-8", "surrogateescape"))


def _show(job: Job[Any], records: list[Record], out: BinaryIO) -> None:
    from .row_output import Form, write_rows

    human = out.isatty() or bool(job.value("human"))
    names, rows = table(job.command.name, records, human)
    if rows:
        write_rows(Form(), names, rows, out)
    out.write(summary(records, 0).encode() + b"\n")


def _say(said: bytes, job: Job[Any], err: BinaryIO) -> None:
    """Write what was said of a file: as it is with ``--json``, else as lines that name the file."""
    if job.json:
        err.write(said)
        err.flush()
        return
    from ..render.orjson_writer import parsed

    for line in said.splitlines():
        record = parsed(line)
        kind = record["kind"]
        if kind in ("reading", "warning") and not job.quiet:
            word = "warning: " if kind == "warning" else "boltcli: "
            err.write(f"{word}{path_of(record)}: {record['message']}\n".encode("utf-8", "surrogateescape"))
        elif kind == "traffic":
            err.write(f"{path_of(record)}: read {record['read']} of {record['size']} bytes\n".encode())
    err.flush()


def _processes(asked: int, files: int) -> int:
    if not hasattr(os, "fork"):
        return 1
    return max(1, min(asked or min(os.cpu_count() or 1, _MOST), files))
