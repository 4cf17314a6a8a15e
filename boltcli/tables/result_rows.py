"""The result of a statement as columns and rows, from Arrow batches: times and intervals become text."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ..apps.contract import Column
from ..errors import ArgumentError
from ..text.times import SECOND, time_text
from .arrow import slices

_UNITS = {"s": SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}
# What the names of Arrow's types begin with, and the type of the column; others are text.
_TYPES = {
    "int": "integer", "uint": "integer", "float": "number", "double": "number", "half": "number", "bool": "boolean",
    "binary": "bytes", "large_binary": "bytes", "list": "json", "fixed_size_list": "json", "struct": "json",
    "map": "json",
}  # fmt: skip


def result_columns(schema: Any) -> list[Column]:
    """Return the columns of a result."""
    return [Column(field.name, _type(field.type)) for field in schema]


def _type(kind: Any) -> str:
    name = str(kind)
    if name.startswith("decimal"):
        return "number" if kind.scale else "integer"
    return next((type for start, type in _TYPES.items() if name.startswith(start)), "text")


def result_rows(batches: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of record batches. Times are RFC 3339 text, without the Z if they have no time zone."""
    for batch in slices(batches):
        yield from zip(*map(_values, batch.columns))


def _values(column: Any) -> list[Any]:
    kind = str(column.type)
    if kind.startswith("timestamp"):
        scale, end = _UNITS[column.type.unit], None if column.type.tz else -1
        numbers = column.cast("int64").to_pylist()
        return [None if number is None else time_text(number * scale)[:end] for number in numbers]
    try:
        values: list[Any] = column.to_pylist()
    except ValueError:  # nanoseconds inside of a list, say
        raise ArgumentError(f"a column of type {kind} can't be shown; cast its times to TIMESTAMP") from None
    if kind == "month_day_nano_interval":
        return [None if value is None else interval_text(*value) for value in values]
    return values if kind in ("string", "binary", "int64") else list(map(_plain, values))


def _plain(value: Any) -> Any:
    """Return a value as a cell takes it: bytes, and what JSON can say."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str, bytes)) else str(value)


def interval_text(months: int, days: int, nanoseconds: int) -> str:
    """Return an interval as DuckDB writes it.

    >>> interval_text(14, 1, 3_723_500_000_000), interval_text(0, 0, 0), interval_text(0, -2, -1_000_000_000)
    ('1 year 2 months 1 day 01:02:03.5', '00:00:00', '-2 days -00:00:01')
    """
    years, months = int(months / 12), months - 12 * int(months / 12)
    parts = [
        f"{number} {unit}{'' if number in (1, -1) else 's'}"
        for number, unit in ((years, "year"), (months, "month"), (days, "day"))
        if number
    ]
    if nanoseconds or not parts:
        seconds, rest = divmod(abs(nanoseconds), SECOND)
        fraction = f".{rest:09}".rstrip("0") if rest else ""
        sign = "-" if nanoseconds < 0 else ""
        parts.append(f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}")
    return " ".join(parts)
