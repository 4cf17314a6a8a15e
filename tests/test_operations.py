"""The library's operations say what the command line says; and their results are values."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import pickle
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import boltcli
from boltcli.api import growing
from boltcli.record import Record
from tests.live import held
from tests.schema import run_json
from tests.support import fixture, needed, run

Records = list[dict[str, Any]]

FORMS = ("ndjson", "sqlite", "parquet")
FILES = ("document", "bacalhau-compute-1.4", "many-free", "etcd-3.6", "damaged")
# Fields of JSON that its record lacks: what text explains, and names that are words of Python.
EXPLAINED = {"meaning", "risk", "advice", "from", "to", "state", "root_page", "difference"}


@pytest.fixture(params=FILES)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that no other test has open: a real one, or one of which a leaf page is overwritten."""
    made = tmp_path_factory.mktemp("own") / f"{request.param}.db"
    if request.param != "damaged":
        made.write_bytes(fixture(request.param).read_bytes())
        return made
    content = bytearray(fixture("after-deletes").read_bytes())
    with boltcli.open(fixture("after-deletes")) as db:
        leaf = next(row.page for row in db.pages() if row.type == "leaf" and row.elements > 9)
        start = leaf * db.page_size
    content[start + 16 : start + 64] = b"\xff" * 48
    made.write_bytes(content)
    return made


def _assert_said(found: Any, said: dict[str, Any], but: Iterable[str] = ()) -> None:
    """Assert that a record says what its object in JSON says."""
    for name, value in said.items():
        if name in but or name in EXPLAINED:
            continue
        stem = name.removesuffix("_hex")
        _assert_same(getattr(found, stem), value, as_hex=stem != name)


def _assert_same(found: Any, value: Any, *, as_hex: bool = False) -> None:
    if isinstance(found, bytes):
        assert (found.hex() if as_hex else found.decode()) == value
    elif isinstance(found, datetime):
        assert abs(found - datetime.fromisoformat(value)) < timedelta(milliseconds=1)
    elif isinstance(found, Exception):
        assert found.kind == value["kind"]  # type: ignore[attr-defined]
    elif isinstance(value, list):
        assert len(found) == len(value)
        for one, other in zip(found, value):
            _assert_same(one, other, as_hex=as_hex)
    elif isinstance(value, dict) and not isinstance(found, dict):
        _assert_said(found, value)
    else:
        assert found == value


def _all(found: Iterable[Any], said: Records, but: Iterable[str] = ()) -> None:
    records = list(found)
    assert len(records) == len(said)
    for record, each in zip(records, said):
        _assert_said(record, each, but)


def _check(path: Path, out: Path) -> None:
    for deep in (False, True):
        found = boltcli.check(path, deep=deep)
        (said,) = run_json("check", *["--deep"] * deep, path)[1]
        _all(found, said["findings"], ["path"])
        assert (found.warnings, found.at_least) == (said["warnings"], "at_least" in said)


def _compact(path: Path, out: Path) -> None:
    if path.stem == "damaged":
        with pytest.raises(boltcli.Corrupted) as refused:
            boltcli.compact(path, out / "one.db")
        assert refused.value.page == run_json("compact", "-o", out / "two.db", path)[2][0]["page"]
        return
    found = boltcli.compact(path, out / "one.db")
    _all([found], run_json("compact", "-o", out / "two.db", path)[1], ["path", "output"])
    assert (out / "one.db").read_bytes() == (out / "two.db").read_bytes()


