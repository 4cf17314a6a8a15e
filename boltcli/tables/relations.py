"""The relations of a database: their columns and rows. Nothing here imports Arrow or DuckDB.

The type of a column is one of those of :class:`~boltcli.apps.contract.Column`
(``text``, ``integer``, ``number``, ``boolean``, ``bytes``, ``time`` in
nanoseconds since 1970 UTC, ``json``), or ``names``, a list of names. A name is
text; one that is not UTF-8 is written ``hex:...``, as commands accept it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..apps.contract import Column
from ..apps.registry import recognised
from ..database import Database
from ..ops.read.content import EVERYTHING, Bounds, Pairs, placed, whole_content
from ..text.json import is_json, parsed
from ..text.values import text_of

if TYPE_CHECKING:
    from ..apps.contract import Application, View
    from ..apps.registry import Recognised
    from ..storage.snapshot import Snapshot

Row = tuple[Any, ...]

GENERAL = ("pairs", "buckets", "pages", "findings", "files")  # the relations that every database has


class TableFile:
    """An open database as a source of rows: its ``path``, as the column ``path`` shows it, and its ``snapshot``.

    ``warn`` is called with what is to be said about its pages, with each sentence once.
    """

    def __init__(self, path: str, snapshot: Snapshot, warn: Callable[[str], object] | None = None) -> None:
        self.path = path
        self.snapshot = snapshot
        self._tell = warn
        self._told: set[str] = set()

    def warn(self, message: str) -> None:
        """Pass on a warning, unless it was passed on before: a statement may read a file several times."""
        if self._tell is not None and message not in self._told:
            self._told.add(message)
            self._tell(message)

    @property
    def recognised(self) -> Recognised | None:
        """Whose file it is."""
        return recognised(self.snapshot)


class Relation:
    """A table: its ``name``, a sentence about it, its columns, and ``rows(file)``, which yields tuples.

    The first column is ``path``; ``rows`` leaves it out.
    """

    def __init__(
        self, name: str, title: str, columns: Sequence[Column], rows: Callable[[TableFile], Iterator[Row]]
    ) -> None:
        self.name = name
        self.title = title
        self.columns = (Column("path"), *columns)
        self.rows = rows


PAIR_COLUMNS = (
    Column("bucket", "names"),
    Column("key", "bytes"),
    Column("value", "bytes"),
    Column("key_text"),
    Column("value_text"),
    Column("value_json", "json"),
)


def relations(files: Sequence[TableFile]) -> dict[str, Relation]:
    """Return the relations of ``files`` by name: the general ones, and the views of their applications.

    Two applications may have a view of one name: then the columns are those of
    the first, and the other's is called after it, ``etcd_keys``.
    """
    found = {relation.name: relation for relation in (PAIRS, BUCKETS, PAGES, FINDINGS, FILES)}
    applications: dict[str, Application] = {}
    for file in files:
        if file.recognised is not None:
            applications.setdefault(file.recognised.application.name, file.recognised.application)
    for application in applications.values():
        for view in application.views:
            name = view.name if view.name not in found else f"{application.name}_{view.name}"
            found[name] = _view_relation(name, application.name, view)
    return found


def views_of(files: Sequence[TableFile]) -> dict[str, Relation]:
    """Return the views of the applications of ``files`` by name."""
    return {name: relation for name, relation in relations(files).items() if name not in GENERAL}


def _view_relation(name: str, application: str, view: View) -> Relation:
    def rows(file: TableFile) -> Iterator[Row]:
        if file.recognised is not None and file.recognised.application.name == application:
            yield from view.rows(Database(file.snapshot))

    return Relation(name, view.title or f"the view {view.name} of {application}", view.columns, rows)


def name_text(name: bytes) -> str:
    """Return a bucket's name as text that :func:`name_bytes` reads: as it is, or with a notation before it."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
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
    makers: dict[str, Callable[[Any], Any]] = {"text": text_of, "json": json_or_none}
    for path, event in placed(whole_content(file.snapshot, bounds, values=values, warn=file.warn)):
        if not isinstance(event, Pairs):
            continue
        columns: dict[str, list[Any]] = {}
        for name in wanted:
            if name == "path":
                columns[name] = [file.path] * len(event.keys)
            elif name == "bucket":
                columns[name] = [[name_text(part) for part in path]] * len(event.keys)
            else:
                field, _, form = name.partition("_")
                content = list(event.keys if field == "key" else event.values)
                columns[name] = list(map(makers[form], content)) if form else content
        yield columns


def _pair_rows(file: TableFile) -> Iterator[Row]:
    names = [column.name for column in PAIR_COLUMNS]
    for columns in pair_columns(file, names):
        columns["value_json"] = [None if text is None else parsed(text) for text in columns["value_json"]]
        yield from zip(*(columns[name] for name in names))


def _bucket_rows(file: TableFile) -> Iterator[Row]:
    from ..ops.stats.buckets import bucket_usage

    for bucket in bucket_usage(file.snapshot)[1:]:
        path = [name_text(name) for name in bucket.path]
        yield (
            path, path[-1], bucket.pairs, bucket.keys, bucket.bytes, bucket.depth, bucket.inline, bucket.sequence,
        )  # fmt: skip


def _page_rows(file: TableFile) -> Iterator[Row]:
    from ..tree.page_map import KINDS, page_map

    mapped = page_map(file.snapshot)
    for page, kind in enumerate(mapped.kinds):
        owner = mapped.owner(page)
        bucket = None if owner is None else [name_text(name) for name in mapped.path(owner)]
        yield page, KINDS[kind], bucket, mapped.fills[page] / 100


def _finding_rows(file: TableFile) -> Iterator[Row]:
    from ..ops.check.database_check import check

    for finding in check(file.snapshot, 0):
        yield finding.kind, finding.page, finding.message


def _file_rows(file: TableFile) -> Iterator[Row]:
    snapshot, meta = file.snapshot, file.snapshot.meta
    name = layout = None
    if file.recognised is not None:
        name, layout = file.recognised.name, file.recognised.layout
    freelist = meta.freelist if meta.has_freelist else None
    yield snapshot.size, snapshot.page_size, meta.txid, meta.root, freelist, meta.hwm, name, layout


PAIRS = Relation("pairs", "all pairs, those of nested buckets included", PAIR_COLUMNS, _pair_rows)
BUCKETS = Relation(
    "buckets",
    "all buckets, with what is in them",
    (
        Column("bucket", "names"), Column("name"), Column("pairs", "integer"), Column("keys", "integer"),
        Column("bytes", "integer"), Column("depth", "integer"), Column("inline", "boolean"),
        Column("sequence", "integer"),
    ),
    _bucket_rows,
)  # fmt: skip
PAGES = Relation(
    "pages",
    "all pages: type, the bucket that owns each, the share of its room in use (0 to 1)",
    (Column("page", "integer"), Column("type"), Column("bucket", "names"), Column("fill_share", "number")),
    _page_rows,
)
FINDINGS = Relation(
    "findings",
    "what the check finds",
    (Column("kind"), Column("page", "integer"), Column("message")),
    _finding_rows,
)
FILES = Relation(
    "files",
    "the files themselves",
    (
        Column("size", "integer"), Column("page_size", "integer"), Column("txid", "integer"),
        Column("root_page", "integer"), Column("freelist_page", "integer"), Column("hwm", "integer"),
        Column("application"), Column("layout"),
    ),
    _file_rows,
)  # fmt: skip
