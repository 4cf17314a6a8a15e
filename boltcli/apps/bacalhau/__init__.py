"""Bacalhau's stores: the orchestrator's jobs, the compute node's executions, from mid-2023 to 1.9.3."""

from __future__ import annotations

from ..contract import Application
from ..places import places_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..contract import Audit, AuditFinding, AuditOptions, Codec, Pattern, Recognition, View
    from ..store import Store


class Bacalhau(Application):
    name = "bacalhau"
    title = "Bacalhau's job store (orchestrator) and execution store (compute node), mid-2023 to 1.9.3"
    hints = (
        "view FILE executions --where state=Running",
        "view FILE jobs --columns id,name,state,create_time --sort create_time",
        "audit FILE",
    )
    places = places_of("bacalhau")

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
        from .audit import join

        return join(audits)


APPLICATION = Bacalhau()
