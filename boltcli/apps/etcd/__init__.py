"""etcd's store, 3.4 to 3.6: revisions of keys, leases, members, alarms, users; and Kubernetes' objects in it."""

from .audit import audit, join
from .codecs import CODECS
from .history import common
from .layout import recognise
from .views import VIEWS

__all__ = ["CODECS", "VIEWS", "audit", "common", "join", "recognise"]
