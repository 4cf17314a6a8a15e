"""`map`, `why` and `top` from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.schema import run_json
from tests.support import DATABASES, ROOT, fixture, run


@pytest.mark.slow
@pytest.mark.parametrize("path", DATABASES, ids=lambda path: path.stem)
def test_json_is_as_the_schema_says(path: Path) -> None:
    status, rows, _ = run_json("map", path)
    assert status == 0
    size = sum(row["pages"] for row in rows)
    assert size == -(-path.stat().st_size // run_json("info", path)[1][0]["page_size"])
    # Against the page list: the kind of every page that is not in an overflow run.
    for row in run_json("pages", path)[1]:
        assert rows[row["page"]]["type"] == row["type"]
    status, (top,), _ = run_json("top", path)
    assert status == 0
    assert top["size"] == path.stat().st_size
    assert sum(row["count"] for row in top["fills"]) == sum(row["type"] == "leaf" for row in rows)
    status, stories, _ = run_json("why", path, *map(str, range(min(size, 40))))
    assert status == 0
    assert [story["type"] for story in stories] == [row["type"] for row in rows[:40]]
    assert [story.get("bucket") for story in stories] == [row.get("bucket") for row in rows[:40]]


def test_images(tmp_path: Path) -> None:
    source = fixture("after-deletes")
    drawn = run("map", "--svg", source)[1]
    assert len(ElementTree.fromstring(drawn).findall(".//{*}rect/{*}title")) == 62
    for arguments in (
        ["--svg", "-o", str(tmp_path / "a.svg")],
        ["--svg", "--force", str(source), str(tmp_path / "a.svg")],
    ):
        status, out, _ = run("map", *arguments, *([source] if str(source) not in arguments else []))
        assert (status, out) == (0, b"")
        assert (tmp_path / "a.svg").read_bytes() == drawn
    assert run("map", "--svg", "-o", tmp_path / "a.svg", source)[0] == 1  # it is there
    assert run("map", "--png", source)[1].startswith(b"\x89PNG")


def test_arguments() -> None:
    source = fixture("document")
    assert run("why", source, "x")[2].startswith(b"Error: x: expected a page id, or offset:N")
    assert run("map", "-o", "x", source)[2].startswith(b"Error: --output is for an image")
    assert run("map", "--bucket", "none", source)[2].startswith(b"Error: bucket not found")
    assert run("why", source, "offset:65536")[1] == run("why", source, "4")[1]
    marked = [row for row in run_json("map", "--bucket", "execution", source)[1] if row["marked"]]
    assert [row["page"] for row in marked] == [4]


def test_a_damaged_file_is_shown_too(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    shutil.copy(fixture("depth-4"), path)
    data = bytearray(path.read_bytes())
    root = run_json("pages", path)[1]
    leaf = next(row["page"] for row in root if row["type"] == "leaf")
    page_size = run_json("info", path)[1][0]["page_size"]
    data[leaf * page_size : leaf * page_size + 8] = b"\xff" * 8
    path.write_bytes(data)
    rows = run_json("map", path)[1]
    assert rows[leaf]["type"] == "damaged"
    (story,) = run_json("why", path, str(leaf))[1]
    assert story["findings"]
    assert story["problem"]


def test_the_picture_in_the_readme_is_what_map_draws() -> None:
    drawn = run("map", "--svg", "--width", "64", fixture("bacalhau-compute-1.4"))[1]
    assert (ROOT / ".github" / "map.svg").read_bytes() == drawn


def test_sizes_for_people_only_where_they_are_asked_for(tmp_path: Path) -> None:
    source = fixture("values")
    assert b"large: 1 pair, 1.0 MiB, 91.8%" in run("tree", "-H", source)[1]
    assert b"large: 1 pair, 1052672 bytes, 91.8%" in run("tree", source)[1]
    assert b"1.0 MiB  large\n" in run("du", "-H", source)[1]
    plain, human = run("stats", source)[1].splitlines(), run("stats", "--human", source)[1].splitlines()
    assert b"\tBytes allocated for physical branch pages: 4.0 KiB" in human
    assert b"\tBytes allocated for physical branch pages: 4096" in plain
    assert len(plain) == len(human)
    assert all(line.startswith(b"\tBytes ") for line in plain if line not in human)
    many = fixture("many-free")
    assert run("compact", "-H", "-o", tmp_path / "a.db", many)[1] == b"284 KiB -> 64.0 KiB (gain=4.44x)\n"
    assert run("compact", "-o", tmp_path / "b.db", many)[1] == b"290816 -> 65536 bytes (gain=4.44x)\n"
    assert run_json("stats", "-H", source)[1] == run_json("stats", source)[1]
