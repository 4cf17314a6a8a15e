"""Which applications there are, and whose file a database is."""

from __future__ import annotations

from ..database import Database
from ..errors import BoltError
from .contract import CERTAIN, GROUP, GUESS, LIKELY, Recognition
from .store import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..storage.snapshot import Snapshot
    from .contract import Application
    from .store import Store


def _go_types(present: set[bytes]) -> bool:
    """Say whether names may be bolthold's: its indexes, or types of Go alone, which begin with a capital."""
    return any(name.startswith(b"_index:") for name in present) or (
        bool(present) and all(name[:1].isupper() for name in present)
    )


# Name, module (which holds APPLICATION), and top-level names of which its files have one at least, or what looks at
# the names.
BUILT_IN: tuple[tuple[str, str, tuple[bytes, ...] | Callable[[set[bytes]], bool]], ...] = (
    ("bacalhau", "bacalhau", (b"jobs", b"execution", b"v1_executions", b"v2_executions", b"execution-index")),
    ("etcd", "etcd", (b"key",)),
    ("raft-boltdb", "raft", (b"logs",)),
    ("vault", "vault", (b"data",)),
    ("containerd", "containerd", (b"v1",)),
    ("trivy-db", "trivy", (b"vulnerability",)),
    ("buildkit", "buildkit", (b"_result", b"_links", b"_byresult", b"_backlinks")),
    ("bleve", "bleve", (b"bleve", b"s")),
    ("docker", "docker", (b"libnetwork", b"volumes")),
    ("podman", "podman", (b"id-registry",)),
    ("bolthold", "bolthold", _go_types),
    ("storm", "storm", (b"__storm_db",)),
)

_ORDER = {CERTAIN: 0, LIKELY: 1, GUESS: 2}


class Recognised:
    """Whose file a database is: the ``application``, and what it said: ``name``, ``layout`` and ``certainty``."""

    __slots__ = ("application", "certainty", "layout", "name")

    def __init__(self, application: Application, recognition: Recognition) -> None:
        self.application = application
        self.name = recognition.name
        self.layout = recognition.layout
        self.certainty = recognition.certainty

    def __str__(self) -> str:
        return f"{self.name}, {self.layout}"


def recognised(snapshot: Snapshot) -> Recognised | None:
    """Return whose file ``snapshot`` is, which is found out once; None if no application knows it."""
    if "recognised" not in snapshot.memo:
        snapshot.memo["recognised"] = recognise(Database(snapshot))
    found: Recognised | None = snapshot.memo["recognised"]
    return found


def recognise(db: Store) -> Recognised | None:
    """Return the application whose file ``db`` most certainly is, with what it said; None if none knows it.

    Plug-ins are asked first, and win where they are as sure as a built-in
    application. A plug-in that fails is passed over; damage of the file is too,
    since whose file it is doesn't hang on it.
    """
    best: Recognised | None = None
    for application in _candidates(db):
        try:
            found = application.recognise(db)
        except Exception:
            continue
        if found is not None and (best is None or _rank(found) < _rank(best)):
            best = Recognised(application, found)
    return best


def named(db: Store, name: str) -> Recognised | None:
    """Return the application called ``name``, which need not recognise ``db``; None if there is none."""
    found = application(name)
    if found is None:
        return None
    try:
        recognition = found.recognise(db)
    except Exception:
        recognition = None
    return Recognised(found, recognition or Recognition(found.name, "unknown", GUESS))


def applications() -> Iterator[Application]:
    """Yield all applications: plug-ins, then the built-in ones by name."""
    yield from plug_ins()
    for _, module, _ in sorted(BUILT_IN):
        yield _built_in(module)


def application(name: str) -> Application | None:
    """Return the application called ``name``, or None."""
    return next((found for found in applications() if found.name == name), None)


def plug_ins() -> Iterator[Application]:
    """Yield the applications of installed packages, guarded; one that can't be loaded is left out, with a warning."""
    from .plugins import entry_points

    for point in entry_points(GROUP):
        from .guarded import loaded

        found = loaded(point)
        if found is not None:
            yield found


def _candidates(db: Store) -> Iterator[Application]:
    yield from plug_ins()
    try:
        present = set(names(db))
    except BoltError:
        present = set()
    for _, module, expected in BUILT_IN:
        if expected(present) if callable(expected) else not present.isdisjoint(expected):
            yield _built_in(module)


def _built_in(module: str) -> Application:
    from importlib import import_module

    found: Application = import_module(f"{__package__}.{module}").APPLICATION
    return found


def _rank(recognition: Recognition | Recognised) -> int:
    return _ORDER.get(recognition.certainty, len(_ORDER))
