"""The HTML report: what it says, one self-contained file, escaped throughout, small; and in a real browser."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from array import array
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from boltcli import __version__
from boltcli.apps.contract import ERROR, WARNING, Audit, AuditFinding, View
from boltcli.apps.etcd.views import VIEWS
from boltcli.ops.rescue.kept import kept
from boltcli.ops.space.top import top_levels
from boltcli.render import html_report, report_facts, report_map, report_words
from boltcli.render.explanations import EXPLANATIONS
from boltcli.storage.snapshot import Snapshot
from boltcli.text.values import shell_quoted
from boltcli.tree.page_map import DAMAGED, KINDS, LEAF, page_map
from tests.live import Writer, held
from tests.schema import run_json
from tests.support import DATABASES, error_line, fixture, freelist, missing, needed, page, run, small
from tests.tree.test_nesting import nest

if TYPE_CHECKING:
    from boltcli.apps.contract import Store

EVIL = b"<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collect the elements, what they link to, the text, and the command lines."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.commands: list[str] = []
        self.text = ""
        self._in_command = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += " " * (tag not in ("code", "bdi", "strong"))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]
        self.attributes |= {name for name, _ in attrs}
        if tag == "div" and ("class", "command") in attrs:
            self._in_command = True
        elif tag == "code" and self._in_command:
            self.commands.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_command = self._in_command and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._in_command and self.commands:
            self.commands[-1] += data
        if self.tags[-1:] not in (["style"], ["script"]):
            self.text += data


def _read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text())
    reader.text = " ".join(reader.text.split())
    return reader


def _report(target: Path, *words: str | Path) -> Reader:
    assert run("report", "--force", "-o", target, *words)[0] == 0
    return _read(target)


def _damaged(path: Path) -> int:
    """Write a database with one page overwritten by text; return how many of its pairs can be recovered."""
    content = bytearray(fixture("bacalhau-compute-1.5").read_bytes())
    with Snapshot(str(fixture("bacalhau-compute-1.5"))) as snapshot:
        mapped = page_map(snapshot)
        number = max(pgid for pgid, kind in enumerate(mapped.kinds) if kind == LEAF)
        content[number * snapshot.page_size : (number + 1) * snapshot.page_size] = b"text" * (snapshot.page_size // 4)
    path.write_bytes(content)
    _, (done,), _ = run_json("recover", "--force", "-o", path.with_suffix(".saved"), path)
    assert done["pairs"] > 1000
    return int(done["pairs"])


def test_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a.html"
    status, (done,), _ = run_json("report", "-o", target, fixture("document"))
    assert (status, done["files"], done["bad"], done["size"]) == (0, 1, 0, target.stat().st_size)
    assert _read(target).links == []
    text = target.read_text()
    assert "e-42bdab56-bb27-42ca-a4c2-62aeb0f76342" in text
    assert "RequesterNodeID" not in text  # it is in a value
    assert run("report", "-o", target, fixture("document"))[0] == 1  # it is there
    assert run("report", "--values", "--force", "-o", target, fixture("document"))[0] == 0
    assert "APIVersion" in target.read_text()


def test_the_head_says_which_file_it_was(tmp_path: Path) -> None:
    source = tmp_path / "a file.db"
    shutil.copy(fixture("document"), source)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    text = _report(tmp_path / "a.html", source).text
    assert f"{source} · host {platform.node()} · 20" in text
    assert f"boltcli {__version__}" in text
    assert "256 KiB (262,144 bytes)" in text
    assert "last written 2023-11-14T22:13:20Z" in text
    assert hashlib.sha256(source.read_bytes()).hexdigest() in text


def test_a_private_copy_has_no_sha_256(tmp_path: Path) -> None:
    packed = tmp_path / "a.db.gz"
    packed.write_bytes(gzip.compress(fixture("document").read_bytes()))
    assert "SHA-256 not computed: a private copy was read" in _report(tmp_path / "a.html", packed).text


def test_what_is_written_to_meanwhile_has_no_sha_256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.db"
    shutil.copy(fixture("document"), source)

    def slow(fd: int, size: int, _: object) -> str:
        os.utime(source, (1, 1))
        return f"{size} bytes"

    monkeypatch.setattr(report_facts, "sha256_of", slow)
    assert "SHA-256 not computed: the file was written to meanwhile" in _report(tmp_path / "a.html", source).text


def test_a_damaged_file_is_counted_by_what_can_be_recovered(tmp_path: Path) -> None:
    damaged = tmp_path / "a.db"
    count = _damaged(damaged)
    found = _report(tmp_path / "a.html", damaged)
    assert "Damaged The check has" in found.text
    assert f"at least {count:,} pairs can be recovered" in found.text
    assert f"at least {count:,} pairs in " in found.text
    assert f"It keeps {count:,} pairs." in found.text
    assert "Largest pairs" in found.text  # the heading of the details, in which they are not counted
    assert "Not counted: the file is damaged." in found.text
    assert "Key sizes" not in found.text
    assert [line.split()[:2] for line in found.commands[:2]] == [["boltcli", "recover"], ["boltcli", "doctor"]]
    counts = kept(damaged.read_bytes())
    assert (counts.pairs, counts.pairs_of.total(), len(counts.pairs_of)) == (count, count, 7)
    assert counts.bytes_of[b"v2_executions"] > counts.bytes_of[b"v2_checkpoints"] > 0


def test_a_single_unreadable_file_has_its_report(tmp_path: Path) -> None:
    source, target = tmp_path / "zero.db", tmp_path / "a.html"
    content = bytearray(fixture("document").read_bytes())
    with Snapshot(str(fixture("document"))) as snapshot:
        page_size = snapshot.page_size
    for slot in (0, 1):
        content[slot * page_size : slot * page_size + 200] = bytes(200)
    source.write_bytes(content)
    status, out, err = run("report", "-o", target, source)
    assert (status, error_line(err)) == (1, b"invalid database")
    assert out == b"%s: 1 file, 0 with findings, 1 unreadable\n" % os.fsencode(target)
    _, (done,), _ = run_json("recover", "-o", tmp_path / "saved.db", source)
    found = _read(target)
    assert f"Unreadable Invalid database. At least {done['pairs']} pairs can be recovered." in found.text
    assert "256 KiB (262,144 bytes), last written 20" in found.text
    assert hashlib.sha256(content).hexdigest() in found.text
    assert [line.split()[1] for line in found.commands] == ["recover", "doctor"]
    status, (done,), _ = run_json("report", "--force", "-o", target, source)
    assert (status, done["bad"], done["unreadable"]) == (1, 1, 1)


def test_what_is_no_database_is_searched(tmp_path: Path) -> None:
    source, target = tmp_path / "a.db", tmp_path / "a.html"
    source.write_bytes(b"nothing" * 1000)
    assert run("report", "-o", target, source)[0] == 1
    found = _read(target)
    assert "At least" not in found.text
    assert [line.split()[1] for line in found.commands] == ["scan"]


def test_a_missing_file_or_a_folder_has_no_report_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for form in ([], ["--json"]):
        for name in ("none.db", "folder"):
            assert run("report", *form, "-o", tmp_path / "a.html", tmp_path / name)[0] == 1
            assert not (tmp_path / "a.html").exists()
    assert run("report", "-o", tmp_path / "a.html", fixture("inline"), tmp_path / "none.db")[0] == 1
    text = _read(tmp_path / "a.html").text
    assert "Nothing: it could not be looked at." in text
    assert text.index("none.db") < text.index("inline.db")


def test_a_locked_file_is_not_called_sound(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    shutil.copy(fixture("inline"), source)
    with held(source):
        assert run("report", "-o", tmp_path / "a.html", source, "--lock", "wait", "--timeout", "20ms")[0] == 1
    text = _read(tmp_path / "a.html").text
    assert "Unreadable" in text
    assert "Nothing: it could not be looked at." in text
    assert "Sound" not in text


def test_the_destination_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_facts, "file_context", None)
    (tmp_path / "a.html").write_text("mine")
    assert b"exists" in run("report", "-o", tmp_path / "a.html", fixture("inline"))[2]


def test_views_are_counted_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The view hashkv of etcd reads and hashes everything for its one row."""
    counted: list[str] = []

    def counting(view: View) -> Callable[[Store], int]:
        count = view.count
        return lambda db: counted.append(view.name) or count(db)  # type: ignore[func-returns-value]

    for view in VIEWS:
        monkeypatch.setattr(view, "count", counting(view))
    (view,) = [view for view in VIEWS if view.name == "hashkv"]
    monkeypatch.setattr(view, "rows", None)
    target = tmp_path / "a.html"
    assert run("report", "-o", target, fixture("etcd-3.6"))[0] == 0
    assert counted == [view.name for view in VIEWS]
    assert "hashkv" in target.read_text()


