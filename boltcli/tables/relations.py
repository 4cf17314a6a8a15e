"""The relations of a database: their columns and rows. Nothing here imports Arrow or DuckDB.

The type of a column is one of those of :class:`~boltcli.apps.contract.Column` (``text``, ``integer``, ``number``,
``boolean``, ``bytes``, ``time`` in nanoseconds since 1970 UTC, ``json``), or ``names``, a list of names. A name is
text; one that is not UTF-8 is written ``hex:...``, as commands accept it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..apps.contract import Application, Column, View
from ..apps.registry import Recognised, recognised
from ..database import Database
from ..ops.check.database_check import check
from ..ops.read.content import EVERYTHING, Bounds, Pairs, placed, whole_content
from ..ops.stats.buckets import bucket_usage
from ..storage.snapshot import Snapshot
from ..text.json import is_json
from ..text.values import text_of
from ..tree.page_map import KINDS, page_map

if TYPE_CHECKING:
    from ..progress import Progress

Row = tuple[Any, ...]

GENERAL = ("pairs", "buckets", "pages", "findings", "files")  # the relations that every database has


@dataclass
class TableFile:
    """An open database as a source of rows: its ``path``, as the column ``path`` shows it, and its ``snapshot``.

    ``tell`` is called with what is to be said about its pages, with each sentence once; ``progress`` with those read.
    """

    path: str
    snapshot: Snapshot
    tell: Callable[[str], object] | None = None
    progress: Progress | None = None
    _told: set[str] = field(default_factory=set)

    def warn(self, message: str) -> None:
        """Pass on a warning, unless it was passed on before: a statement may read a file several times."""
        if self.tell is not None and message not in self._told:
            self._told.add(message)
            self.tell(message)

    @property
    def recognised(self) -> Recognised | None:
        """Whose file it is."""
        return recognised(self.snapshot)


@dataclass
class Relation:
    """A table: its ``name``, a sentence about it, its columns, and ``rows(file)``, which yields tuples.

    The first column is ``path``; ``rows`` leaves it out. Pairs have no rows: :func:`pair_columns` reads them.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Callable[[TableFile], Iterator[Row]]


def relations(files: Sequence[TableFile]) -> dict[str, Relation]:
    """Return the relations of ``files`` by name: the general ones, and the views of their applications.

    A view of one application with the name of another's is called after the application, ``etcd_keys``.
    """
    found = {relation.name: relation for relation in (PAIRS, BUCKETS, PAGES, FINDINGS, FILES)}
    known = [file.recognised for file in files]
    for application in {each.application.name: each.application for each in known if each}.values():
        for view in application.views:
            name = view.name if view.name not in found else f"{application.name}_{view.name}"
            found[name] = _view_relation(name, application, view)
    return found


def _view_relation(name: str, application: Application, view: View) -> Relation:
    def rows(file: TableFile) -> Iterator[Row]:
        if file.recognised is not None and file.recognised.application.name == application.name:
            yield from view.rows(Database(file.snapshot))

    title = view.title or f"the view {view.name} of {application.name}"
    return Relation(name, title, (Column("path"), *view.columns), rows)


def name_text(name: bytes) -> str:
    """Return a bucket's name as text that :func:`name_bytes` reads: as it is, or with a notation before it."""
    text = text_of(name)
    if text is None:
        return f"hex:{name.hex()}"
    return f"str:{text}" if text.startswith(("hex:", "str:")) else text


def name_bytes(text: str) -> bytes:
    """Return the name that :func:`name_text` writes as ``text``."""
    if text.startswith("hex:"):
        try:
            return bytes.fromhex(text[4:])
        except ValueError:
            pass
    return text.removeprefix("str:").encode("utf-8", "surrogateescape")


def json_or_none(data: bytes) -> str | None:
    """Return ``data`` as text if it is JSON, and not too large, else None. Numbers keep their digits."""
    return data.decode() if is_json(data) else None


def pair_columns(file: TableFile, wanted: Sequence[str], bounds: Bounds = EVERYTHING) -> Iterator[dict[str, list[Any]]]:
    """Yield the pairs of ``file`` as columns, a page's worth at a time; only the columns that are ``wanted``."""
    values = any(name.startswith("value") for name in wanted)
    content = whole_content(file.snapshot, bounds, values=values, warn=file.warn, progress=file.progress)
    makers: dict[str, Callable[[Any], Any]] = {"text": text_of, "json": json_or_none}
    for path, event in placed(content):
        if not isinstance(event, Pairs):
            continue
        same = {"path": file.path, "bucket": [name_text(part) for part in path]}
        columns: dict[str, list[Any]] = {name: [value] * len(event.keys) for name, value in same.items()}
        for name in wanted:
            field, _, form = name.partition("_")
            if name not in same:
                cells = event.keys if field == "key" else event.values
                columns[name] = list(map(makers[form], cells) if form else cells)
        yield {name: columns[name] for name in wanted}


def _bucket_rows(file: TableFile) -> Iterator[Row]:
    for bucket in bucket_usage(file.snapshot)[1:]:
        path = [name_text(name) for name in bucket.path]
        yield (
            path, path[-1], bucket.pairs, bucket.keys, bucket.bytes, bucket.depth, bucket.inline, bucket.sequence,
        )  # fmt: skip


def _page_rows(file: TableFile) -> Iterator[Row]:
    mapped = page_map(file.snapshot, progress=file.progress)
    for page, kind in enumerate(mapped.kinds):
        owner = mapped.owner(page)
        bucket = None if owner is None else [name_text(name) for name in mapped.path(owner)]
        yield page, KINDS[kind], bucket, mapped.fills[page] / 100


def _file_rows(file: TableFile) -> Iterator[Row]:
    snapshot, meta, found = file.snapshot, file.snapshot.meta, file.recognised
    freelist = meta.freelist if meta.has_freelist else None
    whose = (None, None) if found is None else (found.name, found.layout)
    yield snapshot.size, snapshot.page_size, meta.txid, meta.root, freelist, meta.hwm, *whose


def _columns(**types: str) -> tuple[Column, ...]:
    return (Column("path"), *(Column(name, type) for name, type in types.items()))


PAIRS = Relation(
    "pairs",
    "all pairs, those of nested buckets included",
    _columns(bucket="names", key="bytes", value="bytes", key_text="text", value_text="text", value_json="json"),
    lambda file: iter(()),
)
BUCKETS = Relation(
    "buckets",
    "all buckets, with their pairs and bytes",
    _columns(
        bucket="names", name="text", pairs="integer", keys="integer", bytes="integer", depth="integer",
        inline="boolean", sequence="integer",
    ),
    _bucket_rows,
)  # fmt: skip
PAGES = Relation(
    "pages",
    "all pages: type, the bucket that owns each, the share of its room in use (0 to 1)",
    _columns(page="integer", type="text", bucket="names", fill_share="number"),
    _page_rows,
)
FINDINGS = Relation(
    "findings",
    "the findings of the check",
    _columns(kind="text", page="integer", message="text"),
    lambda file: ((found.kind, found.page, found.message) for found in check(file.snapshot, 0, progress=file.progress)),
)
FILES = Relation(
    "files",
    "the files themselves",
    _columns(
        size="integer", page_size="integer", txid="integer", root_page="integer", freelist_page="integer",
        hwm="integer", application="text", layout="text",
    ),
    _file_rows,
)  # fmt: skip
