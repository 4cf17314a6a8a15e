"""The changes that ``make mutants`` makes: each is one, compiles, and leaves annotations and texts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.__main__ import EQUIVALENT, ROOMS, ROOT, modules, read_equivalents
from tests.mutants.changes import changes

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
def test_the_tests_of_a_room_exist(room: str) -> None:
    assert all((ROOT / test).exists() for test in ROOMS[room].tests)


def test_every_equivalent_has_a_reason_and_is_still_there() -> None:
    known = read_equivalents()
    for (path, old, new), reason in known.items():
        source = (ROOT / path).read_bytes()
        assert reason, f"{EQUIVALENT.name}: {path}: {old}: no reason"
        assert (old, new) in {change.lines(source) for change in changes(source)}, f"{path}: {old} -> {new}"
    assert Path(EQUIVALENT).is_file()
