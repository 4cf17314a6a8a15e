"""Find the pages that nothing refers to, and which of them lead to others."""

from __future__ import annotations

from ...format.constants import LEAF_PAGE
from .elements import first_key_of, page_elements
from .groups import Group, holds, sample
from .roots import outgoing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elements import Elements
    from .tree import RecoveredTree

_MOST_LEVELS = 64  # levels of a tree


class Orphans:
    """The orphans of a tree: ``pages``, and a byte of 1 for each of them in ``marks``."""

    def __init__(self, tree: RecoveredTree, free: bytearray | None, roots: set[int]) -> None:
        """``free`` marks the pages of a freelist that can be trusted. ``roots`` are those of older trees."""
        self.tree = tree
        self.table = tree.table
        self.free = free
        self._roots = roots
        self.pages = self._orphans()
        self.marks = bytearray(self.table.pages)
        for page in self.pages:
            self.marks[page] = 1

    def groups(self) -> list[Group]:
        """Return those that no other one leads to, with what they lead to."""
        return [group for page in self._tops(self.pages) if (group := self.group(page)) is not None]

    def below(self, page: int) -> list[int]:
        """Return the orphans that an orphan leads to."""
        found = page_elements(self.table, page)
        return [] if found is None else [
            child for child, key in outgoing(self.table, found)
            if child < self.table.pages and self.marks[child]
            and (key is None or first_key_of(self.table, child) == key)
        ]  # fmt: skip

    def _orphans(self) -> list[int]:
        table, used, free = self.table, self.tree.used, self.free
        return [
            page for page in range(2, table.pages)
            if not used[page] and table.is_tree(page) and not (free and free[page]) and not table.is_torn(page)
            and page not in self._roots
        ]  # fmt: skip

    def _tops(self, orphans: list[int]) -> list[int]:
        """Return the orphans without a parent among the orphans, except branch pages older than their children."""
        members = set(orphans)
        parents: dict[int, list[int]] = {}
        leads: dict[int, list[int]] = {}
        branches: dict[int, list[int]] = {}
        older: list[int] = []
        for page in orphans:
            found = page_elements(self.table, page)
            if found is None or not (found.has_buckets() or not found.leaf):
                continue
            for child, key in outgoing(self.table, found):
                if child not in members or child == page:
                    continue
                if key is not None and first_key_of(self.table, child) != key:
                    older.append(page)  # its child was used for other keys since
                    continue
                parents.setdefault(child, []).append(page)
                leads.setdefault(page, []).append(child)
                if key is not None:
                    branches.setdefault(child, []).append(page)
        # Of two versions of a branch page at most one is live.
        older += [page for above in branches.values() if len(above) > 1 for page in above]
        dissolved: set[int] = set()
        while older:
            page = older.pop()
            if page not in dissolved:
                dissolved.add(page)
                older += branches.get(page, ())
        below = {child for child, above in parents.items() if not dissolved.issuperset(above)}
        tops = [page for page in orphans if page not in below and page not in dissolved]
        # Pages in a ring lead to each other: all of them are tops.
        seen = set(tops)
        stack = list(tops)
        while stack:
            for child in leads.get(stack.pop(), ()):
                if child not in seen:
                    seen.add(child)
                    stack.append(child)
        return tops + [page for page in orphans if page not in seen and page not in dissolved]

    def group(self, page: int) -> Group | None:
        """Return what is below an orphan; None if it holds nothing."""
        leaf, first = self._descend(page, 1)
        end, last = self._descend(page, -1)
        if leaf is None or end is None or not leaf.keys or not end.keys:
            return None
        samples = sample(leaf) | sample(end)
        size = self.table.page_size
        if self.table.kind[page] == LEAF_PAGE:
            size = max(leaf.ends) - leaf.first
        return Group(
            page, self.table.run(page).stop, self.table.kind[page] == LEAF_PAGE, size, first,
            max(last, end.keys[-1], end.keys[0]), samples, holds(leaf) | holds(end),
        )  # fmt: skip

    def _descend(self, page: int, step: int) -> tuple[Elements | None, bytes]:
        """Return the outermost leaf on a side that a page still leads to, and the outermost key that the pages name."""
        named: bytes | None = None
        for _ in range(_MOST_LEVELS):
            found = page_elements(self.table, page)
            if found is None or not found.keys:
                break
            if named is None:
                named = found.keys[0] if step > 0 else found.keys[-1]
            if found.leaf:
                return found, named
            inner = [
                child for child, key in list(zip(found.pgids, found.keys))[::step]
                if self.table.is_tree(child) and first_key_of(self.table, child) == key
            ]  # fmt: skip
            if not inner:
                break
            page = inner[0]
        return None, b""
