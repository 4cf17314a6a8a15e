"""podman's state (bolt_state.db). Source: containers/podman ``libpod/boltdb_state_internal.go``."""

from ..text.values import as_text
from .contract import CERTAIN, LIKELY, REST, Codec, Pattern, Recognition, Store
from .values import JSON_OR_TEXT, buckets, find, json_or_text, named, names_at, pairs
from .views import Item, Rows, computed, json, key_text, nested, pair, records, text, time, view

_CONTAINERS, _CONFIG = b"ctr", b"runtime-config"
_IDS, _NAMES = b"id-registry", b"name-registry"
# As podman itself calls them: its "configured" is Docker's "created", and its own "created" is "initialized".
_STATES = ["unknown", "created", "initialized", "running", "stopped", "paused", "exited", "removing", "stopping"]


@view(
    "Containers",
    "id name image state pod created:time started:time finished:time exit_code:integer labels:json dependencies:json",
)
def containers(db: Store) -> Rows:
    needed: dict[bytes, list[str]] = {}  # by container: the bucket of each lists those that depend on it
    for name, each in buckets(db, _CONTAINERS):
        for dependent, _ in pairs(each, b"dependencies"):
            needed.setdefault(dependent, []).append(as_text(name))
    for name, each in buckets(db, _CONTAINERS):
        field = Item((_CONTAINERS,), name, each, each).field
        state, code = named(_STATES, field("state.state")), field("state.exitCode")
        yield {
            "id": as_text(name),
            "name": field("config.name"),
            "image": field("config.rootfsImageName"),
            "state": state,
            "pod": field("config.pod"),
            "created": field("config.createdTime"),
            "started": field("state.startedTime"),
            "finished": field("state.finishedTime"),
            # podman leaves 0 out, which is the code of what has ended; what hasn't has none.
            "exit_code": 0 if code is None and state in ("stopped", "exited") else code,
            "labels": field("config.labels") or {},
            "dependencies": needed.get(name, []),
        }


CODECS: dict[Pattern, Codec] = {(REST,): JSON_OR_TEXT}
VIEWS = (
    containers,
    records("pods", "Pods", at=(b"pod",), read=nested,
        id=key_text, name="config.name", created=time("config.created"), labels=json("config.labels", {}),
        containers=computed("json", lambda item: names_at(item.record, b"containers"))),
    records("volumes", "Volumes", at=(b"vol",), read=nested,
        name=text("config.name", key_text), driver="config.volumeDriver", mountpoint="config.mountPoint",
        created=time("config.createdAt"), labels=json("config.labels", {})),
    records("names", "Names and their ids", at=(_NAMES,), read=pair,
        name=key_text, id=computed("text", lambda item: as_text(item.record))),
    records("config", "The configuration with which the state was created", at=(_CONFIG,), read=pair,
        key=key_text, value=computed("json", lambda item: json_or_text(item.record))),
)  # fmt: skip


def recognise(db: Store) -> Recognition | None:
    if find(db, _IDS) is None or find(db, _NAMES) is None:
        return None
    sure = find(db, _CONFIG) is not None and find(db, _CONTAINERS) is not None
    return Recognition("podman", "libpod state", CERTAIN if sure else LIKELY)
