"""The changes of ``make mutants``: each is one, compiles, and leaves annotations and texts alone; who is asked."""

from __future__ import annotations

from pathlib import Path

import coverage
import pytest

from tests.mutants.__main__ import EQUIVALENT, ROOT, modules, read_texts
from tests.mutants.changes import changes
from tests.mutants.traced import FILES, ROOMS, Traced, own_tests

SOURCE = '''
"""A docstring of 1 line."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from x import y
LIMIT: int = 4


def f(a: "Literal[1]", b: int = 2, *, c=True) -> "Literal[3]":
    if not a:
        return f"{b > 1}"
    while a:
        a = b if (b) < 2 and c or a is not None else [x for x in a if x]
'''.lstrip().encode()


def test_what_is_changed() -> None:
    found = {change.lines(SOURCE) for change in changes(SOURCE)}
    last = "a = b if (b) < 2 and c or a is not None else [x for x in a if x]"
    head = 'def f(a: "Literal[1]", b: int = 2, *, c=True) -> "Literal[3]":'
    assert found == {
        ("LIMIT: int = 4", "LIMIT: int = 5"),
        (head, head.replace("= 2", "= 3")),
        (head, head.replace("True", "False")),
        ("if not a:", "if (a):"),
        ("while a:", "while (not a):"),
        (last, last.replace("<", "<=")),
        (last, last.replace("2", "3")),
        (last, last.replace("and", "or")),
        (last, last.replace(" or ", " and ")),
        (last, last.replace("is not", "is")),
        (last, last.replace("if x]", "if (not x)]")),
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_change_compiles_and_changes_something(room: str) -> None:
    found = 0
    for path in modules(room)[:3]:
        source = path.read_bytes()
        for change in changes(source)[::7]:
            changed = change.apply(source)
            compile(changed, path.name, "exec")
            assert changed != source
            found += 1
    assert found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_tests_of_its_own(room: str) -> None:
    assert list((ROOT / own_tests(room)).glob("test_*.py"))


def test_every_equivalent_has_a_reason_and_is_still_there() -> None:
    known = read_texts(EQUIVALENT)
    assert known
    for (path, old, new), reason in known.items():
        source = (ROOT / path).read_bytes()
        assert reason, f"{EQUIVALENT.name}: {path}: {old}: no reason"
        assert (old, new) in {change.lines(source) for change in changes(source)}, f"{path}: {old} -> {new}"


def test_the_survivors_that_a_run_prints_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("9 changes\nsurvived, 3:\na/b.py:7\n- x < 1\n+ x <= 1\n\n8 of 9 died\n")
    assert read_texts(tmp_path / "log") == {("a/b.py", "x < 1", "x <= 1"): ""}


def test_the_tests_that_run_a_line(tmp_path: Path) -> None:
    """A line without code belongs to the one before it, one outside of functions to all tests of the module."""
    source = b"LIMIT = 1\n\ndef f(a):\n    return (\n        a,\n        2,\n    )\n\ndef g():\n    pass\n"
    (tmp_path / FILES[0]).write_text(
        '{"seconds": {"t.py::one": 1, "t.py::two": 2}, "starters": ["t.py::two"], "failed": []}'
    )
    data = coverage.CoverageData(tmp_path / FILES[1])
    for context, lines in (
        ("", [1, 3, 9]),
        ("t.py::one|run", [4, 5]),
        ("t.py::two|setup", [10]),
        ("t.py::gone|run", [4]),
    ):
        data.set_context(context)
        data.add_lines({str(ROOT / "boltcli/x.py"): lines})
    data.write()
    data.close()
    traced = Traced(tmp_path)
    assert traced.starters == {"t.py::two"}
    every = {"t.py::one", "t.py::two"}
    expected = {1: every, 3: every, 4: {"t.py::one"}, 6: {"t.py::one"}, 10: {"t.py::two"}}
    assert {line: traced.tests("boltcli/x.py", line, source) for line in expected} == expected
    assert traced.tests("boltcli/y.py", 1, source) == set()
