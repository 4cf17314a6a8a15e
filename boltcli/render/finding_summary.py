"""How many findings of each kind a check has, and on which pages: runs of pages as ranges."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_RANGES = 8  # shown of a kind


def summary(kinds: dict[str, list[int]]) -> bytes:
    """Return a line for each kind of finding; ``kinds`` has the page of each finding."""
    lines = []
    for kind, pages in kinds.items():
        found = ranges(pages)
        shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found[:_RANGES])
        more = ", ..." if len(found) > _RANGES else ""
        lines.append(
            f"boltcli: {len(pages)} {kind}: page{'s' * (len(found) > 1 or found[0][0] != found[0][1])} {shown}{more}\n"
        )
    return "".join(lines).encode()


def ranges(pages: Iterable[int]) -> list[tuple[int, int]]:
    """Return runs of consecutive numbers as (first, last), ascending."""
    found: list[tuple[int, int]] = []
    for page in sorted(set(pages)):
        if found and found[-1][1] == page - 1:
            found[-1] = found[-1][0], page
        else:
            found.append((page, page))
    return found
