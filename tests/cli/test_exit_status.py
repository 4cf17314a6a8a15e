"""Exit statuses: bbolt's 1 for every failure, or, when asked, one that tells its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from boltcli.errors import BoltError
from tests.live import held
from tests.support import ROOT, fixture, freelist, page, run, small

DOCUMENT = str(fixture("document"))


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        ("check D", 0), ("check missing.db", 2), ("check README", 2), ("check FOLDER", 2), ("keys D nosuch", 4),
        ("get D execution nosuch", 4), ("keys D", 64), ("keys --nosuch D", 64), ("nosuch", 64), ("check DAMAGED", 1),
        ("keys DAMAGED b", 1), ("compact -o D D", 2), ("tree --sort x D", 64), ("check --lock wait --timeout 1ms D", 3),
        ("check --json D DAMAGED", 1), ("check --json D missing.db", 2), ("surgery nosuch", 64),
    ],
)  # fmt: skip
def test_statuses(argv: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "damaged.db"
    root = page(3, 2, [(b"b", (4).to_bytes(8, "little") + bytes(8), b"\1")])
    damaged.write_bytes(small(freelist(2), root, page(9, 2, [(b"k", b"v")])))
    sound = tmp_path / "sound.db"
    sound.write_bytes(fixture("document").read_bytes())
    paths = {"D": str(sound), "README": str(ROOT / "README.md"), "FOLDER": str(tmp_path), "DAMAGED": str(damaged)}
    words = [paths.get(word, word) for word in argv.split()]

    def statuses() -> tuple[int, int, int]:
        detailed = run(*words, "--exit-status", "detailed")[0], run(*words, "--exit-status=detailed")[0]
        assert detailed[0] == detailed[1]
        with monkeypatch.context() as patch:
            patch.setenv("BOLTCLI_EXIT_STATUS", "detailed")
            from_environment = run(*words)[0]
        return run(*words)[0], detailed[0], from_environment

    if "wait" in words:
        with held(sound):
            assert statuses() == (1, status, status)
    else:
        assert statuses() == (min(status, 1), status, status)


def test_every_kind_has_one() -> None:
    todo, kinds = [BoltError], set()
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        kinds.add(kind.detailed_status)
        assert kind.exit_status == 1
    assert kinds == {1, 2, 3, 4, 64}
