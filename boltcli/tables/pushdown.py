"""Find in a SQL statement which pairs it can need, so that no others are read.

DuckDB returns its parse tree of a statement (``json_serialize_sql``). If it
contains the relation ``pairs`` once, the conditions of its WHERE that every row
must meet limit what is read. Other conditions are ignored here; DuckDB applies
all conditions to the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..tree.key_range import bounds as prefix_bounds
from .pair_pages import EVERYTHING, Bounds
from .relations import name_bytes

Node = dict[str, Any]

_FLIPPED = {
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_EQUAL": "COMPARE_EQUAL",
}


def pair_bounds(tree: Node) -> Bounds:
    """Return the bounds of the pairs that the statement of ``tree`` (``json_serialize_sql``, parsed) can need."""
    statements = tree.get("statements") or []
    if tree.get("error") or len(statements) != 1:
        return EVERYTHING
    nodes = list(_nodes(statements[0]))
    if any(_is_pairs(entry.get("key")) for node in nodes for entry in _list(node.get("map"))):
        return EVERYTHING  # a common table expression of that name
    tables = [node for node in nodes if node.get("type") == "BASE_TABLE" and _is_pairs(node.get("table_name"))]
    if len(tables) != 1:
        return EVERYTHING
    selects = [
        node
        for node in nodes
        if node.get("type") == "SELECT_NODE" and any(part is tables[0] for part in _from(node.get("from_table")))
    ]
    if len(selects) != 1:
        return EVERYTHING
    alias = tables[0].get("alias") or "pairs"
    alone = selects[0].get("from_table") is tables[0]
    return _bounds(list(_conditions(selects[0].get("where_clause"))), alias, alone)


def _is_pairs(name: Any) -> bool:
    return isinstance(name, str) and name.lower() == "pairs"


def _bounds(conditions: list[Node], alias: str, alone: bool) -> Bounds:
    whole: tuple[bytes, ...] | None = None
    parts: dict[int, bytes] = {}
    start, stop = b"", None
    for condition in conditions:
        for column, operator, value in _comparisons(condition, alias, alone):
            if column == "bucket" and operator == "COMPARE_EQUAL" and isinstance(value, tuple):
                whole = value
            elif isinstance(column, int) and operator == "COMPARE_EQUAL" and isinstance(value, bytes):
                parts[column] = name_bytes(value.decode("utf-8", "surrogateescape"))
            elif column in ("key", "key_text") and isinstance(value, bytes):
                start, stop = _narrowed(start, stop, operator, value)
    if whole is not None:
        return Bounds(whole, exact=True, start=start, stop=stop)
    names: list[bytes] = []
    while len(names) + 1 in parts:
        names.append(parts[len(names) + 1])
    return Bounds(tuple(names)) if names else EVERYTHING


def _narrowed(start: bytes, stop: bytes | None, operator: str, value: bytes) -> tuple[bytes, bytes | None]:
    low, high = b"", None
    if operator == "COMPARE_EQUAL":
        low, high = value, value + b"\0"
    elif operator == "COMPARE_GREATERTHANOREQUALTO":
        low = value
    elif operator == "COMPARE_GREATERTHAN":
        low = value + b"\0"
    elif operator == "COMPARE_LESSTHAN":
        high = value
    elif operator == "COMPARE_LESSTHANOREQUALTO":
        high = value + b"\0"
    elif operator == "PREFIX":
        low, high = prefix_bounds(value)
    start = max(start, low)
    if high is not None and (stop is None or high < stop):
        stop = high
    return start, stop


def _comparisons(node: Node, alias: str, alone: bool) -> Iterator[tuple[str | int | None, str, Any]]:
    """Yield (column, operator, constant) of a condition; the column is a number N for ``bucket[N]``."""
    kind = node.get("type", "")
    if kind in _FLIPPED:
        left, right = node.get("left"), node.get("right")
        yield _column(left, alias, alone), kind, _constant(right)
        yield _column(right, alias, alone), _FLIPPED[kind], _constant(left)
    elif kind == "COMPARE_BETWEEN":
        column = _column(node.get("input"), alias, alone)
        yield column, "COMPARE_GREATERTHANOREQUALTO", _constant(node.get("lower"))
        yield column, "COMPARE_LESSTHANOREQUALTO", _constant(node.get("upper"))
    elif node.get("class") == "FUNCTION":
        arguments = _arguments(node)
        if len(arguments) != 2:
            return
        column, value = _column(arguments[0], alias, alone), _constant(arguments[1])
        name = node.get("function_name")
        if name in ("starts_with", "prefix", "^@") and isinstance(value, bytes):
            yield column, "PREFIX", value
        elif name == "~~" and isinstance(value, bytes):  # LIKE
            fixed = min(value.find(sign) if sign in value else len(value) for sign in (b"%", b"_", b"\\"))
            yield column, "PREFIX", value[:fixed]


def _column(node: Any, alias: str, alone: bool) -> str | int | None:
    """Return the column of ``pairs`` that an expression is."""
    if not isinstance(node, dict):
        return None
    if node.get("type") == "COLUMN_REF":
        names = node.get("column_names") or []
        if names and ((len(names) == 1 and alone) or (len(names) == 2 and names[0] == alias)):
            name: str = names[-1]
            return name
    if node.get("type") == "ARRAY_EXTRACT":
        children = node.get("children") or []
        if len(children) == 2 and _column(children[0], alias, alone) == "bucket":
            index = _constant(children[1])
            if isinstance(index, int) and index > 0:
                return index
    return None


def _constant(node: Any) -> Any:
    """Return a constant: bytes for text and blobs, int, a tuple of names for a list of text; None for all else."""
    if not isinstance(node, dict):
        return None
    if node.get("type") == "VALUE_CONSTANT":
        return _literal(node)
    if node.get("type") == "OPERATOR_CAST":
        child = _constant(node.get("child"))
        target = node.get("type_expr") or node.get("cast_type") or {}
        name = str(target.get("type_name") or target.get("id") or "").lower()
        return _blob(child) if name in ("blob", "bytea", "varbinary") and isinstance(child, bytes) else None
    if node.get("class") == "FUNCTION" and node.get("function_name") in ("list_value", "main.list_value"):
        names = [_constant(argument) for argument in _arguments(node)]
        if all(isinstance(name, bytes) for name in names):
            return tuple(name_bytes(name.decode("utf-8", "surrogateescape")) for name in names)
    if node.get("class") == "FUNCTION" and node.get("function_name") in ("unhex", "from_hex"):
        (argument,) = _arguments(node) or [None]
        digits = _constant(argument)
        try:
            return bytes.fromhex(digits.decode()) if isinstance(digits, bytes) else None
        except ValueError:
            return None
    return None


def _literal(node: Node) -> Any:
    literal = node.get("literal")
    if isinstance(literal, dict):  # DuckDB 2
        kind, text = literal.get("kind"), literal.get("text")
        if kind == "STRING" and isinstance(text, str):
            return text.encode()
        return int(text) if kind == "INTEGER" and isinstance(text, str) and text.isdigit() else None
    value = node.get("value")
    if isinstance(value, dict) and not value.get("is_null"):  # DuckDB 1
        held = value.get("value")
        if isinstance(held, str) and (value.get("type") or {}).get("id") == "VARCHAR":
            return held.encode()
        return held if isinstance(held, int) and not isinstance(held, bool) else None
    return None


def _blob(text: bytes) -> bytes | None:
    """Return the bytes of a BLOB literal: ``\\xAA`` is a byte, other ASCII stands for itself."""
    result = bytearray()
    at = 0
    while at < len(text):
        if text[at : at + 2] == b"\\x":
            try:
                result += bytes.fromhex(text[at + 2 : at + 4].decode())
            except ValueError:
                return None
            at += 4
        elif text[at] < 0x80:
            result.append(text[at])
            at += 1
        else:
            return None
    return bytes(result)


def _conditions(node: Any) -> Iterator[Node]:
    """Yield what every row must meet: the parts of ANDs."""
    if isinstance(node, dict):
        if node.get("type") == "CONJUNCTION_AND":
            for child in node.get("children") or []:
                yield from _conditions(child)
        else:
            yield node


def _arguments(node: Node) -> list[Any]:
    found = node.get("arguments") or node.get("children") or []
    return [entry.get("expression", entry) if isinstance(entry, dict) else entry for entry in found]


def _from(node: Any) -> Iterator[Node]:
    """Yield the tables of a FROM clause; subqueries have selects of their own."""
    if isinstance(node, dict):
        yield node
        if node.get("type") == "JOIN":
            yield from _from(node.get("left"))
            yield from _from(node.get("right"))


def _nodes(node: Any) -> Iterator[Node]:
    todo = [node]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            yield part
            todo += part.values()
        elif isinstance(part, list):
            todo += part


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
