"""Render records as bytes: bbolt's text with Go's formatting rules, JSON, tables, pictures, HTML.

A module is imported when it is first used as an attribute: commands that often write text load nothing for JSON.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import changes, decoded, element_lines, explanations, info_text, item_lines, page_records, records

__all__ = ["changes", "decoded", "element_lines", "explanations", "info_text", "item_lines", "page_records", "records"]


def __getattr__(name: str) -> Any:
    """Import a module of this package."""
    if name not in __all__:
        raise AttributeError(name)
    __import__(f"{__name__}.{name}")
    return globals()[name]
