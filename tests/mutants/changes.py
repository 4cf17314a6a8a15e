"""Small changes of source code that a test should notice: of comparisons, of conditions and of constants."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_OTHER_COMPARISON: dict[type[ast.cmpop], tuple[bytes, bytes]] = {
    ast.Lt: (b"<", b"<="),
    ast.LtE: (b"<=", b"<"),
    ast.Gt: (b">", b">="),
    ast.GtE: (b">=", b">"),
    ast.Eq: (b"==", b"!="),
    ast.NotEq: (b"!=", b"=="),
    ast.Is: (b"is", b"is not"),
    ast.IsNot: (b"is not", b"is"),
    ast.In: (b"in", b"not in"),
    ast.NotIn: (b"not in", b"in"),
}


class Change(NamedTuple):
    """A change of one place: the bytes from ``start`` to ``stop`` of the source become ``new``."""

    line: int
    start: int
    stop: int
    new: bytes

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new + source[self.stop :]

    def lines(self, source: bytes) -> tuple[str, str]:
        """Return the line of the change before and after it, without the blanks around."""
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.start)
        old = source[first : last if last >= 0 else None]
        changed = self.apply(source)
        end = changed.find(b"\n", self.start)
        return old.decode().strip(), changed[first : end if end >= 0 else None].decode().strip()


def changes(source: bytes) -> list[Change]:
    """Return all changes of a module, in the order of its lines; type annotations and docstrings aren't changed."""
    found = _Changes(source)
    found.visit(ast.parse(source))
    return sorted(found.all)


class _Changes(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.all: set[Change] = set()

    def _span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _replace(self, node: ast.expr, new: bytes) -> None:
        self.all.add(Change(node.lineno, *self._span(node), new))

    def _between(self, left: ast.expr, right: ast.expr, old: bytes, new: bytes) -> None:
        """Replace the operator ``old`` between two operands."""
        stop, start = self._span(left)[1], self._span(right)[0]
        place = self._source.find(old, stop, start)
        if place >= 0:  # else it is written over several blanks or lines
            line = self._source.count(b"\n", 0, place) + 1
            self.all.add(Change(line, place, place + len(old), new))

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators):
            self._between(left, right, *_OTHER_COMPARISON[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = (b"and", b"or") if isinstance(node.op, ast.And) else (b"or", b"and")
        for left, right in zip(node.values, node.values[1:]):
            self._between(left, right, old, new)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace(node, repr(not node.value).encode())
        elif isinstance(node.value, int):
            self._replace(node, str(node.value + 1).encode())

    def _condition(self, test: ast.expr) -> None:
        """Turn a condition round; comparisons and ``and`` and ``or`` have changes of their own."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            start, stop = self._span(test.operand)
            self._replace(test, b"(" + self._source[start:stop] + b")")
        elif not isinstance(test, (ast.Compare, ast.BoolOp, ast.Constant)):
            start, stop = self._span(test)
            self._replace(test, b"(not " + self._source[start:stop] + b")")

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.orelse:
                self.visit(statement)
            return
        self._condition(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave texts alone; before Python 3.12 the places in them are wrong, too."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id == "TYPE_CHECKING" for target in node.targets):
            self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in [*node.defaults, *(each for each in node.kw_defaults if each is not None)]:
            self.visit(default)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in _without_annotations(node):
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]


def _without_annotations(node: ast.FunctionDef) -> Iterator[ast.AST]:
    yield from node.decorator_list
    yield node.args
    yield from node.body
