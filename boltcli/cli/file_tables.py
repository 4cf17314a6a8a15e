"""Show many files as a table: the columns of each command, and the order, the worst file first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..apps.contract import Column
from ..render.table import Table, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Record = dict[str, Any]
    Cell = Callable[[Record], Any]


def _verdicts(command: str) -> tuple[str, str, str]:
    """Return the command's verdicts, the worst first."""
    return "unreadable", _FAULTY.get(command, "damaged"), "ok"


def _rank(record: Record) -> int:
    """Return the index of a file's verdict."""
    return 0 if record.get("error") else 2 if record.get("ok", True) else 1


def _findings(severity: str) -> Cell:
    def count(record: Record) -> int | None:
        return None if record.get("error") else [one["severity"] for one in record["findings"]].count(severity)

    return count


def _plain(name: str) -> Cell:
    return lambda record: record.get(name)


def _version(record: Record) -> str | None:
    if record.get("revision") is not None:
        return f"revision {record['revision']}"
    return None if record.get("txid") is None else f"txid {record['txid']}"


def _problem(record: Record) -> str:
    error = record.get("error")
    if error:
        return str(error["message"] if isinstance(error, dict) else error)
    if record.get("ok", True):
        return ""
    problems = record.get("problems") or [finding["message"] for finding in record.get("findings") or []]
    return str(problems[0]) if problems else ""


def _last(record: Record) -> str:
    problem = _problem(record)
    path = path_of(record)
    return f"{path}: {problem}" if problem else path


def path_of(record: Record) -> str:
    """Return the path in a record, as text."""
    if "path" in record:
        return str(record["path"])
    return bytes.fromhex(record.get("path_hex", "")).decode("utf-8", "surrogateescape")


_COLUMNS: dict[str, tuple[tuple[str, Cell], ...]] = {
    "check": (("errors", _plain("errors")),),
    "verify": (
        ("kind", _plain("kind")),
        ("sha256", _plain("sha256")),
        ("check", _plain("check")),
        ("pairs", _plain("pairs")),
        ("application", _plain("application")),
        ("state", _version),
        ("size", _plain("size")),
    ),
    "stats": (
        ("buckets", _plain("buckets")),
        ("keys", _plain("keys")),
        ("depth", _plain("depth")),
        ("branch pages", _plain("branch_pages")),
        ("leaf pages", _plain("leaf_pages")),
        ("leaf use %", _plain("leaf_inuse_percent")),
    ),
    "du": (
        ("size", _plain("size")),
        ("free", _plain("free")),
        ("lost", _plain("lost")),
        ("unused", _plain("unused")),
        ("compact --dense frees", _plain("freed_bytes")),
    ),
    "info": (
        ("page size", _plain("page_size")),
        ("size", _plain("size")),
        ("txid", _plain("txid")),
        ("application", _plain("application")),
    ),
    "audit": (
        ("application", _plain("application")),
        ("layout", _plain("layout")),
        ("errors", _findings("error")),
        ("warnings", _findings("warning")),
        ("notes", _findings("info")),
    ),
    "metrics": (
        ("size", _plain("size")),
        ("free", _plain("free_bytes")),
        ("lost", _plain("lost_bytes")),
        ("unused", _plain("unused_bytes")),
        ("txid", _plain("txid")),
        ("application", _plain("application")),
    ),
}
_SIZES = ("size", "free", "lost", "unused", "compact --dense frees")  # columns of bytes
_FAULTY = {"audit": "faulty"}  # the verdict on a file that is not ok; "damaged" for the other commands
_LARGEST_FIRST = {
    "stats": "keys", "du": "freed_bytes", "info": "size", "check": "errors", "verify": "errors", "metrics": "size",
}  # fmt: skip


def table(command: str, records: Sequence[Record]) -> Table:
    """Return a row for each file, the worst first."""
    columns = _COLUMNS.get(command, ())
    by = _LARGEST_FIRST.get(command, "")
    words = _verdicts(command)
    worst = sorted(records, key=lambda each: (_rank(each), -(each.get(by) or 0), path_of(each)))
    names = ["verdict", *[name for name, _ in columns], "file"]
    rows = [[words[_rank(each)], *[cell(each) for _, cell in columns], _last(each)] for each in worst]
    types = ["size" if name in _SIZES else type_of(values) for name, values in zip(names, zip(*rows))]
    return Table([Column(name, type) for name, type in zip(names, types)], rows)


def counts(command: str, records: Sequence[Record]) -> dict[str, int]:
    """Return the number of files by verdict, the best first."""
    ranks = [_rank(record) for record in records]
    return {word: ranks.count(rank) for rank, word in reversed(list(enumerate(_verdicts(command))))}


def summary(command: str, records: Sequence[Record], taken: int) -> str:
    """Return a summary line: the numbers of files by verdict; ``taken`` of them are from earlier results."""
    shown = [f"{count} {word}" for word, count in counts(command, records).items() if count or word == "ok"]
    again = f" ({taken} as in the earlier results)" if taken else ""
    return f"{len(records)} file{'s' * (len(records) != 1)}: {', '.join(shown)}{again}"
