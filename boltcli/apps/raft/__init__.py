"""hashicorp/raft-boltdb, the log of Consul, Nomad, Vault and rqlite: entries, servers, terms, holes."""

from .audit import audit
from .codecs import CODECS
from .log import recognise
from .views import VIEWS

__all__ = ["CODECS", "VIEWS", "audit", "recognise"]
