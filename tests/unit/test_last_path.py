"""What is shown of paths that follow each other is what is shown of each alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from boltcli.ops.compare.change import Change
from boltcli.ops.compare.overlay import Overlay
from boltcli.ops.read.last_path import LastPath

PATHS = st.lists(st.lists(st.sampled_from([b"a", b"b"]), max_size=4).map(tuple), max_size=8)


@given(PATHS)
def test_names(paths: list[tuple[bytes, ...]]) -> None:
    shown = LastPath(bytes.hex)
    assert [shown(path) for path in paths] == [[name.hex() for name in path] for path in paths]


@given(PATHS, st.integers(0, 8))
def test_changes_by_bucket(paths: list[tuple[bytes, ...]], removed: int) -> None:
    with Overlay(force=True) as overlay:
        overlay.add(enumerate([Change("add", path, b"k%d" % number, None, b"") for number, path in enumerate(paths)]))
        if removed < len(paths) and paths[removed]:
            overlay.add([(99, Change("remove", paths[removed]))])
        overlay.add(enumerate([Change("add", path, b"new", None, b"") for path in paths]))
        for path in paths:
            node = overlay.root
            for name in path:
                node = node.inner[name]
            assert node.final[b"new"] is not None
