"""The quick way of ``check``: most files are sound, so first that is proved.

By the kernel where it is there, else in batches. Whatever isn't plainly right
ends the attempt without a verdict, and the exact check, which finds the words
for what is wrong, begins from the start.
"""

from __future__ import annotations

from ...tree.kernel_walks import has_kernel, proven_pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...storage.snapshot import Snapshot


def prove(
    snapshot: Snapshot, freed: bytearray, reached: bytearray, progress: Callable[[int, int], None] | None = None
) -> bool:
    """Say whether the trees of all buckets are plainly sound.

    ``freed`` and ``reached`` have a byte a page, 1 for pages that are free, or
    in use already; no tree may have any of those. If the answer is yes, the
    trees' pages are put into ``reached``.
    """
    trees: bytes | bytearray | None
    if has_kernel(snapshot):
        trees = proven_pages(snapshot, progress)
    else:
        from .batch_check import proven_in_batches

        trees = proven_in_batches(snapshot, progress)
    if trees is None:
        return False
    size = len(trees)
    mine = int.from_bytes(trees, "little")
    others = int.from_bytes(reached[:size], "little")
    if mine & (others | int.from_bytes(freed[:size], "little")):
        return False
    reached[:size] = (mine | others).to_bytes(size, "little")
    if progress is not None:
        progress(trees.count(1), snapshot.meta.hwm)
    return True
