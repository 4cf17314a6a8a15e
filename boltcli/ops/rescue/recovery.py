"""What was found in a file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...format.meta import Meta
    from .pages import PageTable
    from .states import State
    from .tree import Gap, RecoveredTree


class Recovery:
    """What was found in a file.

    ``tree`` is what goes into the result. ``exact``: nothing is missing, it is the tree that bbolt reads. ``torn``:
    pages of later transactions lie among those of the tree.
    ``page_size_from`` and ``root_from`` say how these were found. ``placed``, ``older`` and ``stale`` count pages;
    ``lost_pages`` the pages in the lost+found bucket. ``others``: databases that begin in the middle of the file,
    with their offsets. ``states``: if it isn't sure which one is the newest, all that may be it.
    ``sure``: nothing says that there was a newer one.
    """

    def __init__(self, table: PageTable, tree: RecoveredTree) -> None:
        self.table = table
        self.tree = tree
        self.exact = False
        self.torn = False
        self.sure = True
        self.page_size_from = ""
        self.root_from = ""
        self.metas: list[Meta] = []
        self.placed = 0
        self.older = 0
        self.stale = 0
        self.lost_pages = 0
        self.left: list[int] = []
        self.free: bytearray | None = None
        self.others: list[tuple[int, Recovery]] = []
        self.states: list[State] = []

    def gaps(self) -> list[Gap]:
        """Return what is known to be missing."""
        return [gap for gap in self.tree.gaps if not gap.complete]