def _diff(path: Path, out: Path) -> None:
    other = fixture("bacalhau-compute-1.5")
    if path.stem == "damaged":
        with pytest.raises(boltcli.Corrupted):
            list(boltcli.diff(path, other))
        return
    changes = list(boltcli.diff(path, other))
    said = run_json("diff", path, other)[1]
    _all(changes, said, ["sequence"])
    _all(boltcli.diff(path, other).summary(1), run_json("diff", "--summary", "--depth", "1", path, other)[1])
    lines = out / "changes.ndjson"
    lines.write_text("".join(json.dumps(each) + "\n" for each in said))
    done = boltcli.patch(path, changes, out / "one.db")
    _all([done], run_json("patch", "-o", out / "two.db", path, lines)[1], ["path", "output"])
    assert boltcli.patch(path, lines, out / "three.db").changes == done.changes == len(said)
    assert {(out / name).read_bytes() for name in ("one.db", "two.db", "three.db")} == {(out / "one.db").read_bytes()}


def _recover(path: Path, out: Path) -> None:
    found = boltcli.recover(path, out / "one.db")
    _all([found], run_json("recover", "-o", out / "two.db", path)[1], ["output"])
    assert (out / "one.db").read_bytes() == (out / "two.db").read_bytes()


def _doctor(path: Path, out: Path) -> None:
    _all([boltcli.doctor(path)], run_json("doctor", path)[1])
    fixed = boltcli.doctor(path, fix=out / "one.db")
    (said,) = run_json("doctor", "--fix", "-o", out / "two.db", path)[1]
    _assert_said(fixed, said, ["output"])
    assert (out / "one.db").exists() == (fixed.fixed is not None) == (path.stem == "damaged")


def _verify(path: Path, out: Path) -> None:
    choices: list[dict[str, Any]] = [{}, {"quick": True}, {"deep": True}]
    for options in choices:
        words = [f"--{name}" for name in options]
        _all(boltcli.verify([path, out / "none"], **options), run_json("verify", *words, path, out / "none")[1])
    with boltcli.open(path) as db:
        assert list(boltcli.verify(db)) == list(boltcli.verify(path))


def _scan(path: Path, out: Path) -> None:
    found = boltcli.scan([path, out])
    _all(found, run_json("scan", path, out)[1], ["age"])
    assert list(found.failed) == [str(out)]


def _deleted(path: Path, out: Path) -> None:
    meaning = ["key_decoded", "value_decoded", "value_guess", "key_guess"]
    _all(boltcli.deleted(path, ascending=True), run_json("deleted", path)[1], meaning)
    versions = [pair.value for pair in boltcli.deleted(path, versions=True, limit=5, decode=False)]
    said = run_json("deleted", "--versions", "--limit", "5", "--decode", "off", "--format", "hex", path)[1]
    assert [value.hex() for value in versions] == [pair["value_hex"] for pair in said]


def _redact(path: Path, out: Path) -> None:
    found = boltcli.redact(path, out / "one.db")
    _all([found], run_json("redact", "-o", out / "two.db", path)[1], ["output", "secret_keys", "look_like_secrets"])
    assert (out / "one.db").read_bytes() == (out / "two.db").read_bytes()


def _export(path: Path, out: Path) -> None:
    lines = io.BytesIO()
    if path.stem == "damaged":
        with pytest.raises(boltcli.Corrupted):
            boltcli.export(path, lines)
        assert lines.getvalue() == run("export", path)[1]
        return
    counts = boltcli.export(path, lines)
    assert lines.getvalue() == run("export", path)[1]
    boltcli.export(path, out / "rows.ndjson")
    assert (out / "rows.ndjson").read_bytes() == lines.getvalue()
    done = boltcli.import_(io.BytesIO(lines.getvalue()), out / "one.db")
    _all([done], run_json("import", "-o", out / "two.db", out / "rows.ndjson")[1], ["path", "output"])
    assert counts == {"pairs": done.pairs, "buckets": done.buckets}
    assert (out / "one.db").read_bytes() == (out / "two.db").read_bytes()


def _grep(path: Path, out: Path) -> None:
    damages: list[boltcli.BoltError] = []
    found = boltcli.grep("[a-e]1", path, deleted=True, skipped=damages.append)
    _, said, notes = run_json("grep", "--deleted", "[a-e]1", path)
    _all(found, said)
    assert len(damages) == len(notes) == (path.stem == "damaged")
    if damages:
        with pytest.raises(boltcli.Corrupted):
            list(boltcli.grep("[a-e]1", path))


