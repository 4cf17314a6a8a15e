"""The library's operations: the command line calls these and nothing beside, and each is documented and typed."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import boltcli
from boltcli.ops.compare.change import BucketChanges
from tests.schema import SCHEMA

PACKAGE = Path(boltcli.__file__).parent
OPERATIONS = (
    *(
        "audit",
        "check",
        "compact",
        "deleted",
        "diff",
        "doctor",
        "export",
        "grep",
        "import_",
        "lock",
        "metrics",
        "patch",
    ),
    *("recover", "redact", "scan", "sql", "verify", "watch"),
)
# Operations of several files of which a command opens each in its turn, and calls the parts.
PARTS = {"audit": {"audit_file", "compare"}}
LOGIC = ("ops", "database", "apps", "tables", "fleet", "tree", "storage", "kernel", "format")
# What a command imports from there for another reason than its operation.
EXCEPTIONS = {
    "audit": {
        "apps.contract": "severities, and what an audit is asked",
        "fleet.files": "the error if every file of several was passed over",
    },
    "diff": {"apps.contract": "the columns of the summary's table"},
    "scan": {"apps.contract": "the columns of its table", "storage.source": "whether an argument is a local path"},
    "sql": {
        "storage.opened": "whether an argument is a path or a statement",
        "tables.relations": "the relations that examples are made of",
        "tables.result_rows": "the result as a table",
    },
    "watch": {"storage.source": "whether an argument is a local path"},
}


def _module(operation: str) -> ast.Module:
    return ast.parse((PACKAGE / "cli" / "commands" / f"{operation.rstrip('_')}.py").read_text())


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _imported(code: ast.Module) -> dict[str, set[str]]:
    """The modules of the package that run-time imports of a command name, with the names that it takes from each."""
    code.body = [node for node in code.body if not _is_for_types(node)]
    found: dict[str, set[str]] = {}
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and node.level == 3:
            names = {alias.name for alias in node.names}
            if node.module is None or "." not in node.module:  # a package: its modules are what is taken
                for name in names:
                    found[f"{node.module}.{name}" if node.module else name] = set()
            else:
                found[node.module] = names
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_command_calls_its_operation_and_nothing_beside(operation: str) -> None:
    imported = _imported(_module(operation))
    taken = {name for module, names in imported.items() if module.startswith("api.") for name in names}
    assert taken >= PARTS.get(operation, {operation})
    logic = {module for module in imported if module.split(".")[0] in LOGIC}
    assert logic == EXCEPTIONS.get(operation.rstrip("_"), {}).keys()


def test_another_import_would_be_seen() -> None:
    code = ast.parse("from ...ops.check import deep_check\ndef f():\n    from ...fleet.verify import verify\n")
    assert _imported(code) == {"ops.check": {"deep_check"}, "fleet.verify": {"verify"}}
    assert _imported(ast.parse("from ...storage import opened")) == {"storage.opened": set()}
    assert _imported(ast.parse("if TYPE_CHECKING:\n    from ...ops.check.findings import Finding")) == {}


@pytest.mark.parametrize("operation", [*OPERATIONS, "write"])
def test_an_operation_is_documented_and_typed(operation: str) -> None:
    assert operation in boltcli.__all__
    function = getattr(boltcli, operation)
    text = inspect.getdoc(function) or ""
    assert text.split("\n")[0].endswith((".", ":"))
    assert "Raises" in text
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter
    assert ">>> " in text


def test_what_is_public_is_documented() -> None:
    kinds = [kind for kind in (getattr(boltcli, name) for name in boltcli.__all__) if isinstance(kind, type)]
    assert boltcli.Findings in kinds
    missing = [
        f"{kind.__name__}.{name}"
        for kind in kinds
        for name, member in inspect.getmembers(kind)
        if not name.startswith("_") and (callable(member) or isinstance(member, property)) and not member.__doc__
    ]
    assert not missing
    assert not [kind.__name__ for kind in kinds if not kind.__doc__]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_takes_progress_where_its_command_shows_it(operation: str) -> None:
    shown = any(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "out.progress" for node in ast.walk(_module(operation))
    )
    function = getattr(boltcli, operation)
    if shown:
        assert "progress" in inspect.signature(function).parameters
    if "progress" in inspect.signature(function).parameters:
        assert "``progress(done, " in (function.__doc__ or "") or "boltcli.recover" in (function.__doc__ or "")


_FILES = {"path", "output"}  # the command line adds the names of files
# What the schema calls a record; its class; the fields that only JSON has; those that only the record has.
RECORDS: list[tuple[str, type[Any], set[str], set[str]]] = [
    ("finding", boltcli.Finding, {"path"}, {"template", "keys"}),  # of which the message is made
    ("compact", boltcli.Compaction, _FILES, set()),
    # The place of a commit, and what --decode adds.
    ("change", boltcli.Change, {"sequence", "txid", "time"}, set()),
    ("bucket_changes", BucketChanges, set(), set()),
    ("recover", boltcli.Recovered, set(), {"undone", "others"}),  # sentences are made of them
    ("doctor", boltcli.Diagnosis, set(), set()),
    ("verify", boltcli.Verified, set(), set()),
    ("scan", boltcli.Scanned, set(), {"modified_ns"}),  # which datetime has not
    ("deleted", boltcli.Deleted, set(), set()),
    ("redact", boltcli.Redaction, set(), set()),
    ("patch", boltcli.Patched, set(), set()),
    ("import", boltcli.Loaded, _FILES, {"warnings"}),  # they are on stderr
    ("grep", boltcli.Hit, set(), set()),
    ("lock", boltcli.Holder, set(), {"_name"}),
    # Counts are those of the text; facts and deletions are not shown.
    ("audit", boltcli.Audit, {"error"}, {"counts", "deletions", "facts", "more"}),
    ("metrics", boltcli.Metrics, {"error"}, set()),  # without an error it was measured
]
_WRITTEN = ("_hex", "_base64", "_u64", "_time", "_repr", "_json", "_ascii_encoded", "_redacted", "_guess")


def _fields(name: str) -> set[str]:
    """The fields of a record of JSON, without the forms of bytes."""
    part = SCHEMA["$defs"][name]
    part = part if "properties" in part else part["oneOf"][0]
    return {field for field in part["properties"] if not field.endswith(_WRITTEN)}


@pytest.mark.parametrize(("name", "kind", "only_json", "only_record"), RECORDS, ids=[each[0] for each in RECORDS])
def test_records_have_the_fields_of_json(
    name: str, kind: type[Any], only_json: set[str], only_record: set[str]
) -> None:
    in_json = {field for field in _fields(name) if name == "deleted" or not field.endswith("_decoded")}
    stored = set(getattr(kind, "__slots__", ())) or set(inspect.signature(kind).parameters)
    own = stored | {field for field in vars(kind) if isinstance(getattr(kind, field), property)}
    assert in_json - own == only_json
    assert stored - in_json == only_record
