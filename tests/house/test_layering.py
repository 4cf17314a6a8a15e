"""The house stays as it was drawn: imports go one way, never in a circle; costly libraries have one door each."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "boltcli"

# A room may import from itself and from the rooms above it.
ROOMS = (
    *("record", "read_errors", "installation", "errors", "extras", "progress", "text", "results", "format", "kernel"),
    *("storage", "tree", "ops", "cursor", "database", "apps", "tables", "fleet", "guide", "render", "api", "library"),
    "cli",
)
# So may a package of operations.
OPERATIONS = ("read", "check", "stats", "space", "write", "compare", "rescue")
# The command line calls the library's operations; the library's objects are for other programs.
NOT_FOR = {"cli": {"library"}}

DOORS = {
    "typer": {"cli/typer_app.py", "cli/make_table.py", "cli/options.py"},
    "rich": {
        "cli/help.py",
        "cli/browse/pane.py",
    },
    "orjson": {"text/json.py"},
    "google": {"apps/codecs/schema.py"},
    "google_crc32c": {"apps/codecs/crc32c.py"},
    "jinja2": {"render/html_report.py"},
    "pyarrow": {"results/arrow.py"},
    "duckdb": {"tables/duck.py"},
    "textual": {f"cli/browse/{name}.py" for name in ("app", "grid", "pane", "screens", "showing", "sidebar")},
    "PIL": {"render/page_picture.py"},
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path, *, for_types: bool = True) -> set[str]:
    """Absolute names of all modules that a file imports, lazy ones included, and those ``for_types`` only."""
    package = ["boltcli", *path.relative_to(PACKAGE).parent.parts]
    found = set()
    code = ast.parse(path.read_text())
    if not for_types:
        typed = [node for node in code.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
        code.body = [node for node in code.body if node not in typed]
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            inner = {f"{name}.{alias.name}" for alias in node.names}
            # "from . import rules" takes a module of the package, and nothing from the package itself.
            found |= inner if all(map(_is_module, inner)) else {name, *inner}
    return found


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.slow
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = _room(path)
    if room.startswith("__"):
        return  # the front door and the public names may use all rooms
    assert room in ROOMS, f"{room} is not a room of the house: give it a place in the order"
    allowed = set(ROOMS[: ROOMS.index(room) + 1]) - NOT_FOR.get(room, set())
    used = {name.split(".")[1] for name in _imports(path) if name.startswith("boltcli.")}
    rooms = {name for name in used if name in ROOMS}
    assert rooms <= allowed, f"{room} imports from {sorted(rooms - allowed)}"


# What the applications read by; these ask the rooms below.
_ASKING = {"contract", "registry", "beside", "view_diff"}


def test_applications_read_the_database_s_api_alone() -> None:
    """An application of ours sees what any other may: the contract, the database, errors, extras, text."""
    for path in (PACKAGE / "apps").rglob("*.py"):
        used = {name.split(".")[1] for name in _imports(path) if name.startswith("boltcli.")}
        rooms = used & set(ROOMS)
        if path.stem not in _ASKING or path.parent.name != "apps":
            assert rooms <= {"apps", "database", "errors", "extras", "text"}, f"{path.name}: {sorted(rooms)}"


@pytest.mark.slow
@pytest.mark.parametrize("package", OPERATIONS)
def test_operations_import_one_way(package: str) -> None:
    paths = [path for path in MODULES if path.relative_to(PACKAGE).parts[:2] == ("ops", package)]
    assert paths
    below = set(OPERATIONS[: OPERATIONS.index(package) + 1])
    for path in paths:
        used = {name.split(".")[2] for name in _imports(path) if name.startswith("boltcli.ops.")}
        assert used <= below, f"{path.name} imports from {sorted(used - below)}"


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """Return modules that import each other in a circle; none if there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


@pytest.mark.slow
def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not inside a room either, not for types, and not later in a function."""
    names = {".".join(["boltcli", *path.relative_to(PACKAGE).with_suffix("").parts]): path for path in MODULES}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    graph = {name: (_imports(path) & names.keys()) - {name} for name, path in names.items()}
    assert sum(map(len, graph.values())) > 1000
    assert _circle(graph) == []
    graph["boltcli.errors"].add("boltcli.cli.app")
    assert {"boltcli.errors", "boltcli.cli.app"} <= set(_circle(graph))


@pytest.mark.sampled(3)
@pytest.mark.slow
@pytest.mark.parametrize("library", DOORS)
def test_costly_libraries_have_one_door(library: str) -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if any(name.split(".")[0] == library for name in _imports(path, for_types=library != "typer"))
    }
    assert users <= DOORS[library]


def test_the_order_can_fail() -> None:
    """The reader of imports sees relative ones, in functions too."""
    names = _imports(PACKAGE / "cli" / "app.py")
    assert "boltcli.read_errors.BoltError" in names
    assert "boltcli.cli.help.write_help" in names


@pytest.mark.slow
def test_every_module_says_what_it_is() -> None:
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_modules_can_be_read_in_a_sitting() -> None:
    written = PACKAGE / "cli" / "command_table.py"  # by `make table`
    lengths = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in MODULES if path != written}
    assert max(lengths.values()) <= 520, lengths


def test_commands_have_one_way_to_a_database() -> None:
    """The runner opens it: whoever does it in another way can't read one that is in use."""
    from boltcli.cli.command_table import COMMANDS
    from boltcli.cli.registry import find

    for name in COMMANDS:
        command = find(name)
        assert command is not None
        code = ast.parse((PACKAGE / "cli" / "commands" / f"{command.module}.py").read_text())
        functions = [node for node in code.body if isinstance(node, ast.FunctionDef)]
        (declared,) = [node for node in functions if _declares(node, name)]
        calls = {
            node.func.id
            for node in ast.walk(declared)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "Snapshot" not in calls, f"{name}: the runner opens the database"


def _declares(function: ast.FunctionDef, name: str) -> bool:
    return any(isinstance(one, ast.Call) and ast.unparse(one.args[0]) == repr(name) for one in function.decorator_list)


def test_styles_are_decided_in_one_place() -> None:
    """``streams.wants_style`` knows what the user wants, and ``write_styled`` is how escape sequences pass."""
    for path in (PACKAGE / "cli").rglob("*.py"):
        assert path.name == "streams.py" or '"NO_COLOR"' not in path.read_text(), path.name


def test_every_error_is_a_public_name() -> None:
    """Whoever catches it finds it where everything else is: ``boltcli/__init__.py`` lists the names three times."""
    import boltcli
    from boltcli import errors

    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BoltError)}
    assert {kind.__name__ for kind in kinds} <= set(boltcli.__all__) & boltcli._LAZY.keys()


def test_no_result_of_an_example_is_kept() -> None:
    """Examples and hints write into the current folder; their results are no part of the project."""
    root = PACKAGE.parent
    kept = {path.name for path in root.iterdir() if path.is_file()}
    assert not [name for name in kept if name.endswith((".ndjson", ".db", ".html", ".svg", ".csv", ".parquet"))]
