"""Reading in bulk gives what reading a page at a time gives, on sound files and on damaged ones, in one process or more."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from boltcli.errors import BoltError
from boltcli.ops import bulk, check, stats
from boltcli.ops.keys_bulk import written_keys
from boltcli.ops.listing import key_pages
from boltcli.ops.proof import prove
from boltcli.ops.stats_bulk import bulk_stats
from boltcli.render.formats import lines
from boltcli.storage.snapshot import Snapshot
from boltcli.tree.batch import Irregular
from boltcli.tree.bucket import BucketRef, find_bucket, open_bucket
from tests.damage.test_damage import SOURCES, mutants
from tests.support import DATABASES, fixture, freelist, page, pgid, small

Outcome = tuple[list[str], str]
