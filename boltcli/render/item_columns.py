"""Keys and values in aligned columns, cut to the width of a terminal."""

from collections.abc import Iterator, Sequence

from ..apps.decode import Decoder
from ..format.bucket import BucketRef
from ..ops.read.select_items import Items
from ..text.large_values import slices
from ..text.values import LARGE, formatted
from ..text.visible import cut, field_text, room_of
from .decoded import readable_fields

_LEAST = 20  # columns reserved for a value, however long its key
_LOOKED_AT = 4  # bytes of a value that are converted for each column
_GAP = "  "


class ItemColumns:
    """Lines of ``width`` columns, without ``above`` names of a path. Keys, never cut, are aligned up to half of it."""

    def __init__(self, width: int, key_form: str, form: str, above: int, decoder: Decoder | None = None) -> None:
        self._width = width
        self._key_form = key_form
        self._form = form
        self._above = above
        self._decoder = decoder
        self._keys = 0

    def lines(self, part: Items) -> bytes:
        """Return a line for each element of ``part``."""
        margin = "".join(f"{_text(name)}{_GAP}" for name in formatted([*part.path[self._above :]], self._key_form))
        rows = [(margin + key, *value) for key, *value in self._rows(part)]
        self._keys = max(self._keys, min(max([room_of(row[0]) for row in rows], default=0), self._width // 2))
        lines = []
        for key, *value in rows:
            start = key + " " * max(self._keys - room_of(key), 0) + _GAP
            text = value[0] if value else "(bucket)"
            lines.append(start + cut(text, max(self._width - max(self._keys, room_of(key)) - len(_GAP), _LEAST)))
        return "".join([f"{line.rstrip()}\n" for line in lines]).encode("utf-8", "surrogateescape")

    def _rows(self, part: Items) -> Iterator[Sequence[str]]:
        """Yield key and value of each element; of a bucket only the key."""
        if self._decoder is not None:
            yield from readable_fields(part, self._decoder)
            return
        pairs = [value for value in part.values if not isinstance(value, BucketRef)]
        if sum(map(len, pairs)) > LARGE:
            texts = iter([next(slices(pairs[0], self._form)).encode("utf-8", "surrogateescape")])
        else:
            texts = iter(formatted(pairs, self._form))
        for name, value in zip(formatted(part.keys, self._key_form), part.values):
            shown = [] if isinstance(value, BucketRef) else [_text(next(texts)[: self._width * _LOOKED_AT])]
            yield _text(name), *shown


def _text(text: bytes) -> str:
    return field_text(text.decode("utf-8", "surrogateescape"))
