"""Keys and values in aligned columns, cut to the width of a terminal."""

from __future__ import annotations

from ..format.bucket import BucketRef
from ..text.large_values import slices
from ..text.values import LARGE, formatted
from ..text.visible import cut, room_of, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..apps.decode import Decoder
    from ..ops.read.select_items import Items

_LEAST = 20  # columns reserved for a value, however long its key
_LOOKED_AT = 4  # bytes of a value that are converted for each column
_GAP = "  "


class ItemColumns:
    """Lines of ``width`` columns. The column of keys is as wide as the widest so far, up to half of them.

    Keys are written whole. ``above`` names of a part's path are left out.
    """

    def __init__(self, width: int, key_form: str, form: str, above: int, decoder: Decoder | None = None) -> None:
        self._width = width
        self._forms = key_form, form
        self._above = above
        self._decoder = decoder
        self._keys = 0

    def lines(self, part: Items) -> bytes:
        """Return a line for each element of ``part``."""
        margin = "".join([_one_line(name) + _GAP for name in formatted(list(part.path[self._above :]), self._forms[0])])
        rows = list(self._rows(part))
        widths = [room_of(margin + key) for key, _ in rows]
        self._keys = max(self._keys, min(max(widths, default=0), self._width // 2))
        lines = []
        for (key, value), width in zip(rows, widths):
            start = margin + key + " " * max(self._keys - width, 0) + _GAP
            lines.append(start + cut(value, max(self._width - max(self._keys, width) - len(_GAP), _LEAST)))
        return "".join([f"{line.rstrip()}\n" for line in lines]).encode("utf-8", "surrogateescape")

    def _rows(self, part: Items) -> Iterable[tuple[str, str]]:
        key_form, form = self._forms
        if self._decoder is not None:
            from .decoded import readable, readable_bytes

            for key, value in zip(part.keys, part.values):
                if isinstance(value, BucketRef):
                    yield readable_bytes(key), "(bucket)"
                else:
                    yield (
                        readable(self._decoder.key(part.path, key)),
                        readable(self._decoder.value(part.path, key, value)),
                    )
            return
        keys = map(_one_line, formatted(part.keys, key_form))
        pairs = [value for value in part.values if not isinstance(value, BucketRef)]
        texts = iter(formatted(pairs, form) if sum(map(len, pairs)) <= LARGE else [next(slices(pairs[0], form))])
        for name, value in zip(keys, part.values):
            yield (
                name,
                "(bucket)" if isinstance(value, BucketRef) else _one_line(next(texts)[: self._width * _LOOKED_AT]),
            )


def _one_line(text: bytes) -> str:
    shown = visible(text.decode("utf-8", "surrogateescape"))
    return shown.replace("\n", "\\n").replace("\t", "\\t") if not shown.isprintable() else shown