@pytest.mark.slow
def test_many_files_the_worst_first(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"nothing" * 1000)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(small(freelist(2), page(3, 2, [(b"b", b"1"), (b"a", b"1")])))
    target = tmp_path / "all.html"
    status, (done,), _ = run_json("report", "-o", target, *DATABASES, broken, damaged, tmp_path / "none.db")
    assert (status, done["files"], done["bad"], done["unreadable"]) == (1, len(DATABASES) + 3, 3, 2)
    paths = re.findall(r'href="#file-\d+"><bdi>([^<]*)<', target.read_text())
    assert {Path(name).name for name in paths[:3]} == {"broken.db", "damaged.db", "none.db"}
    assert paths[2] == str(damaged)  # the others cannot be read at all


def test_the_audit_is_in_the_verdict(tmp_path: Path) -> None:
    names = ("document", "bacalhau-requester-1.4", "bacalhau-compute-1.4")
    found = _report(tmp_path / "a.html", *map(fixture, names))
    places = [found.text.index(words) for words in (
        "Sound, but 2 errors in its records", "Sound, with 1 warning", "Sound bacalhau")]  # fmt: skip
    assert places == sorted(places)  # the worst first
    assert "The audit of bacalhau: 2 errors, 28 notes." in found.text


def test_the_worst_file_comes_first() -> None:
    def context(name: str, findings: int = 0, errors: int = 0, warnings: int = 0, **more: Any) -> dict[str, Any]:
        audit = {"counts": {ERROR: errors, WARNING: warnings}}
        return {"path": name, "unreadable": False, "total_findings": findings, "audit": audit, "warnings": []} | more

    ordered = [
        context("z", unreadable=True, audit=None),
        context("y", 2),
        context("x", 1, errors=1),
        context("w", 1),
        context("v", 5, is_freelist=True),
        context("u", 0, 12, 13),
        context("t", 0, 12),
        context("s", 0, 6, 20),
        context("r", warnings=3),
        context("q") | {"warnings": ["one", "two"]},
        context("p", warnings=1),
        context("a"),
        context("b"),
    ]
    found = sorted(sorted(ordered, key=lambda each: each["path"]), key=report_facts.badness)
    assert [each["path"] for each in found] == [each["path"] for each in ordered]


