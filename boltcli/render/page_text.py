"""What ``page``, ``page-item`` and ``dump`` print of a raw page, byte for byte as bbolt."""

from __future__ import annotations

from ..errors import ArgumentError, UnreadablePage
from ..format.bucket import too_small
from ..format.constants import (
    BRANCH_PAGE,
    BUCKET_HEADER_SIZE,
    BUCKET_LEAF_FLAG,
    COUNT_IN_FIRST_ID,
    ELEMENT_SIZE,
    FREELIST_PAGE,
    LEAF_PAGE,
    META_PAGE,
    PAGE_HEADER_SIZE,
)
from ..format.meta import Meta
from ..format.page import BUCKET_HEADER, BranchElements, LeafElements, type_name
from ..storage.raw import RawPage
from ..text.values import LARGE, formatted, lines, quoted_keys
from .item_lines import value_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    Element = TypeVar("Element")

_MAX_COUNT = 0x7FFFFFFFFFFFFFFF
_MAX_DATA = 0x7FFFFFFF  # bytes from an element to the end of its data: the most that bbolt can address
_MAX_IDS = 1 << 61  # so many page ids wrap around the address space


def page_text(page: RawPage, form: str) -> Iterator[bytes]:
    """Yield the description of ``page``, in pieces; values are in the format ``form``.

    Raises UnreadablePage after what precedes damage, ArgumentError for an unknown format, once there is a value.
    """
    yield (
        f"Page ID:    {page.pgid}\nPage Type:  {type_name(page.flags)}\n"
        f"Total Size: {len(page.data)} bytes\nOverflow pages: {page.overflow}\n"
    ).encode()
    if page.flags == META_PAGE:
        yield _meta(Meta.at(page.data, page.pgid))
    elif page.flags == FREELIST_PAGE:
        yield from _freelist(page)
    elif page.flags in (LEAF_PAGE, BRANCH_PAGE):
        yield b"Item Count: %d\n\n" % page.count
        yield from _leaf(page, form) if page.flags == LEAF_PAGE else _branch(page)
        yield b"\n"


def item_text(page: RawPage, index: int, form: str, *, key: bool, value: bool) -> Iterator[bytes]:
    """Key and value of element ``index`` of a leaf page, a line each, as far as they are wanted."""
    must_be_item(page, index)
    leaf = LeafElements(page)
    if key:
        yield lines([leaf.key(index)], form)
    if value:
        yield from value_line(leaf.value(index), form)


def must_be_item(page: RawPage, index: int) -> None:
    """Raise :class:`~boltcli.errors.UnreadablePage` unless ``page`` is a leaf with an element ``index``."""
    problem = ""
    if index >= page.count:
        problem = f"item index less than {page.count}, but got {index}"
    elif page.flags != LEAF_PAGE:
        problem = f"page type of 'leaf', but got '{type_name(page.flags)}'"
    if problem:
        raise UnreadablePage(f"leafPageElement: expected {problem}", page=page.pgid)


def _meta(meta: Meta) -> bytes:
    return f"""\
Version:    {meta.version}
Page Size:  {meta.page_size} bytes
Flags:      {meta.flags:08x}
Root:       <pgid={meta.root}>
Freelist:   <pgid={meta.freelist}>
HWM:        <pgid={meta.hwm}>
Txn ID:     {meta.txid}
Checksum:   {meta.checksum:016x}

""".encode()


def _freelist(page: RawPage) -> Iterator[bytes]:
    count = page.count
    if count == COUNT_IN_FIRST_ID:
        count = int.from_bytes(page.data[PAGE_HEADER_SIZE : PAGE_HEADER_SIZE + 8], "little")
        if count > _MAX_COUNT:
            raise page.damaged(f"leading element count {count} overflows int")
    yield b"Item Count: %d\nOverflow: %d\n\n" % (count, page.overflow)
    if count >= _MAX_IDS:
        raise page.damaged("runtime error: unsafe.Slice: len out of range")
    yield "".join([f"{pgid}\n" for pgid in page.freelist_ids()]).encode() + b"\n"


def _branch(page: RawPage) -> Iterator[bytes]:
    fitting, damage = _fitting(page)
    branch = BranchElements(fitting)
    try:
        keys = branch.keys()
    except UnreadablePage:
        keys, first = _until_damage(branch.count, lambda index: _data(branch, "key", index, 0, branch.key_sizes[index]))
        damage = first or damage
    yield b"".join([b"%b: <pgid=%d>\n" % row for row in zip(quoted_keys(keys), branch.pgids)])
    if damage is not None:
        raise damage


