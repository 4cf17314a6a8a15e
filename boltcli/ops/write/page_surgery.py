"""Change pages of a copy, like bbolt's ``internal/surgeon`` and its ``surgery`` commands, with its messages.

Each function reads the unchanged file and returns patches: offsets, and the bytes to write there.
"""

from __future__ import annotations

import os

from ...errors import Corrupted, Step, UnreadablePage
from ...format.constants import (
    BRANCH_PAGE,
    ELEMENT_SIZE,
    FREELIST_PAGE,
    LEAF_PAGE,
    MAGIC,
    META_PAGE,
    META_SIZE,
    NO_FREELIST,
    PAGE_HEADER_SIZE,
    VERSION,
)
from ...format.meta import Meta
from ...format.page import BRANCH_ELEMENT, HEADER, LEAF_ELEMENT, BranchElements, LeafElements, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...storage.raw import RawFile, RawPage

    Patch = tuple[int, bytes]

_META_END = PAGE_HEADER_SIZE + META_SIZE
_U32 = 0xFFFFFFFF
_U64 = 0xFFFFFFFFFFFFFFFF


def newest_meta(file: RawFile) -> Meta:
    """Return the meta with the higher transaction id, valid or not; meta 1 on equal ones."""
    with Step("read Page size failed"):
        page_size, _ = file.page_size_and_hwm()
    meta0, meta1 = (meta_at(file, slot, page_size)[0] for slot in (0, 1))
    return meta0 if meta0.txid > meta1.txid else meta1


def meta_at(file: RawFile, slot: int, page_size: int) -> tuple[Meta, bytes]:
    """Return :meth:`~boltcli.storage.raw.RawFile.meta_at`, with bbolt's message for a failure."""
    with Step(f"read meta page {slot} failed"):
        return file.meta_at(slot, page_size)


def revert_meta(file: RawFile) -> list[Patch]:
    """Replace the newer meta page by the older one."""
    first, second = (Meta.at(file.page(slot).data, slot).txid for slot in (0, 1))
    return copy_page(file, 0, 1) if first < second else copy_page(file, 1, 0)


def copy_page(file: RawFile, source: int, target: int) -> list[Patch]:
    """Copy the page run ``source`` over page ``target``, with the id of the target."""
    page = file.page(source)
    return [_at_page(file, target, target.to_bytes(8, "little") + page.data[8:])]


def abandon_freelist(file: RawFile) -> list[Patch]:
    """Remove the freelist from both meta pages."""
    patches = []
    for slot in (0, 1):
        with Step(f"clearFreelist on meta page {slot} failed"):
            with Step(f"ReadPage {slot} failed"):
                page = file.page(slot)
            meta = Meta.at(page.data, slot)
            meta.freelist = NO_FREELIST
            patches.append(_at_page(file, slot, _with_meta(page.data, meta)))
    return patches


def rebuild_freelist(path: str, fd: int) -> tuple[list[Patch], int]:
    """Return the patches that store a freelist in the database ``fd``, and its new size in bytes. Raises Corrupted.

    They write what bbolt writes when it opens a database without a freelist: it finds the free pages by a full walk and
    commits an empty transaction (``db.go`` Open, ``tx.go`` Commit). ``path`` is its name in errors.
    """
    from ...storage.snapshot import Snapshot
    from ...storage.source import Source
    from ...tree.page_map import unreached_pages
    from ..check.database_check import is_sound
    from ..check.exact_check import check_trees
    from .pager import Space

    with Snapshot(path, Source(os.dup(fd), path, is_own_copy=True)) as snapshot:
        meta = snapshot.meta
        if meta.has_freelist:
            return [], snapshot.size
        finding = None if is_sound(snapshot) else next(check_trees(snapshot), None)
        if finding is not None:
            raise Corrupted(f"it is not known which pages are free: {finding.message}", page=finding.page)
        page_size = snapshot.page_size
        space = Space(page_size, meta.hwm, snapshot.size)
        for free in unreached_pages(snapshot):
            space.release(free, 1)
    space.begin()
    pgid, pages, freelist = space.end()
    new = Meta(meta.packed(), meta.page)
    new.freelist, new.hwm, new.txid = pgid, space.hwm, (meta.txid + 1) % (1 << 64)
    slot = new.txid % 2
    head = HEADER.pack(slot, META_PAGE, 0, 0) + new.packed()
    patches = [
        (pgid * page_size, freelist.ljust(pages * page_size, b"\0")),
        (slot * page_size, head.ljust(page_size, b"\0")),
    ]
    return patches, space.size


def nonsense(file: RawFile, meta: Meta, *, only_beyond: bool = False) -> str | None:
    """Return what is impossible in a meta with a valid checksum; ``only_beyond``: pages beyond the mark or the file."""
    page_size = meta.page_size
    if not 256 <= page_size <= 1 << 24 or page_size & (page_size - 1):
        return None if only_beyond else f"a page size of {page_size}"
    pages = [("root", meta.root, (LEAF_PAGE, BRANCH_PAGE)), ("freelist", meta.freelist, (FREELIST_PAGE, FREELIST_PAGE))]
    for name, pgid, kinds in pages if meta.has_freelist else pages[:1]:
        if pgid >= meta.hwm or (pgid < 2 and not only_beyond):
            return f"a {name} page {pgid}, with a high-water mark of {meta.hwm}"
        if (pgid + 1) * page_size > file.size:
            return f"a {name} page {pgid}, which is beyond the end of the file"
        if only_beyond:
            continue
        named, flags, _, _ = HEADER.unpack(file.exactly(HEADER.size, pgid * page_size))
        if named != pgid or flags not in kinds:
            return f"a {name} page {pgid}, which is not such a page"
    return None


