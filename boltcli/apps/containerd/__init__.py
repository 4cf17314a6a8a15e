"""containerd's metadata (meta.db), 1.x and 2.x: images, containers, snapshots, content, leases, sandboxes."""

from __future__ import annotations

from ..contract import Application

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contract import Audit, AuditOptions, Codec, Path, Pattern, Recognition, View
    from ..store import Store


class Containerd(Application):
    name = "containerd"
    title = "containerd's metadata (meta.db) and its snapshotters' (metadata.db), 1.x and 2.x"
    hints = (
        "view FILE images --columns namespace,name,digest,size",
        "view FILE content --sort -size --limit 20",
        "view FILE snapshots --where snapshotter=overlayfs",
        "audit FILE",
    )
    places = ("io.containerd.metadata.v1.bolt/meta.db",)

    @property
    def views(self) -> Sequence[View]:  # type: ignore[override]
        from .views import VIEWS

        return VIEWS

    @property
    def codecs(self) -> Mapping[Pattern, Codec]:  # type: ignore[override]
        from .codecs import CODECS

        return CODECS

    def codec(self, path: Path) -> Codec | None:
        from .codecs import TEXT, is_text

        return TEXT if is_text(path) else super().codec(path)

    def recognise(self, db: Store) -> Recognition | None:
        from .layout import recognise

        return recognise(db)

    def has_audit(self, db: Store) -> bool:
        from .layout import is_snapshotter

        return not is_snapshotter(db)

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        from .audit import audit

        return audit(db, options)


APPLICATION = Containerd()
