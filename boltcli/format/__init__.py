"""What the bytes of a bolt file mean. Pure functions over a buffer: no I/O.

All integers are little-endian: bolt writes its in-memory structures, so a file has the byte order of its writer, and
all machines in use are little-endian.

::

    page header  16 B   pgid u64 | flags u16 | count u16 | overflow u32
    meta         64 B   magic u32 | version u32 | pageSize u32 | flags u32
                        | root pgid u64 | root sequence u64 | freelist pgid u64
                        | high-water pgid u64 | txid u64 | checksum u64
    branch elem  16 B   pos u32 | ksize u32 | pgid u64
    leaf elem    16 B   flags u32 | pos u32 | ksize u32 | vsize u32
    bucket value 16 B   root pgid u64 | sequence u64   (+ an inline page if root is 0)
    freelist            count ids of u64; if count is 0xFFFF the first u64 is the count

``pos`` counts from the start of its own element. A page with overflow n is n+1 pages long. Source: bbolt's
``internal/common`` package.
"""
