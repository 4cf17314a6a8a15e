"""Measure a database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Unpack

from ..fleet.metrics import Metrics
from ..fleet.metrics import metrics as measured
from . import read
from .lock import lock

if TYPE_CHECKING:
    from . import Given, Opening

__all__ = ["Metrics", "metrics"]


def metrics(
    source: Given, *, deep: bool = False, check: bool = False, held: str | None = None, **opening: Unpack[Opening]
) -> Metrics:
    """Return the metrics of the database ``source``, a path or an open database: sizes, pages by kind, times.

    ``deep`` also counts pairs and buckets, ``check`` also checks it: then damage is counted, and not raised. Of a path
    it is found out in which mode others hold the lock; of an open database ``held`` is taken for that.
    :meth:`Metrics.samples` are those of OpenMetrics. The other arguments are those of :func:`boltcli.open`. Raises what
    that raises, and Corrupted.

    >>> import boltcli
    >>> found = boltcli.metrics("fixtures/document.db", deep=True)
    >>> found.size, found.pages["free"], found.pairs
    (262144, 3, 21)
    >>> next(found.samples())
    ('boltcli_up', (('path', 'fixtures/document.db'), ('application', 'bacalhau')), 1)
    """
    if isinstance(source, (str, os.PathLike)):
        held = lock(source).mode
    return read(source, lambda snapshot: measured(snapshot, deep=deep, checked=check, lock=held), opening)
