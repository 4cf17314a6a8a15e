"""The findings of a check: a record for each line of bbolt's output."""

from __future__ import annotations

from ...record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    # As in schema.json, under "finding". Those from "meta" on are found by a deep check only.
    FindingKind = Literal[
        "already-freed", "out-of-bounds", "multiple-references", "reachable-freed", "invalid-type", "unexpected-type",
        "key-order", "unreachable-unfreed", "out-of-range", "damaged", "uncounted",
        "meta", "fallback", "freelist", "owner", "layout", "shape", "lost",
    ]  # fmt: skip


class Finding(Record):
    """One line of ``check`` about page ``page``: ``message`` as text; ``keys`` are the byte strings that it quotes.

    Findings sort by page.
    """

    __slots__ = ("page", "kind", "template", "keys")  # noqa: RUF023
    if TYPE_CHECKING:
        kind: FindingKind
        page: int
        template: str
        keys: tuple[bytes, ...]

    def __init__(self, kind: FindingKind, page: int, template: str, keys: tuple[bytes, ...] = ()) -> None:
        super().__init__(page, kind, template, keys)

    @property
    def message(self) -> str:
        """The finding as a line, with keys in hex."""
        return self.line().decode("utf-8", "surrogateescape")

    def line(self, write_key: Callable[[bytes], bytes] | None = None) -> bytes:
        """Return the finding as a line, with keys written by ``write_key`` (default: in hex)."""
        if not self.keys:
            return self.template.encode()
        parts = self.template.encode().split(b"\0")
        line = parts[0]
        for key, part in zip(self.keys, parts[1:], strict=True):
            line += (write_key(key) if write_key else key.hex().encode()) + part
        return line

    def __repr__(self) -> str:
        return f"<Finding {self.kind} at page {self.page}: {self.message}>"


def stack_text(pgids: Sequence[int]) -> str:
    """Return the page ids from a tree's root to a page, as Go prints a slice."""
    return f"(stack: [{' '.join(map(str, pgids))}])"