def _lock(path: Path, out: Path) -> None:
    copied = out / "held.db"
    copied.write_bytes(path.read_bytes())
    with held(copied):
        found = boltcli.lock(copied)
        _all(found, run_json("lock", copied)[1])
    assert found.mode == "exclusive"
    assert len(found) == 1


def _audit(path: Path, out: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    if path.stem in ("many-free", "damaged"):
        with pytest.raises(boltcli.ArgumentError, match="no known application"):
            boltcli.audit(path, now=now)
        return
    found = boltcli.audit(path, now=now, older_than=timedelta(days=1))
    words = ["--now", "2026-01-01T00:00:00Z", "--older-than", "1d"]
    (said,) = run_json("audit", *words, path)[1]
    findings = said.pop("findings")
    order = {"error": 0, "warning": 1, "info": 2}
    _all(sorted(found.findings, key=lambda each: order[each.severity]), findings)
    assert json.loads(json.dumps(found.answers | found.more)) == said["answers"] | {
        name: said[name] for name in found.more
    }
    assert (found.path, found.application, found.layout, found.ok) == tuple(
        said[name] for name in ("path", "application", "layout", "ok")
    )


def _metrics(path: Path, out: Path) -> None:
    _all([boltcli.metrics(path, deep=True, check=True)], run_json("metrics", "--deep", "--check", path)[1], ["age"])


def _sql(path: Path, out: Path) -> None:
    needed("duckdb")
    statement = "SELECT kind, page, message FROM findings ORDER BY ALL"
    found = boltcli.sql(statement, path)
    assert found is not None
    assert found.read_all().to_pylist() == run_json("sql", statement, path)[1]


CASES: list[Callable[[Path, Path], None]] = [
    *(_audit, _check, _compact, _deleted, _diff, _doctor, _export, _grep, _lock, _metrics, _recover, _redact, _scan),
    *(_sql, _verify),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__[1:])
def test_an_operation_says_what_its_command_says(
    case: Callable[[Path, Path], None], path: Path, tmp_path: Path
) -> None:
    case(path, tmp_path)


def _values() -> list[Any]:
    document, many = fixture("document"), fixture("many-free")
    return [
        boltcli.Finding("key-order", 5, "key \0", (b"\xff",)),
        *boltcli.verify(document),
        *boltcli.scan(document),
        next(boltcli.deleted(many)),
        next(boltcli.grep("x", many)),
        boltcli.metrics(document),
        boltcli.doctor(document),
        boltcli.Loaded(1, 2, 3),
        boltcli.Compaction(10, (5, 1, 2, 3), ["a warning"]),
        *boltcli.diff(fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")).summary(1)[:1],
    ]


def test_results_are_values() -> None:
    for value in _values():
        assert isinstance(value, Record)
        again = pickle.loads(pickle.dumps(value))
        assert again == value == copy.copy(value)
        assert repr(again) == repr(value)
        assert hash(again) == hash(value)
        assert not value < again
        assert value != "value"
        name = value.__slots__[0]
        with pytest.raises(AttributeError):
            setattr(value, name, 1)
        with pytest.raises(TypeError):
            assert value < 1  # type: ignore[operator]


def test_results_have_an_order() -> None:
    """By their fields; None comes first."""
    one, two, three = (boltcli.Finding("key-order", page, "x") for page in (1, 2, 3))
    assert sorted([three, one, two]) == [one, two, three]
    assert repr(one) == "<Finding key-order at page 1: x>"
    known, unknown = (boltcli.Verified("a", size=size) for size in (5, None))
    assert sorted([known, unknown]) == [unknown, known]


@pytest.mark.parametrize("lock", ["auto", "none"])
def test_a_file_is_closed_when_its_results_are_left(lock: Any, tmp_path: Path) -> None:
    """Nothing waits for the garbage collector: a writer gets the lock at once."""
    path = tmp_path / "a.db"
    path.write_bytes(fixture("many-free").read_bytes())
    next(boltcli.grep("x", path, lock=lock))
    next(iter(boltcli.diff(fixture("document"), path, lock=lock)))
    with pytest.raises(StopIteration):
        next(boltcli.check(path, lock=lock))
    found = boltcli.deleted(path)
    next(found)
    found.close()
    with boltcli.grep("x", path, lock=lock) as hits:
        next(hits)
    next(boltcli.verify([path, path], lock=lock))
    with held(path):
        pass


def test_an_open_database_is_used_and_stays_open() -> None:
    with boltcli.open(fixture("document")) as db:
        assert list(boltcli.check(db)) == []
        assert boltcli.metrics(db).pages == boltcli.metrics(fixture("document")).pages
        assert next(boltcli.grep("(?i)timeout", db)) == next(boltcli.grep("(?i)timeout", fixture("document")))
        assert boltcli.audit(db).answers == db.audit().answers
        with pytest.raises(TypeError, match="lock: only for a path"):
            list(boltcli.check(db, lock="none"))
        assert len(db) == 3
        part: Any = db["execution"]
        works: list[Callable[[Any], Any]] = [boltcli.metrics, boltcli.check, boltcli.verify]
        for work in works:
            with pytest.raises(TypeError, match="not Bucket"):
                list(work(part))
        waiting = boltcli.check(db)
    for closed in (lambda: list(waiting), lambda: boltcli.metrics(db), lambda: list(boltcli.grep("x", db))):
        with pytest.raises(boltcli.DatabaseClosed):
            closed()
    with pytest.raises(boltcli.ArgumentError, match="5: must be a path, bytes or a binary file"):
        boltcli.metrics(5)  # type: ignore[arg-type]


_TWICE = "SELECT (SELECT count(value) FROM pairs), (SELECT count(key) FROM pairs)"
PROGRESS: dict[str, Callable[[Path, Path, Any], object]] = {
    "check": lambda path, new, shown: list(boltcli.check(path, progress=shown)),
    "check deep": lambda path, new, shown: list(boltcli.check(path, deep=True, progress=shown)),
    "compact": lambda path, new, shown: boltcli.compact(path, new, progress=shown),
    "deleted": lambda path, new, shown: list(boltcli.deleted(path, progress=shown)),
    "diff": lambda path, new, shown: list(boltcli.diff(path, fixture("document"), progress=shown)),
    "doctor": lambda path, new, shown: boltcli.doctor(path, progress=shown),
    "export": lambda path, new, shown: boltcli.export(path, io.BytesIO(), progress=shown),
    "grep": lambda path, new, shown: list(boltcli.grep("x", [path, path], deleted=True, progress=shown)),
    "recover": lambda path, new, shown: boltcli.recover(path, new, progress=shown),
    "redact": lambda path, new, shown: boltcli.redact(path, new, keys=True, progress=shown),
    "sql": lambda path, new, shown: boltcli.sql(_TWICE, [fixture("values"), path], progress=shown).read_all(),  # type: ignore[union-attr]
    "verify quick": lambda path, new, shown: list(boltcli.verify(path, quick=True, progress=shown)),
    "verify": lambda path, new, shown: list(boltcli.verify([fixture("values"), path], deep=True, progress=shown)),
}


@pytest.mark.parametrize("operation", PROGRESS)
def test_progress_never_falls(operation: str, tmp_path: Path) -> None:
    """Of a sound file, a damaged one, and one in which a bucket is in itself."""
    if operation == "sql":
        needed("duckdb")
    damaged = _damaged_copy(tmp_path / "damaged.db")
    around = tmp_path / "around.db"
    boltcli.write(around, {"a": {"inner": {"b": bytes(5000)}, "b": bytes(5000)}}, page_size=4096)
    content = around.read_bytes()
    with boltcli.open(around) as db:
        outer, inner = db.bucket("a")._ref.root, db.bucket("a", "inner")._ref.root
    around.write_bytes(content.replace(inner.to_bytes(8, "little"), outer.to_bytes(8, "little")))
    for path in (fixture("many-free"), damaged, around):
        seen: list[tuple[int, int]] = []
        with contextlib.suppress(boltcli.BoltError):
            PROGRESS[operation](path, tmp_path / f"{path.name}.new", lambda *shown, seen=seen: seen.append(shown))
        shares = [Fraction(done, total) for done, total in seen]
        assert shares == sorted(shares)
        assert not shares or shares[-1] <= 1
        assert shares or path != fixture("many-free")


def test_progress_is_a_share_that_grows() -> None:
    seen: list[tuple[int, int]] = []
    shown = growing(lambda *each: seen.append(each))
    assert shown is not None
    for each in ((3, 6), (2, 6), (1, 5), (5, 4), (1, 3), (7, 0)):
        shown(*each)
    assert seen == [(3, 6), (3, 6), (3, 5), (4, 4), (3, 3), (7, 0)]
    assert growing(None) is None


def test_several_files(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    (tmp_path / "text").write_text("none")
    paths = [fixture("document"), tmp_path / "text", fixture("inline")]
    found = list(boltcli.verify(paths, progress=lambda done, total: seen.append((done, total))))
    assert [each.ok for each in found] == [True, False, True]
    assert isinstance(found[1].error, boltcli.BoltError)
    shares = [done / total for done, total in seen]
    assert shares == sorted(shares)
    assert shares[0] < 1 / 3
    assert 2 / 3 < shares[-1] <= 1
    hits = boltcli.grep("e-9", paths)
    with pytest.raises(boltcli.BoltError) as missed:
        list(hits)
    assert missed.value.path == str(tmp_path / "text")
    wrong: list[boltcli.BoltError] = []
    assert {hit.path for hit in boltcli.grep(b"e-9", paths, skipped=wrong.append)} == {str(fixture("document"))}
    assert len(wrong) == 1
    files = [fixture("document"), tmp_path / "text", fixture("inline")]
    with pytest.raises(boltcli.BoltError):
        boltcli.audit(files)
    wrong.clear()
    seen.clear()
    (audited,) = boltcli.audit(files, skipped=wrong.append, progress=lambda done, total: seen.append((done, total)))
    assert audited.path == str(files[0])
    assert [error.path for error in wrong] == [str(path) for path in files[1:]]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    stores = "bacalhau-compute-1.4", "bacalhau-requester-1.4"
    one, two = boltcli.audit(fixture(name) for name in stores)
    assert (one.application, two.application) == ("bacalhau", "bacalhau")
    alone = boltcli.audit(fixture("bacalhau-compute-1.4")), boltcli.audit(fixture("bacalhau-requester-1.4"))
    assert sum(len(list(each.findings)) for each in (one, two)) > sum(len(list(each.findings)) for each in alone)


@pytest.mark.parametrize(
    "call",
    [
        lambda path: boltcli.verify(path, quick=True, deep=True),
        lambda path: boltcli.check(path, 3, deep=True),
        lambda path: boltcli.grep("", path),
        lambda path: boltcli.grep("zz", path, hex=True),
        lambda path: boltcli.grep("x", path, keys=True, values=True),
        lambda path: boltcli.grep("x", path, bucket="a", deleted=True),
        lambda path: boltcli.audit(path, now=datetime(2026, 1, 1)),
        lambda path: boltcli.sql("SELECT 1", path, prefix="a"),
        lambda path: boltcli.diff(path, path, "a", view="executions"),  # type: ignore[call-overload]
        lambda path: boltcli.patch(path, []),
        lambda path: boltcli.export(path, io.BytesIO(), format="parquet"),
        lambda path: boltcli.export(path, io.BytesIO(), format="xml"),
        lambda path: boltcli.verify(path, lock="never"),  # type: ignore[arg-type]
        lambda path: boltcli.recover(path, "new.db", lock="never"),  # type: ignore[arg-type]
        lambda path: boltcli.recover(path, "new.db", state=-1),
        lambda path: boltcli.recover(path, "new.db", lost_and_found=""),
        lambda path: list(boltcli.deleted(path, timeout=-1)),
        lambda path: boltcli.deleted(path, limit=-1),
        lambda path: boltcli.watch(path, interval=float("nan")),
        lambda path: boltcli.import_(b"{}", "new.db"),  # type: ignore[arg-type]
    ],
)
def test_arguments_that_do_not_fit_are_refused(call: Callable[[Path], object]) -> None:
    with pytest.raises(boltcli.ArgumentError):
        call(fixture("document"))


def test_content_is_refused_where_a_path_is_needed(tmp_path: Path) -> None:
    content: Any = fixture("document").read_bytes()
    new = tmp_path / "new.db"
    calls: list[Callable[[], object]] = [
        *(lambda: boltcli.recover(content, new), lambda: boltcli.redact(content, new), lambda: boltcli.doctor(content)),
        *(lambda: boltcli.deleted(content), lambda: boltcli.watch(content), lambda: boltcli.lock(content)),
        lambda: boltcli.scan(content),
    ]
    for call in calls:
        with pytest.raises(boltcli.ArgumentError, match="the path of a file is needed, not bytes"):
            call()


def _damaged_copy(path: Path) -> Path:
    """Make a file of which doctor finds that it is damaged, and a remedy."""
    content = bytearray(fixture("document").read_bytes())
    with boltcli.open(fixture("document")) as db:
        page = next(row.page for row in db.pages() if row.type == "freelist")
        content[page * db.page_size + 8] = 0xEE
    path.write_bytes(content)
    return path


def _export_stream(source: Path, destination: Path) -> None:
    with open(destination, "rb+") as stream:
        boltcli.export(source, stream)


def _import_stream(source: Path, destination: Path) -> None:
    with open(source, "rb") as stream:
        boltcli.import_(stream, destination, replace=True)


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(
    ("made", "call"),
    [
        ("db", lambda source, destination: boltcli.compact(source, destination, replace=True)),
        ("db", lambda source, destination: boltcli.recover(source, destination, replace=True)),
        ("db", lambda source, destination: boltcli.redact(source, destination, replace=True)),
        ("db", lambda source, destination: boltcli.doctor(source, fix=destination, replace=True)),
        ("db", lambda source, destination: boltcli.export(source, destination, replace=True)),
        ("db", _export_stream),
        *((form, lambda source, destination: boltcli.import_(source, destination, replace=True)) for form in FORMS),
        ("ndjson", _import_stream),
    ],
)
def test_a_source_is_never_replaced(
    made: str, call: Callable[[Path, Path], object], link: bool, tmp_path: Path
) -> None:
    source = tmp_path / f"source.{made}"
    if made == "db":
        _damaged_copy(source)
    else:
        if made == "parquet":
            needed("pyarrow")
        boltcli.export(fixture("document"), source)
    before = source.read_bytes()
    destination = source
    if link:
        destination = tmp_path / "link"
        os.link(source, destination)
    with pytest.raises(boltcli.DestinationIsSource):
        call(source, destination)
    assert source.read_bytes() == before
    boltcli.compact(fixture("document"), source, replace=True)  # it is no source any more


@pytest.mark.skipif(os.name == "nt", reason="no permissions of others")
def test_what_is_made_of_a_private_export_is_private(tmp_path: Path) -> None:
    boltcli.export(fixture("document"), tmp_path / "lines")
    (tmp_path / "lines").chmod(0o600)
    before = os.umask(0)
    try:
        boltcli.import_(tmp_path / "lines", tmp_path / "new.db")
    finally:
        os.umask(before)
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600


def test_a_diff_of_a_view_has_the_rows_of_the_view() -> None:
    one, two = fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")
    with boltcli.open(one) as old, boltcli.open(two) as new:
        changes = boltcli.diff(old, new, view="executions")
        assert changes.view.name == "executions"
        assert changes.facts == {}
        there = list(new.view("executions"))
        assert [each.old for each in changes if each.old] == [row for row in old.view("executions") if row not in there]
        added = [each.new for each in changes if each.old is None]  # it is compared anew
        assert added[0].create_time.tzinfo is UTC
        assert pickle.loads(pickle.dumps(added)) == added
        begun = iter(changes)
        next(begun)
    for closed in (begun, changes):
        with pytest.raises(boltcli.DatabaseClosed):
            list(closed)


def test_a_prefix_limits_what_is_compared_and_watched() -> None:
    one, two = fixture("bacalhau-compute-1.4"), fixture("bacalhau-compute-1.5")
    changes = [change for change in boltcli.diff(one, two, "execution", prefix="e-0") if change.key]
    wanted = [change for change in boltcli.diff(one, two, "execution") if (change.key or b"").startswith(b"e-0")]
    assert changes == wanted != []
    with boltcli.watch(one, "execution", prefix=b"e-0", initial=True) as watched:
        keys = [change.key for change in next(watched).changes if change.key]
    with boltcli.open(one) as db:
        assert keys == [key for key, _ in db.bucket("execution").prefix("e-0")] != []


def test_a_watch_is_stopped_after_the_commit_that_is_read() -> None:
    with boltcli.watch(fixture("document"), "execution", initial=True, interval=30) as watched:
        commit = next(watched)
        assert not watched.stopped
        watched.stop()
        assert watched.stopped
        assert len(list(commit.changes)) == 5
        assert next(watched, None) is None


def test_pages_that_two_states_of_one_file_share_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    content = fixture("bacalhau-compute-1.5").read_bytes()
    with boltcli.open(fixture("bacalhau-compute-1.5")) as db:
        leaves = [row.page for row in db.pages() if row.type == "leaf"][:40]
        page_size, wanted = db.page_size, list(db.changes())
    passed = 0
    for page in leaves:
        path.write_bytes(content[: page * page_size] + b"\xff" * 16 + content[page * page_size + 16 :])
        with boltcli.open(path, previous=True) as before, boltcli.open(path) as after:
            try:
                passed += list(boltcli.diff(before, after)) == wanted
            except boltcli.Corrupted:
                continue
    assert passed > len(leaves) // 2


@pytest.mark.parametrize("options", [{}, {"dense": False}, {"dense": False, "tx_max_size": 100}, {"ordered": True}])
def test_write_makes_a_sound_database(options: dict[str, Any], tmp_path: Path) -> None:
    rows: list[tuple[Any, str, Any]] = [(("b", b"c"), f"k{number:03}", b"v" * number) for number in range(200)]
    rows = [("a", "k", "1"), *rows, ("d", "\xe4", "")]
    given = rows if options.get("ordered") else rows[::-1]
    done = boltcli.write(tmp_path / "a.db", given, sequences={"a": 7, ("b", "c"): 1 << 63}, page_size=4096, **options)
    assert (done.pairs, done.buckets, done.size) == (202, 4, (tmp_path / "a.db").stat().st_size)
    with boltcli.open(tmp_path / "a.db") as db:
        assert list(db.check(deep=True)) == []
        assert (db["a"].sequence, db.bucket("b", "c").sequence, db["d"].sequence) == (7, 1 << 63, 0)
        for path, key, value in rows:
            found = db.bucket(*((path,) if isinstance(path, str) else path))[key]
            assert found == (value if isinstance(value, bytes) else value.encode())


def test_write_is_what_compact_makes(tmp_path: Path) -> None:
    """Of both kinds: the smallest file, and the one of bbolt's transactions."""
    with boltcli.open(fixture("depth-4")) as db:
        rows = [(name, key, value) for name, bucket in db.items() for key, value in bucket.pairs()]  # type: ignore[union-attr]
        numbers = {name: bucket.sequence for name, bucket in db.items()}  # type: ignore[union-attr]
        assert all(isinstance(value, bytes) for bucket in db.values() for value in bucket.values())  # type: ignore[union-attr]
    for dense in (True, False):
        boltcli.write(tmp_path / "one.db", rows, sequences=numbers, dense=dense, page_size=4096, replace=True)
        boltcli.compact(fixture("depth-4"), tmp_path / "two.db", dense=dense, page_size=4096, replace=True)
        assert (tmp_path / "one.db").read_bytes() == (tmp_path / "two.db").read_bytes()


def test_write_takes_a_mapping(tmp_path: Path) -> None:
    done = boltcli.write(
        tmp_path / "a.db", {"users": {"bob": b"2", b"ann": "1", "more": {"x": {"y": "z"}}}, "none": {}}
    )
    assert (done.pairs, done.buckets) == (3, 4)
    with boltcli.open(tmp_path / "a.db") as db:
        assert list(db) == [b"none", b"users"]
        assert list(db["users"]) == [b"ann", b"bob", b"more"]
        assert db.bucket("users", "more", "x")["y"] == b"z"


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ({"a": "v"}, {}),  # a pair in the root bucket
        ([((), "k", "v")], {}),
        ([("a", "", "v")], {}),
        ([("a", "k" * 40000, "v")], {}),
        ([(("a", ""), "k", "v")], {}),
        ([("a", "k")], {}),
        ([("a", "k", 5)], {}),
        ({"a": {"k": "v", b"k": "w"}}, {}),
        ([("a", "k", "v"), (("a", "k"), "k", "v")], {}),
        ([(("a", "k"), "k", "v"), ("a", "k", "v")], {}),
        ([("b", "k", "v"), ("a", "k", "v")], {"ordered": True}),
        ([("a", "k", "v"), ("a", "k", "v")], {"ordered": True}),
        ([("a", "k", "v")], {"ordered": True, "sequences": {"b": 1}}),
        ({"a": {}}, {"ordered": True}),
        ({"a": {}}, {"sequences": {"a": -1}}),
        ({"a": {}}, {"page_size": 3}),
        ({"a": {}}, {"fill_percent": 5}),
        ({"a": {}}, {"tx_max_size": "1k"}),
        ({"a": {}}, {"dense": False, "sequences": {(): 1}}),
    ],
)
def test_write_refuses_what_no_database_holds(rows: Any, options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(boltcli.ArgumentError):
        boltcli.write(tmp_path / "a.db", rows, **options)
    assert not list(tmp_path.iterdir())


def test_write_shows_the_pairs_that_are_written(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    rows = [("a", "1", "x"), ("a", "2", "y"), ("b", "1", "z")]

    def write(rows: Any, **options: Any) -> list[tuple[int, int]]:
        seen.clear()
        boltcli.write(tmp_path / "new.db", rows, replace=True, progress=lambda *shown: seen.append(shown), **options)
        return seen

    assert write(rows) == [(1, 3), (2, 3), (3, 3)]
    assert write(iter(rows), ordered=True) == write({"a": {"1": "x", "c": {"2": "y"}}, "b": {"1": "z"}})
    assert seen == [(1, 0), (2, 0), (3, 0)]


def test_the_last_row_of_a_key_counts(tmp_path: Path) -> None:
    boltcli.write(tmp_path / "a.db", [("a", "k", "1"), ("a", "k", "2")])
    with boltcli.open(tmp_path / "a.db") as db:
        assert db["a"]["k"] == b"2"
    with pytest.raises(boltcli.DestinationExists):
        boltcli.write(tmp_path / "a.db", {})
