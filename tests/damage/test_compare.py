"""What compares and follows, on damaged files: an answer or one error, within bounds of time and memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from boltcli.errors import Corrupted, InvalidDatabase, OpenError
from boltcli.ops.compare.watch import Waiter, watch
from tests.damage.answers import _limits
from tests.damage.mutations import sample
from tests.support import fixture, run

COUNT = int(os.environ.get("BOLTCLI_MUTANTS", "25"))
SOURCES = ("depth-4", "nested-8", "inline", "no-freelist")


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_an_answer_or_one_error(name: str, tmp_path: Path) -> None:
    sound, path, output = fixture(name), tmp_path / "mutant.db", tmp_path / "out.db"
    content = sound.read_bytes()
    changes = tmp_path / "changes.ndjson"
    changes.write_text(json.dumps({"op": "add", "bucket": ["a new bucket"]}) + "\n")
    differed = failed = 0
    for mutation in sample(content, COUNT, f"compare {name}"):
        path.write_bytes(mutation.apply(content))
        with _limits(len(content)):
            for call, statuses in (
                (("diff", sound, path), (0, 1, 2)),
                (("diff", "--summary", path, sound), (0, 1, 2)),
                (("diff", "--json", "--previous", path), (0, 1, 2)),
                (("diff", path, path), (0, 2)),
                (("metrics", "--deep", "--check", path), (0, 1)),
                (("patch", "--no-sync", path, changes, "-o", output), (0, 1)),
            ):
                status, _, err = run(*call)
                assert status in statuses, (mutation.what, call, status, err)
                trouble = status == statuses[-1]
                assert err.count(b"Error: ") + err.count(b'"kind":') - err.count(b'"reading"') == trouble, (call, err)
                assert b"Traceback" not in err
                differed += status == 1
                failed += trouble
            if output.exists():
                assert run("check", output)[1] == b"OK\n", mutation.what
                output.unlink()
            _follow(path)
        assert path.read_bytes() == mutation.apply(content)
    assert differed > COUNT // 2
    assert failed > COUNT // 4


def _follow(path: Path) -> None:
    waiter = Waiter(0.001)
    waiter.stop()
    try:
        for commit in watch(str(path), waiter, initial=True):
            for _ in commit.changes:
                pass
    except (Corrupted, InvalidDatabase, OpenError):
        pass
