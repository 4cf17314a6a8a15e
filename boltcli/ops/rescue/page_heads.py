"""Tell headers of pages from pieces of values, for a copy that must not show a value."""

from __future__ import annotations

from ...format.constants import FREELIST_PAGE, PAGE_HEADER_SIZE
from .redacted_image import FILLER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .pages import PageTable

_NOISES = 16  # headers that are searched for in the whole file


class PageHeads:
    """The headers of the pages of ``table``; ids of the file's pages are below ``highest``."""

    def __init__(self, table: PageTable) -> None:
        self.table = table
        self.highest = table.pages
        self._noises = 0
        self._elsewhere: set[int] | None = None

    def is_header(self, page: int) -> bool:
        """Return whether what stands at the beginning of a page is a page header, and not a piece of a value.

        It is if it has the page's own id, or else is right as far as can be told: the page may have been copied there.
        """
        table = self.table
        bears = table.bears(page)
        if not (table.kind[page] or table.counts[page] or table.overflows[page]):
            return False
        if bears == page:
            return True
        return bool(table.kind[page]) and bears < self.highest and table.overflows[page] < table.pages

    def kept(self, page: int) -> bytes:
        """Return what is kept of the header of a page that something refers to as a page.

        Of one that may be a piece of a value, only what ``pages`` shows, which is too little to be a piece.
        """
        start = page * self.table.page_size
        head = self.table.buffer[start : start + PAGE_HEADER_SIZE]
        return head if self.is_header(page) or self._is_noise(page, head) else FILLER * 8 + head[8:]

    def _is_noise(self, page: int, head: bytes) -> bool:
        """Return whether it is certain enough that the page was overwritten with what the file didn't hold before.

        Pieces of values come from overflow pages: of a run that is still there, of a freed one, or from another place,
        where they still are or where what belongs here is now.
        """
        if not any(head):
            return True
        if self._noises >= _NOISES or page in self._displaced():
            return False
        self._noises += 1
        size = self.table.page_size
        last = self.table.size - 1
        find = self.table.buffer.find
        return find(head, 0, min(page * size, last)) < 0 and find(head, (page + 1) * size, last) < 0

    def _displaced(self) -> set[int]:
        """Return the pages that are free or overflow pages, and those that lie somewhere else."""
        if self._elsewhere is None:
            table = self.table
            found: set[int] = set()
            for page in range(2, table.pages):
                if table.own[page]:
                    found.update(table.run(page)[1:])
                    if table.kind[page] == FREELIST_PAGE:
                        found.update(table.freelist(page) or ())
                elif table.kind[page]:
                    found.add(table.bears(page))
            self._elsewhere = found
        return self._elsewhere
