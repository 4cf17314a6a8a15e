"""``--json``: every command has it, every object is as the schema says, and tells what the plain output tells."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from boltcli.cli.registry import all_commands
from boltcli.storage import holders
from boltcli.text.values import FORMATS
from tests.damage.mutations import sample
from tests.damage.test_damage import SOURCES
from tests.live import held
from tests.schema import SCHEMA, run_json, schema_of, validate
from tests.support import DATABASES, ROOT, fixture, freelist, page, pgid, run, small

every_database = pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)


def raw(record: dict[str, Any], field: str) -> bytes:
    """A byte string of a record."""
    if field in record:
        text: str = record[field]
        return text.encode()
    return bytes.fromhex(record[f"{field}_hex"])


@pytest.mark.slow
def test_every_command_has_it_and_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for command in all_commands():
        has = any(option.name == "json" and option.short == "j" for option in command.options)
        assert has != (command.name.split()[0] in ("help", "completion", "browse")), command.name
        assert not has or schema_of(command.name) in SCHEMA["$defs"], command.name


@pytest.mark.parametrize(("command", "part"), [("view", "listed_view"), ("sql", "relation")])
def test_what_is_listed_without_a_name_has_a_schema(command: str, part: str) -> None:
    _, listed, _ = run_json(command, fixture("etcd-3.6"))
    assert len(listed) > 10
    for record in listed:
        validate(record, part)


@pytest.mark.slow
@every_database
def test_buckets_keys_items_and_get(path: Path) -> None:
    _, buckets, _ = run_json("buckets", path)
    assert b"".join(raw(bucket, "name") + b"\n" for bucket in buckets) == run("buckets", path)[1]
    for bucket in buckets[:5]:
        name = "hex:" + raw(bucket, "name").hex()
        _, keys, _ = run_json("keys", path, name)
        assert b"".join(raw(key, "key") + b"\n" for key in keys) == run("keys", "--format", "bytes", path, name)[1]
        _, items, _ = run_json("items", path, name)
        assert [raw(item, "key") for item in items] == [raw(key, "key") for key in keys]
        for item in [item for item in items if "sequence" not in item][:20]:
            key = "hex:" + raw(item, "key").hex()
            _, (pair,), _ = run_json("get", path, name, key)
            assert raw(pair, "value") == raw(item, "value")
            assert raw(pair, "value") + b"\n" == run("get", "--format", "bytes", path, name, key)[1]
        _, all_keys, _ = run_json("keys", "--recursive", path, name)
        _, all_items, _ = run_json("items", "--recursive", path, name)
        pairs = [key for key in all_keys if "sequence" not in key]
        assert [(item.get("bucket"), raw(item, "key")) for item in all_items] == [
            (key.get("bucket"), raw(key, "key")) for key in pairs
        ]


@pytest.mark.slow
@every_database
def test_figures_of_the_plain_output(path: Path) -> None:
    def numbers(text: bytes) -> list[int]:
        return [int(number) for number in re.findall(rb"\d+", text.replace(b"B+tree", b""))]

    _, (stats,), _ = run_json("stats", path)
    assert set(numbers(run("stats", path)[1])) == {value for value in stats.values() if isinstance(value, int)}
    _, (info,), _ = run_json("info", path)
    assert numbers(run("info", path)[1]) == [info["page_size"]]
    assert info["size"] == path.stat().st_size
    _, pages, _ = run_json("pages", path)
    rows = [line.split() for line in run("pages", path)[1].decode().splitlines()[2:]]
    assert rows == [
        [str(field) for field in (row["page"], row["type"], row["count"], row["overflow"] or None) if field is not None]
        for row in pages
    ]
    _, (tree,), _ = run_json("inspect", path)

    def plain(bucket: dict[str, Any]) -> dict[str, Any]:
        inner = [plain(child) for child in bucket["buckets"]]
        name = raw(bucket, "name").decode("utf-8", "replace")
        return {"name": name, "keyN": bucket["keyN"]} | ({"buckets": inner} if inner else {})

    shown = json.loads(run("inspect", path)[1])
    if "name_hex" not in str(tree):  # there bbolt's own loses bytes
        assert plain(tree) == shown
    status, (verdict,), _ = run_json("check", path)
    assert (status, verdict["ok"], verdict["errors"], verdict["path"]) == (0, True, 0, str(path))


@pytest.mark.slow
@every_database
def test_pages_one_by_one(path: Path) -> None:
    _, rows, _ = run_json("page", "--all", path)
    plain = run("page", "--all", "--format-value", "hex", path)[1]
    heads = [row for row in rows if "type" in row]
    assert re.findall(rb"^Page ID: +(\d+)$", plain, re.MULTILINE) == [b"%d" % row["page"] for row in heads]
    assert len(re.findall(rb"^Prining", plain, re.MULTILINE)) == sum("error" in row for row in rows)
    for head in heads:
        if head["type"] in ("leaf", "branch"):
            elements = [row for row in rows if row["page"] == head["page"] and "index" in row]
            assert [row["index"] for row in elements] == list(range(head["count"]))
            if head["type"] == "leaf" and elements:
                _, (item,), _ = run_json("page-item", path, str(head["page"]), "0")
                assert raw(item, "key") == raw(elements[0], "key")
    metas = [row for row in heads if row["type"] == "meta"]
    assert all(row["valid"] for row in metas)
    assert re.findall(rb"^Checksum: +(\w+)$", plain, re.MULTILINE) == [row["checksum"].encode() for row in metas]
    _, (dumped,), _ = run_json("dump", path, "0")
    assert bytes.fromhex(dumped["data_hex"]) == path.read_bytes()[: len(dumped["data_hex"]) // 2]
    _, (one, other), _ = run_json("surgery", "meta", "validate", path)
    assert one == {"page": 0, "valid": True, "problem": None}
    assert other["page"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_formats(form: str) -> None:
    for name in ("integers", "document", "binary-keys"):
        path = fixture(name)
        for bucket in run("buckets", path)[1].decode().split("\n")[:3]:
            if bucket:
                run_json("items", "--format", form, "--key-format", form, path, bucket)
                run_json("keys", "--format", form, path, bucket)
    _, records, _ = run_json("page", "--all", "--format-value", form, fixture("document"))
    assert not any("error" in record for record in records)
    run_json("page-item", "--format", form, fixture("document"), "4", "0")


def test_values_in_formats() -> None:
    path = fixture("document")
    _, (pair,), _ = run_json("get", "--format", "json", path, "execution", "e-9a937556-ac83-49ec-b794-a94c3aa068b2")
    assert pair["value_json"]["ID"] == pair["key"]
    _, records, _ = run_json("items", "--format", "redacted", path, "execution")
    assert all(set(record) == {"key", "value_redacted"} for record in records)
    status, records, (failure,) = run_json("items", "--format", "yaml", path, "execution")
    assert (status, records, failure["kind"]) == (1, [], "argument")


def test_what_is_written(tmp_path: Path) -> None:
    path = fixture("many-free")
    output = tmp_path / "compact.db"
    _, (done,), _ = run_json("compact", path, "-o", output)
    assert done["size"] == output.stat().st_size
    assert (done["path"], done["output"], done["warnings"]) == (str(path), str(output), [])
    for number, words in enumerate(
        [
            ["revert-meta-page"],
            ["copy-page", "--from-page", "2", "--to-page", "3"],
            ["clear-page", "--pageId", "4"],
            ["clear-page-elements", "--pageId", "4", "--from-index", "0", "--to-index", "1"],
            ["freelist", "abandon"],
            ["meta", "update", "--fields", "root:6"],
        ]
    ):
        output = tmp_path / f"{number}.db"
        plain = tmp_path / f"{number}-plain.db"
        status, (done,), _ = run_json("surgery", *words, fixture("document"), "--output", output)
        _, text, _ = run("surgery", *words, fixture("document"), "--output", plain)
        assert status == 0
        assert text.decode().strip() == "\n".join(filter(None, [done["warning"], done["message"]]))
        assert output.read_bytes() == plain.read_bytes()


def test_export_and_import(tmp_path: Path) -> None:
    _, rows, _ = run_json("export", fixture("document"))
    assert len(rows) == 21 + 11 + 1
    source = tmp_path / "rows"
    source.write_bytes(run("export", fixture("document"))[1])
    _, (done,), _ = run_json("import", source, "-o", tmp_path / "db")
    assert (done["pairs"], done["buckets"], done["size"]) == (21, 11, (tmp_path / "db").stat().st_size)


def test_versions_and_locks(tmp_path: Path) -> None:
    _, (version,), _ = run_json("version")
    assert version["bbolt"].encode() in run("version")[1]
    alone = shutil.copy(fixture("document"), tmp_path)  # another test may hold the lock of a fixture
    assert run_json("lock", alone) == (0, [], [])


def test_errors() -> None:
    document = str(fixture("document"))
    cases = [
        (["check", "missing.db"], "not-found", "missing.db"),
        (["get", document, "execution", "nosuch"], "key-not-found", document),
        (["keys", document, "nosuch"], "bucket-not-found", document),
        (["keys", document], "argument", None),
        (["keys", "--nosuch", document], "argument", None),
        (["check", str(ROOT / "README.md")], "invalid-database", str(ROOT / "README.md")),
    ]
    for argv, kind, path in cases:
        status, records, (failure,) = run_json(*argv)
        assert (status, failure["kind"], failure["path"]) == (1, kind, path)
        assert records == ([{"path": path, "error": failure}] if argv[0] == "check" else [])
        assert b"Error: " + failure["message"].encode() == run(*argv)[2].split(b"\n")[0]


def test_a_bad_page(tmp_path: Path) -> None:
    path = tmp_path / "db"
    path.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), page(9, 2)))
    status, _, (failure,) = run_json("keys", path, "b")
    assert (status, failure["kind"]) == (1, "corrupted")
    assert (failure["page"], failure["offset"], failure["path"]) == (4, 4 * 4096, str(path))
    status, records, (failure,) = run_json("check", path)
    assert (status, failure["kind"]) == (1, "check-failed")
    ((verdict),) = records
    assert verdict["errors"] == len(verdict["findings"])
    plain = run("check", path)[1].decode().splitlines()
    assert plain[:-1] == [record["message"] for record in verdict["findings"]]
    _, records, _ = run_json("page", path, "4", "3")
    assert records[0]["error"]["kind"] == "unreadable-page"
    assert records[1]["type"] == "leaf"


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES[:2])
def test_damaged_files(source: str, tmp_path: Path) -> None:
    """Whatever is in them, what is written is JSON as the schema says."""
    path = tmp_path / "db"
    content = fixture(source).read_bytes()
    for mutation in sample(content, 40, source):
        path.write_bytes(mutation.apply(content))
        for words in (["check"], ["stats"], ["pages"], ["inspect"], ["page", "--all"], ["buckets"]):
            status, _, failures = run_json(*words, path)
            assert status in (0, 1)
            assert any(failure["kind"] != "warning" for failure in failures) == (status == 1)


def test_deep_trees() -> None:
    _, (tree,), _ = run_json("inspect", fixture("nested-8"))
    depth = 0
    while tree["buckets"]:
        tree, depth = max(tree["buckets"], key=lambda child: len(str(child))), depth + 1
    assert depth == 8


def test_a_notice_is_json() -> None:
    _, _, (notice,) = run_json("info", "--previous", fixture("document"))
    assert notice["message"] == "reading transaction 13, the previous one"


def test_file_names_that_are_not_text(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db")
    shutil.copy(fixture("document"), name)
    _, (info,), _ = run_json("info", name)
    assert bytes.fromhex(info["path_hex"]) == os.fsencode(name)
    _, _, (failure,) = run_json("info", name + "x")
    assert bytes.fromhex(failure["path_hex"]) == os.fsencode(name + "x")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "stats", "du", "info"])
@pytest.mark.parametrize("jobs", ["0", "1", "3"])
def test_several_files(command: str, jobs: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(small(freelist(2), page(3, 2, [(b"b", pgid(4) + pgid(0), b"\1")]), page(9, 2)))
    paths = [*DATABASES[:4], tmp_path / "missing.db", damaged, fixture("document")]
    status, records, failures = run_json(command, "--jobs", jobs, *paths)
    assert status == 1
    assert [record["path"] for record in records] == [str(path) for path in paths]
    assert records[4]["error"] == next(each for each in failures if each["kind"] == "not-found")
    if command == "check":
        assert records[5]["findings"][0]["page"]
        assert records[5]["errors"] == len(records[5]["findings"])
    assert records[6] == run_json(command, paths[6])[1][0]
    assert run_json(command, *paths[:4])[0] == 0


def test_of_several_arguments_of_stats_the_second_is_a_prefix() -> None:
    assert run("info", fixture("document"), fixture("inline"))[1].endswith(b"2 files: 2 ok\n")
    _, (prefixed,), _ = run_json("stats", "--prefix", "execution-i", fixture("document"))
    assert prefixed["top_buckets"] == 1
    assert run("stats", "--prefix", "execution-i", fixture("document")) == run(
        "stats", fixture("document"), "execution-i"
    )


def test_several_files_in_use() -> None:
    _, records, notices = run_json("info", "--previous", fixture("document"), fixture("inline"))
    assert len(records) == len(notices) == 2


def test_who_holds_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(shutil.copy(fixture("inline"), tmp_path))
    assert run_json("lock", path) == (0, [], [])
    with held(path) as pid:
        status, (holder,), _ = run_json("lock", path)
        assert status == 3
        assert holder["mode"] == "exclusive"
        if holder["pid"] is not None:  # where the system tells
            assert holder["pid"] == pid
            assert "python" in holder["command"]
            assert abs(datetime.fromisoformat(holder["since"]).timestamp() - time.time()) < 3600
        # As where it doesn't.
        monkeypatch.setattr(holders, "_table", lambda file: [])
        _, (holder,), _ = run_json("lock", path)
        assert (holder["pid"], holder["command"], holder["since"], holder["writes"]) == (None, None, None, None)
