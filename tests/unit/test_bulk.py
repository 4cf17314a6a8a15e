"""Reading in bulk gives what reading a page at a time gives, on sound files and on damaged ones, in one process or more."""

from __future__ import annotations

Outcome = tuple[list[str], str]
