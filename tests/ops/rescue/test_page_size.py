"""The page size of a file, by a valid meta page, or by the ids that pages bear."""

from __future__ import annotations

import pytest

from boltcli.ops.rescue.pages import find_page_size
from tests.support import freelist, meta, page


@pytest.mark.parametrize(
    ("page_size", "by_meta"),
    [(128, False), (256, True), (4096, True), (4100, False), (1 << 24, True), (1 << 25, False)],
)
def test_sizes_that_a_meta_page_may_have(page_size: int, by_meta: bool) -> None:
    content = meta(0, page_size=page_size)[:1024].ljust(2048, b"\0") + freelist(2, page_size=1024)
    assert find_page_size(content) == ((page_size, "meta") if by_meta else (1024, "ids"))


def test_the_ids_of_pages() -> None:
    content = bytes(8192) + freelist(2) + page(3, 2)
    assert find_page_size(content) == (4096, "ids")
    assert find_page_size(bytes(65536)) == (4096, "none")
    assert find_page_size(b"\xff" * 65536) == (4096, "none")
