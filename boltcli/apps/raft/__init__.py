"""hashicorp/raft-boltdb, the log of Consul, Nomad, Vault and rqlite: entries, servers, terms, holes."""

from __future__ import annotations

from ..contract import Application

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..contract import Audit, AuditOptions, Codec, Pattern, Recognition, View
    from ..store import Store


class Raft(Application):
    name = "raft-boltdb"
    title = "hashicorp/raft-boltdb: the raft log of Consul, Nomad, Vault, rqlite"
    hints = (
        "view FILE status",
        "view FILE logs --where type=LogConfiguration",
        "view FILE types --sort -bytes",
        "audit FILE",
    )
    places = ("raft.db",)

    @property
    def views(self) -> Sequence[View]:  # type: ignore[override]
        from .views import VIEWS

        return VIEWS

    @property
    def codecs(self) -> Mapping[Pattern, Codec]:  # type: ignore[override]
        from .codecs import CODECS

        return CODECS

    def recognise(self, db: Store) -> Recognition | None:
        from .log import recognise

        return recognise(db)

    def audit(self, db: Store, options: AuditOptions) -> Audit | None:
        from .audit import audit

        return audit(db, options)


APPLICATION = Raft()