def _leaf(page: RawPage, form: str) -> Iterator[bytes]:
    fitting, beyond = _fitting(page)
    leaf = LeafElements(fitting)
    for first, stop in leaf.batches(0, leaf.count):
        yield from _leaf_part(leaf, form, first, stop)
    if beyond is not None:
        raise beyond


def _leaf_part(leaf: LeafElements, form: str, first: int, stop: int) -> Iterator[bytes]:
    problem: UnreadablePage | ArgumentError | None = None
    is_bucket = [flag & BUCKET_LEAF_FLAG for flag in leaf.flags[first:stop]]
    try:
        if stop - first == leaf.count:
            keys, values = leaf.keys(), leaf.values()
        else:
            keys, values = [*map(leaf.key, range(first, stop))], [*map(leaf.value, range(first, stop))]
        if any(bucket and len(value) < BUCKET_HEADER_SIZE for bucket, value in zip(is_bucket, values)):
            raise too_small(leaf, first)
    except UnreadablePage:
        elements, problem = _until_damage(stop - first, lambda index: _element(leaf, first + index))
        keys, values = [key for key, _ in elements], [value for _, value in elements]
    if len(keys) == 1 and len(values[0]) > LARGE and not is_bucket[0]:  # large values stand alone
        yield quoted_keys(keys)[0] + b": "
        yield from value_line(values[0], form)
        return
    try:
        texts = iter(formatted([value for value, bucket in zip(values, is_bucket) if not bucket], form))
    except ArgumentError as error:  # after the buckets that precede the first pair
        problem = error
        keys = keys[: is_bucket.index(0)]
        texts = iter(())
    shown = [
        b"<pgid=%d,seq=%d>" % BUCKET_HEADER.unpack_from(value) if bucket else next(texts)
        for _, value, bucket in zip(keys, values, is_bucket)
    ]
    yield b"".join([b"%b: %b\n" % row for row in zip(quoted_keys(keys), shown)])
    if problem is not None:
        raise problem


def _fitting(page: RawPage) -> tuple[RawPage, UnreadablePage | None]:
    """Return the page with as many elements as its run has room for, and what is wrong if those are not all."""
    room = max(len(page.data) - PAGE_HEADER_SIZE, 0) // ELEMENT_SIZE
    if page.count <= room:
        return page, None
    fitting = RawPage(page.data)
    fitting.count = room
    return fitting, page.damaged(f"{page.count} elements do not fit: there is room for {room}")


def _until_damage(count: int, element: Callable[[int], Element]) -> tuple[list[Element], UnreadablePage | None]:
    """Return the elements before the first damaged one, and what is wrong with that."""
    sound: list[Element] = []
    try:
        for index in range(count):
            sound.append(element(index))
    except UnreadablePage as damage:
        return sound, damage
    return sound, None


def _element(leaf: LeafElements, index: int) -> tuple[bytes, bytes]:
    """Key and value of one element, or as much of a bucket's value as bbolt reads."""
    key_size, size = leaf.key_sizes[index], leaf.value_sizes[index]
    key = _data(leaf, "key", index, 0, key_size)
    if not leaf.flags[index] & BUCKET_LEAF_FLAG:
        return key, _data(leaf, "value", index, key_size, size)
    _addressable(leaf, index, key_size + size)
    if not size:
        raise leaf.page.damaged("runtime error: index out of range [0] with length 0")
    return key, _data(leaf, "value", index, key_size, BUCKET_HEADER_SIZE)


def _data(elements: LeafElements | BranchElements, what: str, index: int, skip: int, size: int) -> bytes:
    """Return ``size`` bytes of an element's data, after the first ``skip``."""
    _addressable(elements, index, skip + size)
    start = elements.start + ELEMENT_SIZE * index + elements.positions[index] + skip
    if start + size > elements.end:
        raise elements.page.damaged(f"{what} {index} ends {start + size - elements.end} bytes beyond its page")
    return elements.buffer[start : start + size]


def _addressable(elements: LeafElements | BranchElements, index: int, size: int) -> None:
    stop = elements.positions[index] + size
    if stop > _MAX_DATA:
        raise elements.page.damaged(f"runtime error: slice bounds out of range [::{stop}] with length {_MAX_DATA}")


_LINE = 16  # bytes


def hexdump(data: bytes, address: int) -> bytes:
    """Return a dump of ``data`` at ``address``, 16 bytes a line; a ``*`` is lines like the one before, but the last."""
    shown: list[str] = []
    before, word = b"", ""
    for offset in range(0, len(data), _LINE):
        line = data[offset : offset + _LINE]
        is_new = line != before or offset == len(data) - _LINE
        if is_new or word != "*":
            word = line.hex(" ", -2) if is_new else "*"
            shown.append(f"{address + offset:07x} {word}\n")
        before = line
    return "".join(shown).encode() + b"\n"
