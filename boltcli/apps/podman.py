"""podman's state (bolt_state.db). Source: containers/podman ``libpod/boltdb_state_internal.go``."""

from __future__ import annotations

from .columns import as_text, buckets_at, columns, pairs, pairs_at, text_or_bytes
from .contract import CERTAIN, LIKELY, REST, Application, Codec, Recognition, View
from .json_values import jsonable, load, load_record
from .store import find
from .words import parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .contract import Pattern, Plain
    from .store import Store

_CONTAINERS, _PODS, _VOLUMES, _CONFIG = b"ctr", b"pod", b"vol", b"runtime-config"
_IDS, _NAMES = b"id-registry", b"name-registry"
# As podman itself calls them: its "configured" is Docker's "created", and its own "created" is "initialized".
_STATES = (
    "unknown", "created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping",
)  # fmt: skip
_ENDED = ("stopped", "exited")


def _part(store: Store, key: bytes) -> dict[str, Any]:
    return load_record(store.get(key)) or {}


def _dependencies(db: Store) -> dict[bytes, list[str]]:
    """Return by container those that it depends on: the bucket of each lists those that depend on it."""
    found: dict[bytes, list[str]] = {}
    for key, each in buckets_at(db, _CONTAINERS):
        for dependent, _ in pairs_at(each, b"dependencies"):
            found.setdefault(dependent, []).append(as_text(key))
    return found


def _containers(db: Store) -> Iterator[tuple[Any, ...]]:
    dependencies = _dependencies(db)
    for key, each in buckets_at(db, _CONTAINERS):
        config, state = _part(each, b"config"), _part(each, b"state")
        number = state.get("state")
        named = _STATES[number] if isinstance(number, int) and 0 <= number < len(_STATES) else number
        yield (
            as_text(key), config.get("name"), config.get("rootfsImageName"), named, config.get("pod"),
            parse_time(config.get("createdTime")), parse_time(state.get("startedTime")),
            parse_time(state.get("finishedTime")), _exit_code(state, named), config.get("labels") or {},
            dependencies.get(key, []),
        )  # fmt: skip


def _exit_code(state: dict[str, Any], named: object) -> Any:
    """Return the exit code; podman leaves 0 out, which is the code of what has ended, and none of what hasn't."""
    return state.get("exitCode", 0 if named in _ENDED else None)


def _pods(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, each in buckets_at(db, _PODS):
        config = _part(each, b"config")
        inside = [as_text(name) for name, _ in pairs_at(each, b"containers")]
        yield as_text(key), config.get("name"), parse_time(config.get("created")), config.get("labels") or {}, inside


def _volumes(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, each in buckets_at(db, _VOLUMES):
        config = _part(each, b"config")
        yield (
            config.get("name", as_text(key)), config.get("volumeDriver"), config.get("mountPoint"),
            parse_time(config.get("createdAt")), config.get("labels") or {},
        )  # fmt: skip


def _names(db: Store) -> Iterator[tuple[Any, ...]]:
    for name, value in pairs_at(db, _NAMES):
        yield as_text(name), as_text(value)


def _config(db: Store) -> Iterator[tuple[Any, ...]]:
    for key, value in pairs(find(db, _CONFIG)):
        yield as_text(key), jsonable(load(value) if value[:1] == b"{" else text_or_bytes(value))


def _value(key: bytes, value: bytes) -> Plain:
    return load(value) if value[:1] in (b"{", b"[") else text_or_bytes(value)


_CODECS: dict[Pattern, Codec] = {(REST,): Codec(text_or_bytes, _value)}


class Podman(Application):
    name = "podman"
    title = "podman's state (bolt_state.db)"
    hints = ("view FILE containers --columns id,name,state", "view FILE pods")
    places = ("libpod/bolt_state.db", "bolt_state.db")
    codecs = _CODECS
    views = (
        View("containers", columns(
            "id name image state pod created:time started:time finished:time exit_code:integer labels:json "
            "dependencies:json"
        ), _containers, "Containers"),
        View("pods", columns("id name created:time labels:json containers:json"), _pods, "Pods"),
        View("volumes", columns("name driver mountpoint created:time labels:json"), _volumes, "Volumes"),
        View("names", columns("name id"), _names, "Names and the ids that have them"),
        View("config", columns("key value:json"), _config, "The configuration that the state was made with"),
    )  # fmt: skip

    def recognise(self, db: Store) -> Recognition | None:
        if find(db, _IDS) is None or find(db, _NAMES) is None:
            return None
        sure = find(db, _CONFIG) is not None and find(db, _CONTAINERS) is not None
        return Recognition(self.name, "libpod state", CERTAIN if sure else LIKELY)


APPLICATION = Podman()