def _context(**more: Any) -> dict[str, Any]:
    """Return what verdict and actions need of a sound file of an application, which has an audit."""
    audit = {"counts": {}, "failed": False, "verdict": "nothing found", "groups": []} | more.pop("audit", {})
    found = {"unreadable": False, "pairs": 1, "at_least": False, "extra": 0, "damage": "", "total_findings": 0}
    found |= {"explanations": [], "warnings": [], "is_freelist": False, "application": "etcd", "buckets": 1}
    return found | {"audit": audit, "sizes": None} | more


def test_an_audit_that_fails_is_no_good_news() -> None:
    found = report_facts._verdict(_context(audit={"failed": True, "verdict": "not possible: page 2"}))
    assert (found["tone"], found["word"]) == ("bad", "Sound, but its records could not be audited")
    assert found["sentence"].endswith("The audit of etcd: not possible: page 2.")


def test_findings_that_were_not_counted_are_said_to_be_more() -> None:
    for kinds, words in (
        ({"damaged": 2}, "has 2 findings (damaged 2)"),
        ({"uncounted": 1}, "has more than 1 finding ("),
    ):
        explained = [(kind, count, "", "", "") for kind, count in kinds.items()]
        found = report_facts._verdict(_context(total_findings=sum(kinds.values()), explanations=explained))
        assert words in found["sentence"]


def test_each_remedy_is_one_thing_to_do() -> None:
    """The most urgent come first; findings without a command of their own share one; the rest is counted."""
    groups = [
        {"tone": tone, "question": f"q{number}", "count": number, "messages": [f"m{number}"], "remedy": remedy}
        for number, (tone, remedy) in enumerate([
            ("bad", "Do `boltcli patch FILE`."), ("bad", "Restore it."), ("bad", "Then `boltcli patch FILE`."),
            ("warn", "Wait."), ("warn", ""), ("warn", ""), ("warn", ""), ("quiet", ""),
        ], 1)
    ]  # fmt: skip
    context = _context(warnings=["one", "two"], audit={"groups": groups})
    found = report_facts._actions(context, report_words.CommandLines("s3://x.db"))
    assert [(each["tone"], each["title"], each["gain"], each["command"]) for each in found] == [
        ("bad", "m1 And 3 more.", "Do:", "boltcli patch s3://x.db"),
        ("bad", "m2 And 1 more.", "Restore it.", "boltcli audit --verbose s3://x.db"),
        ("warn", "one", "doctor says what it means for the data. And 1 more warning.", "boltcli doctor s3://x.db"),
        ("warn", "m4 And 3 more.", "Wait.", ""),
        ("warn", "m5 And 4 more.", "", ""),
        ("warn", "See the audit below: 13 more findings", "", ""),
    ]


