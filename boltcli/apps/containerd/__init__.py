"""containerd's metadata (meta.db), 1.x and 2.x: images, containers, snapshots, content, leases, sandboxes."""

from .audit import audit, has_audit
from .codecs import CODECS
from .layout import recognise
from .views import VIEWS

__all__ = ["CODECS", "VIEWS", "audit", "has_audit", "recognise"]
