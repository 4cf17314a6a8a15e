"""etcd's store, 3.4 to 3.6: revisions of keys, leases, members, alarms, users; and Kubernetes' objects in it."""

from __future__ import annotations

from ..contract import Application

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..contract import Audit, AuditFinding, AuditOptions, Codec, Pattern, Plain, Recognition, View
    from ..store import Store


class Etcd(Application):
    name = "etcd"
    title = "etcd's store (member/snap/db) and its snapshots, 3.4 to 3.6, with Kubernetes' objects"
    hints = (
        "view FILE status",
        "view FILE keys --rev 1000",
        "view FILE objects --where kind=Secret --columns namespace,name",
        "view FILE usage --sort -live_bytes --limit 20",
        "view FILE hashkv --rev 1000",
        "audit FILE",
    )
    places = ("snap/db",)

    @property
    def views(self) -> Sequence[View]:  # type: ignore[override]
        from .views import VIEWS

        return VIEWS

    @property
    def codecs(self) -> Mapping[Pattern, Codec]:  # type: ignore[override]
        from .codecs import CODECS

        return CODECS

    def recognise(self, db: Store) -> Recognition | None:
        from .layout import recognise

        return recognise(db)

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        from .audit import audit

        return audit(db, options)

    def join(self, audits: Sequence[tuple[str, Audit]]) -> Iterable[tuple[str, AuditFinding]]:
        from .join import join

        return join(audits)

    def common(self, old: Store, new: Store) -> tuple[dict[str, str], dict[str, Plain]]:
        from .compare import common

        return common(old, new)


APPLICATION = Etcd()