def test_so_many_findings_of_an_audit_are_shown() -> None:
    found = [AuditFinding(name, ERROR, f"{number}\n") for name in ("a_b", "c", "d") for number in range(150)]
    groups = report_facts._groups(found)
    assert [(each["question"], each["count"], len(each["messages"]), each["more"]) for each in groups] == [
        ("a b", 150, 150, 0), ("c", 150, 50, 100), ("d", 150, 1, 149)
    ]  # fmt: skip
    assert groups[0]["messages"][0] == "0\\n"


def test_a_version_is_called_by_its_key(tmp_path: Path) -> None:
    with Snapshot(str(fixture("etcd-3.6"))) as snapshot:
        rows = report_facts._largest(snapshot, top_levels(snapshot, most=20), values=False)
    (key,) = {row["version_of"] for row in rows if row["bucket"] == "key" and row["bytes"] == rows[0]["bytes"]}
    assert run("view", fixture("etcd-3.6"), "keys", "--where", f"key={key}", "--csv")[1].count(b"\n") >= 2
    assert not any(row["value"] for row in rows)


def test_warnings_about_the_file_are_in_the_verdict(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    content = bytearray(fixture("inline").read_bytes())
    with Snapshot(str(fixture("inline"))) as snapshot:
        content[(1 - snapshot.meta.page) * snapshot.page_size + 40] ^= 255
    source.write_bytes(content)
    found = _report(tmp_path / "a.html", source)
    assert "! Sound, with 1 warning" in found.text
    assert "doctor says what it means for the data." in found.text
    assert found.commands[0] == f"boltcli doctor {shell_quoted(str(source))}"


def test_a_wrong_freelist_loses_nothing(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    source.write_bytes(small(freelist(2), page(3, 2, [(b"a", b"1")]), page(4, 2, []), hwm=5))
    found = _report(tmp_path / "a.html", source)
    assert "Freelist wrong The check has 1 finding (unreachable-unfreed 1); 1 pair can be read." in found.text
    assert [line.split()[1] for line in found.commands] == ["compact", "doctor"]


def test_lost_pages_with_pairs_are_no_leak(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    source.write_bytes(small(freelist(2), page(3, 2, [(b"a", b"1")]), page(4, 2, [(b"b", b"1"), (b"c", b"1")]), hwm=5))
    found = _report(tmp_path / "a.html", source)
    assert "Damaged The check has 1 finding (unreachable-unfreed 1); 1 pair can be read. Pages that" in found.text
    assert "Pages that nothing leads to hold 2 more: old ones, or lost ones." in found.text
    assert "It keeps 3 pairs." in found.text
    assert [line.split()[1] for line in found.commands] == ["recover", "doctor"]


@pytest.mark.slow
def test_what_the_check_passes_but_nobody_reads_is_not_sound(tmp_path: Path) -> None:
    found = _report(tmp_path / "a.html", nest(tmp_path / "a.db", 1002))
    assert (
        "Not wholly readable The check finds nothing; recover finds no pairs. Reading ends early: page 1004"
        in found.text
    )
    assert "its pairs are not counted." in found.text
    assert [line.split()[1] for line in found.commands] == ["doctor"]


def test_what_a_writer_changes_meanwhile_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "a.db", size=2 << 20)  # a small file is read at once
    states: list[int] = []

    def torn(snapshot: Snapshot, most: int) -> Any:
        states.append(snapshot.meta.txid)
        if len(states) == 1:
            writer.commit()
            raise snapshot.corrupted("torn", 3)
        return top_levels(snapshot, most=most)

    monkeypatch.setattr(report_facts, "top_levels", torn)
    monkeypatch.setattr(report_facts, "kept", lambda *_: states.append(0))  # it would take long
    target = tmp_path / "a.html"
    assert run("report", "--no-lock", "-o", target, writer.path)[0] == 0
    assert states == [2, 3]
    assert "Sound The check finds nothing; 3 pairs can be read." in _read(target).text


def test_findings_of_an_audit_are_grouped_by_rule(tmp_path: Path) -> None:
    found = _report(tmp_path / "a.html", fixture("bacalhau-compute-1.4"))
    assert "2 errors live index" in found.text
    assert "28 notes executions not terminal" in found.text
    assert (
        "whose record is gone: the node won't start. And 1 more. Stop the node, then: boltcli audit --changes"
        in found.text
    )
    assert "FILE" not in "".join(found.commands)


def test_space_is_by_resource_where_the_audit_says_so(tmp_path: Path) -> None:
    audit = Audit("", {"usage": [
        {"resource": "pods", "namespace": "a", "count": 2, "all_bytes": 30},
        {"resource": "pods", "namespace": "b", "count": 1, "all_bytes": 20},
        {"resource": "leases", "namespace": None, "count": 1, "all_bytes": 50.0},
        {"resource": "events", "count": 7, "all_bytes": 100},
        {"resource": "x"},
        "another form",
    ]})  # fmt: skip
    rows = [(row["name"], row["share"], row["bytes"], row["pairs"]) for row in report_facts._usage(audit)]
    assert rows == [("events", "50.0", 100, 7), ("leases", "25.0", 50, 1), ("pods", "25.0", 50, 3)]
    assert report_facts._usage(Audit("", {"usage": {"pods": 1}})) == []
    assert "resource share size objects" in _report(tmp_path / "a.html", fixture("etcd-3.6")).text


def test_the_parts_of_the_file_are_all_of_it() -> None:
    for name in ("after-deletes", "values", "no-freelist", "bacalhau-compute-1.5"):
        with Snapshot(str(fixture(name))) as snapshot:
            found = top_levels(snapshot)
            parts = report_facts._parts(snapshot, page_map(snapshot), found)
            assert sum(part["bytes"] for part in parts) == snapshot.size
            assert parts[0]["bytes"] == sum(group.bytes for group in found.groups.values())
            for part, after in pairwise(parts):
                assert abs(float(part["start"]) + float(part["width"]) - float(after["start"])) < 0.01


def test_compaction_is_advised_where_it_gains(tmp_path: Path) -> None:
    gains = _report(tmp_path / "a.html", fixture("after-deletes"))
    (done,) = run_json("du", fixture("after-deletes"))[1][-1:]
    assert "Compact it: about 180 KiB less, 72.6% of the file" in gains.text
    assert any("compact --dense -o" in line for line in gains.commands), done
    none = _report(tmp_path / "a.html", fixture("values"))
    assert none.commands == []
    assert "Nothing needs to be done." in none.text


def test_prefixes_are_below_their_bucket(tmp_path: Path) -> None:
    rows = tmp_path / "rows.ndjson"
    keys = [f"{first}/{number}" for first in ("leases", "pods") for number in range(9)]
    rows.write_text("".join(json.dumps({"bucket": ["b"], "key": key, "value": "v"}) + "\n" for key in keys))
    assert run("import", "--partial", "-o", tmp_path / "a.db", rows)[0] == 0
    with Snapshot(str(tmp_path / "a.db")) as snapshot:
        found = report_facts._bucket_rows(top_levels(snapshot))
    assert [(row["name"], row["level"], row["pairs"]) for row in found] == [
        ("b", 0, 18), ("leases/*", 1, 9), ("pods/*", 1, 9)
    ]  # fmt: skip


def test_nested_buckets_are_below_theirs() -> None:
    with Snapshot(str(fixture("bacalhau-requester-1.4"))) as snapshot:
        found = top_levels(snapshot)
        rows = report_facts._bucket_rows(found)
    assert [row["level"] for row in rows[:8]] == [0, 1, 1, 1, 1, 1, 0, 0]  # the parts of the second one are tiny
    assert rows[0]["name"] == "jobs"
    assert rows[0]["parts"] == sum(path[0] == b"jobs" for path, _ in found.groups) > 5
    assert rows[0]["bytes"] == sum(group.bytes for (path, _), group in found.groups.items() if path[0] == b"jobs")
    assert [row["name"][:2] for row in rows[1:6]] == ["j-"] * 5
    assert sum(row["pairs"] for row in rows if not row["level"]) == found.pairs == 773


@pytest.mark.parametrize("name", ["-o.db", 'it\'s a $(touch ran) `x`; "q" \n\u202e\udcff.db'])
def test_the_command_lines_are_right_for_a_shell(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line gives the words that it means, from any folder, and the command does what the report says."""
    shell = shutil.which("bash") or missing("bash")
    monkeypatch.chdir(tmp_path)
    source = tmp_path / name
    shutil.copy(fixture("bacalhau-compute-1.4"), source)
    content = source.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    found = _report(Path("a.html"), *["--"] * name.startswith("-"), name)
    lines = [part for line in found.commands for part in line.split("; boltcli ")]
    assert len(lines) == 4  # audit and patch, compact, view
    for line in lines:
        words = subprocess.run(
            [shell, "-c", f"printf '%s\\0' {line.removeprefix('boltcli ')}"], cwd=other, capture_output=True, check=True
        ).stdout
        argv = list(map(os.fsdecode, words.split(b"\0")[:-1]))
        assert str(source) in argv
        monkeypatch.chdir(other)
        assert run(*argv)[0] in (0, 1), argv
    assert [each.name for each in other.iterdir()] == ["changes.ndjson"]
    assert source.read_bytes() != content  # it was mended
    status, (done,), _ = run_json("audit", source)
    assert (status, done["ok"]) == (0, True)
    assert Path(f"{str(source).removesuffix('.db')}-compact.db").stat().st_size < 0.8 * len(content)


def test_command_lines_of_what_is_no_local_file() -> None:
    lines = report_words.CommandLines("-")
    assert lines.line("compact", "-o", "DEST-compact", "FILE") == "boltcli compact -o recovered-compact.db FILE"
    lines = report_words.CommandLines("s3://bucket/a b.db")
    assert lines.line("compact", "-o", "DEST-c", "FILE") == "boltcli compact -o 'a b-c.db' 's3://bucket/a b.db'"
    lines = report_words.CommandLines("https://host/-x.db")
    assert lines.line("compact", "-o", "DEST-c") == "boltcli compact -o ./-x-c.db"
    assert lines.filled_in("FILE: `check FILE`, `FILES`") == "FILE: `check https://host/-x.db`, `FILES`"
    assert lines.split("Stop it, then `boltcli check FILE`.") == ("Stop it, then:", "boltcli check https://host/-x.db")
    assert lines.split("See `boltcli get` first.") == ("See `boltcli get` first.", "")


def test_names_are_escaped(tmp_path: Path) -> None:
    source = tmp_path / "<b>.db"
    source.write_bytes(small(freelist(2), page(3, 2, [(EVIL, EVIL), (b"\xff\x00", b"</style>")])))
    target = tmp_path / "a.html"
    assert run("report", "--values", "-o", target, source)[0] == 0
    found = _read(target)
    assert found.tags.count("script") == 2  # the map's data and the program
    assert "b" not in found.tags
    assert not {name for name in found.attributes if name == "style" or name.startswith("on")}
    assert EVIL not in target.read_bytes()


def test_findings_are_explained(tmp_path: Path) -> None:
    source = tmp_path / "a.db"
    source.write_bytes(small(freelist(2), page(3, 2, [(b"b", b"1"), (b"a", b"1")]), page(4, 2, []), hwm=5))
    target = tmp_path / "a.html"
    assert run("report", "-o", target, source)[0] == 0
    text = " ".join(unescape(target.read_text()).split())
    for kind in ("key-order", "unreachable-unfreed"):
        assert f"<strong>{kind}</strong>, 1: {' '.join(EXPLANATIONS[kind][0].split())}" in text
        assert re.sub(r"`([^`]*)`", r"<code>\1</code>", EXPLANATIONS[kind][2]) in text
    assert "reachable-freed" not in text
    assert html_report._code("a `<b>` c") == "a <code>&lt;b&gt;</code> c"


def test_long_names_and_keys_are_cut(tmp_path: Path) -> None:
    rows = tmp_path / "rows.ndjson"
    name = "n" * 20_000
    with rows.open("w") as file:
        for number in range(60):
            file.write(
                json.dumps({"bucket": [f"{number:02}{name}"], "key": f"{number:02}{name}", "value": "v" * 9000}) + "\n"
            )
    assert run("import", "--partial", "-o", tmp_path / "a.db", rows)[0] == 0
    assert run("report", "--values", "-o", tmp_path / "a.html", tmp_path / "a.db")[0] == 0
    assert (tmp_path / "a.html").stat().st_size < 200_000


@pytest.mark.slow
def test_a_large_file_gives_a_small_report() -> None:
    with Snapshot(str(fixture("depth-4"))) as snapshot:
        mapped = page_map(snapshot)
        count = 1 << 18  # pages of 4 KiB: 1 GiB
        mapped.kinds = bytearray([LEAF, LEAF, 3, 6]) * (count // 4)
        mapped.fills = bytearray(range(100)) * (count // 100 + 1)
        mapped.owners = memoryview(array("I", [1, 1, 0xFFFFFFFF, 1] * (count // 4)))
        drawn = report_map.map_context(mapped)
    assert sum(map(len, [drawn["data"], *(shape for _, shape in drawn["shapes"])])) < 1_500_000


def test_the_map_has_a_colour_and_a_sign_for_damage(tmp_path: Path) -> None:
    _damaged(tmp_path / "a.db")
    with Snapshot(str(tmp_path / "a.db")) as snapshot:
        mapped = page_map(snapshot)
    drawn = report_map.map_context(mapped)
    shapes = dict(drawn["shapes"])
    number = mapped.kinds.index(DAMAGED)
    x, y = 12 * (number % (drawn["width"] // 12)), 12 * (number // (drawn["width"] // 12))
    assert shapes["damaged"] == f"M{x} {y}h11v11h-11z"
    assert shapes["cross"] == f"M{x} {y}l11 11m0-11l-11 11"
    leaves = [fill for kind, fill in zip(mapped.kinds, mapped.fills) if kind == LEAF]
    assert shapes["room"].count("h11v11h") == len(leaves)
    assert [int(high) for high in re.findall(r"h11v(\d+)h", shapes["leaf"])] == [
        max(1, round(11 * fill / 100)) for fill in leaves
    ]
    assert drawn["legend"] == [KINDS[kind] for kind in sorted(set(mapped.kinds))]


def test_a_missing_library_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    monkeypatch.setattr(report_facts, "file_context", None)  # it is looked for before the long work
    status, out, err = run("report", "-o", tmp_path / "a.html", fixture("document"))
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: report needs jinja2: ")
    assert err.endswith(b" install 'jinja2>=3.1' 'pillow>=10'\n")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium from the system's packages, driven by playwright."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


class Tab:
    """A page in a browser, ``ran`` is what it complains about, or runs or loads that it may not."""

    def __init__(self, browser: Any, target: Path, width: int = 390, scheme: str = "light") -> None:
        self.context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": PHONE})
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.tab = self.context.new_page()
        self.ran: list[str] = []
        self.tab.on("dialog", self._opened)
        self.tab.on("console", lambda message: self.ran.append(message.text))
        self.tab.on("pageerror", lambda error: self.ran.append(str(error)))
        self.tab.on("request", lambda request: self.ran.append(request.url))
        self.tab.goto(target.as_uri())
        assert self.ran.pop(0) == target.as_uri()

    def _opened(self, dialog: Any) -> None:
        self.ran.append(dialog.message)
        dialog.dismiss()

    def __enter__(self) -> Any:
        return self.tab

    def __exit__(self, *_: object) -> None:
        self.context.close()


PHONE = 844  # CSS pixels high
WIDE = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports: of several files, one of each kind of verdict; of one sound one; of one whose records are wrong."""
    folder = tmp_path_factory.mktemp("pages")
    damaged, torn = folder / "damaged.db", folder / "unreadable.db"
    _damaged(damaged)
    torn.write_bytes(bytes(8192) + damaged.read_bytes()[8192:])
    files = [fixture("inline"), damaged, torn]
    made = {name: folder / f"{name}.html" for name in ("several", "sound", "audit")}
    assert run("report", "-o", made["several"], *files)[0] == 1
    assert run("report", "--values", "-o", made["sound"], fixture("after-deletes"))[0] == 0
    assert run("report", "-o", made["audit"], fixture("bacalhau-compute-1.4"))[0] == 0
    return made


@pytest.mark.slow
def test_names_do_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    """A bucket with a page of its own, a key and a value that would all run a program."""
    evil = b"</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`"
    source = tmp_path / "<img src=x onerror=alert(3)>`\u202e.db"
    bucket = (evil, (4).to_bytes(8, "little") + bytes(8), b"\1")
    source.write_bytes(small(freelist(2), page(3, 2, [bucket]), page(4, 2, [(evil, evil)])))
    target = tmp_path / "a.html"
    assert run("report", "--values", "-o", target, source)[0] == 0
    assert "\u202e" not in target.read_text()  # nothing reorders the text after it
    opened = Tab(browser, target)
    with opened as tab:
        tab.locator("button[data-unfold]").click()
        tab.locator(".map > svg").scroll_into_view_if_needed()
        box = tab.locator(".map > svg").bounding_box()
        tab.mouse.click(box["x"] + box["width"] * 4.5 / 32, box["y"] + 5)
        assert "bucket </script><script>alert(1)</script><img src=x" in tab.locator(".map .tip").text_content()
        assert opened.ran == []
        assert tab.locator("img").count() == 0
        # If a name became an element all the same, the policy would stop it.
        tab.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=color:red><img src=x onerror=alert(4)>')")
        tab.wait_for_timeout(100)
        for what in ("Applying inline style", "Executing inline event handler", "Loading the image"):
            (stopped,) = (words for words in opened.ran if words.startswith(what))
            assert stopped.endswith("The action has been blocked.")
        assert "4" not in opened.ran


CASES = [("several", 390, "dark"), ("audit", 1400, "light")]
MORE = [
    pytest.param(name, width, scheme, marks=pytest.mark.thorough)
    for name in ("several", "sound", "audit")
    for width in (390, 900, 1400)
    for scheme in ("light", "dark")
    if (name, width, scheme) not in CASES
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "width", "scheme"), [*CASES, *MORE])
def test_in_a_browser(browser: Any, pages: dict[str, Path], name: str, width: int, scheme: str) -> None:
    """Nothing runs that may not, nothing is wider than the screen, folded or not, and all can be read and used."""
    axe = needed("axe_playwright_python.sync_playwright").Axe()
    opened = Tab(browser, pages[name], width, scheme)
    with opened as tab:
        dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
        assert dark == (scheme == "dark")
        for each in (390, 900, 1400):
            tab.set_viewport_size({"width": each, "height": PHONE})
            assert tab.evaluate(WIDE) <= each
            if each == 390:
                assert (
                    tab.evaluate("document.documentElement.scrollHeight") < 5 * PHONE * tab.locator(".verdict").count()
                )
                verdict = tab.locator(".verdict .word").first.bounding_box()
                assert name == "several" or verdict["y"] + verdict["height"] < PHONE  # on the first screen
        tab.set_viewport_size({"width": width, "height": PHONE})
        tab.locator("button[data-unfold]").click()
        assert tab.evaluate(WIDE) <= width
        found = axe.run(tab).response
        assert {"color-contrast", "list", "landmark-one-main"} <= {each["id"] for each in found["passes"]}
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
        assert opened.ran == []


@pytest.mark.slow
def test_what_its_buttons_and_keys_do(browser: Any, pages: dict[str, Path]) -> None:
    opened = Tab(browser, pages["several"])
    with opened as tab:
        # A link to a file unfolds it.
        assert tab.locator("details.file[open]").count() == 1
        tab.locator("#index a").nth(1).click()
        tab.wait_for_selector("#file-2[open]")
        line = tab.locator("#file-2 .command code").first.text_content()
        assert line.startswith("boltcli recover -o ")
        tab.locator("#file-2 .command button").first.click()
        tab.wait_for_selector("text=Copied")
        assert tab.evaluate("navigator.clipboard.readText()") == line
        # Without a clipboard the line is copied as one that is chosen, or chosen for the reader.
        tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        tab.locator("#file-2 .command button").nth(1).click()
        assert tab.evaluate("getSelection().toString()").startswith("boltcli doctor ")
        # The map by its keys.
        tab.locator("button[data-unfold]").click()
        tip = tab.locator("#file-2 .map .tip")
        assert tab.locator("#file-2 .map > svg").get_attribute("tabindex") == "0"  # Chromium doesn't need it, others do
        tab.locator("#file-2 summary", has_text="Page map").focus()
        tab.keyboard.press("Tab")
        assert tip.text_content().startswith("page 0 at offset 0: meta")
        tab.keyboard.press("ArrowRight")
        assert tip.text_content().startswith("page 1 at offset 4,096: meta")
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("ArrowLeft")
        assert tip.text_content().startswith("page 0 ")
        tab.keyboard.press("ArrowDown")
        assert tip.text_content().startswith("page 32 at offset 131,072: ")
        tab.keyboard.press("End")
        assert tip.text_content().startswith("page 225 at offset 921,600: ")
        tab.locator("button[data-unfold]").click()
        assert tab.locator("details[open]").count() == 0
        assert opened.ran == []


@pytest.mark.slow
def test_a_cell_of_several_pages_lists_them(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_map, "_MOST_CELLS", 40)
    target = tmp_path / "a.html"
    assert run("report", "-o", target, fixture("after-deletes"))[0] == 0
    opened = Tab(browser, target)
    with opened as tab:
        tab.locator("button[data-unfold]").click()
        tab.locator(".map > svg").focus()
        assert tab.locator(".map .tip").text_content().startswith("pages 0 to 1: 2 meta (Enter")
        tab.keyboard.press("Enter")
        assert tab.locator(".map .pages li").all_text_contents() == ["pages 0 to 1: meta"]
        for _ in range(3):
            tab.keyboard.press("ArrowRight")
        tab.keyboard.press("Enter")
        listed = tab.locator(".map .pages li").all_text_contents()
        assert len(listed) == 2  # a free one, and a leaf
        assert opened.ran == []


@pytest.mark.slow
def test_files_are_filtered(browser: Any, tmp_path: Path) -> None:
    files = [tmp_path / f"file-{number}.db" for number in range(11)]
    for each in files:
        each.write_bytes(small(freelist(2), page(3, 2, [])))
    target = tmp_path / "a.html"
    assert run("report", "-o", target, *files)[0] == 0
    with Tab(browser, target) as tab:
        rows = tab.locator("#index tbody tr:visible")
        assert rows.count() == 11
        tab.locator("input[data-filter=index]").fill("FILE-3")
        assert rows.all_text_contents()[0].startswith(str(files[3]))
        assert rows.count() == 1


@pytest.mark.slow
def test_on_paper(browser: Any, pages: dict[str, Path]) -> None:
    """It prints what is unfolded, in light colours, without what only a screen has."""
    with Tab(browser, pages["audit"], 1400, "dark") as tab:
        tab.emulate_media(media="print")
        assert tab.locator("button:visible").count() == 0
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert len(re.findall(rb"/Type\s*/Page\b", tab.pdf())) <= 3
