"""Bacalhau's stores: the orchestrator's jobs, the compute node's executions, from mid-2023 to 1.9.3."""

from .audit import audit, join
from .codecs import CODECS
from .layout import recognise
from .views import VIEWS

__all__ = ["CODECS", "VIEWS", "audit", "join", "recognise"]
