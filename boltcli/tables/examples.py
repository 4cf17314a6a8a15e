"""Example statements for the relations of a file."""

from __future__ import annotations

from collections.abc import Mapping

from .relations import Relation

# For views that are known; each needs the relations and columns that it names.
_KNOWN = (
    ("executions", "compute_state", "SELECT compute_state, count(*) FROM executions GROUP BY ALL ORDER BY 2 DESC"),
    ("executions", "state", "SELECT state, count(*) FROM executions GROUP BY ALL ORDER BY 2 DESC"),
    ("jobs", "state", "SELECT namespace, state, count(*) FROM jobs GROUP BY ALL"),
    ("objects", "kind", "SELECT kind, namespace, count(*), sum(bytes) FROM objects GROUP BY ALL ORDER BY 4 DESC"),
    ("keys", "key", "SELECT key, version, value_bytes FROM keys ORDER BY value_bytes DESC LIMIT 10"),
    ("logs", "type", "SELECT type, count(*), min(index), max(index) FROM logs GROUP BY ALL"),
    ("images", "name", "SELECT namespace, name, size FROM images ORDER BY size DESC"),
)
_GENERAL = (
    "SELECT bucket, count(*) AS pairs, sum(octet_length(value)) AS bytes FROM pairs GROUP BY ALL ORDER BY bytes DESC",
    "SELECT key_text, octet_length(value) AS bytes FROM pairs ORDER BY bytes DESC LIMIT 10",
    "SELECT kind, count(*) AS pages FROM pages GROUP BY kind",
    "SELECT path, kind, count(*) FROM findings GROUP BY ALL",
    "SELECT path, application, txid, size FROM files",
)
_COUNT = 5


def statements(relations: Mapping[str, Relation]) -> list[str]:
    """Return five statements: those of the views that are there first."""
    found = [
        statement
        for name, column, statement in _KNOWN
        if name in relations and column in {each.name for each in relations[name].columns}
    ]
    general = {"pairs", "buckets", "pages", "findings", "files"}
    views = [f"SELECT * FROM {name} LIMIT 10" for name in relations if name not in general]
    return [*found, *views, *_GENERAL][: max(_COUNT, len(found))]