def update_meta(file: RawFile, slot: int, fields: dict[str, int]) -> tuple[list[Patch], str]:
    """Set ``fields`` (pageSize, root, freelist, pgid) of meta page ``slot``, make it valid; return a warning, too."""
    page_size = 0
    if slot == 1:
        with Step("read the first meta page failed"):
            page_size = file.meta_at(0, 0)[0].page_size
    meta, data = meta_at(file, slot, page_size)
    meta.page_size = fields.get("pageSize", meta.page_size) & _U32
    if "root" in fields:
        meta.root, meta.sequence = fields["root"], 0
    meta.freelist = fields.get("freelist", meta.freelist)
    meta.hwm = fields.get("pgid", meta.hwm)
    meta.magic, meta.version, meta.flags = MAGIC, VERSION, META_PAGE
    changed = _with_meta(data, meta)
    warning = ""
    if slot == 1 and page_size != meta.page_size:
        warning = (
            f"WARNING: The page size ({page_size}) in the first meta page "
            f"doesn't match the second meta page ({meta.page_size})\n"
        )
    # Setting a field to its present value counts as a change.
    return [(slot * page_size & _U32, changed)] if fields or changed != data else [], warning


def clear_elements(file: RawFile, pgid: int, start: int = 0, end: int = -1) -> tuple[list[Patch], bool]:
    """Remove the elements from ``start`` to before ``end`` (-1: all that follow) from a branch or leaf page.

    Also returns whether pages may have become unreachable: children of a branch, or overflow pages.
    """
    with Step("ReadPage failed"):
        page = file.page(pgid)
    count = page.count
    if page.flags not in (BRANCH_PAGE, LEAF_PAGE):
        raise UnreadablePage(f'can\'t clear elements in "{type_name(page.flags)}" page', page=pgid)
    if count == 0:
        return [], False
    if not 0 <= start < count:
        raise UnreadablePage(f"the start index ({start}) is out of range [0, {count})", page=pgid)
    if not -1 <= end <= count:
        raise UnreadablePage(f"the end index ({end}) is out of range [0, {count}]", page=pgid)
    if start > end != -1:
        raise UnreadablePage(f"the start index ({start}) is bigger than the end index ({end})", page=pgid)
    if start == end:
        raise UnreadablePage(f"invalid: the start index ({start}) is equal to the end index ({end})", page=pgid)
    data = bytearray(page.data)
    used, kept = _without(data, page, start, count if end == -1 else end)
    page_size, _ = file.page_size_and_hwm()
    pages = -(-used // page_size)
    if pages * page_size > len(data):
        raise UnreadablePage(f"the elements that remain need {used} bytes, the page has {len(data)}", page=pgid)
    HEADER.pack_into(data, 0, page.pgid, page.flags, kept, pages - 1)
    lost = page.overflow != pages - 1 or page.flags == BRANCH_PAGE
    return [_at_page(file, pgid, bytes(data[: pages * page_size]))], lost


def _without(data: bytearray, page: RawPage, start: int, end: int) -> tuple[int, int]:
    """Remove elements from ``data``, the page's bytes; return the bytes in use and the number of elements left."""
    elements: LeafElements | BranchElements = LeafElements(page) if page.flags == LEAF_PAGE else BranchElements(page)
    key_sizes = elements.key_sizes
    value_sizes = elements.value_sizes if isinstance(elements, LeafElements) else [0] * page.count
    if 0 in key_sizes:
        raise page.damaged("assertion failed: read: zero-length inode key")
    kept = [*range(start), *range(end, page.count)]
    place = PAGE_HEADER_SIZE + ELEMENT_SIZE * len(kept)
    used = place + sum(key_sizes[index] + value_sizes[index] for index in kept)
    if end == page.count:
        return used & _U32, len(kept)
    starts = elements.key_starts()
    # They are moved in place one after the other, so that the unused rest of the page equals bbolt's.
    for number, index in enumerate(kept):
        key_size, value_size = key_sizes[index], value_sizes[index]
        at = PAGE_HEADER_SIZE + ELEMENT_SIZE * number
        source = starts[index]
        if max(source, place) + key_size + value_size > len(data):
            raise page.damaged(f"element {index} ends beyond its page")
        if isinstance(elements, LeafElements):
            LEAF_ELEMENT.pack_into(data, at, elements.flags[index], place - at, key_size, value_size)
        else:
            if elements.pgids[index] == page.pgid:
                raise page.damaged("assertion failed: write: circular dependency occurred")
            BRANCH_ELEMENT.pack_into(data, at, place - at, key_size, elements.pgids[index])
        for size in (key_size, value_size):
            data[place : place + size] = data[source : source + size]
            place += size
            source += size
    return used, len(kept)


def _with_meta(data: bytes, meta: Meta) -> bytes:
    if len(data) < _META_END:
        raise UnreadablePage(f"a page of {len(data)} bytes has no room for a meta", page=meta.page)
    return data[:PAGE_HEADER_SIZE] + meta.packed() + data[_META_END:]


def _at_page(file: RawFile, pgid: int, data: bytes) -> Patch:
    return pgid * file.page_size_and_hwm()[0] & _U64, data
