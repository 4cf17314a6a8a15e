"""Numbers of the format (source: bbolt ``internal/common``)."""

MAGIC = 0xED0CDAED
MAGIC_SWAPPED = 0xEDDA0CED  # the magic in a file written on a big-endian machine
VERSION = 2

PAGE_HEADER_SIZE = 16
META_SIZE = 64
ELEMENT_SIZE = 16  # of branch and leaf elements alike
BUCKET_HEADER_SIZE = 16
INLINE_HEADERS_SIZE = BUCKET_HEADER_SIZE + PAGE_HEADER_SIZE  # in front of an inline bucket's elements

BRANCH_PAGE = 0x01
LEAF_PAGE = 0x02
META_PAGE = 0x04
FREELIST_PAGE = 0x10
PAGE_TYPES = {BRANCH_PAGE: "branch", LEAF_PAGE: "leaf", META_PAGE: "meta", FREELIST_PAGE: "freelist"}

BUCKET_LEAF_FLAG = 0x01  # a leaf element whose value is a bucket

MAX_KEY_SIZE = 32768  # bytes; bbolt refuses longer keys

NO_FREELIST = 0xFFFFFFFFFFFFFFFF  # meta.freelist of a database whose freelist isn't stored
COUNT_IN_FIRST_ID = 0xFFFF  # page.count of a freelist whose real count is its first u64

# Where bbolt looks for a second meta page if the first is unreadable: 1 KiB << i, i <= 14.
PAGE_SIZE_SEARCH = tuple(1024 << i for i in range(15))
