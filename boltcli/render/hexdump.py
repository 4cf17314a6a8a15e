"""The hexadecimal dump that ``dump`` prints of a page."""

from __future__ import annotations

_LINE = 16  # bytes


def hexdump(data: bytes, address: int) -> bytes:
    """Return a dump of ``data``, which is at ``address`` of its file, with 16 bytes on each line.

    A line equal to the one before is left out, and a run of such lines shown by
    one ``*``; but never the last line.
    """
    shown: list[str] = []
    before = None
    skipping = False
    last = len(data) - _LINE
    for offset in range(0, len(data), _LINE):
        line = data[offset : offset + _LINE]
        if line != before or offset == last:
            shown.append(f"{address + offset:07x} {line.hex(' ', -2)}\n")
            skipping = False
        elif not skipping:
            shown.append(f"{address + offset:07x} *\n")
            skipping = True
        before = line
    return "".join(shown).encode() + b"\n"
